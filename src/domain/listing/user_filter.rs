//! Which people a list holds.

use std::fmt::Display;

use super::filter::{self, InvalidFilter, Located, Operator, Term, Value};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::UserState;
use crate::domain::account::username::Username;
use crate::domain::id::RoleId;
use crate::domain::interval::Interval;
use crate::domain::name::Name;

/// The states by the words of the contract.
const STATES: [(&str, UserState); 4] = [
    ("PENDING", UserState::Pending),
    ("ACTIVE", UserState::Active),
    ("SUSPENDED", UserState::Suspended),
    ("DELETED", UserState::Deleted),
];

/// A role, as a filter names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleKey {
    /// By its id.
    Id(RoleId),
    /// By its name.
    Name(Name),
}

/// What people in a list have in common: all of it holds. It holds personal data, so it is not printed.
#[derive(Clone)]
pub struct UserFilter {
    /// The states they may be in.
    pub states: Vec<UserState>,
    /// Where their addresses lie, in canonical form.
    pub email: Interval<String>,
    /// Where their usernames lie; any interval but the whole excludes people without one.
    pub username: Interval<String>,
    /// When their accounts were made.
    pub create_time: Interval<Timestamp>,
    /// The roles that they have, each of them.
    pub roles: Vec<RoleKey>,
}

impl Default for UserFilter {
    /// Everybody.
    fn default() -> Self {
        Self {
            states: STATES.map(|(_, state)| state).to_vec(),
            email: Interval::default(),
            username: Interval::default(),
            create_time: Interval::default(),
            roles: Vec::new(),
        }
    }
}

impl UserFilter {
    /// Reads a filter (see [`filter`]) of these comparisons:
    ///
    /// - `state` with `=` or `!=` and one of `PENDING`, `ACTIVE`, `SUSPENDED`, `DELETED`;
    /// - `email` and `username` with `=` and the whole or, with a `*` at its end, a beginning, in any case;
    /// - `create_time` with `=`, `<`, `<=`, `>` or `>=` and a time (RFC 3339) of at most microseconds;
    /// - `role` with `=` or `:` and the id or name of a role.
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        filter::parse(text)?.iter().try_fold(Self::default(), Self::and)
    }

    /// Leaves deleted people out.
    #[must_use]
    pub fn without_deleted(mut self) -> Self {
        self.states.retain(|state| *state != UserState::Deleted);
        self
    }

    fn and(mut self, term: &Term) -> Result<Self, InvalidFilter> {
        match term.field.part.as_str() {
            "state" => self.restrict_states(term)?,
            "email" => self.email = self.email.and(email(term)?),
            "username" => self.username = self.username.and(username(term)?),
            "create_time" => self.create_time = self.create_time.and(term.times()?),
            "role" => self.roles.push(role(term)?),
            _ => return Err(term.field.refuse("must name state, email, username, create_time or role")),
        }
        Ok(self)
    }

    fn restrict_states(&mut self, term: &Term) -> Result<(), InvalidFilter> {
        let wanted = term.whole()?;
        let (_, named) = STATES
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .ok_or_else(|| term.value.refuse("must name one of PENDING, ACTIVE, SUSPENDED and DELETED"))?;
        match term.operator.part {
            Operator::Equal => self.states.retain(|state| *state == named),
            Operator::NotEqual => self.states.retain(|state| *state != named),
            _ => return Err(term.operator.refuse("must compare state with = or !=")),
        }
        Ok(())
    }
}

fn email(term: &Term) -> Result<Interval<String>, InvalidFilter> {
    term.require_equality(false)?;
    text(&term.value, EmailAddress::canonical_prefix, |text| Ok(EmailAddress::parse(text)?.canonical().to_owned()))
}

fn username(term: &Term) -> Result<Interval<String>, InvalidFilter> {
    term.require_equality(false)?;
    text(&term.value, Username::canonical_prefix, |text| Ok(Username::parse(text)?.as_str().to_owned()))
}

/// The texts that a value means, given the canonical forms of a beginning and of a whole.
fn text<E: Display>(
    value: &Located<Value>,
    of_prefix: impl Fn(&str) -> Result<String, E>,
    of_whole: impl Fn(&str) -> Result<String, E>,
) -> Result<Interval<String>, InvalidFilter> {
    let text = &value.part.text;
    let meant = if value.part.is_prefix {
        of_prefix(text).map(|prefix| Interval::of_prefix(&prefix))
    } else {
        of_whole(text).map(Interval::point)
    };
    meant.map_err(|why| value.refuse(format!("has a value that {why}")))
}

