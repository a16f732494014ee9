use std::collections::{BTreeMap, BTreeSet};

use ipse::application::ports::Entropy;
use ipse::domain::access::role::{ADMINISTRATOR, RoleGrant};
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::{User, UserState};
use ipse::domain::account::username::Username;
use ipse::domain::id::UserId;
use time::format_description::well_known::Rfc3339;

use super::{Fixture, ORDERS, filter, found, put, sorted, walk};
use crate::contract::samples::{TICK, at, user};
use crate::support::entropy::SeededEntropy;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    random_filters_find_whom_a_model_finds
    states_are_named_or_excluded
    addresses_are_found_in_their_canonical_form
    nothing_in_a_beginning_is_a_pattern
    usernames_are_found_by_their_beginning
    times_are_exact_to_the_microsecond
    roles_are_found_by_id_and_name
}

const STATES: [(&str, UserState); 4] = [
    ("PENDING", UserState::Pending),
    ("ACTIVE", UserState::Active),
    ("SUSPENDED", UserState::Suspended),
    ("DELETED", UserState::Deleted),
];

fn with_email(number: u32, email: &str) -> User {
    User { email: EmailAddress::parse(email).unwrap(), ..user(number) }
}

async fn states_are_named_or_excluded(fixture: Fixture) {
    for (number, (word, state)) in (0..).zip(STATES) {
        let email = EmailAddress::parse(&format!("{word}@example.com")).unwrap();
        put(&fixture, &User { state, email, create_time: at(number), ..user(u32::try_from(number).unwrap()) }).await;
    }
    for (text, words) in [
        ("", vec!["PENDING", "ACTIVE", "SUSPENDED", "DELETED"]),
        ("state = SUSPENDED", vec!["SUSPENDED"]),
        ("state != ACTIVE state != DELETED", vec!["PENDING", "SUSPENDED"]),
        ("state = ACTIVE state = PENDING", vec![]),
    ] {
        let expected: Vec<String> = words.into_iter().map(|word| format!("{word}@example.com")).collect();
        assert_eq!(found(&fixture, text).await, expected, "{text}");
    }
}

