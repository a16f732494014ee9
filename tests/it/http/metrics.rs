//! The metrics: that they count what happens, and that no caller can make them grow.

use std::collections::BTreeMap;

use futures_util::future::select;
use ipse::proto::WatchAuditEventsRequest;
use ipse::proto::audit_service_client::AuditServiceClient;
use time::Duration;

use crate::support::database::Backend;
use crate::support::http::get;
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::wire::Call;
use crate::support::world::{START, World};

on_both_backends! {
    World::start =>
    calls_count_by_method_and_code
    a_stream_is_in_work_until_it_ends
    no_caller_makes_a_series_of_their_own
    nothing_of_a_person_is_in_a_metric
    the_parts_tell_how_busy_they_are
    mails_count_by_what_became_of_them
    jobs_count_by_kind_and_what_became_of_them
}

on_both_backends! {
    one_call_at_a_time =>
    what_is_refused_for_overload_counts
}

async fn one_call_at_a_time(backend: Backend) -> World {
    World::with(backend, &["MAX_IN_FLIGHT=1"]).await
}

/// All samples by name and labels, after a check of the form.
async fn samples(world: &World) -> BTreeMap<String, String> {
    let answer = get(world.replica().side_port, "/metrics").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.body.ends_with("# EOF\n"));
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| line.rsplit_once(' ').expect("a sample and its value"));
    let samples = samples.inspect(|(_, value)| assert!(value.parse::<f64>().is_ok(), "{value}"));
    samples.map(|(series, value)| (series.to_owned(), value.to_owned())).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

fn labels(method: &str, code: &str) -> String {
    format!("rpc_system_name=\"grpc\",rpc_method=\"{method}\",rpc_response_status_code=\"{code}\"")
}

fn calls(method: &str, code: &str) -> String {
    format!("rpc_server_call_duration_seconds_count{{{}}}", labels(method, code))
}

fn bucket(method: &str, code: &str, bound: &str) -> String {
    format!("rpc_server_call_duration_seconds_bucket{{le=\"{bound}\",{}}}", labels(method, code))
}

fn errors(method: &str, reason: &str) -> String {
    format!("ipse_call_errors_total{{rpc_method=\"{method}\",reason=\"{reason}\"}}")
}

fn active(method: &str) -> String {
    format!("ipse_active_calls{{rpc_method=\"{method}\"}}")
}

async fn calls_count_by_method_and_code(world: World) {
    let alice = world.person("alice").await;
    alice.log_in().await.unwrap().me().await.unwrap();
    alice.guess().await.unwrap_err();
    alice.guess().await.unwrap_err();
    let samples = samples(&world).await;
    for (series, expected) in [
        (calls("ipse.v1.AuthService/Register", "OK"), "1"),
        (calls("ipse.v1.AuthService/Login", "OK"), "1"),
        (calls("ipse.v1.AuthService/Login", "UNAUTHENTICATED"), "2"),
        (calls("ipse.v1.AccountService/GetMe", "OK"), "1"),
        (errors("ipse.v1.AuthService/Login", "CREDENTIALS_INVALID"), "2"),
        (active("ipse.v1.AuthService/Login"), "0"),
    ] {
        assert_eq!(samples[&series], expected, "{series}");
    }
    let sum = calls("ipse.v1.AuthService/Login", "OK").replace("_count{", "_sum{");
    // A hash alone takes longer than a millisecond, and no call longer than its deadline.
    assert!((0.001..10.0).contains(&number(&samples[&sum])), "{}", samples[&sum]);
    let under = |bound: &str| samples[&bucket("ipse.v1.AuthService/Login", "OK", bound)].as_str();
    assert!(samples.contains_key(&bucket("ipse.v1.AuthService/Login", "OK", "0.005")));
    assert_eq!((under("10.0"), under("+Inf")), ("1", "1"));
}

