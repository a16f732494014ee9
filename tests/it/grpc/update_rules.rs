//! Updates of every mutable resource keep one set of rules: the mask says what changes, the etag says from what. Random
//! updates are compared with a model.

use std::collections::BTreeMap;

use ipse::proto::ErrorReason::{EtagMismatch, FieldInvalid};
use ipse::proto::{Role, ServiceAccount, User};
use tonic::Status;

use crate::support::custodian::Custodian;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    updates_of_the_own_account_keep_the_rules
    updates_of_accounts_keep_the_rules
    updates_of_roles_keep_the_rules
    updates_of_service_accounts_keep_the_rules
}

const STEPS: u64 = 60;

/// The texts that may be written, by field.
type Values = BTreeMap<&'static str, String>;

/// A resource that can be changed.
enum Resource<'w> {
    Own(Device<'w>),
    Account(Registrar<'w>, String),
    Role(Operator<'w>, String),
    Service(Custodian<'w>, String),
}

impl Resource<'_> {
    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Own(_) | Self::Account(..) => &["display_name", "username", "locale"],
            Self::Role(..) | Self::Service(..) => &["name", "description"],
        }
    }

    async fn read(&self) -> (String, Values) {
        match self {
            Self::Own(device) => of_user(device.me().await.unwrap().user.unwrap()),
            Self::Account(registrar, id) => of_user(registrar.get(id).await.unwrap()),
            Self::Role(operator, id) => of_role(operator.get(id).await.unwrap()),
            Self::Service(custodian, id) => of_account(custodian.get(id).await.unwrap()),
        }
    }

    async fn update(&self, etag: &str, values: &Values, paths: &[&str]) -> Result<(String, Values), Status> {
        let value = |field: &str| values.get(field).cloned().unwrap_or_default();
        let user = |id: &str| User {
            id: id.to_owned(),
            etag: etag.to_owned(),
            // Whoever changes all that may be changed gives the account an address, too.
            email: "alice@example.com".to_owned(),
            email_verified: true,
            display_name: value("display_name"),
            username: value("username"),
            locale: value("locale"),
            ..User::default()
        };
        match self {
            Self::Own(device) => device.update(user(""), paths).await.map(of_user),
            Self::Account(registrar, id) => registrar.update(user(id), paths).await.map(of_user),
            Self::Role(operator, id) => {
                let (name, description) = (value("name"), value("description"));
                let role = Role { id: id.clone(), etag: etag.to_owned(), name, description, ..Role::default() };
                operator.update(role, paths).await.map(of_role)
            }
            Self::Service(custodian, id) => {
                let (id, etag, name, description) = (id.clone(), etag.to_owned(), value("name"), value("description"));
                let account = ServiceAccount { id, name, description, etag, ..ServiceAccount::default() };
                custodian.update(account, paths).await.map(of_account)
            }
        }
    }
}

fn of_user(user: User) -> (String, Values) {
    let User { etag, display_name, username, locale, .. } = user;
    (etag, [("display_name", display_name), ("username", username), ("locale", locale)].into())
}

fn of_role(role: Role) -> (String, Values) {
    (role.etag, [("name", role.name), ("description", role.description)].into())
}

fn of_account(account: ServiceAccount) -> (String, Values) {
    (account.etag, [("name", account.name), ("description", account.description)].into())
}

/// Numbers that look random and are the same in every run (the generator `SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// New texts; names are never empty, and never taken.
fn wish(fields: &[&'static str], step: u64, numbers: &mut Numbers) -> Values {
    let text = |field: &&'static str, numbers: &mut Numbers| {
        let is_empty = *field != "name" && numbers.below(3) == 0;
        let text = match *field {
            _ if is_empty => String::new(),
            "locale" => ["en", "de-CH", "fr"][usize::try_from(numbers.below(3)).unwrap()].to_owned(),
            _ => format!("name{step}"),
        };
        (*field, text)
    };
    fields.iter().map(|field| text(field, numbers)).collect()
}

fn mask(fields: &[&'static str], numbers: &mut Numbers) -> Vec<&'static str> {
    let mut paths: Vec<_> = fields.iter().copied().filter(|_| numbers.below(2) == 0).collect();
    for (path, one_in) in [("*", 6), ("id", 4), ("create_time", 6), ("nothing", 8)] {
        if numbers.below(one_in) == 0 {
            paths.push(path);
        }
    }
    paths
}

async fn keeps_the_rules(resource: Resource<'_>, seed: u64) {
    let mut numbers = Numbers(seed);
    let (mut etag, mut model) = resource.read().await;
    let mut old_etags = vec!["\"0\"".to_owned()];
    let (mut accepted, mut stale, mut unknown) = (0, 0, 0);
    for step in 0..STEPS {
        let values = wish(resource.fields(), step, &mut numbers);
        let paths = mask(resource.fields(), &mut numbers);
        let given = match numbers.below(3) {
            0 => String::new(),
            1 => etag.clone(),
            _ => old_etags[usize::try_from(numbers.below(old_etags.len() as u64)).unwrap()].clone(),
        };
        let outcome = resource.update(&given, &values, &paths).await;
        if paths.contains(&"nothing") {
            assert_eq!(reason(outcome), FieldInvalid, "{paths:?}");
            unknown += 1;
        } else if !given.is_empty() && given != etag {
            assert_eq!(reason(outcome), EtagMismatch, "{given} is not {etag}");
            stale += 1;
        } else {
            let (new_etag, told) = outcome.unwrap();
            let is_named = |field: &str, value: &str| match paths[..] {
                [] => !value.is_empty(),
                _ => paths.contains(&"*") || paths.contains(&field),
            };
            for (field, value) in values.into_iter().filter(|(field, value)| is_named(field, value)) {
                model.insert(field, value);
            }
            assert_eq!(told, model, "{paths:?}");
            assert_ne!(new_etag, etag);
            old_etags.push(std::mem::replace(&mut etag, new_etag));
            accepted += 1;
        }
        assert_eq!(resource.read().await, (etag.clone(), model.clone()), "after {paths:?}");
    }
    assert!(accepted > 10 && stale > 5 && unknown > 2, "{accepted} {stale} {unknown}");
}

async fn updates_of_the_own_account_keep_the_rules(world: World) {
    keeps_the_rules(Resource::Own(world.person("alice").await.log_in().await.unwrap()), 1).await;
}

async fn updates_of_accounts_keep_the_rules(world: World) {
    let root = Registrar(world.administrator().await);
    let id = root.look_up(&world.person("alice").await).await.id;
    keeps_the_rules(Resource::Account(root, id), 2).await;
}

async fn updates_of_roles_keep_the_rules(world: World) {
    let root = Operator::root(&world).await;
    let id = root.create("desk", &["orders.read"]).await.unwrap().id;
    keeps_the_rules(Resource::Role(root, id), 3).await;
}

async fn updates_of_service_accounts_keep_the_rules(world: World) {
    let root = Custodian::root(&world).await;
    let id = root.create("orders").await.unwrap().id;
    keeps_the_rules(Resource::Service(root, id), 4).await;
}