async fn addresses_are_found_in_their_canonical_form(fixture: Fixture) {
    let addresses = ["Ann@example.com", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.test", "anna@example.com"];
    for (number, address) in (0..).zip(addresses) {
        put(&fixture, &with_email(number, address)).await;
    }
    for (text, expected) in [
        ("email = ANN@example.COM", &addresses[..1]),
        ("email = ann*", &addresses[..]),
        ("email = 'Ann@*'", &addresses[..3]),
        ("email = 'ann@BÜCHER.*'", &addresses[1..3]),
        ("email = 'ann@xn--bch*'", &addresses[1..3]),
        ("email = 'ann@xn--bcher-kva.example'", &addresses[1..2]),
        ("email = 'ann@b*'", &[]),
        ("email = '*'", &addresses[..]),
    ] {
        assert_eq!(found(&fixture, text).await, expected, "{text}");
    }
}

async fn nothing_in_a_beginning_is_a_pattern(fixture: Fixture) {
    let addresses = ["a%c@example.com", "a_c@example.com", "a*c@example.com", "abc@example.com", "a'c@example.com"];
    for (number, address) in (0..).zip(addresses) {
        put(&fixture, &with_email(number, address)).await;
    }
    for (text, expected) in [
        ("email = 'a%*'", &addresses[..1]),
        ("email = 'a_*'", &addresses[1..2]),
        (r"email = 'a\**'", &addresses[2..3]),
        ("email = \"a'*\"", &addresses[4..]),
        (r"email = 'a\*c@example.com'", &addresses[2..3]),
    ] {
        assert_eq!(found(&fixture, text).await, expected, "{text}");
    }
}

async fn usernames_are_found_by_their_beginning(fixture: Fixture) {
    for (number, name) in (0..).zip([None, Some("ann"), Some("ann.lee"), Some("an_n"), Some("bob")]) {
        let username = name.map(|name| Username::parse(name).unwrap());
        put(&fixture, &User { username, ..with_email(number, &format!("{}@a.test", name.unwrap_or("none"))) }).await;
    }
    for (text, names) in [
        ("username = Ann", vec!["ann"]),
        ("username = ann*", vec!["ann", "ann.lee"]),
        ("username = 'ann.*'", vec!["ann.lee"]),
        ("username = 'an_*'", vec!["an_n"]),
        ("username = *", vec!["ann", "ann.lee", "an_n", "bob"]),
        ("username = 'zed'", vec![]),
    ] {
        let expected: Vec<String> = names.into_iter().map(|name| format!("{name}@a.test")).collect();
        assert_eq!(found(&fixture, text).await, expected, "{text}");
    }
}

async fn times_are_exact_to_the_microsecond(fixture: Fixture) {
    for (number, name) in (0..).zip(["a", "b", "c"]) {
        let create_time = at(0) + TICK * i32::try_from(number).unwrap();
        put(&fixture, &User { create_time, ..with_email(number, &format!("{name}@a.test")) }).await;
    }
    let middle = (at(0) + TICK).format(&Rfc3339).unwrap();
    for (operator, names) in
        [("=", vec!["b"]), ("<", vec!["a"]), ("<=", vec!["a", "b"]), (">", vec!["c"]), (">=", vec!["b", "c"])]
    {
        let expected: Vec<String> = names.into_iter().map(|name| format!("{name}@a.test")).collect();
        assert_eq!(found(&fixture, &format!("create_time {operator} {middle}")).await, expected, "{operator}");
    }
    assert_eq!(
        found(&fixture, "create_time >= 0000-01-01T00:00:00Z create_time < 9999-12-31T23:59:59Z").await.len(),
        3
    );
}

/// Gives roles to people.
async fn grant(fixture: &Fixture, role: &str, users: &[&User]) {
    let tx = fixture.write().await;
    let roles = tx.roles().list_roles(None, 100).await.unwrap();
    let role_id = roles.iter().find(|known| known.name.as_str() == role).unwrap().id;
    for user in users {
        let grant = RoleGrant { role_id, subject: user.id.into(), create_time: at(0) };
        assert!(tx.roles().put_grant(&grant).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn roles_are_found_by_id_and_name(fixture: Fixture) {
    let [none, one, both] = [0, 1, 2].map(user);
    fixture.put_users(&[none, one.clone(), both.clone()]).await;
    grant(&fixture, "administrator", &[&both]).await;
    grant(&fixture, "support", &[&one, &both]).await;
    let (one, both) = (one.email.written().to_owned(), both.email.written().to_owned());
    for (text, expected) in [
        ("role = support".to_owned(), vec![&one, &both]),
        ("role:support AND role = administrator".to_owned(), vec![&both]),
        (format!("role = {ADMINISTRATOR}"), vec![&both]),
        ("role = auditor".to_owned(), vec![]),
        ("role = unheard-of".to_owned(), vec![]),
        ("role = support role = unheard-of".to_owned(), vec![]),
        ("role = 01890a5d-ac96-774b-bcce-b302099a8057".to_owned(), vec![]),
    ] {
        assert_eq!(found(&fixture, &text).await.iter().collect::<Vec<_>>(), expected, "{text}");
    }
}

/// Draws that are the same in every run.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, sides: usize) -> usize {
        usize::from_be_bytes(<dyn Entropy>::bytes(&self.0).unwrap()) % sides
    }

    fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The first characters of a text, perhaps none or all.
    fn beginning(&self, of: &str) -> String {
        of.chars().take(self.below(of.chars().count() + 1)).collect()
    }
}

/// People with their roles, and what random filters say of them.
struct Model {
    dice: Dice,
    users: Vec<User>,
    roles: BTreeMap<&'static str, BTreeSet<UserId>>,
}

type Condition<'a> = (String, Box<dyn Fn(&User) -> bool + 'a>);

impl Model {
    fn random() -> Self {
        let dice = Dice(SeededEntropy::new(4));
        let users: Vec<User> = (0..120).map(|number| random_user(&dice, number)).collect();
        let holders = |_| users.iter().filter(|_| dice.below(3) == 0).map(|user| user.id).collect();
        let roles = ["support", "auditor"].into_iter().map(|role| (role, holders(role))).collect();
        Self { dice, users, roles }
    }

    /// A comparison as a text, and whom it means.
    fn condition(&self) -> Condition<'_> {
        let somebody = self.dice.one(&self.users);
        match self.dice.below(6) {
            0 => {
                let (word, state) = *self.dice.one(&STATES);
                match self.dice.below(2) {
                    0 => (format!("state = {word}"), Box::new(move |user| user.state == state)),
                    _ => (format!("state != {word}"), Box::new(move |user| user.state != state)),
                }
            }
            1 => {
                let beginning = self.dice.beginning(somebody.email.canonical());
                let written = beginning.replace('*', r"\*").to_uppercase();
                let is_meant = move |user: &User| user.email.canonical().starts_with(&beginning);
                (format!("email = \"{written}*\""), Box::new(is_meant))
            }
            2 => {
                let email = &somebody.email;
                let written = email.written().replace('*', r"\*");
                (format!("email = \"{written}\""), Box::new(move |user| user.email.canonical() == email.canonical()))
            }
            3 => {
                let beginning = self.dice.beginning(somebody.username.as_ref().map_or("", Username::as_str));
                let text = format!("username = '{beginning}*'");
                let is_meant =
                    move |user: &User| user.username.as_ref().is_some_and(|name| name.as_str().starts_with(&beginning));
                (text, Box::new(is_meant))
            }
            4 => {
                let (time, written) = (somebody.create_time, somebody.create_time.format(&Rfc3339).unwrap());
                let operator = *self.dice.one(&["=", "<", "<=", ">", ">="]);
                let is_meant = move |user: &User| match operator {
                    "=" => user.create_time == time,
                    "<" => user.create_time < time,
                    "<=" => user.create_time <= time,
                    ">" => user.create_time > time,
                    _ => user.create_time >= time,
                };
                (format!("create_time{operator}{written}"), Box::new(is_meant))
            }
            _ => {
                let role = *self.dice.one(&["support", "auditor"]);
                (format!("role:{role}"), Box::new(move |user| self.roles[role].contains(&user.id)))
            }
        }
    }
}

