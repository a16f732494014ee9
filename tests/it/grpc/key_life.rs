//! Rotation and revocation of signing keys.

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{FieldInvalid, QuotaExceeded, RequestIdReused, ResourceNotFound, TokenInvalid};
use ipse::proto::SigningKeyState::{Active, Published, Retiring};
use ipse::proto::{SigningKey, SigningKeyState};
use time::Duration;

use crate::support::database::Backend;
use crate::support::key_holder::{KeyHolder, keys, signer, signer_of};
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_new_key_signs_after_its_lead
    two_rotations_in_a_row_leave_no_gap
    two_replicas_that_rotate_at_once_agree
    a_repeated_rotation_makes_one_key
    a_rotation_may_choose_the_algorithm
    what_is_no_algorithm_and_no_key_is_refused
    there_are_at_most_32_keys
    the_schedule_makes_one_key_on_several_replicas
    another_algorithm_in_the_settings_rotates_nothing_by_itself
    a_revoked_key_is_replaced_at_once
    a_published_successor_takes_the_place_of_a_revoked_key
    a_revoked_key_that_does_not_sign_changes_no_signer
    another_replica_learns_of_a_revocation
    the_trail_tells_of_keys
    keys_are_told_of_while_the_database_is_away
}

on_both_backends! {
    with_the_longest_tokens =>
    tokens_of_a_replaced_key_are_good_to_their_end
}

const LEAD: Duration = Duration::minutes(15);
const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

async fn with_the_longest_tokens(backend: Backend) -> World {
    World::with(backend, &["ACCESS_TOKEN_LIFETIME=60m"]).await
}

async fn listed(world: &World) -> Vec<SigningKey> {
    keys(&world.replica().channel).await
}

async fn states(world: &World) -> Vec<(String, SigningKeyState)> {
    listed(world).await.into_iter().map(|key| (key.kid.clone(), key.state())).collect()
}

fn names(keys: &[(&SigningKey, SigningKeyState)]) -> Vec<(String, SigningKeyState)> {
    keys.iter().map(|(key, state)| (key.kid.clone(), *state)).collect()
}

async fn a_new_key_signs_after_its_lead(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let old = signer(&world.replica().channel).await;
    let new = holder.rotate().await.unwrap();
    assert_eq!((new.state(), new.algorithm.as_str(), new.retire_time), (Published, "ES256", None));
    let (made, begins) = (new.create_time.unwrap().seconds, new.activate_time.unwrap().seconds);
    assert_eq!(begins - made, LEAD.whole_seconds());
    assert_eq!(states(&world).await, names(&[(&new, Published), (&old, Active)]));
    assert_eq!(listed(&world).await[1].retire_time, new.activate_time);

    world.wait(LEAD - Duration::MICROSECOND);
    assert_eq!(signer_of(&alice.log_in().await.unwrap()), old.kid);
    world.wait(Duration::MICROSECOND);
    assert_eq!(signer_of(&alice.log_in().await.unwrap()), new.kid);
    assert_eq!(states(&world).await, names(&[(&new, Active), (&old, Retiring)]));
    let world = world.restart().await;
    assert_eq!(states(&world).await, names(&[(&new, Active), (&old, Retiring)]));
}

async fn tokens_of_a_replaced_key_are_good_to_their_end(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let old = signer(&world.replica().channel).await;
    let new = holder.rotate().await.unwrap();
    world.wait(LEAD - Duration::SECOND);
    let last = alice.log_in().await.unwrap();
    assert_eq!(signer_of(&last), old.kid);
    world.wait(Duration::minutes(60) - Duration::SECOND);
    last.me().await.unwrap();
    // By a clock that is a minute behind, the token is still valid for that long.
    world.wait(Duration::minutes(1) + Duration::SECOND);
    assert_eq!(states(&world).await, names(&[(&new, Active), (&old, Retiring)]));
    world.replica().purge.erase_batch().await.unwrap();
    assert_eq!(world.count("signing_keys").await, 2);
    world.wait(Duration::SECOND);
    assert_eq!(states(&world).await, names(&[(&new, Active)]));
    world.replica().purge.erase_batch().await.unwrap();
    assert_eq!(world.count("signing_keys").await, 1, "the private half is gone, too");
}

async fn two_rotations_in_a_row_leave_no_gap(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let first = signer(&world.replica().channel).await;
    let second = holder.rotate().await.unwrap();
    world.wait(Duration::minutes(5));
    let third = holder.rotate().await.unwrap();
    assert_eq!(states(&world).await, names(&[(&third, Published), (&second, Published), (&first, Active)]));
    for (minutes, expected) in [(0, &first), (9, &first), (1, &second), (4, &second), (1, &third), (600, &third)] {
        world.wait(Duration::minutes(minutes));
        assert_eq!(signer_of(&alice.log_in().await.unwrap()), expected.kid);
    }
}

