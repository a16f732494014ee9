//! How PostgreSQL works on lists: asked about the statements that the store sent, with their values.

use ipse::application::ports::{UserCursor, UserQuery};
use ipse::domain::id::UserId;
use ipse::domain::user_order::{UserOrder, UserOrderKey};
use ipse::infrastructure::store;
use serde_json::Value;
use time::Duration;
use time::macros::datetime;

use super::{ORDERS, after, filter};
use crate::support::database::{Backend, Database, Outsider};
use crate::support::wiretap::Wiretap;

/// 50,000 people. A run of 15,000 that came together is deleted, 50 are suspended, and every tenth is pending. The first
/// ten are administrators and every second one is an auditor.
const FILL: &str = "
INSERT INTO users (id, email_written, email_canonical, email_verified, username, display_name, state, state_reason,
                   password_change_required, create_time, update_time, revision)
SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), address, address, true, 'name' || n, '',
       CASE WHEN n BETWEEN 20000 AND 34999 THEN 'deleted' WHEN n % 1000 = 1 THEN 'suspended' WHEN n % 10 = 0 THEN 'pending'
            ELSE 'active' END,
       '', false, timestamptz '2026-01-01Z' + n / 3 * interval '1 second', timestamptz '2026-01-01Z', 1
FROM (SELECT n, md5(CAST(n AS text)) || '@example.com' AS address FROM generate_series(1, 50000) AS n) AS numbers;
INSERT INTO role_grants (role_id, user_id, create_time)
SELECT roles.id, users.id, timestamptz '2026-01-01Z' FROM users, roles
WHERE roles.name = 'administrator' AND username IN ('name1', 'name2', 'name3', 'name5', 'name7', 'name11', 'name40001')
   OR roles.name = 'auditor' AND right(username, 1) IN ('1', '3', '5', '7', '9');
VACUUM (ANALYZE) users, role_grants;";

const LIMIT: i64 = 51;
/// What the pages of four states hold.
const FOUR_PAGES: f64 = 4.0 * 51.0;
/// For a filter that the index of the order does not know, either those who pass are few enough to be sorted, or so many
/// that a walk through the order meets a page of them soon. What is less is at most the root of the product of both.
const FEW: f64 = 5_000.0;

#[tokio::test]
async fn a_page_reads_no_more_than_it_holds() {
    let cases = [
        ("", true),
        ("", false),
        ("state = ACTIVE", true),
        ("state = PENDING", true),
        ("state = SUSPENDED", true),
        ("state = DELETED", true),
        ("state != ACTIVE", true),
    ];
    let people = People::stored().await;
    for order in ORDERS {
        for (text, show_deleted) in cases {
            for cursor in [after(order, None), people.late(order)] {
                let work = people.work(text, show_deleted, order, cursor).await;
                assert!(work.sorted.is_empty(), "{text} {order:?}: {work:?}");
                assert!(work.rows <= FOUR_PAGES, "{text} {order:?}: {work:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_within_a_part_of_its_order_reads_no_more_than_it_holds() {
    let people = People::stored().await;
    for order in ORDERS {
        let text = match order.key {
            UserOrderKey::CreateTime => "create_time > 2026-01-01T00:10:00Z create_time <= 2026-01-01T04:30:00Z",
            UserOrderKey::Email => "email = 'e*'",
        };
        for cursor in [after(order, None), people.late(order)] {
            let work = people.work(text, true, order, cursor).await;
            assert!(work.sorted.is_empty(), "{text} {order:?}: {work:?}");
            assert!(work.rows <= FOUR_PAGES, "{text} {order:?}: {work:?}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_filter_across_the_order_reads_a_small_part_of_the_table() {
    let people = People::stored().await;
    for order in ORDERS {
        for text in [
            "email = 'e*'",
            "email = 'e12*'",
            "email = 'c4ca4238a0b923820dcc509a6f75849b@example.com'",
            "username = 'name1*'",
            "username = 'name123*'",
            "username = 'name4711'",
            "create_time >= 2026-01-01T03:00:00Z",
            "create_time >= 2026-01-01T03:00:00Z create_time < 2026-01-01T03:01:00Z",
            "role = administrator",
            "role = auditor",
            "role = auditor state = SUSPENDED",
        ] {
            for cursor in [after(order, None), people.late(order)] {
                let work = people.work(text, false, order, cursor).await;
                assert!(work.rows <= FEW, "{text} {order:?}: {work:?}");
                assert!(work.sorted.iter().all(|rows| *rows <= FEW), "{text} {order:?}: {work:?}");
            }
        }
    }
}

/// What a statement made the server do.
#[derive(Debug, Default)]
struct Work {
    /// How many rows of people it looked at.
    rows: f64,
    /// How many rows went into each of its sorts.
    sorted: Vec<f64>,
    /// The tables that it read from one end to the other.
    scanned: Vec<String>,
}

impl Work {
    /// Adds what a node of a plan and those below it did.
    fn add(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let loops = number("Actual Loops");
        let removed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        let kind = node["Node Type"].as_str().unwrap();
        if node["Relation Name"] == "users" {
            self.rows += (number("Actual Rows") + removed) * loops;
        }
        if kind == "Seq Scan" && loops > 0.0 {
            self.scanned.push(node["Relation Name"].to_string());
        }
        let below = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
        if kind.contains("Sort") {
            self.sorted.extend(below.iter().map(|node| node["Actual Rows"].as_f64().unwrap()));
        }
        below.iter().for_each(|node| self.add(node));
    }
}

/// A database with many people, reached through a wiretap.
struct People {
    database: Database,
    tap: Wiretap,
}

impl People {
    async fn stored() -> Self {
        let database = Database::migrated(Backend::Postgres).await;
        for statement in FILL.split_inclusive(';') {
            database.outsider().await.execute(statement).await;
        }
        let tap = Wiretap::on(&database).await;
        Self { database, tap }
    }

    /// A place near the end of an order.
    fn late(&self, order: UserOrder) -> UserCursor {
        let early = order.direction == ipse::domain::user_order::Direction::Descending;
        match order.key {
            UserOrderKey::CreateTime => {
                let hours = if early { 1 } else { 4 };
                UserCursor::CreateTime(Some((datetime!(2026-01-01 00:00 UTC) + Duration::hours(hours), UserId::NOBODY)))
            }
            UserOrderKey::Email => UserCursor::Email(Some(if early { "1".to_owned() } else { "ef".to_owned() })),
        }
    }

    /// What the page after a place makes the server do.
    async fn work(&self, text: &str, show_deleted: bool, order: UserOrder, cursor: UserCursor) -> Work {
        let filter = if show_deleted { filter(text) } else { filter(text).without_deleted() };
        let query = UserQuery { filter, cursor, direction: order.direction, limit: LIMIT };
        let store = store::connect(&self.tap.settings).await.unwrap();
        store.read().await.unwrap().users().list_users(&query).await.unwrap();
        let heard = self.tap.take();
        let statement = heard.iter().find(|statement| statement.sql.contains("UNION ALL")).unwrap();
        let Outsider::Postgres(client) = self.database.outsider().await else { panic!("it is PostgreSQL") };
        let plan = statement.plan(&client).await;
        let mut work = Work::default();
        work.add(&plan[0]["Plan"]);
        assert!(work.scanned.is_empty(), "{text} {order:?}: {plan:#}");
        work
    }
}
