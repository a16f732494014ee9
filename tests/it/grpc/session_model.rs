//! Random lives of sessions, each step compared with a model of what should become of it.

use std::collections::BTreeSet;

use ipse::proto::ErrorReason::{RefreshTokenInvalid, TokenExpired, TokenInvalid};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::token;
use crate::support::world::World;

on_both_backends! {
    short_lived =>
    sessions_live_as_the_model_says
}

const ABSOLUTE: i64 = 3600;
const IDLE: i64 = 1200;
const GRACE: i64 = 10;

async fn short_lived(backend: Backend) -> World {
    World::with(backend, &["SESSION_LIFETIME=60m", "SESSION_IDLE_LIFETIME=20m", "ACCESS_TOKEN_LIFETIME=60m"]).await
}

/// What happens, to which session, and with which of its refresh tokens, counted from the newest.
#[derive(Debug, Clone)]
enum Step {
    SignIn,
    Refresh(Index, usize),
    SignOut(Index, usize),
    EndOthers(Index),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let back = prop_oneof![6 => Just(0_usize), 3 => Just(1), 1 => Just(2)];
    prop_oneof![
        3 => Just(Step::SignIn),
        8 => (any::<Index>(), back.clone()).prop_map(|(session, back)| Step::Refresh(session, back)),
        1 => (any::<Index>(), back).prop_map(|(session, back)| Step::SignOut(session, back)),
        1 => any::<Index>().prop_map(Step::EndOthers),
        6 => prop::sample::select(vec![1, 9, 10, 300, 900, 1199, 1200]).prop_map(Step::Wait),
    ]
}

/// A session as it should be.
struct Life<'w> {
    /// One for each refresh.
    devices: Vec<Device<'w>>,
    begin: i64,
    last_refresh: i64,
    is_ended: bool,
}

impl Life<'_> {
    fn newest(&self) -> &Device<'_> {
        self.devices.last().unwrap()
    }

    fn earlier(&self, back: usize) -> &Device<'_> {
        &self.devices[self.devices.len().saturating_sub(back + 1)]
    }

    fn is_live(&self, now: i64) -> bool {
        !self.is_ended && self.has_time(now)
    }

    fn has_time(&self, now: i64) -> bool {
        now < self.begin + ABSOLUTE && now < self.last_refresh + IDLE
    }
}

async fn sessions_live_as_the_model_says(world: World) {
    let mut runner = TestRunner::deterministic();
    for round in 0..4 {
        let steps = prop::collection::vec(step(), 40).new_tree(&mut runner).unwrap().current();
        let alice = world.person(&format!("alice{round}")).await;
        let mut lives = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let now = token::seconds(&world);
            match step {
                Step::Wait(seconds) => world.wait(Duration::seconds(*seconds)),
                _ if lives.is_empty() => lives.push(begin(alice.log_in().await.unwrap(), now)),
                Step::SignIn => lives.push(begin(alice.log_in().await.unwrap(), now)),
                Step::Refresh(session, back) => refresh(session.get_mut(&mut lives), *back, now).await,
                Step::SignOut(session, back) => {
                    let life = session.get_mut(&mut lives);
                    alice.log_out(&life.earlier(*back).tokens.refresh_token).await.unwrap();
                    life.is_ended = true;
                }
                Step::EndOthers(session) => end_others(session.index(lives.len()), &mut lives, now).await,
            }
            check(&lives, token::seconds(&world), &steps[..=number]).await;
        }
    }
}

fn begin(device: Device<'_>, now: i64) -> Life<'_> {
    Life { devices: vec![device], begin: now, last_refresh: now, is_ended: false }
}

async fn refresh(life: &mut Life<'_>, back: usize, now: i64) {
    let back = back.min(life.devices.len() - 1);
    let outcome = life.devices[life.devices.len() - 1 - back].refresh().await;
    if life.is_live(now) && back == 0 {
        life.devices.push(outcome.unwrap());
        life.last_refresh = now;
    } else if life.is_live(now) && back == 1 && now < life.last_refresh + GRACE {
        assert_eq!(outcome.unwrap().tokens.refresh_token, life.newest().tokens.refresh_token);
    } else {
        assert_eq!(reason(outcome), RefreshTokenInvalid);
        life.is_ended = true;
    }
}

async fn end_others(chosen: usize, lives: &mut [Life<'_>], now: i64) {
    let outcome = lives[chosen].newest().revoke_others().await;
    if !lives[chosen].is_live(now) {
        let expected = if lives[chosen].has_time(now) { TokenInvalid } else { TokenExpired };
        return assert_eq!(reason(outcome), expected);
    }
    let mut ended = 0;
    for (number, life) in lives.iter_mut().enumerate() {
        if number != chosen && life.is_live(now) {
            life.is_ended = true;
            ended += 1;
        }
    }
    assert_eq!(outcome.unwrap(), ended);
}

/// The sessions that are live are those of the model.
async fn check(lives: &[Life<'_>], now: i64, steps: &[Step]) {
    let live: Vec<_> = lives.iter().filter(|life| life.is_live(now)).collect();
    let Some(one) = live.first() else { return };
    let listed = one.newest().sessions().await.unwrap();
    let listed: BTreeSet<_> = listed.iter().map(|session| session.id.as_str()).collect();
    let expected: BTreeSet<_> = live.iter().map(|life| life.newest().tokens.session_id.as_str()).collect();
    assert_eq!(listed, expected, "after {steps:?}");
}