async fn two_replicas_that_rotate_at_once_agree(world: World) {
    let other = world.another_replica().await;
    let here = KeyHolder::new(&world).await;
    let there = here.through(&other.channel);
    let (one, two) = tokio::join!(here.rotate(), there.rotate());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.kid, two.kid);
    world.replica().keys.reload().await.unwrap();
    other.keys.reload().await.unwrap();
    assert_eq!(listed(&world).await, keys(&other.channel).await);
    assert_eq!(listed(&world).await.len(), 3);
    for _ in 0..20 {
        let signers = [signer(&world.replica().channel).await, signer(&other.channel).await];
        assert_eq!(signers[0], signers[1]);
        world.wait(Duration::minutes(1));
    }
    other.stop().await;
}

async fn a_repeated_rotation_makes_one_key(world: World) {
    let holder = KeyHolder::new(&world).await;
    let first = holder.rotate_as(ID, "").await.unwrap();
    world.wait(Duration::minutes(1));
    assert_eq!(holder.rotate_as(ID, "").await.unwrap(), first);
    assert_eq!(world.count("signing_keys").await, 2);
    assert_eq!(reason(holder.rotate_as(ID, "EdDSA").await), RequestIdReused);
    let revoked = "0b0e7b4e-8c1a-4d5e-9f10-222222222222";
    holder.revoke_as(revoked, &first.kid).await.unwrap();
    holder.revoke_as(revoked, &first.kid).await.unwrap();
    assert_eq!(listed(&world).await.len(), 1);
}

async fn a_rotation_may_choose_the_algorithm(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    for algorithm in ["RS256", "EdDSA", "ES256"] {
        let new = holder.rotate_as("", algorithm).await.unwrap();
        assert_eq!(new.algorithm, algorithm);
        assert!(new.jwk.len() <= 2048 && new.jwk.contains(&format!("\"alg\":\"{algorithm}\"")), "{}", new.jwk);
        world.wait(LEAD);
        let device = alice.log_in().await.unwrap();
        assert_eq!(signer_of(&device), new.kid);
        assert!(device.tokens.access_token.len() < 4096);
        device.me().await.unwrap();
    }
}

async fn what_is_no_algorithm_and_no_key_is_refused(world: World) {
    let holder = KeyHolder::new(&world).await;
    for algorithm in ["es256", "HS256", "none", "RS512"] {
        let refused = refusal(holder.rotate_as("", algorithm).await);
        assert_eq!((refused.reason, refused.fields.as_slice()), (FieldInvalid, &["algorithm".to_owned()][..]));
    }
    for kid in ["", "k", "../../../etc/passwd", "' OR 1=1--"] {
        let refused = refusal(holder.revoke(kid).await);
        assert_eq!((refused.reason, refused.fields.as_slice()), (FieldInvalid, &["kid".to_owned()][..]));
    }
    assert_eq!(reason(holder.revoke("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs").await), ResourceNotFound);
    let kid = signer(&world.replica().channel).await.kid;
    holder.revoke(&kid).await.unwrap();
    assert_eq!(reason(holder.revoke(&kid).await), ResourceNotFound, "it is gone");
}

async fn there_are_at_most_32_keys(world: World) {
    let holder = KeyHolder::new(&world).await;
    for _ in 1..32 {
        world.replica().keys.rotate_by_system(None).await.unwrap();
    }
    let refused = holder.rotate().await;
    assert_eq!(refusal(refused.clone()).quota.as_deref(), Some("signing keys, at most 32"));
    assert_eq!(reason(refused), QuotaExceeded);
    world.wait(Duration::days(365));
    world.replica().keys.rotate_when_due().await.unwrap();
    assert_eq!(listed(&world).await.len(), 2);
    let kid = listed(&world).await[0].kid.clone();
    holder.revoke(&kid).await.unwrap();
    holder.rotate().await.unwrap();
}

async fn the_schedule_makes_one_key_on_several_replicas(world: World) {
    let world = world.restart_with(&["SIGNING_KEY_LIFETIME=1d"]).await;
    let others = [world.another_replica().await, world.another_replica().await];
    let first = signer(&world.replica().channel).await;
    let rotate = async || {
        let [one, other] = &others;
        let replicas = [world.replica(), one, other];
        for done in join_all(replicas.map(|replica| replica.keys.rotate_when_due())).await {
            done.unwrap();
        }
    };
    world.wait(Duration::days(1) - LEAD - Duration::MICROSECOND);
    rotate().await;
    assert_eq!(world.count("signing_keys").await, 1);
    world.wait(Duration::MICROSECOND);
    rotate().await;
    rotate().await;
    assert_eq!(world.count("signing_keys").await, 2);
    for replica in &others {
        assert_eq!(keys(&replica.channel).await, listed(&world).await);
    }
    assert_eq!(signer(&world.replica().channel).await.kid, first.kid);
    world.wait(LEAD);
    assert_ne!(signer(&world.replica().channel).await.kid, first.kid);
    for replica in others {
        replica.stop().await;
    }
}

