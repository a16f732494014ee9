//! What a person gets to see of all that is stored about them.

use ipse::proto::ErrorReason::StepUpRequired;
use ipse::proto::ExportMyDataRequest;
use ipse::proto::account_service_client::AccountServiceClient;
use serde_json::Value;
use time::Duration;
use tonic::Status;

use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    everything_stored_about_a_person_is_told
    nothing_of_others_and_no_secret_is_told
    a_long_history_comes_in_parts_and_whole
    it_takes_a_fresh_sign_in
}

async fn export(device: &Device<'_>) -> Result<Vec<String>, Status> {
    let mut client = AccountServiceClient::new(device.channel());
    let mut stream = client.export_my_data(device.request(ExportMyDataRequest {})).await?.into_inner();
    let mut parts = Vec::new();
    while let Some(part) = stream.message().await? {
        parts.push(part.json);
    }
    Ok(parts)
}

async fn told(device: &Device<'_>) -> Value {
    serde_json::from_str(&export(device).await.unwrap().concat()).unwrap()
}

fn texts<'v>(list: &'v Value, name: &str) -> Vec<&'v str> {
    list.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap()).collect()
}

async fn everything_stored_about_a_person_is_told(world: World) {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    world.give_role(&alice.email, "auditor").await;
    let laptop = alice.log_in().await.unwrap();
    laptop.log_out().await.unwrap();
    alice.guess().await.unwrap_err();
    // Sessions of one instant have no order that a person could know.
    world.wait(Duration::seconds(1));
    let phone = alice.log_in().await.unwrap();
    phone.change_email("moved@example.com").await.unwrap();
    let told = told(&phone).await;
    assert_eq!(told["user"]["email"], "alice@example.com");
    assert_eq!(told["user"]["username"], "wonder");
    assert_eq!(texts(&told["roles"], "name"), ["auditor"]);
    assert_eq!(texts(&told["sessions"], "id"), [&phone.tokens.session_id, &laptop.tokens.session_id]);
    assert_eq!(told["sessions"][0]["current"], true);
    assert_eq!(told["sessions"][0]["ipAddress"], "203.0.113.1");
    assert_eq!(texts(&told["mailedTokens"], "newEmail"), ["moved@example.com"]);
    assert_eq!(texts(&told["mailedTokens"], "purpose"), ["MAILED_TOKEN_PURPOSE_CHANGE_EMAIL"]);
    let id = told["user"]["id"].as_str().unwrap();
    let mut events = texts(&told["auditEvents"], "type");
    events.reverse();
    assert_eq!(
        events,
        [
            "user_created",
            "email_verified",
            "authn_login_success",
            "authn_logout",
            "authn_login_fail",
            "authn_login_success",
            "email_change_request",
            "user_data_exported",
        ]
    );
    assert!(told["auditEvents"].as_array().unwrap().iter().all(|event| event["subject"] == id || event["actor"] == id));
}

async fn nothing_of_others_and_no_secret_is_told(world: World) {
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let bobs = bob.log_in().await.unwrap();
    let phone = alice.log_in().await.unwrap();
    alice.request_reset().await.unwrap();
    let text = export(&phone).await.unwrap().concat();
    let hash = world.database.outsider().await.values("SELECT hash AS value FROM passwords ORDER BY hash").await;
    for secret in
        [&hash[0], &hash[1], &phone.tokens.refresh_token, &bobs.tokens.session_id, &bob.email, &alice.password]
    {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
}

async fn a_long_history_comes_in_parts_and_whole(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let id = phone.me().await.unwrap().user.unwrap().id;
    let agent = "a".repeat(256);
    let insert = format!(
        "INSERT INTO audit_events (id, time, type, actor, subject, outcome, reason, ip_address, user_agent, request_id, \
         trace_id, details) SELECT id, time, type, '', '{id}', outcome, reason, ip_address, '{agent}', request_id, \
         trace_id, details FROM audit_events WHERE type = 'user_created' LIMIT 1"
    );
    let mut outsider = world.database.outsider().await;
    for _ in 0..450 {
        outsider.execute(&insert).await;
    }
    let parts = export(&phone).await.unwrap();
    assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= 64 * 1024), "{}", parts.len());
    let told: Value = serde_json::from_str(&parts.concat()).unwrap();
    let events = told["auditEvents"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["userAgent"] == agent.as_str()).count(), 450);
}

async fn it_takes_a_fresh_sign_in(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    world.wait(Duration::minutes(6));
    assert_eq!(reason(export(&phone).await), StepUpRequired);
}