fn random_user(dice: &Dice, number: u32) -> User {
    let local = format!("{}{}{number}", dice.one(&["a", "A", "ab", "a*", "a_", "a%", "b"]), dice.one(&["", ".x", "+"]));
    let domain =
        *dice.one(&["example.com", "Example.org", "bücher.example", "BÜCHER.test", "xn--bcher-kva.net", "e.ü.de"]);
    let username = (dice.below(2) == 0).then(|| {
        let name = format!("{}{number}", dice.one(&["an", "ann.", "ann_", "Bob", "b-b"]));
        Username::parse(&name).unwrap()
    });
    User {
        username,
        state: dice.one(&STATES).1,
        create_time: at(i64::try_from(dice.below(9)).unwrap()),
        ..with_email(number, &format!("{local}@{domain}"))
    }
}

async fn random_filters_find_whom_a_model_finds(fixture: Fixture) {
    let model = Model::random();
    fixture.put_users(&model.users).await;
    for (role, ids) in &model.roles {
        let holders: Vec<&User> = model.users.iter().filter(|user| ids.contains(&user.id)).collect();
        grant(&fixture, role, &holders).await;
    }
    let mut sizes = BTreeSet::new();
    for _ in 0..200 {
        let conditions: Vec<Condition<'_>> = (0..model.dice.below(4)).map(|_| model.condition()).collect();
        let texts: Vec<&str> = conditions.iter().map(|(text, _)| text.as_str()).collect();
        let text = texts.join(*model.dice.one(&[" AND ", " "]));
        let meant = |user: &&User| conditions.iter().all(|(_, is_meant)| is_meant(user));
        let mut expected: Vec<User> = model.users.iter().filter(meant).cloned().collect();
        let mut filter = filter(&text);
        if model.dice.below(3) == 0 {
            filter = filter.without_deleted();
            expected.retain(|user| user.state != UserState::Deleted);
        }
        let order = *model.dice.one(&ORDERS);
        let limit = *model.dice.one(&[3, 20, 1000]);
        sizes.insert(expected.len());
        assert_eq!(walk(&fixture, &filter, order, limit).await, sorted(expected, order), "{text} {order:?} {limit}");
    }
    assert!(sizes.len() > 20, "the filters are too much alike: {sizes:?}");
}