async fn another_algorithm_in_the_settings_rotates_nothing_by_itself(world: World) {
    let before = listed(&world).await;
    let world = world.restart_with(&["SIGNING_ALGORITHM=EdDSA"]).await;
    world.replica().keys.rotate_when_due().await.unwrap();
    assert_eq!(listed(&world).await, before);
    let holder = KeyHolder::new(&world).await;
    assert_eq!(holder.rotate().await.unwrap().algorithm, "EdDSA");
}

async fn a_revoked_key_is_replaced_at_once(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let phone = alice.log_in().await.unwrap();
    let old = signer(&world.replica().channel).await;
    holder.revoke(&old.kid).await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    let new = signer(&world.replica().channel).await;
    assert_ne!(new.kid, old.kid);
    assert_eq!(states(&world).await, names(&[(&new, Active)]), "the revoked key is not listed");
    let phone = phone.refresh().await.unwrap();
    assert_eq!(signer_of(&phone), new.kid);
    phone.me().await.unwrap();
    let world = world.restart().await;
    assert_eq!(states(&world).await, names(&[(&new, Active)]));
    world.replica().purge.erase_batch().await.unwrap();
    assert_eq!(world.count("signing_keys").await, 1);
}

async fn a_published_successor_takes_the_place_of_a_revoked_key(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let old = signer(&world.replica().channel).await;
    let next = holder.rotate().await.unwrap();
    world.wait(Duration::minutes(1));
    holder.revoke(&old.kid).await.unwrap();
    assert_eq!(signer_of(&alice.log_in().await.unwrap()), next.kid);
    assert_eq!(states(&world).await, names(&[(&next, Active)]));
}

async fn a_revoked_key_that_does_not_sign_changes_no_signer(world: World) {
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let first = signer(&world.replica().channel).await;
    let pending = holder.rotate().await.unwrap();
    holder.revoke(&pending.kid).await.unwrap();
    world.wait(LEAD);
    assert_eq!(signer_of(&alice.log_in().await.unwrap()), first.kid, "it goes on");
    let second = holder.rotate().await.unwrap();
    world.wait(LEAD - Duration::SECOND);
    let phone = alice.log_in().await.unwrap();
    world.wait(Duration::SECOND);
    phone.me().await.unwrap();
    holder.revoke(&first.kid).await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(states(&world).await, names(&[(&second, Active)]));
}

async fn another_replica_learns_of_a_revocation(world: World) {
    let other = world.another_replica().await;
    let (holder, alice) = (KeyHolder::new(&world).await, world.person("alice").await);
    let phone = alice.through(&other.channel).log_in().await.unwrap();
    let kid = signer(&other.channel).await.kid;
    holder.revoke(&kid).await.unwrap();
    other.keys.reload().await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(keys(&other.channel).await, listed(&world).await);
    let phone = phone.refresh().await.unwrap();
    phone.me().await.unwrap();
    other.stop().await;
}

async fn the_trail_tells_of_keys(world: World) {
    let holder = KeyHolder::new(&world).await;
    let old = signer(&world.replica().channel).await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["root"]).await;
    let new = holder.rotate().await.unwrap();
    let mut events = trail.events().await;
    events.retain(|event| event.event.kind.as_str().starts_with("signing_key"));
    let told = ["signing_key_created success root>?", "signing_key_rotated success root>?"];
    assert_eq!(trail.tell(&events), told);
    assert_eq!([&events[0].event.subject, &events[1].event.subject], [&new.kid, &old.kid]);
    assert_eq!(events[0].event.details["algorithm"], "ES256");
    assert_eq!(events[1].event.details["successor"], new.kid);
    holder.revoke(&new.kid).await.unwrap();
    holder.revoke(&old.kid).await.unwrap();
    let mut events = trail.events().await;
    events.retain(|event| event.event.kind.as_str().starts_with("signing_key"));
    let told = [
        "signing_key_revoked success root>?",
        "signing_key_revoked success root>?",
        "signing_key_created success root>?",
    ];
    assert_eq!(trail.tell(&events), told);
    assert_eq!([&events[0].event.subject, &events[1].event.subject], [&new.kid, &old.kid]);
    world.wait(Duration::days(90));
    world.replica().keys.rotate_when_due().await.unwrap();
    assert_eq!(trail.lines().await, ["signing_key_created success system>?"]);
}

async fn keys_are_told_of_while_the_database_is_away(world: World) {
    let before = listed(&world).await;
    world.database.outsider().await.execute("ALTER TABLE signing_keys RENAME TO elsewhere").await;
    assert!(world.replica().keys.reload().await.is_err());
    assert_eq!(listed(&world).await, before);
}
