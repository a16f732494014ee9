use std::io;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::batches::{self, Outlets, Sent};
use super::lines::Lines;
use super::report::{Refused, Report};
use super::resume::{Checkpoint, Import, Tally};
use super::{Format, ImportArgs, Remote, TransferFailed};
use crate::presentation::cli::progress::Progress;
use crate::proto::{ImportRefusal, ImportUsersResponse};

/// How many batches wait to be sent, beside those that the transport holds.
const READ_AHEAD: usize = 4;
/// How many batches there may be between the file and their answers.
const UNANSWERED: usize = 256;

/// Imports a file through a server: what to print at the end.
pub async fn import(arguments: &ImportArgs, remote: &Remote) -> Result<Vec<String>, TransferFailed> {
    let (file, dry_run) = (&arguments.file, arguments.dry_run);
    let format = Format::of(arguments.format, file)?;
    let import = Import::of(file, format, remote)?;
    let length = import.length();
    let (checkpoint, before) = Checkpoint::open(file, import)?;
    // A dry run stores nothing and so leaves nothing to continue from.
    let before = before.filter(|_| !dry_run);
    let tally = before.unwrap_or_default();
    let lines = Lines::open(file, format, before.map(|tally| tally.place))?;
    let report = Report::open(arguments.report.clone(), tally.reported)?;
    let progress = Progress::begin(Some(length), tally.place.bytes);
    if before.is_some() {
        progress.say(&format!("continuing after line {}", tally.place.line));
    }
    let checkpoint = if dry_run { None } else { Some(checkpoint) };
    let mut running = Running { tally, report, progress, checkpoint };
    running.run(lines, remote, dry_run).await?;
    if let Some(checkpoint) = &running.checkpoint {
        checkpoint.remove()?;
    }
    running.summary()
}

/// An import that is under way.
struct Running {
    tally: Tally,
    report: Report,
    progress: Progress,
    checkpoint: Option<Checkpoint>,
}

impl Running {
    async fn run(&mut self, lines: Lines, remote: &Remote, dry_run: bool) -> Result<(), TransferFailed> {
        let (requests, receiver) = mpsc::channel(READ_AHEAD);
        let (sent, mut unanswered) = mpsc::channel(UNANSWERED);
        let outlets = Outlets { requests, sent, dry_run };
        let mut client = remote.client().await?;
        tokio::task::spawn_blocking(move || batches::send_all(lines, &outlets));
        let opened = client.import_users(remote.request(ReceiverStream::new(receiver))).await;
        let responses = opened.map_err(|status| self.interrupted(status))?.into_inner();
        self.follow(responses, &mut unanswered).await?;
        // What is left was never sent, as there was nothing to send.
        while let Some(rest) = unanswered.recv().await {
            self.settle(rest, None)?;
        }
        Ok(())
    }

    /// Takes the answers as they come, each for the oldest batch that has none.
    async fn follow(
        &mut self,
        mut responses: Streaming<ImportUsersResponse>,
        unanswered: &mut mpsc::Receiver<io::Result<Sent>>,
    ) -> Result<(), TransferFailed> {
        while let Some(response) = responses.message().await.map_err(|status| self.interrupted(status))? {
            let sent = unanswered.recv().await.ok_or(TransferFailed::Unexpected)?;
            self.settle(sent, Some(response))?;
        }
        Ok(())
    }

    /// Notes what became of a batch: first in the report, then in the checkpoint, which knows how long the report is.
    fn settle(&mut self, sent: io::Result<Sent>, response: Option<ImportUsersResponse>) -> Result<(), TransferFailed> {
        let sent = sent.map_err(TransferFailed::file("the file"))?;
        if response.is_none() && !sent.lines.is_empty() {
            return Err(TransferFailed::Unexpected);
        }
        let response = response.unwrap_or_default();
        let mut refused = sent.refused;
        for refusal in response.refusals {
            refused.push(locate(refusal, response.first_row, &sent.lines)?);
        }
        refused.sort_by_key(|row| row.line);
        let rows = u64::from(response.accepted.unsigned_abs()) + refused.len() as u64;
        self.tally = Tally {
            place: sent.end,
            accepted: self.tally.accepted + u64::from(response.accepted.unsigned_abs()),
            unchanged: self.tally.unchanged + u64::from(response.unchanged.unsigned_abs()),
            refused: self.tally.refused + refused.len() as u64,
            reported: self.tally.reported + self.report.add(&refused, &self.progress)?,
        };
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.write(self.tally)?;
        }
        self.progress.advance(rows, self.tally.place.bytes);
        Ok(())
    }

    fn interrupted(&self, status: tonic::Status) -> TransferFailed {
        match self.checkpoint {
            Some(_) => TransferFailed::Interrupted { line: self.tally.place.line, status: Box::new(status) },
            None => status.into(),
        }
    }

    fn summary(self) -> Result<Vec<String>, TransferFailed> {
        let Tally { accepted, unchanged, refused, .. } = self.tally;
        let would = if self.checkpoint.is_some() { "" } else { "would be " };
        let lines = vec![
            self.progress.end(),
            format!("{would}accepted: {accepted}, of which {unchanged} were stored before; {would}refused: {refused}"),
        ];
        if refused == 0 {
            return Ok(lines);
        }
        crate::presentation::cli::print(&lines);
        Err(TransferFailed::SomeRefused(refused))
    }
}

/// The refusal with the line in the file instead of the number in the stream.
fn locate(refusal: ImportRefusal, first_row: i64, lines: &[u64]) -> Result<Refused, TransferFailed> {
    let place = refusal.row.checked_sub(first_row).and_then(|place| usize::try_from(place).ok());
    let line = place.and_then(|place| lines.get(place)).ok_or(TransferFailed::Unexpected)?;
    let reason = refusal.reason();
    Ok(Refused { line: *line, reason, field: refusal.field, description: refusal.description })
}
