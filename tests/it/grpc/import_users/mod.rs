//! Imports: what becomes of rows, and how streams end.

mod factors;
mod outcomes;
mod own_exports;
mod streams;

use ipse::proto::UserRecord;

use crate::support::transfer::{Transfer, row};
use crate::support::world::World;

async fn root(world: &World) -> Transfer<'_> {
    Transfer(world.administrator().await)
}

/// Rows of people with numbers.
fn rows(numbers: std::ops::Range<u32>) -> Vec<UserRecord> {
    numbers.map(|number| row(&format!("person{number}@example.com"))).collect()
}

async fn people(world: &World) -> usize {
    world.count("users WHERE email_canonical LIKE 'person%'").await
}
