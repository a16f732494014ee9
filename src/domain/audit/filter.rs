//! Which events a list of the audit trail holds.

use super::{AuditType, MAX_ID_CHARS, Outcome};
use crate::domain::Timestamp;
use crate::domain::interval::Interval;
use crate::domain::listing::filter;
use crate::domain::listing::filter::{InvalidFilter, Operator, Term};

/// What events in a list have in common: all of it holds.
#[derive(Clone)]
pub struct AuditFilter {
    /// When they happened.
    pub time: Interval<Timestamp>,
    /// What may have happened.
    pub types: Vec<AuditType>,
    /// How it may have ended.
    pub outcomes: Vec<Outcome>,
    /// Who did it; of two different ones, nobody.
    pub actors: Vec<String>,
    /// Whom or what it concerns; of two different ones, nothing.
    pub subjects: Vec<String>,
}

impl Default for AuditFilter {
    /// Everything.
    fn default() -> Self {
        Self {
            time: Interval::default(),
            types: AuditType::ALL.to_vec(),
            outcomes: Outcome::ALL.to_vec(),
            actors: Vec::new(),
            subjects: Vec::new(),
        }
    }
}

impl AuditFilter {
    /// Reads a filter (see [`filter`]) of these comparisons:
    ///
    /// - `time` with `=`, `<`, `<=`, `>` or `>=` and a time (RFC 3339) of at most microseconds;
    /// - `type` with `=` or `!=` and a type or, with a `*` at its end, the beginning of some, such as `authn_login_*`;
    /// - `outcome` with `=` or `!=` and one of `SUCCESS`, `FAILURE`, `DENIED`;
    /// - `actor` and `subject` with `=` and an id, or empty quotes for none.
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        filter::parse(text)?.iter().try_fold(Self::default(), Self::and)
    }

    fn and(mut self, term: &Term) -> Result<Self, InvalidFilter> {
        match term.field.part.as_str() {
            "time" => self.time = self.time.and(term.times()?),
            "type" => self.restrict_types(term)?,
            "outcome" => self.restrict_outcomes(term)?,
            "actor" => self.actors.push(id(term)?),
            "subject" => self.subjects.push(id(term)?),
            _ => return Err(term.field.refuse("must name time, type, actor, subject or outcome")),
        }
        Ok(self)
    }

    fn restrict_types(&mut self, term: &Term) -> Result<(), InvalidFilter> {
        let value = &term.value.part;
        let is_meant = |kind: &AuditType| {
            if value.is_prefix { kind.as_str().starts_with(&value.text) } else { kind.as_str() == value.text }
        };
        if !AuditType::ALL.iter().any(is_meant) {
            return Err(term.value.refuse("must name a type of events such as authn_login_fail"));
        }
        let wanted = is_wanted(term)?;
        self.types.retain(|kind| is_meant(kind) == wanted);
        Ok(())
    }

    fn restrict_outcomes(&mut self, term: &Term) -> Result<(), InvalidFilter> {
        let named = match term.whole()? {
            "SUCCESS" => Outcome::Success,
            "FAILURE" => Outcome::Failure,
            "DENIED" => Outcome::Denied,
            _ => return Err(term.value.refuse("must name one of SUCCESS, FAILURE and DENIED")),
        };
        let wanted = is_wanted(term)?;
        self.outcomes.retain(|outcome| (*outcome == named) == wanted);
        Ok(())
    }
}

/// Whether what is named is to stay, or to go.
fn is_wanted(term: &Term) -> Result<bool, InvalidFilter> {
    match term.operator.part {
        Operator::Equal => Ok(true),
        Operator::NotEqual => Ok(false),
        _ => Err(term.operator.refuse("must compare this field with = or !=")),
    }
}

fn id(term: &Term) -> Result<String, InvalidFilter> {
    term.require_equality(false)?;
    let text = term.whole()?;
    if text.chars().nth(MAX_ID_CHARS).is_some() {
        return Err(term.value.refuse(format!("must have an id of at most {MAX_ID_CHARS} characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn read(text: &str) -> AuditFilter {
        AuditFilter::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"))
    }

    #[test]
    fn types_are_named_by_their_words_or_beginnings() {
        let count = AuditType::ALL.len();
        assert_eq!(read("").types.len(), count);
        assert_eq!(read("type = user_purged").types, [AuditType::UserPurged]);
        assert_eq!(read("type != user_purged").types.len(), count - 1);
        let sign_ins = read("type = authn_login_* type != authn_login_fail").types;
        assert_eq!(
            sign_ins,
            [
                AuditType::LoginSucceeded,
                AuditType::LoginSucceededAfterFailures,
                AuditType::LoginThrottled,
                AuditType::LoginLocked
            ]
        );
        assert_eq!(read("type = user_purged type = user_created").types, []);
    }

    #[test]
    fn everything_else_is_narrowed_down() {
        let filter = read("outcome != SUCCESS actor = '' subject = system time >= 2026-03-01T00:00:00Z");
        assert_eq!(filter.outcomes, [Outcome::Failure, Outcome::Denied]);
        assert_eq!((filter.actors, filter.subjects), (vec![String::new()], vec!["system".to_owned()]));
        assert!(filter.time.contains(&datetime!(2026-03-01 00:00 UTC)));
        assert!(!filter.time.contains(&datetime!(2026-02-28 23:59:59.999_999 UTC)));
        assert_eq!(read("outcome = DENIED").outcomes, [Outcome::Denied]);
    }

    #[test]
    fn what_cannot_be_compared_is_refused_at_its_place() {
        let long = format!("actor = {}", ["a"; 65].concat());
        for (text, position) in [
            ("reason = x", 1),
            ("type = login", 8),
            ("type = AUTHN*", 8),
            ("type > user_created", 6),
            ("outcome = success", 11),
            ("outcome = S*", 11),
            ("outcome:SUCCESS", 8),
            ("actor != a", 7),
            ("actor = a*", 9),
            (&long, 9),
            ("time = yesterday", 8),
        ] {
            match AuditFilter::parse(text) {
                Ok(_) => panic!("{text:?} was read"),
                Err(why) => assert_eq!(why.position, position, "{text:?}: {why}"),
            }
        }
    }
}
