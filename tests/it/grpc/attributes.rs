//! The limits of attributes hold wherever they come in, so that what one person keeps never breaks what is read of all.

use ipse::proto::ErrorReason::FieldInvalid;
use ipse::proto::User;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};

use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::refusal;
use crate::support::registrar::{Registrar, newcomer};
use crate::support::transfer::{Transfer, with};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    no_way_in_takes_attributes_beyond_the_limits
    every_way_in_takes_attributes_within_the_limits
    what_was_stored_before_there_were_limits_is_still_read
    whole_numbers_of_earlier_versions_are_stored_before
}

const MOST: f64 = 9_007_199_254_740_991.0;

fn kept(value: Kind) -> Struct {
    Struct { fields: [("d".to_owned(), Value { kind: Some(value) })].into() }
}

fn levels(levels: usize) -> Struct {
    let inner = |object, _| kept(Kind::StructValue(object));
    (1..levels).fold(kept(Kind::StringValue("x".to_owned())), inner)
}

fn lists(levels: usize) -> Struct {
    let list = |inner| Kind::ListValue(ListValue { values: vec![Value { kind: Some(inner) }] });
    kept((1..levels).fold(Kind::NullValue(0), |inner, _| list(inner)))
}

fn values(values: usize) -> Struct {
    let values = vec![Value { kind: Some(Kind::BoolValue(true)) }; values - 1];
    kept(Kind::ListValue(ListValue { values }))
}

fn number(number: f64) -> Struct {
    kept(Kind::NumberValue(number))
}

fn of(attributes: &Struct) -> User {
    User { attributes: Some(attributes.clone()), ..User::default() }
}

fn root_of<'w>(device: &Device<'w>) -> (Registrar<'w>, Transfer<'w>) {
    (Registrar(device.clone()), Transfer(device.clone()))
}

async fn no_way_in_takes_attributes_beyond_the_limits(world: World) {
    let (registrar, transfer) = root_of(&world.administrator().await);
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let id = phone.me().await.unwrap().user.unwrap().id;
    for (attributes, rule) in [
        (levels(9), "8 levels"),
        (levels(31), "8 levels"),
        (lists(9), "8 levels"),
        (values(257), "256 members"),
        (number(MOST + 1.0), "write them as texts"),
        (number(-4.917e17), "write them as texts"),
        (number(1e300), "write them as texts"),
    ] {
        let bad = of(&attributes);
        let by_operator = User { id: id.clone(), ..bad.clone() };
        let made = User { attributes: bad.attributes.clone(), ..newcomer(&world.stranger("bob")) };
        for refused in [
            refusal(phone.update(bad.clone(), &["attributes"]).await),
            refusal(registrar.update(by_operator, &["attributes"]).await),
            refusal(registrar.create(made, "").await),
        ] {
            assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["user.attributes".to_owned()]), "{rule}");
        }
        let rows = vec![
            with("carol@example.com", |user| user.attributes = bad.attributes.clone()),
            with("person@example.com", |_| {}),
        ];
        let done = transfer.import(rows).await.unwrap();
        let told = &done.refusals[0];
        assert_eq!(
            (done.accepted, told.row, told.reason(), told.field.as_str()),
            (1, 0, FieldInvalid, "user.attributes")
        );
        assert!(told.description.contains(rule), "{}", told.description);
    }
    assert_eq!(world.count("users WHERE attributes <> '{}'").await, 0);
}

async fn every_way_in_takes_attributes_within_the_limits(world: World) {
    let (registrar, transfer) = root_of(&world.administrator().await);
    let phone = world.person("alice").await.log_in().await.unwrap();
    let id = phone.me().await.unwrap().user.unwrap().id;
    for (place, attributes) in
        [levels(8), lists(8), values(256), number(MOST), number(-MOST), number(0.5)].into_iter().enumerate()
    {
        let good = of(&attributes);
        assert_eq!(phone.update(good.clone(), &["attributes"]).await.unwrap().attributes, good.attributes);
        let by_operator = User { id: id.clone(), ..good.clone() };
        assert_eq!(registrar.update(by_operator, &["attributes"]).await.unwrap().attributes, good.attributes);
        let made = User { attributes: good.attributes.clone(), ..newcomer(&world.stranger(&format!("bob{place}"))) };
        assert_eq!(registrar.create(made, "").await.unwrap().attributes, good.attributes);
        let row = with(&format!("carol{place}@example.com"), |user| user.attributes = good.attributes.clone());
        assert_eq!(transfer.import(vec![row]).await.unwrap().accepted, 1);
    }
    let exported = transfer.export("", true).await.unwrap().concat();
    let again = transfer.import(exported.clone()).await.unwrap();
    assert_eq!(usize::try_from(again.unchanged), Ok(exported.len()), "{again:?}");
}

async fn what_was_stored_before_there_were_limits_is_still_read(world: World) {
    let (registrar, transfer) = root_of(&world.administrator().await);
    let phone = world.person("alice").await.log_in().await.unwrap();
    let deep = format!("{}1{}", "{\"d\":".repeat(40), "}".repeat(40));
    let store = format!("UPDATE users SET attributes = '{deep}' WHERE email_canonical = 'alice@example.com'");
    world.database.outsider().await.execute(&store).await;
    let id = phone.me().await.unwrap().user.unwrap().id;
    // What is deeper than decoders go is told as text, and nothing of it is lost.
    let mut value = Value { kind: Some(Kind::StructValue(registrar.get(&id).await.unwrap().attributes.unwrap())) };
    for _ in 0..8 {
        let Some(Kind::StructValue(mut object)) = value.kind else { panic!("{value:?}") };
        value = object.fields.remove("d").unwrap();
    }
    let rest = format!("{}1{}", "{\"d\":".repeat(32), "}".repeat(32));
    assert_eq!(value.kind, Some(Kind::StringValue(rest)));
    assert_eq!(transfer.export("", false).await.unwrap().concat().len(), 2);
}

async fn whole_numbers_of_earlier_versions_are_stored_before(world: World) {
    let (_, transfer) = root_of(&world.administrator().await);
    transfer.import(vec![with("alice@example.com", |user| user.attributes = Some(number(7.0)))]).await.unwrap();
    let mut outsider = world.database.outsider().await;
    let stored = outsider.values("SELECT attributes AS value FROM users").await;
    assert!(stored.contains(&"{\"d\":7}".to_owned()), "{stored:?}");
    outsider.execute("UPDATE users SET attributes = '{\"d\":7.0}' WHERE attributes <> '{}'").await;
    let exported = transfer.export("", false).await.unwrap().concat();
    let again = transfer.import(exported).await.unwrap();
    assert_eq!((again.accepted, again.unchanged), (2, 2), "{again:?}");
}
