use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ipse::proto::ErrorReason::ShuttingDown;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::wire::{Call, Connection};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    who_watches_learns_of_the_stop_and_late_calls_are_refused
    calls_in_work_are_answered_before_the_end
}

const KEYS: &str = "/ipse.v1.KeyService/ListSigningKeys";

/// A server that stops asks its clients to leave and goes on listening until they have heard it. Here one has not, and
/// calls once more.
async fn who_watches_learns_of_the_stop_and_late_calls_are_refused(world: World) {
    let is_held = Arc::new(AtomicBool::new(false));
    let mut slow = open_slow(&world, is_held.clone()).await;
    slow.send(Call::new(KEYS, b"")).await.unwrap().result().unwrap();
    let mut health = HealthClient::new(world.replica().channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), Serving);

    is_held.store(true, Ordering::SeqCst);
    world.replica().tell_to_stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), NotServing);
    let late = slow.send(Call::new(KEYS, b"")).await.unwrap();
    assert_eq!(reason(late.result()), ShuttingDown);
    drop((slow, watch, health));
    world.end().await;
}

async fn calls_in_work_are_answered_before_the_end(world: World) {
    let alice = world.person("alice").await;
    let mut health = HealthClient::new(world.replica().channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    let mut lock = world.lock_writes().await;
    let begun = world.clock.next_reading();
    let stop = async {
        begun.await;
        world.replica().tell_to_stop();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), NotServing);
        lock.execute("ROLLBACK").await;
    };
    let (in_work, ()) = tokio::join!(alice.log_in(), stop);
    in_work.unwrap();
    drop((alice, watch, health));
    world.end().await;
}

/// Opens a connection on which, once it is held, nothing comes back before the answer to a call does.
async fn open_slow(world: &World, is_held: Arc<AtomicBool>) -> Connection {
    let stream = TcpStream::connect(world.replica().address).await.unwrap();
    let (from_server, mut to_server) = stream.into_split();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (mut from_client, to_client) = tokio::io::split(far);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(hold_back(from_server, to_client, is_held));
    Connection::open(near).await
}

async fn hold_back(mut from: OwnedReadHalf, mut to: impl AsyncWrite + Unpin, is_held: Arc<AtomicBool>) {
    let mut held = Vec::new();
    while let Ok(1..) = from.read_buf(&mut held).await {
        if has_answer(&held) {
            is_held.store(false, Ordering::SeqCst);
        }
        if !is_held.load(Ordering::SeqCst) {
            to.write_all(&held).await.unwrap();
            held.clear();
        }
    }
}

/// Whether there is a frame HEADERS among those of HTTP/2.
fn has_answer(mut frames: &[u8]) -> bool {
    while let Some((&[a, b, c, kind, ..], rest)) = frames.split_first_chunk::<9>() {
        if kind == 1 {
            return true;
        }
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        frames = rest.get(length..).unwrap_or_default();
    }
    false
}
