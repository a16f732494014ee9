use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::domain::token::signing_key::{LONGEST_TOKEN_LIFE, MAX_SKEW, SigningAlgorithm};

const LIFETIME: Duration = Duration::hours(3);

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::minutes(minutes)
}

fn key(kid: &str, now: Timestamp) -> SigningKey {
    SigningKey {
        kid: kid.into(),
        algorithm: SigningAlgorithm::Es256,
        public_jwk: "{}".into(),
        sealed_private_key: vec![],
        create_time: now,
        activate_time: now,
        retire_time: None,
        drop_time: None,
    }
}

/// A ring with the keys `a`, `b` and so on, published at these minutes.
fn ring(minutes: &[i64]) -> KeyRing {
    let mut ring = KeyRing::new(vec![]);
    for (name, minute) in ('a'..).zip(minutes) {
        ring.publish(key(&name.to_string(), at(*minute)), at(*minute));
    }
    ring
}

/// When the key signs, in minutes.
fn span(ring: &KeyRing, kid: &str) -> (i64, Option<i64>) {
    let minutes = |time: Timestamp| (time - Timestamp::UNIX_EPOCH).whole_minutes();
    let key = ring.find(kid).unwrap();
    (minutes(key.activate_time), key.retire_time.map(minutes))
}

#[test]
fn the_first_key_signs_at_once_and_each_further_one_after_its_lead() {
    let ring = ring(&[0, 100]);
    assert_eq!((span(&ring, "a"), span(&ring, "b")), ((0, Some(115)), (115, None)));
    assert_eq!(ring.find("a").unwrap().drop_time, Some(at(115 + 60 + 1)));
    assert_eq!(ring.signer(at(114)).unwrap().kid, "a");
    assert_eq!(ring.signer(at(115)).unwrap().kid, "b");
}

#[test]
fn the_key_that_signs_last_comes_first() {
    let names = |ring: &KeyRing| ring.keys().iter().map(|key| key.kid.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ring(&[0, 100, 105])), ["c", "b", "a"]);
    let alike = |kid: &str| key(kid, at(0));
    assert_eq!(
        names(&KeyRing::new(vec![key("a", at(2)), alike("b"), alike("c"), key("d", at(1))])),
        ["a", "d", "c", "b"]
    );
}

#[test]
fn a_rotation_while_another_one_is_pending_comes_after_it() {
    let ring = ring(&[0, 100, 105]);
    let spans = ["a", "b", "c"].map(|kid| span(&ring, kid));
    assert_eq!(spans, [(0, Some(115)), (115, Some(120)), (120, None)]);
}

#[test]
fn a_clock_that_is_behind_does_not_put_a_key_before_an_earlier_one() {
    let mut ring = ring(&[0, 100]);
    ring.publish(key("c", at(99)), at(99));
    assert_eq!((span(&ring, "b"), span(&ring, "c")), ((115, Some(115)), (115, None)));
    assert_eq!(ring.signer(at(115)).unwrap().kid, "b");
    assert_eq!(ring.signer(at(115) + Duration::MICROSECOND).unwrap().kid, "c");
}

#[test]
fn the_published_successor_of_a_revoked_key_signs_at_once() {
    let mut ring = ring(&[0, 100, 105]);
    assert!(ring.revoke("a", at(110)));
    assert_eq!(ring.find("a").unwrap().state(at(110)), SigningKeyState::Retired);
    assert_eq!((span(&ring, "b"), span(&ring, "c")), ((110, Some(120)), (120, None)));
}

#[test]
fn a_key_is_of_the_future_if_no_clock_that_is_right_can_have_published_it() {
    let ring = ring(&[0, 100]);
    let published = at(100) - MAX_SKEW;
    assert!(!ring.has_future(published) && !ring.has_future(at(200)));
    assert!(ring.has_future(published - Duration::MICROSECOND));
    let mut revoked = ring.clone();
    assert!(revoked.revoke("b", published - Duration::SECOND));
    assert!(!revoked.has_future(published - Duration::SECOND), "it is over");
}