async fn a_stream_is_in_work_until_it_ends(world: World) {
    const WATCH: &str = "ipse.v1.AuditService/WatchAuditEvents";
    let auditor = world.person_with_role("auditor", "auditor").await;
    let mut client = AuditServiceClient::new(auditor.channel());
    let request = auditor.request(WatchAuditEventsRequest { after_sequence: 0 });
    let mut events = client.watch_audit_events(request).await.unwrap().into_inner();
    events.message().await.unwrap().unwrap();
    let during = samples(&world).await;
    assert_eq!(during[&active(WATCH)], "1");
    assert!(!during.keys().any(|series| series.contains("_count{") && series.contains(WATCH)));

    drop((events, client));
    loop {
        let after = samples(&world).await;
        if after[&active(WATCH)] == "0" {
            assert_eq!(after[&calls(WATCH, "CANCELLED")], "1");
            break;
        }
        tokio::task::yield_now().await;
    }
}

async fn no_caller_makes_a_series_of_their_own(world: World) {
    samples(&world).await;
    let before = samples(&world).await.len();
    for number in 0..50 {
        for path in [
            format!("/ipse.v1.AuthService/Login{number}"),
            format!("/grpc.health.v1.Health/{number}"),
            format!("/grpc.reflection.v1.ServerReflection/{number}"),
            format!("/{number}.%22%7D%0a/x"),
            format!("/{number}"),
        ] {
            Call::new(&path, b"").send(world.replica().address).await.unwrap().result().unwrap_err();
        }
    }
    let samples = samples(&world).await;
    let new: Vec<_> = samples.keys().filter(|series| series.contains("_OTHER")).collect();
    assert_eq!(samples[&calls("_OTHER", "UNIMPLEMENTED")], "250");
    assert_eq!(samples[&active("_OTHER")], "0");
    // A histogram of one method and code, and its one reason; what is in work was there before.
    assert_eq!(samples.len(), before + new.len() - 1, "{new:?}");
}

