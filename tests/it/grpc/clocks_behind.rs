//! Clocks that are behind, and are set.

use ipse::proto::ErrorReason::TokenInvalid;
use ipse::proto::SigningKeyState::Active;
use time::Duration;

use super::clocks::do_upkeep;
use crate::support::key_holder::keys;
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_clock_set_back_by_little_after_the_first_start_stops_nobody
    a_clock_that_was_behind_leaves_nothing_that_lasts
    a_start_with_the_clock_two_hours_behind_undoes_nothing
    a_start_with_the_clock_a_year_behind_undoes_nothing
}

async fn a_clock_set_back_by_little_after_the_first_start_stops_nobody(world: World) {
    for behind in [5, 58] {
        world.wait(-Duration::seconds(behind));
        let alice = world.person(&format!("alice{behind}")).await;
        let phone = alice.log_in().await.unwrap();
        phone.me().await.unwrap();
        phone.refresh().await.unwrap().me().await.unwrap();
        world.wait(Duration::seconds(behind));
    }
}

async fn a_clock_that_was_behind_leaves_nothing_that_lasts(world: World) {
    for behind in [Duration::days(400), Duration::hours(2)] {
        let name = format!("alice{}", behind.whole_minutes());
        world.wait(-behind);
        let alice = world.person(&name).await;
        let phone = alice.log_in().await.unwrap();
        for _ in 0..6 {
            let _ = alice.guess().await;
        }
        world.letterbox.set(Service::Closed);
        alice.request_reset().await.unwrap();
        world.deliver_mail().await;
        world.letterbox.set(Service::Open);
        do_upkeep(&world).await;
        world.wait(behind);
        phone.me().await.unwrap_err();
        alice.log_in().await.unwrap().me().await.unwrap();
        do_upkeep(&world).await;
        alice.request_reset().await.unwrap();
        assert!(alice.mail_kinds().await.contains(&"reset_password"));
        assert_eq!(keys(&world.replica().channel).await.iter().filter(|key| key.state() == Active).count(), 1);
    }
}

async fn a_start_with_the_clock_two_hours_behind_undoes_nothing(world: World) {
    start_behind(world, Duration::hours(2)).await;
}

async fn a_start_with_the_clock_a_year_behind_undoes_nothing(world: World) {
    start_behind(world, Duration::days(400)).await;
}

/// A machine without a clock of its own starts in the past, until the network tells it the time.
async fn start_behind(world: World, behind: Duration) {
    let root = world.person_with_role("root", "administrator").await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let stolen = bob.log_in().await.unwrap();
    let registrar = Registrar(root);
    registrar.reset_factors(&registrar.look_up(&alice).await.id, "lost").await.unwrap();
    let id = registrar.look_up(&bob).await.id;
    registrar.suspend(&id, "").await.unwrap();
    registrar.activate(&id, "").await.unwrap();
    world.letterbox.set(Service::Closed);
    bob.request_reset().await.unwrap();

    world.wait(-behind);
    let started = world.another_replica().await;
    world.wait(behind + Duration::minutes(1));
    let _ = alice.through(&started.channel).guess().await;

    world.do_jobs().await;
    alice.challenge().await;
    started.look().await;
    assert_eq!(reason(stolen.through(&started.channel).me().await), TokenInvalid);
    world.letterbox.set(Service::Open);
    world.wait(Duration::minutes(30));
    assert!(bob.mail_kinds().await.contains(&"reset_password"));
    started.stop().await;
}
