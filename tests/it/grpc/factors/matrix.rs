//! Every state of an account, with every factor, at every door: what each opens is one table.

use std::fmt::Write as _;

use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::complete_step_up_request::Proof as StepUpProof;
use time::Duration;

use crate::support::authenticator::Authenticator;
use crate::support::factors::Enrolled;
use crate::support::gateway::question_about;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::reason;
use crate::support::registrar::Registrar;
use crate::support::world::{ISSUER, World};

on_both_backends! {
    World::start =>
    every_state_and_factor_opens_the_doors_that_the_table_says
}

const STATES: [&str; 5] = ["active", "suspended", "deleted", "purged", "to change the password"];
const FACTORS: [&str; 3] = ["none", "app", "passkey"];

/// What somebody has to sign in with.
struct Held {
    enrolled: Option<Enrolled>,
    key: Option<Authenticator>,
    recovery_codes: Vec<String>,
}

async fn enrol(person: &Person<'_>, factor: &str) -> Held {
    let phone = person.log_in().await.unwrap();
    let mut held = Held { enrolled: None, key: None, recovery_codes: Vec::new() };
    match factor {
        "app" => {
            let enrolled = phone.enrol_app().await.unwrap();
            held.recovery_codes.clone_from(&enrolled.recovery_codes);
            held.enrolled = Some(enrolled);
        }
        "passkey" => {
            let mut key = Authenticator::new();
            held.recovery_codes = phone.register_passkey(&mut key, ISSUER).await.unwrap().recovery_codes;
            held.key = Some(key);
        }
        _ => {}
    }
    held
}

/// A session at the highest level that the person reaches.
async fn sign_in<'w>(person: &Person<'w>, held: &mut Held) -> Device<'w> {
    match (&held.enrolled, &mut held.key) {
        (Some(enrolled), _) => person.log_in_with_app(&enrolled.app).await.unwrap(),
        (_, Some(key)) => person.log_in_with_passkey(key, ISSUER).await.unwrap(),
        _ => person.log_in().await.unwrap(),
    }
}

async fn change(root: &Registrar<'_>, id: &str, state: &str) {
    match state {
        "suspended" => drop(root.suspend(id, "").await.unwrap()),
        "deleted" => drop(root.delete(id).await.unwrap()),
        "purged" => {
            root.delete(id).await.unwrap();
            root.purge(id).await.unwrap();
        }
        "to change the password" => root.require_password_change(id).await.map(|_| ()).unwrap(),
        _ => {}
    }
}

/// A word for how a door answers.
fn answer<T>(outcome: Result<T, tonic::Status>) -> &'static str {
    match outcome {
        Ok(_) => "open",
        refused => {
            let name = reason(refused).as_str_name();
            name.strip_prefix("ERROR_REASON_").unwrap_or(name)
        }
    }
}

/// What each door answers to somebody with a session and a challenge from before the change.
async fn doors(
    (world, guard): (&World, &Guard<'_>),
    person: &Person<'_>,
    held: &mut Held,
    before: &Before<'_>,
) -> Vec<&'static str> {
    let token = &before.device.tokens.access_token;
    let mut answers = vec![
        answer(before.device.me().await),
        if guard.finds_good(token).await { "open" } else { "inactive" },
        if format!("{:?}", world.verdict(question_about(token, &[])).await.unwrap()).starts_with("Passes") {
            "open"
        } else {
            "refused"
        },
        answer(before.device.begin_step_up("").await.map(|_| ())),
    ];
    let recovery = |code: usize| held.recovery_codes.get(code).cloned();
    answers.push(match (&before.challenge, recovery(0)) {
        (Some(challenge), Some(code)) => answer(person.answer(challenge, Proof::RecoveryCode(code)).await),
        _ => "-",
    });
    answers.push(match (&before.step_up, recovery(1)) {
        (Some(token), Some(code)) => {
            answer(before.device.complete_step_up(token, StepUpProof::RecoveryCode(code)).await)
        }
        _ => "-",
    });
    answers.push(answer(before.spare.refresh().await));
    world.wait(Duration::seconds(30));
    let has_factor = held.enrolled.is_some() || held.key.is_some();
    answers.push(if has_factor { answer(person.try_challenge().await) } else { answer(person.log_in().await) });
    answers.push(match &mut held.key {
        Some(key) => answer(person.log_in_with_passkey(key, ISSUER).await),
        None => "-",
    });
    answers
}

/// What somebody had before the change.
struct Before<'w> {
    device: Device<'w>,
    spare: Device<'w>,
    challenge: Option<ipse::proto::MfaChallenge>,
    step_up: Option<String>,
}

async fn every_state_and_factor_opens_the_doors_that_the_table_says(world: World) {
    let (root, guard) = (world.registrar().await, Guard::new(&world).await);
    let mut table = format!(
        "{:24}{:10}{}\n",
        "",
        "",
        ["GetMe", "Introspect", "Check", "BeginStepUp", "CompleteMfa", "CompleteStepUp", "Refresh", "Login", "Passkey"]
            .map(|door| format!("{door:26}"))
            .concat()
            .trim_end()
    );
    for state in STATES {
        for factor in FACTORS {
            let person = world.person(&format!("{}-{factor}", state.replace(' ', "-"))).await;
            let mut held = enrol(&person, factor).await;
            let device = sign_in(&person, &mut held).await;
            let spare = sign_in(&person, &mut held).await;
            let challenge = if factor == "none" { None } else { Some(person.challenge().await) };
            let step_up = if factor == "none" { None } else { Some(device.begin_step_up("").await.unwrap()) };
            let step_up = step_up.map(|begun| begun.challenge_token);
            change(&root, &root.look_up(&person).await.id, state).await;
            let before = Before { device, spare, challenge, step_up };
            let answers = doors((&world, &guard), &person, &mut held, &before).await;
            let answers = answers.iter().map(|answer| format!("{answer:26}")).collect::<Vec<_>>().concat();
            writeln!(table, "{state:24}{factor:10}{}", answers.trim_end()).unwrap();
        }
    }
    let expected = include_str!("matrix.txt");
    assert_eq!(table, expected, "\n{table}");
}
