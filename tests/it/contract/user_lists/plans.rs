//! How PostgreSQL works on lists: asked about the statements that the store sent, with their values.

use std::sync::Arc;

use ipse::application::ports::{Store, UserCursor, UserQuery};
use ipse::domain::id::UserId;
use ipse::domain::listing::user_order::{Direction, UserOrder, UserOrderKey};
use ipse::infrastructure::store;
use serde_json::Value;
use time::Duration;
use time::macros::datetime;
use tokio_postgres::Client;

use super::{ORDERS, after, filter};
use crate::support::database::{Backend, Database, Outsider};
use crate::support::wiretap::Wiretap;

/// 50,000 people whose names do not follow the times. A run of 15,000 that came together is deleted, 50 are suspended,
/// and every tenth is pending. Seven are administrators and every second one is an auditor.
const FILL: &str = "
INSERT INTO users (id, email_written, email_canonical, email_verified, username, display_name, state, state_reason,
                   password_change_required, create_time, update_time, revision)
SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), address, address, true, 'n' || left(md5('name' || n), 20), '',
       CASE WHEN n BETWEEN 20000 AND 34999 THEN 'deleted' WHEN n % 1000 = 1 THEN 'suspended' WHEN n % 10 = 0 THEN 'pending'
            ELSE 'active' END,
       '', false, timestamptz '2026-01-01Z' + n / 3 * interval '1 second', timestamptz '2026-01-01Z', 1
FROM (SELECT n, md5(CAST(n AS text)) || '@example.com' AS address FROM generate_series(1, 50000) AS n) AS numbers;
INSERT INTO role_grants (role_id, user_id, create_time)
SELECT roles.id, CAST(lpad(to_hex(n), 32, '0') AS uuid), timestamptz '2026-01-01Z'
FROM roles, generate_series(1, 50000) AS n
WHERE roles.name = 'administrator' AND n % 7001 = 7 OR roles.name = 'auditor' AND n % 2 = 0;
VACUUM (ANALYZE) users, role_grants;";

const LIMIT: i64 = 51;
/// What the pages of four states hold.
const FOUR_PAGES: f64 = 4.0 * 51.0;
/// For a filter that the index of the order does not know: either few people pass it and they are sorted, or many do and
/// a walk through the order soon meets a page of them. The lesser work of both is about the root of page times table,
/// for each state; the planner need not guess that well.
const FEW: f64 = 5_000.0;

/// What the indexes of both orders know.
const KNOWN: [&str; 7] = [
    "",
    "state != DELETED",
    "state = ACTIVE",
    "state = PENDING",
    "state = SUSPENDED",
    "state = DELETED",
    "state != ACTIVE",
];
/// What the index of the one or the other order does not know.
const ACROSS: [&str; 11] = [
    "email = 'e*'",
    "email = 'e12*'",
    "email = 'c4ca4238a0b923820dcc509a6f75849b@example.com'",
    "username = 'n1*'",
    "username = 'n123*'",
    "username = n1x",
    "create_time >= 2026-01-01T03:00:00Z",
    "create_time >= 2026-01-01T03:00:00Z create_time < 2026-01-01T03:01:00Z",
    "role = administrator",
    "role = auditor",
    "role = auditor state = SUSPENDED",
];

#[tokio::test]
async fn no_page_is_found_by_reading_or_sorting_the_table() {
    let people = People::stored().await;
    for order in ORDERS {
        let part_of_the_order = match order.key {
            UserOrderKey::CreateTime => "create_time > 2026-01-01T00:10:00Z create_time <= 2026-01-01T04:30:00Z",
            UserOrderKey::Email => "email = 'e*'",
        };
        for cursor in [after(order, None), late(order)] {
            for text in KNOWN.into_iter().chain([part_of_the_order]) {
                let work = people.work(text, order, &cursor).await;
                assert!(work.rows <= FOUR_PAGES && work.sorted <= FOUR_PAGES, "{text} {order:?}: {work:?}");
            }
            for text in ACROSS {
                let work = people.work(text, order, &cursor).await;
                assert!(work.rows <= FEW, "{text} {order:?}: {work:?}");
            }
        }
    }
}

/// A place near the end of an order.
fn late(order: UserOrder) -> UserCursor {
    let (hours, address) = match order.direction {
        Direction::Ascending => (4, "ef"),
        Direction::Descending => (1, "1"),
    };
    match order.key {
        UserOrderKey::CreateTime => {
            UserCursor::CreateTime(Some((datetime!(2026-01-01 00:00 UTC) + Duration::hours(hours), UserId::NOBODY)))
        }
        UserOrderKey::Email => UserCursor::Email(Some(address.to_owned())),
    }
}

/// What a statement made the server do.
#[derive(Debug, Default)]
struct Work {
    /// How many rows of tables it looked at.
    rows: f64,
    /// How many rows went into its sorts.
    sorted: f64,
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
        if node["Relation Name"].is_string() {
            self.rows += (number("Actual Rows") + removed) * loops;
        }
        if kind == "Seq Scan" && loops > 0.0 {
            self.scanned.push(node["Relation Name"].to_string());
        }
        let below = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
        if kind.contains("Sort") {
            let rows = |node: &Value| node["Actual Rows"].as_f64().unwrap() * node["Actual Loops"].as_f64().unwrap();
            self.sorted += below.iter().map(rows).sum::<f64>();
        }
        for node in below {
            self.add(node);
        }
    }
}

/// A database with many people, a store that reaches it through a wiretap, and a way around.
struct People {
    tap: Wiretap,
    store: Arc<dyn Store>,
    client: Client,
    /// Dropped last: it is erased.
    _database: Database,
}

impl People {
    async fn stored() -> Self {
        let database = Database::migrated(Backend::Postgres).await;
        let Outsider::Postgres(client) = database.outsider().await else { panic!("it is PostgreSQL") };
        for statement in FILL.split_inclusive(';') {
            client.batch_execute(statement).await.unwrap();
        }
        let tap = Wiretap::on(&database).await;
        Self { store: store::connect(&tap.settings, Arc::new(())).await.unwrap(), tap, client, _database: database }
    }

    /// What the page after a place makes the server do.
    async fn work(&self, text: &str, order: UserOrder, cursor: &UserCursor) -> Work {
        let (filter, cursor, direction) = (filter(text), cursor.clone(), order.direction);
        let query = UserQuery { filter, cursor, direction, limit: LIMIT };
        self.store.read().await.unwrap().users().list_users(&query).await.unwrap();
        let heard = self.tap.take();
        let statement = heard.iter().find(|statement| statement.sql.contains("UNION ALL")).unwrap();
        assert_eq!(statement.uses, 1, "a plan may be kept that was made for other values");
        let plan = statement.plan(&self.client).await;
        let mut work = Work::default();
        work.add(&plan[0]["Plan"]);
        assert!(work.scanned.is_empty(), "{text} {order:?}: {plan:#}");
        work
    }
}