#[test]
fn keys_of_the_future_are_dropped_and_those_before_them_continue() {
    let mut ring = ring(&[0, 100, 105]);
    let before = ring.clone();
    ring.drop_future(at(105) - MAX_SKEW);
    assert_eq!(ring, before, "clocks may differ by so much");
    let now = at(90);
    ring.drop_future(now);
    assert_eq!(span(&ring, "a"), (0, None));
    for kid in ["b", "c"] {
        let key = ring.find(kid).unwrap();
        assert_eq!((key.state(now), key.create_time, key.activate_time), (SigningKeyState::Retired, now, now));
        assert!(!key.is_listed(now) && key.retire_time == Some(now));
    }
    assert!(!ring.has_future(now) && ring.signer(now).is_some_and(|key| key.kid == "a"));
}

#[test]
fn a_key_is_succeeded_while_another_one_waits() {
    let ring = ring(&[0, 100]);
    let succeeded = [99, 114, 115, 1000].map(|minute| ring.is_succeeded(at(minute)));
    assert_eq!(succeeded, [true, true, false, false]);
    assert!(!KeyRing::new(vec![]).is_succeeded(at(0)));
}

#[test]
fn by_a_clock_that_is_behind_the_first_in_line_signs() {
    let ring = ring(&[0, 100]);
    assert_eq!(ring.signer(at(0) - Duration::SECOND).unwrap().kid, "a");
}

#[test]
fn without_a_successor_none_signs_until_one_is_published() {
    let mut ring = ring(&[0]);
    assert!(ring.revoke("a", at(10)));
    assert_eq!(ring.signer(at(10)), None);
    ring.publish(key("b", at(10)), at(10));
    assert_eq!(ring.signer(at(10)).unwrap().kid, "b");
}

#[test]
fn the_key_before_a_revoked_one_goes_on() {
    let mut middle = ring(&[0, 100, 105]);
    assert!(middle.revoke("b", at(110)));
    assert_eq!((span(&middle, "a"), span(&middle, "c")), ((0, Some(120)), (120, None)));
    let mut last = ring(&[0, 100]);
    assert!(last.revoke("b", at(110)));
    assert_eq!(span(&last, "a"), (0, None));
    assert_eq!(last.find("a").unwrap().drop_time, None);
}

#[test]
fn a_retiring_key_can_be_revoked_and_no_key_twice() {
    let mut ring = ring(&[0, 100]);
    assert!(ring.revoke("a", at(120)));
    assert_eq!((span(&ring, "a"), span(&ring, "b")), ((0, Some(115)), (115, None)));
    assert!(!ring.find("a").unwrap().is_listed(at(120)));
    let before = ring.clone();
    assert!(!ring.revoke("a", at(121)) && !ring.revoke("x", at(121)));
    assert_eq!(ring, before);
}

#[test]
fn a_successor_is_due_a_lead_before_the_end_of_the_last_in_line() {
    let mut ring = ring(&[0]);
    assert!(!ring.is_due(LIFETIME, at(164)));
    assert!(ring.is_due(LIFETIME, at(165)));
    ring.publish(key("b", at(165)), at(165));
    assert!(!ring.is_due(LIFETIME, at(165)));
    assert_eq!(span(&ring, "a"), (0, Some(180)));
    assert!(KeyRing::new(vec![]).is_due(LIFETIME, at(0)));
}

#[test]
fn there_is_room_for_so_many_keys_as_are_listed() {
    let mut ring = ring(&[0; MAX_KEYS as usize - 1]);
    assert!(!ring.is_full(at(0)));
    ring.publish(key("last", at(0)), at(0));
    assert!(ring.is_full(at(0)));
    assert!(ring.revoke("b", at(1)) && !ring.is_full(at(1)));
}

/// What may happen to a ring.
#[derive(Debug, Clone, Copy)]
enum Step {
    Rotate,
    Upkeep,
    Revoke(prop::sample::Index),
    /// Takes the key that signs.
    RevokeSigner,
    Purge,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Rotate),
        3 => Just(Step::Upkeep),
        2 => any::<prop::sample::Index>().prop_map(Step::Revoke),
        1 => Just(Step::RevokeSigner),
        1 => Just(Step::Purge),
        6 => prop_oneof![0..120_i64, 0..10_000_i64].prop_map(Step::Wait),
    ]
}

