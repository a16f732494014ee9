//! A relay in front of PostgreSQL that counts what a server asks it, and can be as far away as wanted.
//!
//! It has threads of its own, as timers of the asynchronous runtime are no finer than a millisecond.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::Failure;

/// What was asked so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// Statements: every Execute and Query, BEGIN and COMMIT included.
    pub(crate) statements: u64,
    /// How often the server began to wait: what is sent while an answer is due waits with it.
    pub(crate) round_trips: u64,
}

#[derive(Debug, Default)]
struct State {
    statements: AtomicU64,
    round_trips: AtomicU64,
    delay_micros: AtomicU64,
}

/// A relay on a port of its own.
pub(crate) struct Relay {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Relay {
    /// A relay to the server at this port of the loopback address, which speaks without TLS.
    pub(crate) fn to(server: u16) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (port, state) = (listener.local_addr()?.port(), Arc::new(State::default()));
        let counted = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is the server's to notice.
                let _ = pass(&client, server, &counted);
            }
        });
        Ok(Self { port, state })
    }

    /// From now on, everything takes this much longer on its way to the database.
    pub(crate) fn be_away(&self, delay: Duration) {
        self.state.delay_micros.store(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked {
            statements: self.state.statements.load(Ordering::Relaxed),
            round_trips: self.state.round_trips.load(Ordering::Relaxed),
        }
    }
}

fn pass(client: &TcpStream, server: u16, state: &Arc<State>) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let due = Arc::new(Mutex::new(Due::default()));
    let (sender, late) = mpsc::channel::<(Instant, Vec<u8>)>();

    let (mut from_client, state, to_come) = (client.try_clone()?, state.clone(), due.clone());
    thread::spawn(move || {
        // The first message is the only one without a letter.
        let mut reader = Messages { letters: 0, rest: Vec::new() };
        while let Some(bytes) = read(&mut from_client) {
            reader.take(&bytes, |kind| lock(&to_come).hear(kind, &state));
            let delay = Duration::from_micros(state.delay_micros.load(Ordering::Relaxed));
            if sender.send((Instant::now() + delay, bytes)).is_err() {
                break;
            }
        }
    });
    let mut to_server = server.try_clone()?;
    thread::spawn(move || {
        for (due, bytes) in late {
            sleep_until(due);
            if to_server.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (server, client.try_clone()?);
    thread::spawn(move || {
        let mut reader = Messages { letters: 1, rest: Vec::new() };
        while let Some(bytes) = read(&mut from_server) {
            reader.take(&bytes, |kind| {
                // The first ReadyForQuery answers the start of the connection.
                if kind == b'Z' {
                    lock(&due).sent.pop_front();
                }
            });
            if to_client.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    Ok(())
}

fn read(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 16 * 1024];
    let length = from.read(&mut buffer).ok().filter(|length| *length > 0)?;
    buffer.truncate(length);
    Some(buffer)
}

fn lock(due: &Mutex<Due>) -> MutexGuard<'_, Due> {
    due.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was sent on one connection and is not answered yet, each up to a Sync or Query: whether the server waits for it. It
/// does not where all it sent was a Close of prepared statements.
#[derive(Debug, Default)]
struct Due {
    sent: VecDeque<bool>,
    closes_only: bool,
}

impl Due {
    fn hear(&mut self, kind: u8, state: &State) {
        if matches!(kind, b'E' | b'Q') {
            state.statements.fetch_add(1, Ordering::Relaxed);
        }
        match kind {
            b'S' | b'Q' => {
                let waits = !self.closes_only || kind == b'Q';
                if waits && !self.sent.contains(&true) {
                    state.round_trips.fetch_add(1, Ordering::Relaxed);
                }
                self.sent.push_back(waits);
                self.closes_only = true;
            }
            b'C' => {}
            _ => self.closes_only = false,
        }
    }
}

/// Finds where messages begin: each has a letter, but for the first of a client, and a length that counts itself.
struct Messages {
    letters: usize,
    rest: Vec<u8>,
}

impl Messages {
    fn take(&mut self, bytes: &[u8], mut see: impl FnMut(u8)) {
        self.rest.extend_from_slice(bytes);
        while let Some(length) = self.rest.get(self.letters..self.letters + 4) {
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)) + self.letters;
            if self.rest.len() < length {
                break;
            }
            if self.letters == 1 {
                see(self.rest[0]);
            }
            self.rest.drain(..length);
            self.letters = 1;
        }
    }
}

/// Sleeps as exactly as the machine can.
#[expect(clippy::disallowed_methods, reason = "the thread has nothing else to do")]
pub(crate) fn sleep_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
}
