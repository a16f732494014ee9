//! How the batches of an import are answered, and how its stream ends.

use ipse::config::Settings;
use ipse::proto::ErrorReason::{
    FieldInvalid, PermissionMissing, QuotaExceeded, RequestMalformed, ServerOverloaded, ShuttingDown, TokenInvalid,
};
use ipse::proto::factor_record::Method;
use ipse::proto::{FactorRecord, ImportUsersRequest, ImportUsersResponse, ListAuditEventsRequest, User, UserRecord};
use prost::Message as _;
use prost_types::value::Kind;
use time::Duration;

use super::{people, root, rows};
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::{Refusal, reason};
use crate::support::transfer::{Transfer, row, with};
use crate::support::wire::{Call, framed};
use crate::support::wiretap::Wiretap;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    batches_that_want_the_same_names_are_all_answered
    a_batch_of_no_rows_or_too_many_ends_the_stream
    bytes_that_are_no_batch_end_the_stream
    who_loses_the_right_or_the_session_is_cut_off
    a_stream_outlives_its_access_token
    a_server_that_stops_ends_streams_with_what_was_answered_kept
    a_stream_that_is_dropped_leaves_whole_batches
    there_are_only_so_many_streams
    each_batch_is_in_the_audit_trail
}

/// Batches are stored at the same time. These lock what the next one wants, in the opposite order.
async fn batches_that_want_the_same_names_are_all_answered(world: World) {
    let root = root(&world).await;
    let named = |name: &str| with("", |user| user.display_name = name.to_owned()).user.unwrap();
    let batch = |number: u32| {
        let mut rows: Vec<UserRecord> = (0..200)
            .map(|person| {
                let user = User { email: format!("person{person}@example.com"), ..named(&format!("Batch {number}")) };
                UserRecord { user: Some(user), ..UserRecord::default() }
            })
            .collect();
        if number % 2 == 1 {
            rows.reverse();
        }
        rows
    };
    let answers = root.import_all((0..6).map(batch).collect()).await.unwrap();
    let first_rows: Vec<i64> = answers.iter().map(|answer| answer.first_row).collect();
    assert_eq!(first_rows, [0, 200, 400, 600, 800, 1000]);
    assert!(answers.iter().all(|answer| usize::try_from(answer.accepted).unwrap() + answer.refusals.len() == 200));
    assert_eq!(answers.iter().map(|answer| answer.accepted).sum::<i32>(), 200);
    assert_eq!(people(&world).await, 200);
}

async fn a_batch_of_no_rows_or_too_many_ends_the_stream(world: World) {
    let root = root(&world).await;
    for batch in [vec![], vec![UserRecord::default(); 501]] {
        let mut import = root.begin().await.unwrap();
        assert_eq!(import.send(rows(0..2)).await.unwrap().first_row, 0);
        assert_eq!(import.send(rows(2..4)).await.unwrap().first_row, 2);
        let refused = Refusal::of(&import.send(batch).await.unwrap_err());
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["rows".to_owned()]));
    }
    assert_eq!(people(&world).await, 4);
    let mut most = root.begin().await.unwrap();
    assert_eq!(most.send(vec![UserRecord::default(); 500]).await.unwrap().refusals.len(), 500);
    most.end().await;
}

async fn bytes_that_are_no_batch_end_the_stream(world: World) {
    let root = root(&world).await;
    let bearer = format!("Bearer {}", root.0.tokens.access_token);
    let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let batch = ImportUsersRequest { rows: rows(0..2), dry_run: false, request_id: String::new() }.encode_to_vec();
    let body = [framed(&batch), framed(b"\xff"), framed(&batch)].concat().into();
    let call = Call { path: "/ipse.v1.UserService/ImportUsers", headers: &headers, body };
    let answer = call.send(world.replica().address).await.unwrap();
    assert_eq!(reason(answer.result()), RequestMalformed);
    assert!(ImportUsersResponse::decode(answer.body.slice(5..)).unwrap().accepted == 2);
    assert_eq!(people(&world).await, 2);
}

async fn who_loses_the_right_or_the_session_is_cut_off(world: World) {
    let operator = Operator::root(&world).await;
    let role = operator.create("importer", &["users.import"]).await.unwrap();
    let device = world.person("ida").await.log_in().await.unwrap();
    let ida = device.me().await.unwrap().user.unwrap().id;
    for (number, expected) in (0..).zip([PermissionMissing, TokenInvalid]) {
        operator.grant(&role.id, &ida).await.unwrap();
        let mut import = Transfer(device.clone()).begin().await.unwrap();
        import.send(rows(number..number + 1)).await.unwrap();
        if expected == PermissionMissing {
            operator.revoke(&role.id, &ida).await.unwrap();
        } else {
            world.suspend("ida@example.com").await;
        }
        assert_eq!(reason(import.send(rows(7..8)).await), expected);
    }
    assert_eq!(people(&world).await, 2);
}

