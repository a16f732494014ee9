//! Every state of an account, with every factor and with an API key, at every door: what each opens is one table.

use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::complete_step_up_request::Proof as StepUpProof;
use ipse::proto::{ExchangeApiKeyRequest, Tokens, User};
use time::Duration;

use crate::support::authenticator::Authenticator;
use crate::support::custodian::{Custodian, exchange};
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

const STATES: [&str; 6] = ["active", "unproven", "suspended", "deleted", "purged", "to change the password"];
const FACTORS: [&str; 3] = ["none", "app", "passkey"];
const SERVICE_STATES: [&str; 4] = ["active", "disabled", "deleted", "key revoked"];

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
        "unproven" => {
            let unproven = User { id: id.to_owned(), ..User::default() };
            drop(root.update(unproven, &["email_verified"]).await.unwrap());
        }
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

/// What the doors answer that take an access token.
async fn token_doors((world, guard): (&World, &Guard<'_>), device: &Device<'_>) -> Vec<&'static str> {
    let token = &device.tokens.access_token;
    let verdict = format!("{:?}", world.verdict(question_about(token, &[])).await.unwrap());
    vec![
        answer(device.me().await),
        if guard.finds_good(token).await { "open" } else { "inactive" },
        if verdict.starts_with("Passes") { "open" } else { "refused" },
        answer(device.begin_step_up("").await.map(|_| ())),
    ]
}

/// What each door answers to somebody with a session and a challenge from before the change.
async fn doors(
    (world, guard): (&World, &Guard<'_>),
    person: &Person<'_>,
    held: &mut Held,
    before: &Before<'_>,
) -> Vec<&'static str> {
    let mut answers = token_doors((world, guard), &before.device).await;
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
    answers.push("-");
    answers
}

/// What each door answers to a service with a token and an API key from before the change.
async fn service_doors((world, guard): (&World, &Guard<'_>), root: &Custodian<'_>, state: &str) -> Vec<&'static str> {
    let account = root.create(&state.replace(' ', "-")).await.unwrap();
    let (key, secret) = root.create_key(&account.id, &[]).await.unwrap();
    let request = ExchangeApiKeyRequest { api_key: secret, ..Default::default() };
    let access_token = exchange(world, request.clone()).await.unwrap().access_token;
    let service = world.stranger("service").with_tokens(Tokens { access_token, ..Tokens::default() });
    match state {
        "disabled" => drop(root.disable(&account.id).await.unwrap()),
        "deleted" => root.delete(&account.id, "").await.unwrap(),
        "key revoked" => drop(root.revoke_key(&key.id).await.unwrap()),
        _ => {}
    }
    let mut answers = token_doors((world, guard), &service).await;
    answers.extend(["-"; 5]);
    answers.push(answer(exchange(world, request).await));
    answers
}

/// What somebody had before the change.
struct Before<'w> {
    device: Device<'w>,
    spare: Device<'w>,
    challenge: Option<ipse::proto::MfaChallenge>,
    step_up: Option<String>,
}

const DOORS: [&str; 10] = [
    "GetMe",
    "Introspect",
    "Check",
    "BeginStepUp",
    "CompleteMfa",
    "CompleteStepUp",
    "Refresh",
    "Login",
    "Passkey",
    "ExchangeApiKey",
];

fn line(state: &str, factor: &str, answers: &[&str]) -> String {
    let answers: Vec<String> = answers.iter().map(|answer| format!("{answer:26}")).collect();
    format!("{state:24}{factor:10}{}\n", answers.concat().trim_end())
}

async fn every_state_and_factor_opens_the_doors_that_the_table_says(world: World) {
    let guard = Guard::new(&world).await;
    let custodian = Custodian::root(&world).await;
    let root = Registrar(custodian.0.clone());
    let mut table = line("", "", &DOORS);
    for state in SERVICE_STATES {
        table += &line(state, "API key", &service_doors((&world, &guard), &custodian, state).await);
    }
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
            table += &line(state, factor, &doors((&world, &guard), &person, &mut held, &before).await);
        }
    }
    let expected = include_str!("matrix.txt");
    assert_eq!(table, expected, "\n{table}");
}
