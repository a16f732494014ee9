//! How far long work has come: a bar on a terminal, lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// How many rows make a line.
const ROWS_OF_A_LINE: u64 = 100_000;
const TICK: Duration = Duration::from_millis(200);
const WITH_LENGTH: &str = "{bar:32} {percent:>3} %  {msg}  {eta} left";
const WITHOUT_LENGTH: &str = "{spinner} {msg}";

/// What is shown meanwhile, on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    rows: u64,
}

impl Progress {
    /// Of a file of so many bytes, of which some are done; without a length, of nobody knows how much.
    pub fn begin(length: Option<u64>, done: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, template) = match length {
                Some(length) => (ProgressBar::new(length).with_position(done), WITH_LENGTH),
                None => (ProgressBar::no_length(), WITHOUT_LENGTH),
            };
            bar.reset_eta();
            bar.enable_steady_tick(TICK);
            // The templates are constants and well formed.
            ProgressStyle::with_template(template).map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
        });
        Self { bar, began: Instant::now(), rows: 0 }
    }

    /// Some more rows are done, up to this place in the file.
    pub fn advance(&mut self, rows: u64, bytes: u64) {
        let before = self.rows / ROWS_OF_A_LINE;
        self.rows += rows;
        match &self.bar {
            Some(bar) => {
                bar.set_position(bytes);
                bar.set_message(self.speed());
            }
            None if self.rows / ROWS_OF_A_LINE > before => self.say(&self.speed()),
            None => {}
        }
    }

    /// Says something that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    /// Ends the bar. How many rows there were, and how many in a second.
    pub fn end(self) -> String {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.speed()
    }

    fn speed(&self) -> String {
        let elapsed = self.began.elapsed();
        let speed = u128::from(self.rows) * 1000 / elapsed.as_millis().max(1);
        format!("{} rows in {:.1} s, {speed} rows/s", self.rows, elapsed.as_secs_f64())
    }
}
