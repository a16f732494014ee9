use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use crate::domain::Timestamp;
use crate::domain::access::change::{AccessChange, TokenMarks};

/// The number of a revocation that this process committed and has not read yet: it counts as later than all others.
const UNREAD: i64 = i64::MAX;

/// A revocation as it is kept, once for all who read it.
#[derive(Debug)]
pub struct Revocation {
    /// What is void. Never a change that voids no token.
    pub change: AccessChange,
    /// From when on it is of no more interest.
    pub forget_after: Timestamp,
    /// Who was told of all that was in the log before knows every change with a number up to this one.
    pub known_before: i64,
    encoded: OnceLock<Box<[u8]>>,
}

impl Revocation {
    /// The form in which it is sent, made once: to make it for each of a thousand readers would cost more than all else
    /// that a revocation costs.
    pub fn encoded(&self, encode: impl FnOnce(&Self) -> Vec<u8>) -> &[u8] {
        self.encoded.get_or_init(|| encode(self).into_boxed_slice())
    }
}

/// A revocation in the log, and its number.
struct Entry {
    revocation: Arc<Revocation>,
    sequence: i64,
}

/// A reader's place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    next: u64,
    /// The log was this long when the reader came: what is below is no news to it up to number `after`.
    news_from: u64,
    after: i64,
}

/// What a reader gets at a time.
#[derive(Debug)]
pub struct Page {
    /// The revocations, in the order in which this process learned of them.
    pub revocations: Vec<Arc<Revocation>>,
    /// Whether these were all.
    pub is_all: bool,
}

/// A reader is so far behind that it must not be carried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFarBehind;

/// The revocations of the last token lifetime: a log in the order in which this process learned of them, and by what they
/// revoke. About 300 bytes for each, its form on the wire among them.
#[derive(Default)]
pub(super) struct Memory {
    log: VecDeque<Entry>,
    /// How many were forgotten: the place of the first one in the log.
    forgotten: u64,
    sessions: HashMap<Uuid, u64>,
    subjects: HashMap<Uuid, u64>,
    tokens: HashMap<Uuid, u64>,
    keys: HashMap<String, u64>,
}

impl Memory {
    /// Takes a revocation in, unless it is there already. `sequence` is its number, or nothing if this process has just
    /// committed it; `known_before` is up to which number all changes are in memory.
    pub(super) fn insert(&mut self, recorded: (AccessChange, Timestamp), sequence: Option<i64>, known_before: i64) {
        let ((change, forget_after), sequence) = (recorded, sequence.unwrap_or(UNREAD));
        if let Some(present) = self.present(&change) {
            if present.revocation.change == change {
                present.sequence = present.sequence.min(sequence);
            }
            return;
        }
        let place = self.end();
        match &change {
            AccessChange::Session(id) => self.sessions.insert(*id, place),
            AccessChange::Subject { id, .. } => self.subjects.insert(*id, place),
            AccessChange::Token(id) => self.tokens.insert(*id.as_uuid(), place),
            AccessChange::Key(kid) => self.keys.insert(kid.clone(), place),
            AccessChange::KeySet | AccessChange::Rights => return,
        };
        let revocation = Revocation { change, forget_after, known_before, encoded: OnceLock::new() };
        self.log.push_back(Entry { revocation: Arc::new(revocation), sequence });
    }

    /// Whether a revocation makes the token void.
    pub(super) fn voids(&self, token: &TokenMarks<'_>) -> bool {
        self.sessions.contains_key(&token.sid)
            || self.tokens.contains_key(token.token_id.as_uuid())
            || self.keys.contains_key(token.key_id)
            || self
                .subjects
                .get(&token.subject)
                .is_some_and(|place| self.at(*place).is_some_and(|revocation| revocation.change.voids(token)))
    }

    /// Forgets what is of no more interest. One that lasts longer holds back those behind it: they differ by little.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while self.log.front().is_some_and(|first| first.revocation.forget_after < now) {
            let Some(first) = self.log.pop_front() else { return };
            let place = self.forgotten;
            self.forgotten += 1;
            match &first.revocation.change {
                AccessChange::Session(id) => remove(&mut self.sessions, id, place),
                AccessChange::Subject { id, .. } => remove(&mut self.subjects, id, place),
                AccessChange::Token(id) => remove(&mut self.tokens, id.as_uuid(), place),
                AccessChange::Key(kid) => remove(&mut self.keys, kid, place),
                AccessChange::KeySet | AccessChange::Rights => {}
            }
        }
    }

    /// Forgets all of them. What comes again is news to every reader.
    pub(super) fn clear(&mut self) {
        *self = Self { forgotten: self.end(), ..Self::default() };
    }

    /// The beginning for a reader who knows all that has a number up to `after`.
    pub(super) fn begin(&self, after: i64) -> Cursor {
        Cursor { next: self.forgotten, news_from: self.end(), after }
    }

    /// Up to `limit` entries of the log, of which those that the reader knows are left out. What was there when it came may
    /// take its time; of what came later, no more than `most_behind` may wait for it. What was forgotten meanwhile is of no
    /// interest to it either.
    pub(super) fn read(&self, cursor: &mut Cursor, limit: usize, most_behind: u64) -> Result<Page, TooFarBehind> {
        let waiting = self.end() - cursor.next.max(cursor.news_from);
        if waiting > most_behind {
            return Err(TooFarBehind);
        }
        let first = cursor.next.max(self.forgotten);
        let start = usize::try_from(first - self.forgotten).unwrap_or(usize::MAX);
        let is_news = |place: u64, entry: &Entry| place >= cursor.news_from || entry.sequence > cursor.after;
        let entries = (first..).zip(self.log.range(start.min(self.log.len())..)).take(limit);
        let news = entries.filter(|(place, entry)| is_news(*place, entry));
        let revocations = news.map(|(_, entry)| entry.revocation.clone()).collect();
        cursor.next = self.end().min(first + limit as u64);
        Ok(Page { revocations, is_all: cursor.next == self.end() })
    }

    /// How many revocations there are.
    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    /// The place of the next one.
    pub(super) fn end(&self) -> u64 {
        self.forgotten + self.log.len() as u64
    }

    fn at(&self, place: u64) -> Option<&Revocation> {
        let index = usize::try_from(place.checked_sub(self.forgotten)?).ok()?;
        self.log.get(index).map(|entry| entry.revocation.as_ref())
    }

    /// What is there that voids all that the change does.
    fn present(&mut self, change: &AccessChange) -> Option<&mut Entry> {
        let place = match change {
            AccessChange::Session(id) => self.sessions.get(id),
            AccessChange::Subject { id, .. } => self.subjects.get(id),
            AccessChange::Token(id) => self.tokens.get(id.as_uuid()),
            AccessChange::Key(kid) => self.keys.get(kid),
            AccessChange::KeySet | AccessChange::Rights => None,
        }?;
        let index = usize::try_from(place.checked_sub(self.forgotten)?).ok()?;
        self.log.get_mut(index).filter(|present| covers(&present.revocation.change, change))
    }
}

fn covers(present: &AccessChange, change: &AccessChange) -> bool {
    match (present, change) {
        (
            AccessChange::Subject { revoked_before: present, .. },
            AccessChange::Subject { revoked_before: wanted, .. },
        ) => present >= wanted,
        _ => present == change,
    }
}

/// Takes out what stands at a place, unless something later took its place.
fn remove<K: std::hash::Hash + Eq>(places: &mut HashMap<K, u64>, key: &K, place: u64) {
    if places.get(key) == Some(&place) {
        places.remove(key);
    }
}
