//! Whoever an account's state keeps out is kept out at every door: by password, by what they hold already, and at every
//! replica and service that asks.

use ipse::proto::User;
use time::Duration;

use crate::support::database::Backend;
use crate::support::gateway::question_about;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::world::World;

on_both_backends! {
    lenient =>
    no_door_is_open_to_whom_the_state_keeps_out
    what_the_setting_forbids_ends_at_the_next_start
}

/// Unproven addresses may sign in.
async fn lenient(backend: Backend) -> World {
    World::with(backend, &["UNVERIFIED_SIGN_IN=true"]).await
}

/// Which doors are open to somebody with these tokens and the right password.
async fn open_doors(world: &World, guard: &Guard<'_>, person: &Person<'_>, phone: &Device<'_>) -> Vec<&'static str> {
    let token = &phone.tokens.access_token;
    let mut open = Vec::new();
    for (door, is_open) in [
        ("GetMe", phone.me().await.is_ok()),
        ("IntrospectToken", guard.finds_good(token).await),
        ("Check", format!("{:?}", world.verdict(question_about(token, &[])).await.unwrap()).starts_with("Passes")),
        ("ChangePassword", phone.change_password(&person.password, "another long way home").await.is_ok()),
        ("Refresh", phone.refresh().await.is_ok()),
        ("Login", person.log_in().await.is_ok()),
    ] {
        open.extend(is_open.then_some(door));
    }
    open
}

const ALL: [&str; 6] = ["GetMe", "IntrospectToken", "Check", "ChangePassword", "Refresh", "Login"];

async fn no_door_is_open_to_whom_the_state_keeps_out(world: World) {
    let (guard, root) = (Guard::new(&world).await, world.registrar().await);
    for state in ["active", "unproven", "suspended", "deleted", "purged", "to change the password"] {
        let person = world.stranger(&state.replace(' ', "-"));
        person.register().await.unwrap();
        if state != "unproven" {
            person.verify(&person.mailed_token().await).await.unwrap();
        }
        let phone = person.log_in().await.unwrap();
        let id = root.look_up(&person).await.id;
        match state {
            "suspended" => drop(root.suspend(&id, "").await.unwrap()),
            "deleted" => drop(root.delete(&id).await.unwrap()),
            "purged" => {
                root.delete(&id).await.unwrap();
                root.purge(&id).await.unwrap();
            }
            "to change the password" => root.require_password_change(&id).await.map(|_| ()).unwrap(),
            _ => {}
        }
        let open = open_doors(&world, &guard, &person, &phone).await;
        match state {
            // The password was changed at the fourth door.
            "active" | "unproven" => assert_eq!(open, ALL[..5], "{state}"),
            _ => assert_eq!(open, [""; 0], "{state}"),
        }
        world.wait(Duration::minutes(1));
    }
}

/// Access tokens, refresh tokens and all: also those that were given before.
async fn what_the_setting_forbids_ends_at_the_next_start(world: World) {
    let (signed_up, made, proven) = (world.stranger("alice"), world.stranger("bob"), world.person("carol").await);
    signed_up.register().await.unwrap();
    let user = User { email: made.email.clone(), ..User::default() };
    world.registrar().await.create(user, &made.password).await.unwrap();
    let tokens = |device: Device<'_>| device.tokens;
    let held = [
        tokens(signed_up.log_in().await.unwrap()),
        tokens(made.log_in().await.unwrap()),
        tokens(proven.log_in().await.unwrap()),
    ];
    let guard = Guard::new(&world).await.0.tokens;
    let world = world.restart_with(&[]).await;
    let guard = Guard(world.stranger("guard").with_tokens(guard));
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.stranger(name));
    for (person, tokens) in [(&alice, &held[0]), (&bob, &held[1])] {
        let phone = person.with_tokens(tokens.clone());
        assert_eq!(open_doors(&world, &guard, person, &phone).await, [""; 0], "{}", person.email);
    }
    let phone = carol.with_tokens(held[2].clone());
    assert_eq!(open_doors(&world, &guard, &carol, &phone).await, ALL[..5]);
}