/// Names begin with a letter, and ids, whose first bits are a time, with a digit for millennia to come.
fn role(term: &Term) -> Result<RoleKey, InvalidFilter> {
    term.require_equality(true)?;
    let text = term.whole()?;
    let by_name = Name::parse(text).map(RoleKey::Name);
    by_name
        .or_else(|_| RoleId::parse(text).map(RoleKey::Id))
        .map_err(|_| term.value.refuse("must have the id or the name of a role"))
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn read(text: &str) -> UserFilter {
        UserFilter::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"))
    }

    #[test]
    fn an_empty_filter_means_everybody() {
        let all = [UserState::Pending, UserState::Active, UserState::Suspended, UserState::Deleted];
        assert_eq!(read("").states, all);
        assert_eq!(read("").without_deleted().states, all[..3]);
    }

    #[test]
    fn states_are_named_or_excluded() {
        for (text, states) in [
            ("state = ACTIVE", vec![UserState::Active]),
            ("state != ACTIVE state != 'DELETED'", vec![UserState::Pending, UserState::Suspended]),
            ("state = ACTIVE AND state = PENDING", vec![]),
        ] {
            assert_eq!(read(text).states, states, "{text}");
        }
    }

    #[test]
    fn names_are_compared_in_their_canonical_form() {
        let email = read("email = \"Post@BÜCHER.example\"").email;
        assert!(email == Interval::point("post@xn--bcher-kva.example".to_owned()));
        assert!(read("email = Ali*").email == Interval::of_prefix("ali"));
        assert!(read("username = Ali*").username == Interval::of_prefix("ali"));
        assert!(read("username = Ali.Ce").username == Interval::point("ali.ce".to_owned()));
        assert!(read("email = 'a*' email = 'ab*'").email == Interval::of_prefix("ab"));
        assert!(read(r"email = 'a\*b*'").email == Interval::of_prefix("a*b"));
        assert!(read("username = *").username == Interval::of_prefix(""));
    }

    #[test]
    fn times_make_an_interval() {
        let [a, b] = [datetime!(2026-03-01 11:00 UTC), datetime!(2026-03-02 00:00:00.000_001 UTC)];
        let (from, to) = ("2026-03-01T12:00:00+01:00", "2026-03-02T00:00:00.000001000Z");
        for (text, expected) in [
            (format!("create_time > {from}"), (Bound::Excluded(a), Bound::Unbounded)),
            (format!("create_time >= '{from}' create_time < {to}"), (Bound::Included(a), Bound::Excluded(b))),
            (format!("create_time <= {to}"), (Bound::Unbounded, Bound::Included(b))),
            (format!("create_time = {to}"), (Bound::Included(b), Bound::Included(b))),
        ] {
            let Interval { from, to } = read(&text).create_time;
            assert_eq!((from, to), expected, "{text}");
        }
    }

    #[test]
    fn roles_are_named_by_id_or_name() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let roles = read(&format!("role = support role:{id}")).roles;
        let name = Name::parse("support").unwrap();
        assert_eq!(roles, [RoleKey::Name(name), RoleKey::Id(RoleId::parse(id).unwrap())]);
    }

    #[test]
    fn what_cannot_be_compared_is_refused_at_its_place() {
        for (text, position) in [
            ("name = x", 1),
            ("State = ACTIVE", 1),
            ("state = active", 9),
            ("state = UNSPECIFIED", 9),
            ("state = ACT*", 9),
            ("state > ACTIVE", 7),
            ("state:ACTIVE", 6),
            ("email != a@example.com", 7),
            ("email:a*", 6),
            ("email = alice", 9),
            ("email = ''", 9),
            ("email = 'ä*'", 9),
            ("email = 'a@büch*'", 9),
            ("username = al", 12),
            ("username = 'a@*'", 12),
            ("username < b", 10),
            ("create_time > yesterday", 15),
            ("create_time > 2026-03-01", 15),
            ("create_time > 2026-03-01T00:00:00", 15),
            ("create_time > 2026-03-01T00:00:00.0000001Z", 15),
            ("create_time < 9999-12-31T23:59:59-23:59", 15),
            ("create_time = 2026*", 15),
            ("create_time != 2026-03-01T00:00:00Z", 13),
            ("role = Support", 8),
            ("role = sup*", 8),
            ("role != support", 6),
        ] {
            match UserFilter::parse(text) {
                Ok(_) => panic!("{text:?} was read"),
                Err(why) => assert_eq!(why.position, position, "{text:?}: {why}"),
            }
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_text() {
        let why = UserFilter::parse("email = canary").err().map(|why| why.to_string());
        assert_eq!(
            why.as_deref(),
            Some("has a value that must be an address such as name@example.com, with one @, at character 9")
        );
    }

    fn term() -> impl Strategy<Value = String> {
        let fields = prop::sample::select(&["state", "email", "username", "create_time", "role", "x"][..]);
        let operators = prop::sample::select(&["=", "!=", "<", "<=", ">", ">=", ":"][..]);
        let values = prop_oneof![
            prop::sample::select(
                &["ACTIVE", "ali*", "*", "2026-03-01T00:00:00Z", "'a@ü.de'", "9999-12-31T23:59:59Z"][..]
            )
            .prop_map(str::to_owned),
            "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])",
            "\"\\PC{0,8}\"",
        ];
        (fields, operators, values).prop_map(|(field, operator, value)| format!("{field} {operator} {value}"))
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_at_one_of_its_characters(text in prop_oneof![
            prop::collection::vec(term(), 0..4).prop_map(|terms| terms.join(" ")),
            "\\PC{0,60}",
        ]) {
            if let Err(why) = UserFilter::parse(&text) {
                prop_assert!((1..=text.chars().count() + 1).contains(&why.position), "{}", why);
            }
        }
    }
}
