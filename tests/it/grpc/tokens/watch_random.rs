//! Random revocations at two processes, and a watcher who breaks off and comes back at either.

use std::collections::BTreeSet;

use ipse::application::ports::{Clock as _, Transaction};
use ipse::domain::access::change::AccessChange;
use ipse::domain::id::TokenId;
use ipse::proto::watch_revocations_response::Revoked;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::support::database::Backend;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::world::{Replica, World};

on_both_backends! {
    World::start =>
    whoever_comes_back_with_the_last_token_misses_nothing
}

const LIVES: usize = 12;
const STEPS: usize = 25;

#[derive(Debug, Clone)]
enum Step {
    /// Revokes a token at one of the processes, at once or in a transaction that is ended later.
    Revoke {
        here: bool,
        at_once: bool,
    },
    /// Ends the oldest transaction that is open.
    End {
        commits: bool,
    },
    Look {
        here: bool,
    },
    /// Comes back, reads up to so many messages of the snapshot, and breaks off.
    Read {
        here: bool,
        most: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let any_bool = any::<bool>;
    prop_oneof![
        5 => (any_bool(), proptest::bool::weighted(0.7)).prop_map(|(here, at_once)| Step::Revoke { here, at_once }),
        2 => proptest::bool::weighted(0.8).prop_map(|commits| Step::End { commits }),
        3 => any_bool().prop_map(|here| Step::Look { here }),
        4 => (any_bool(), 1..8_usize).prop_map(|(here, most)| Step::Read { here, most }),
    ]
}

/// What happened so far.
#[derive(Default)]
struct Life {
    open: Vec<(Uuid, Box<dyn Transaction>)>,
    revoked: BTreeSet<String>,
    heard: BTreeSet<String>,
    resume_token: String,
}

impl Life {
    async fn read(&mut self, guard: &Guard<'_>, most: usize) {
        let mut watch = guard.watch(&self.resume_token).await.unwrap();
        for _ in 0..most {
            match watch.message().await.unwrap().revoked {
                Some(Revoked::TokenId(id)) => drop(self.heard.insert(id)),
                Some(other) => panic!("{other:?}"),
                None => break,
            }
        }
        self.resume_token = watch.resume_token;
    }

    async fn end(&mut self, index: usize, commits: bool) {
        let (id, tx) = self.open.remove(index);
        if commits {
            tx.commit().await.unwrap();
            self.revoked.insert(id.hyphenated().to_string());
        }
    }
}

async fn whoever_comes_back_with_the_last_token_misses_nothing(world: World) {
    let guard = Guard::new(&world).await;
    let other = world.another_replica().await;
    let far = guard.through(&other.channel);
    let mut runner = TestRunner::deterministic();
    let mut number = 0_u128;
    let side = |here: bool| -> &Replica { if here { world.replica() } else { &other } };
    for _ in 0..LIVES {
        let steps = proptest::collection::vec(step(), STEPS).new_tree(&mut runner).unwrap().current();
        let mut life = Life::default();
        for step in &steps {
            match step {
                Step::Revoke { here, at_once } => {
                    // One writer of a file can be open at a time, and few connections.
                    let is_single = world.database.backend == Backend::Sqlite;
                    while life.open.len() > if is_single { 0 } else { 2 } {
                        life.end(0, true).await;
                    }
                    number += 1;
                    let id = Uuid::from_u128(number);
                    let tx = side(*here).store.write().await.unwrap();
                    let change = [AccessChange::Token(TokenId::from_uuid(id))];
                    tx.access_changes().insert_access_changes(&change, world.clock.now()).await.unwrap();
                    life.open.push((id, tx));
                    if *at_once {
                        life.end(life.open.len() - 1, true).await;
                    }
                }
                Step::End { commits } if !life.open.is_empty() => life.end(0, *commits).await,
                Step::End { .. } => {}
                Step::Look { here } => side(*here).look().await,
                Step::Read { here, most } => life.read(if *here { &guard } else { &far }, *most).await,
            }
        }
        while !life.open.is_empty() {
            life.end(0, true).await;
        }
        for _ in 0..2 {
            world.look().await;
            other.look().await;
        }
        life.read(&far, usize::MAX).await;
        let missed: Vec<_> = life.revoked.difference(&life.heard).collect();
        assert!(missed.is_empty(), "{missed:?} of {steps:?}");
    }
    other.stop().await;
}