async fn nothing_of_a_person_is_in_a_metric(world: World) {
    let alice = world.stranger("alice").known_as("alice-the-first");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let phone = alice.log_in().await.unwrap();
    let id = phone.me().await.unwrap().user.unwrap().id;
    alice.guess().await.unwrap_err();
    let text = get(world.replica().side_port, "/metrics").await.body;
    for secret in ["alice", "example.com", &id, &phone.tokens.session_id, &phone.tokens.access_token, "203.0.113.1"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

async fn the_parts_tell_how_busy_they_are(world: World) {
    world.person("alice").await.log_in().await.unwrap();
    let samples = samples(&world).await;
    assert_eq!(samples["process_start_time_seconds"], START.unix_timestamp().to_string());
    assert_eq!(samples["ipse_hashing_begun_total"], "2", "one hash to sign up, one to sign in");
    assert!(number(&samples["ipse_hashing_busy_seconds_total"]) > 0.0);
    assert!(number(&samples["ipse_hashing_threads"]) >= 1.0);
    assert_eq!(samples["ipse_hashing_waiting"], "0");
    assert_eq!(samples["ipse_hashing_refused_total"], "0");
    assert_eq!(samples["ipse_signing_keys{state=\"active\"}"], "1");
    assert_eq!(samples["ipse_signing_keys{state=\"retiring\"}"], "0");
    assert!((0.0..600.0).contains(&number(&samples["ipse_signing_keys_age_seconds"])));
    let pool = match world.database.backend {
        Backend::Sqlite => "readers",
        Backend::Postgres => "connections",
    };
    let of = |name: &str, state: &str| &samples[&format!("{name}{{db_client_connection_pool_name=\"{pool}\"{state}}}")];
    let open = ["used", "idle"]
        .map(|state| of("db_client_connection_count", &format!(",db_client_connection_state=\"{state}\"")));
    assert!(open.iter().map(|count| number(count)).sum::<f64>() >= 1.0);
    assert_eq!(of("db_client_connection_max", ""), &world.database.settings.max_connections.to_string());
    assert_eq!(of("db_client_connection_pending_requests", ""), "0");
    assert!(number(of("db_client_connection_wait_seconds_total", "")) > 0.0);
    assert_eq!(of("db_client_connection_timeouts_total", ""), "0");
}

async fn mails_count_by_what_became_of_them(world: World) {
    world.person("alice").await;
    world.deliver_mail().await;
    let samples = samples(&world).await;
    assert_eq!(samples["ipse_mail_deliveries_total{outcome=\"sent\"}"], "2", "a verification and a welcome");
    assert_eq!(samples["ipse_mail_deliveries_total{outcome=\"given_up\"}"], "0");
    assert_eq!(samples["ipse_mail_overdue_seconds"], "0");
}

async fn jobs_count_by_kind_and_what_became_of_them(world: World) {
    world.person("alice").await;
    world.letterbox.set(Service::Moved);
    world.stranger("bob").register().await.unwrap();
    world.deliver_mail().await;
    world.letterbox.set(Service::Closed);
    world.stranger("carol").register().await.unwrap();
    world.deliver_mail().await;
    world.wait(Duration::seconds(65));
    world.replica().jobs.look_over().await.unwrap();
    let samples = samples(&world).await;
    for (series, expected) in [
        ("ipse_jobs_attempts_total{kind=\"token_mail\",outcome=\"done\"}", "1"),
        ("ipse_jobs_attempts_total{kind=\"token_mail\",outcome=\"retried\"}", "1"),
        ("ipse_jobs_attempts_total{kind=\"token_mail\",outcome=\"given_up\"}", "1"),
        ("ipse_jobs_attempts_total{kind=\"notice_mail\",outcome=\"done\"}", "1"),
        ("ipse_jobs_attempts_total{kind=\"purge\",outcome=\"done\"}", "0"),
        ("ipse_jobs_waiting{kind=\"token_mail\",lane=\"mail.token\"}", "1"),
        ("ipse_jobs_waiting{kind=\"notice_mail\",lane=\"mail.notice\"}", "0"),
        ("ipse_jobs_due{kind=\"token_mail\",lane=\"mail.token\"}", "1"),
        ("ipse_jobs_due{kind=\"notice_mail\",lane=\"mail.notice\"}", "0"),
        ("ipse_jobs_oldest_seconds{kind=\"token_mail\",lane=\"mail.token\"}", "60"),
        ("ipse_jobs_oldest_seconds{kind=\"notice_mail\",lane=\"mail.notice\"}", "0"),
        ("ipse_jobs_dead{kind=\"token_mail\",lane=\"mail.token\"}", "1"),
        ("ipse_jobs_dead{kind=\"notice_mail\",lane=\"mail.notice\"}", "0"),
        ("ipse_mail_overdue_seconds", "60"),
    ] {
        assert_eq!(samples[series], expected, "{series}");
    }
}

async fn what_is_refused_for_overload_counts(world: World) {
    let alice = world.person("alice").await;
    let mut lock = world.lock_writes().await;
    let (one, other) = (Box::pin(alice.log_in()), Box::pin(alice.log_in()));
    let (refused, in_work) = select(one, other).await.factor_first();
    refused.map(|_| ()).unwrap_err();
    loop {
        let samples = samples(&world).await;
        // The answer is on its way before its call is counted as over.
        if samples[&active("ipse.v1.AuthService/Login")] == "1" {
            assert_eq!(samples[&errors("ipse.v1.AuthService/Login", "SERVER_OVERLOADED")], "1");
            assert_eq!(samples[&calls("ipse.v1.AuthService/Login", "RESOURCE_EXHAUSTED")], "1");
            break;
        }
        tokio::task::yield_now().await;
    }
    lock.execute("ROLLBACK").await;
    in_work.await.unwrap();
}
