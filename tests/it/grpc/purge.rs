use ipse::domain::credential::factor::{self, Enrolment, EnrolmentMethod, FactorName};
use ipse::domain::id::{FactorId, SessionId, UserId};
use ipse::domain::secret::Digest;
use ipse::domain::session::challenge::{self, Challenge, ChallengePurpose};
use ipse::domain::session::client::ClientLabel;
use ipse::proto::ErrorReason::RefreshTokenInvalid;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::world::{START, World};

on_both_backends! {
    World::start =>
    sessions_stay_on_record_for_a_week_after_their_end
    mailed_tokens_stay_on_record_for_a_day_after_their_end
    counters_stay_for_two_days_after_their_last_event
    what_nobody_completed_goes_once_it_expired
    nothing_else_is_erased
    many_rows_go_in_batches
}

async fn sessions_stay_on_record_for_a_week_after_their_end(world: World) {
    let alice = world.person("alice").await;
    let (signed_out, _idle) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mut busy = alice.log_in().await.unwrap();
    signed_out.log_out().await.unwrap();
    world.wait(Duration::days(7));
    world.purge().await;
    assert_eq!(world.count("sessions").await, 3);
    world.wait(Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("sessions").await, 2);
    assert_eq!(reason(signed_out.refresh().await), RefreshTokenInvalid);
    busy = busy.refresh().await.unwrap();
    // The other one ends by itself after 14 days.
    world.wait(Duration::days(14) - Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("sessions").await, 2);
    world.wait(Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("sessions").await, 1, "the busy one, which has ended just now");
    assert_eq!(reason(busy.refresh().await), RefreshTokenInvalid);
}

async fn mailed_tokens_stay_on_record_for_a_day_after_their_end(world: World) {
    let (alice, bob) = (world.person("alice").await, world.stranger("bob"));
    alice.request_reset().await.unwrap();
    world.wait(Duration::hours(1) + Duration::days(1));
    bob.register().await.unwrap();
    world.purge().await;
    assert_eq!(world.count("action_tokens").await, 2);
    world.wait(Duration::MICROSECOND);
    world.purge().await;
    assert_eq!(world.count("action_tokens").await, 1);
    bob.verify(&bob.mailed_token().await).await.unwrap();
}

async fn counters_stay_for_two_days_after_their_last_event(world: World) {
    let (alice, bob) = (world.stranger("alice").at("198.51.100.7"), world.stranger("bob"));
    for _ in 0..5 {
        alice.guess().await.unwrap_err();
    }
    world.wait(Duration::days(2));
    bob.guess().await.unwrap_err();
    assert_eq!(world.purge().await, 1, "that there are signing keys is no news any more");
    world.wait(Duration::MICROSECOND);
    assert_eq!(world.purge().await, 3, "a name, a network, and what is mailed because of sign-ins");
    assert_eq!(world.count("throttles").await, 3);
}

async fn what_nobody_completed_goes_once_it_expired(world: World) {
    let user_id =
        UserId::parse(&world.person("alice").await.log_in().await.unwrap().me().await.unwrap().user.unwrap().id);
    let enrolment = Enrolment {
        id: FactorId::NOBODY,
        user_id: user_id.unwrap(),
        session_id: SessionId::NOBODY,
        display_name: FactorName::default(),
        method: EnrolmentMethod::Totp { sealed_secret: vec![1] },
        failures: 0,
        create_time: START,
        expire_time: START + factor::ENROLMENT_LIFETIME,
    };
    let challenge = Challenge {
        digest: Digest::of(b"token"),
        purpose: ChallengePurpose::PasskeySignIn,
        user_id: None,
        session_id: None,
        proofs: Vec::new(),
        audience: None,
        label: ClientLabel::default(),
        failures_before: 0,
        webauthn_challenge: None,
        failures: 0,
        create_time: START,
        expire_time: START + challenge::LIFETIME,
    };
    let tx = world.store().write().await.unwrap();
    tx.factors().put_enrolment(&enrolment).await.unwrap();
    tx.challenges().insert_challenge(&challenge).await.unwrap();
    tx.commit().await.unwrap();
    for (minutes, left) in [(5, (1, 1)), (5, (1, 0)), (1, (0, 0))] {
        world.wait(Duration::minutes(minutes));
        world.purge().await;
        assert_eq!((world.count("factor_enrolments").await, world.count("challenges").await), left);
    }
}

async fn nothing_else_is_erased(world: World) {
    let alice = world.person("alice").await;
    let mut phone = alice.log_in().await.unwrap();
    alice.request_reset().await.unwrap();
    world.wait(Duration::days(10));
    phone = phone.refresh().await.unwrap();
    world.purge().await;
    for (table, rows) in [
        ("users", 1),
        ("passwords", 1),
        ("sessions", 1),
        ("jobs", 1),
        ("signing_keys", 1),
        ("server_secrets", 2),
        ("action_tokens", 0),
        ("throttles", 0),
    ] {
        assert_eq!(world.count(table).await, rows, "{table}");
    }
    phone.me().await.unwrap();
    alice.log_in().await.unwrap();
}

async fn many_rows_go_in_batches(world: World) {
    world.stranger("alice").guess().await.unwrap_err();
    let key = match world.database.backend {
        Backend::Sqlite => "CAST(printf('%032d', n) AS blob)",
        Backend::Postgres => "CAST(lpad(CAST(n AS text), 32, '0') AS bytea)",
    };
    let rows = format!(
        "INSERT INTO throttles (key, count, first_time, last_time)
         WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1100)
         SELECT {key}, 1, (SELECT min(first_time) FROM throttles), (SELECT min(last_time) FROM throttles) FROM number"
    );
    world.database.outsider().await.execute(&rows).await;
    world.wait(Duration::days(3));
    assert_eq!(world.replica().purge.erase_batch().await.unwrap(), 501, "and that there are signing keys");
    assert_eq!(world.purge().await, 603);
    assert_eq!(world.count("throttles").await, 0);
}