async fn a_stream_outlives_its_access_token(world: World) {
    let root = root(&world).await;
    let mut import = root.begin().await.unwrap();
    import.send(rows(0..1)).await.unwrap();
    world.wait(Duration::hours(1));
    import.send(rows(1..2)).await.unwrap();
    import.end().await;
    assert_eq!(people(&world).await, 2);
}

async fn a_server_that_stops_ends_streams_with_what_was_answered_kept(world: World) {
    let root = root(&world).await;
    let mut import = root.begin().await.unwrap();
    import.send(rows(0..2)).await.unwrap();
    world.replica().tell_to_stop();
    let mut next = 2;
    let refused = loop {
        match import.send(rows(next..next + 1)).await {
            Ok(_) => next += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(Refusal::of(&refused).reason, ShuttingDown);
    assert!(people(&world).await >= next as usize);
    drop((import, root));
    world.end().await;
}

async fn a_stream_that_is_dropped_leaves_whole_batches(world: World) {
    let root = root(&world).await;
    for first in [0, 100, 200] {
        let rows = rows(first..first + 100);
        tokio::select! {
            biased;
            _ = root.import(rows) => {}
            () = tokio::task::yield_now() => {}
        }
    }
    let mut import = root.begin().await.unwrap();
    import.send(rows(900..901)).await.unwrap();
    assert_eq!(people(&world).await % 100, 1);
}

async fn there_are_only_so_many_streams(world: World) {
    let root = root(&world).await;
    let mut imports = Vec::new();
    for _ in 0..4 {
        imports.push(root.begin().await.unwrap());
    }
    assert_eq!(reason(root.begin().await.map(|_| ())), QuotaExceeded);
    // Of all callers together there are twice as many.
    let second = Transfer(world.person_with_role("second", "administrator").await);
    let third = Transfer(world.person_with_role("third", "administrator").await);
    for _ in 0..4 {
        imports.push(second.begin().await.unwrap());
    }
    assert_eq!(reason(third.begin().await.map(|_| ())), ServerOverloaded);
    root.export("", false).await.unwrap();
    imports.pop().unwrap().end().await;
    third.begin().await.unwrap().end().await;
}

async fn each_batch_is_in_the_audit_trail(world: World) {
    let root = root(&world).await;
    let mut import = root.begin().await.unwrap();
    import.send(rows(0..2)).await.unwrap();
    import.send([rows(1..4), vec![row("bad")]].concat()).await.unwrap();
    import.end().await;
    let request = ListAuditEventsRequest { filter: "type = \"users_imported\"".to_owned(), ..Default::default() };
    let mut client = ipse::proto::audit_service_client::AuditServiceClient::new(root.0.channel());
    let events = client.list_audit_events(root.0.request(request)).await.unwrap().into_inner().events;
    let mut counts: Vec<Vec<String>> = events
        .into_iter()
        .map(|event| {
            let details = event.details.unwrap().fields;
            ["accepted", "unchanged", "refused"]
                .map(|name| match &details[name].kind {
                    Some(Kind::StringValue(text)) => text.clone(),
                    other => panic!("{other:?}"),
                })
                .to_vec()
        })
        .collect();
    counts.sort();
    assert_eq!(counts, [["2", "0", "0"], ["3", "1", "1"]]);
}

/// Asked of what goes over the wire to PostgreSQL.
#[tokio::test]
async fn rows_without_factors_take_no_statement_about_factors() {
    let world = World::start(Backend::Postgres).await;
    let tap = Wiretap::on(&world.database).await;
    let tapped = Settings { database: tap.settings.clone(), ..world.settings.clone() };
    let replica = world.another_replica_with(&tapped).await;
    let root = Transfer(world.administrator().await.through(&replica.channel));
    let about_factors = async |rows: Vec<UserRecord>| {
        let count = rows.len();
        tap.take();
        assert_eq!(usize::try_from(root.import(rows).await.unwrap().accepted).unwrap(), count);
        let heard = tap.take();
        assert!(heard.iter().any(|statement| statement.sql.starts_with("INSERT INTO users ")));
        heard.iter().filter(|statement| statement.sql.contains("factors") || statement.sql.contains("codes")).count()
    };
    assert_eq!(about_factors(rows(0..500)).await, 0);
    let uri = "otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let method = Some(Method::OtpauthUri(uri.to_owned()));
    let factor = FactorRecord { method, ..FactorRecord::default() };
    let having = |row| UserRecord { factors: vec![factor.clone()], ..row };
    assert_eq!(about_factors(rows(500..700).into_iter().map(having).collect()).await, 1);
    replica.stop().await;
}
