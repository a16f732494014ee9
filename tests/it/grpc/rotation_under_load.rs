//! Sign-ins, refreshes and checks by a service with a cached key set go on while the signing key is replaced twice, the root
//! secret once, and the master key once, replica by replica. An hour of the service passes in a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration as RealTime;

use futures_util::future::join_all;
use ipse::application::ports::Clock as _;
use ipse::config::Settings;
use ipse::domain::Timestamp;
use ipse::domain::secret::SecretKey;
use ipse::infrastructure::master_key::MasterKey;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use time::Duration;
use tokio::time::{Instant, sleep};

use crate::support::http::get;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::world::{ISSUER, MASTER_KEY, Replica, World};

on_both_backends! {
    World::start =>
    no_call_fails_while_keys_change
}

const NEW_KEY: [u8; 32] = *b"abcdefghijklmnopqrstuv0123456789";
const LENGTH: RealTime = RealTime::from_secs(60);
const TICK: RealTime = RealTime::from_millis(100);
/// How much time of the service passes meanwhile: the 15 minutes between publication and first use are 15 seconds.
const STEP: Duration = Duration::seconds(6);
const PEOPLE: usize = 4;

/// The replicas behind a balancer. One that is to stop gets no new calls, and those in work end first.
struct Balancer {
    replicas: Mutex<[Arc<Replica>; 2]>,
    next: AtomicUsize,
}

impl Balancer {
    fn choose(&self) -> Arc<Replica> {
        self.replicas.lock().unwrap()[self.next.fetch_add(1, Ordering::Relaxed) % 2].clone()
    }

    fn all(&self) -> [Arc<Replica>; 2] {
        self.replicas.lock().unwrap().clone()
    }

    /// Replaces the replicas one after the other by some with these settings.
    async fn roll(&self, world: &World, settings: &Settings) {
        for place in 0..2 {
            let new = Arc::new(world.another_replica_with(settings).await);
            let mut old = std::mem::replace(&mut self.replicas.lock().unwrap()[place], new);
            loop {
                match Arc::try_unwrap(old) {
                    Ok(idle) => break idle.stop().await,
                    Err(busy) => old = busy,
                }
                sleep(TICK).await;
            }
        }
    }
}

/// A service that keeps the key set for as long as it may, and never asks for it before.
struct Verifier<'w> {
    world: &'w World,
    balancer: &'w Balancer,
    kept: Mutex<Option<(Timestamp, JwkSet)>>,
    signers: Mutex<BTreeSet<String>>,
}

impl Verifier<'_> {
    async fn check(&self, token: &str) {
        let now = self.world.clock.now();
        let kept = self.kept.lock().unwrap().clone().filter(|(until, _)| now < *until);
        let keys = match kept {
            Some((_, keys)) => keys,
            None => self.fetch(now).await,
        };
        let kid = decode_header(token).unwrap().kid.unwrap();
        let key = keys.find(&kid).expect("the key was published long before it signed");
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        // The world has another time than the library reads.
        rules.validate_exp = false;
        let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap().claims;
        assert!(claims["exp"].as_i64().unwrap() > now.unix_timestamp());
        self.signers.lock().unwrap().insert(kid);
    }

    async fn fetch(&self, now: Timestamp) -> JwkSet {
        let replica = self.balancer.choose();
        let answer = get(replica.side_port, "/.well-known/jwks.json").await;
        let max_age = answer.header("cache-control").split("max-age=").nth(1).unwrap().parse().unwrap();
        let keys: JwkSet = serde_json::from_str(&answer.body).unwrap();
        *self.kept.lock().unwrap() = Some((now + Duration::seconds(max_age), keys.clone()));
        keys
    }
}

/// What was done, by name.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<&'static str, usize>>);

impl Tally {
    fn add(&self, what: &'static str) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }
}

/// Signs in, refreshes a few times, has each token checked here and there, and signs out.
async fn live(person: Person<'_>, verifier: &Verifier<'_>, (tally, end): (&Tally, Instant)) {
    let balancer = verifier.balancer;
    while Instant::now() < end {
        let replica = balancer.choose();
        let mut device: Device<'_> = person.through(&replica.channel).log_in().await.unwrap();
        drop(replica);
        tally.add("sign-ins");
        for _ in 0..20 {
            verifier.check(&device.tokens.access_token).await;
            tally.add("checks by the service");
            let replica = balancer.choose();
            device.through(&replica.channel).me().await.unwrap();
            tally.add("checks by Ipse");
            device = device.through(&replica.channel).refresh().await.unwrap();
            drop(replica);
            tally.add("refreshes");
            sleep(RealTime::from_millis(20)).await;
        }
        let replica = balancer.choose();
        person.through(&replica.channel).log_out(&device.tokens.refresh_token).await.unwrap();
    }
}

/// Lets time pass, and has the replicas take up each other's keys, as they do by themselves in production.
async fn tick(world: &World, balancer: &Balancer, end: Instant) {
    while Instant::now() < end {
        sleep(TICK).await;
        world.wait(STEP);
        for replica in balancer.all() {
            replica.keys.reload().await.unwrap();
        }
    }
}

/// The changes, in the order of the handbook.
async fn change(world: &World, balancer: &Balancer, tally: &Tally) {
    let rest = || sleep(LENGTH / 12);
    balancer.choose().keys.rotate_by_system(None).await.unwrap();
    tally.add("rotations");
    let mut settings = world.settings.clone();
    for (current, others) in [(MASTER_KEY, vec![NEW_KEY]), (NEW_KEY, vec![MASTER_KEY])] {
        rest().await;
        settings.master_keys.current = MasterKey::Given(SecretKey::new(current));
        settings.master_keys.others = others.into_iter().map(SecretKey::new).collect();
        balancer.roll(world, &settings).await;
    }
    rest().await;
    balancer.choose().keys.rotate_by_system(None).await.unwrap();
    tally.add("rotations");
    balancer.choose().keys.rotate_root_secret().await.unwrap();
    tally.add("root secrets");
    let resealed = balancer.choose().keys.rewrap(&mut |_| {}).await.unwrap();
    assert!(resealed.iter().all(|table| table.left == 0) && resealed.iter().any(|table| table.resealed > 0));
    rest().await;
    settings.master_keys.others = Vec::new();
    balancer.roll(world, &settings).await;
    tally.add("changes of the master key");
}

async fn no_call_fails_while_keys_change(world: World) {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(world.person(&format!("person{number}")).await);
    }
    let replicas = [Arc::new(world.another_replica().await), Arc::new(world.another_replica().await)];
    let balancer = Balancer { replicas: Mutex::new(replicas), next: AtomicUsize::new(0) };
    let verifier = Verifier { world: &world, balancer: &balancer, kept: Mutex::default(), signers: Mutex::default() };
    let (tally, end) = (Tally::default(), Instant::now() + LENGTH);
    let lives = people.into_iter().map(|person| live(person, &verifier, (&tally, end)));
    tokio::join!(join_all(lives), tick(&world, &balancer, end), change(&world, &balancer, &tally));
    let tally = tally.0.into_inner().unwrap();
    println!("no failed call: {tally:?}");
    assert_eq!((tally["rotations"], tally["root secrets"], tally["changes of the master key"]), (2, 1, 1));
    assert!(tally["sign-ins"] >= 20 && tally["refreshes"] >= 400, "{tally:?}");
    assert_eq!(verifier.signers.into_inner().unwrap().len(), 3, "the first key, and two that replaced it");
}
