//! Everything that ends access tokens does so at once where it was done, and everywhere with the next look; and none of
//! it asks the database for each token.

use ipse::proto::ErrorReason::{CredentialsInvalid, RateLimited, RefreshTokenInvalid, TokenInvalid};
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::Registrar;
use crate::support::trail::Trail;
use crate::support::world::{Replica, World};

on_both_backends! {
    unproven_may_sign_in =>
    each_way_to_end_tokens_reaches_every_process
}

on_both_backends! {
    World::start =>
    a_revoked_access_token_leaves_its_session_alone
    a_revoked_refresh_token_takes_its_session_along
    revoking_again_adds_nothing
    only_so_many_tokens_of_a_session_are_revoked_one_by_one
}

async fn unproven_may_sign_in(backend: Backend) -> World {
    World::with(backend, &["UNVERIFIED_SIGN_IN=true"]).await
}

/// How the tokens of a phone end.
#[derive(Debug, Clone, Copy)]
enum Way {
    Logout,
    LogoutByRefreshToken,
    RevokeAccessToken,
    RevokeRefreshToken,
    RevokeMySession,
    RevokeMyOtherSessions,
    RevokeUserSessions,
    SuspendUser,
    DeleteUser,
    DeleteMe,
    ChangePassword,
    ResetPassword,
    RequirePasswordChange,
    ReuseOfARefreshToken,
    ProofOfADisputedSignUp,
}

const WAYS: [Way; 15] = [
    Way::Logout,
    Way::LogoutByRefreshToken,
    Way::RevokeAccessToken,
    Way::RevokeRefreshToken,
    Way::RevokeMySession,
    Way::RevokeMyOtherSessions,
    Way::RevokeUserSessions,
    Way::SuspendUser,
    Way::DeleteUser,
    Way::DeleteMe,
    Way::ChangePassword,
    Way::ResetPassword,
    Way::RequirePasswordChange,
    Way::ReuseOfARefreshToken,
    Way::ProofOfADisputedSignUp,
];

impl Way {
    async fn go(self, alice: &Person<'_>, phone: &Device<'_>, root: &Registrar<'_>) {
        let id = root.look_up(alice).await.id;
        let tablet = alice.log_in().await.unwrap();
        let (access_token, refresh_token) = (&phone.tokens.access_token, &phone.tokens.refresh_token);
        match self {
            Self::Logout => phone.log_out().await.unwrap(),
            Self::LogoutByRefreshToken => alice.log_out(refresh_token).await.unwrap(),
            Self::RevokeAccessToken => alice.revoke_token(access_token).await.unwrap(),
            Self::RevokeRefreshToken => alice.revoke_token(refresh_token).await.unwrap(),
            Self::RevokeMySession => tablet.revoke(&phone.tokens.session_id).await.unwrap(),
            Self::RevokeMyOtherSessions => assert_eq!(tablet.revoke_others().await.unwrap(), 1),
            Self::RevokeUserSessions => assert_eq!(root.revoke_sessions_of(&id).await.unwrap(), 2),
            Self::SuspendUser => drop(root.suspend(&id, "").await.unwrap()),
            Self::DeleteUser => drop(root.delete(&id).await.unwrap()),
            Self::DeleteMe => tablet.delete(&alice.password).await.unwrap(),
            Self::ChangePassword => {
                tablet.change_password(&alice.password, "another long way home").await.unwrap();
                tablet.me().await.unwrap();
            }
            Self::ResetPassword => {
                alice.mails().await;
                alice.request_reset().await.unwrap();
                alice.reset(&alice.mailed_token().await, "another long way home").await.unwrap();
            }
            Self::RequirePasswordChange => drop(root.require_password_change(&id).await.unwrap()),
            Self::ReuseOfARefreshToken => {
                phone.refresh().await.unwrap().refresh().await.unwrap();
                assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
            }
            Self::ProofOfADisputedSignUp => {
                alice.with_password("somebody else's long way home").register().await.unwrap();
                alice.verify(&alice.mailed_token().await).await.unwrap();
            }
        }
    }
}