/// A ring in time, with what was issued under it.
struct Model {
    ring: KeyRing,
    now: Timestamp,
    made: usize,
    revoked: HashSet<String>,
    /// Keys that signed before verifiers could have fetched them: the first one and those that stood in for a revoked one.
    hurried: HashSet<String>,
    /// The keys and the ends of tokens.
    tokens: Vec<(String, Timestamp)>,
}

impl Model {
    fn begin() -> Self {
        let mut model = Self {
            ring: KeyRing::new(vec![]),
            now: at(0),
            made: 0,
            revoked: HashSet::new(),
            hurried: HashSet::from(["0".to_owned()]),
            tokens: vec![],
        };
        model.publish();
        model
    }

    fn publish(&mut self) {
        if !self.ring.is_full(self.now) {
            self.ring.publish(key(&self.made.to_string(), self.now), self.now);
            self.made += 1;
        }
    }

    fn revoke(&mut self, kid: String) {
        let signer = self.ring.signer(self.now).unwrap().kid.clone();
        assert!(self.ring.revoke(&kid, self.now));
        if self.ring.signer(self.now).is_none() {
            self.publish();
        }
        if kid == signer {
            self.hurried.insert(self.ring.signer(self.now).unwrap().kid.clone());
        }
        self.revoked.insert(kid);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Rotate => self.publish(),
            Step::Upkeep if self.ring.is_due(LIFETIME, self.now) => self.publish(),
            Step::Upkeep => {}
            Step::Revoke(index) => {
                let listed = self.ring.keys().iter().filter(|key| key.is_listed(self.now));
                let listed: Vec<_> = listed.map(|key| key.kid.clone()).collect();
                self.revoke(index.get(&listed).clone());
            }
            Step::RevokeSigner => self.revoke(self.ring.signer(self.now).unwrap().kid.clone()),
            Step::Purge => {
                let kept = self.ring.keys().iter().filter(|key| key.is_listed(self.now)).cloned();
                self.ring = KeyRing::new(kept.collect());
            }
            Step::Wait(seconds) => self.now += Duration::seconds(seconds),
        }
    }

    /// Issues a token by a clock that is right and one by a clock that is behind.
    fn issue(&mut self) {
        for now in [self.now, (self.now - MAX_SKEW).max(at(0))] {
            if let Some(key) = self.ring.signer(now) {
                self.tokens.push((key.kid.clone(), now + LONGEST_TOKEN_LIFE));
            }
        }
    }

    fn check(&self) {
        let ends = self.ring.keys().iter().flat_map(|key| [Some(key.activate_time), key.retire_time]).flatten();
        for time in ends.filter(|time| *time >= self.now).chain([self.now, at(10_000_000)]) {
            let signers: Vec<_> =
                self.ring.keys().iter().filter(|k| k.state(time) == SigningKeyState::Active).collect();
            assert_eq!(signers.len(), 1, "{time}: {:?}", self.ring);
        }
        let signer = self.ring.signer(self.now).unwrap();
        assert!(self.hurried.contains(&signer.kid) || self.now - signer.create_time >= LEAD, "{signer:?}");
        for (kid, expire_time) in &self.tokens {
            let listed = self.ring.find(kid).is_some_and(|key| key.is_listed(self.now));
            if self.revoked.contains(kid) {
                assert!(!listed, "{kid} was revoked");
            } else if self.now < *expire_time + MAX_SKEW {
                assert!(listed, "a token of {kid} is valid");
            }
        }
        let is_over = |key: &SigningKey| key.drop_time.is_some_and(|time| time <= self.now);
        assert!(self.ring.keys().iter().all(|key| key.is_listed(self.now) != is_over(key)));
        assert!(self.ring.keys().iter().filter(|key| key.is_listed(self.now)).count() <= MAX_KEYS as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_happens_one_key_signs_and_its_tokens_are_good_to_their_end(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::begin();
        for step in steps {
            model.take(step);
            model.issue();
            model.check();
        }
    }
}