async fn look(world: &World, other: &Replica) {
    world.look().await;
    other.look().await;
}

async fn each_way_to_end_tokens_reaches_every_process(world: World) {
    let (root, other) = (world.registrar().await, world.another_replica().await);
    for (number, way) in WAYS.into_iter().enumerate() {
        let alice = world.stranger(&format!("alice{number}"));
        alice.register().await.unwrap();
        if matches!(way, Way::ProofOfADisputedSignUp) {
            // Mails to prove an address are sent sparingly.
            alice.mails().await;
            world.wait(Duration::minutes(10));
        } else {
            alice.verify(&alice.mailed_token().await).await.unwrap();
        }
        let phone = alice.log_in().await.unwrap();
        let away = phone.through(&other.channel);
        look(&world, &other).await;
        phone.me().await.unwrap();
        way.go(&alice, &phone, &root).await;
        assert!(phone.me().await.is_err(), "{way:?}: at once where it was done");
        assert_eq!(reason(phone.me().await), TokenInvalid, "{way:?}");
        assert!(away.me().await.is_ok(), "{way:?}: what others did is not looked for in the database");
        other.look().await;
        assert_eq!(reason(away.me().await), TokenInvalid, "{way:?}");
        world.wait(Duration::seconds(2));
        assert_eq!(reason(away.me().await), TokenInvalid, "{way:?}: the database knows as well");
    }
    other.stop().await;
}

async fn a_revoked_access_token_leaves_its_session_alone(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    world.wait(Duration::seconds(1));
    let newer = phone.refresh().await.unwrap();
    alice.revoke_token(&phone.tokens.access_token).await.unwrap();
    for _ in 0..2 {
        assert_eq!(reason(phone.me().await), TokenInvalid);
        newer.me().await.unwrap();
        world.look().await;
    }
    newer.refresh().await.unwrap();
}

async fn a_revoked_refresh_token_takes_its_session_along(world: World) {
    let alice = world.person("alice").await;
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    alice.revoke_token(&phone.tokens.refresh_token).await.unwrap();
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(phone.me().await), TokenInvalid);
    tablet.me().await.unwrap();
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
}

async fn revoking_again_adds_nothing(world: World) {
    let alice = world.person("alice").await;
    let (phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    let tokens = [&phone.tokens.access_token, &tablet.tokens.refresh_token, &tablet.tokens.access_token];
    for round in 0..4 {
        let calls = tokens.into_iter().chain(tokens).map(|token| alice.revoke_token(token));
        for outcome in futures_util::future::join_all(calls).await {
            outcome.unwrap();
        }
        // Once from the database and once from memory.
        if round == 1 {
            world.look().await;
        }
    }
    let rows = world.count("access_changes WHERE kind IN ('session', 'token')").await;
    // The tablet's access token may have been revoked before its session was.
    assert!((2..=3).contains(&rows), "{rows}");
    let lines = trail.lines().await;
    let count = |line: &str| lines.iter().filter(|told| told.as_str() == line).count();
    assert_eq!(count("session_revoked success alice>alice"), 1, "{lines:?}");
    assert_eq!(count("authn_token_revoked success alice>alice"), rows - 1, "{lines:?}");
}

async fn only_so_many_tokens_of_a_session_are_revoked_one_by_one(world: World) {
    let alice = world.person("alice").await;
    let (mut phone, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    for number in 0..100 {
        phone = phone.refresh().await.unwrap();
        alice.revoke_token(&phone.tokens.access_token).await.unwrap_or_else(|refused| panic!("{number}: {refused}"));
    }
    world.wait(Duration::minutes(50));
    phone = phone.refresh().await.unwrap();
    let refused = refusal(alice.revoke_token(&phone.tokens.access_token).await);
    assert_eq!((refused.reason, refused.retry_after.unwrap().as_secs()), (RateLimited, 600));
    phone.me().await.unwrap();
    assert_eq!(world.count("access_changes WHERE kind = 'token'").await, 100, "what was refused is not remembered");
    tablet.refresh().await.unwrap();
    world.wait(Duration::minutes(10));
    alice.revoke_token(&phone.tokens.access_token).await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
}
