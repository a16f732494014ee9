use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::batches::{self, Outlets, Sent};
use super::earlier::Earlier;
use super::input::{Input, Place, STANDARD_INPUT, distinct_files};
use super::output::is_standard_output;
use super::report::{Refused, Report};
use super::resume::{Checkpoint, Import, Tally};
use super::rows::{Origin, Reading, Rows};
use super::{ImportArgs, Remote, Source, TransferFailed};
use crate::domain::Timestamp;
use crate::presentation::cli;
use crate::presentation::cli::progress::Progress;
use crate::proto::{ImportRefusal, ImportUsersResponse};

/// How many batches wait to be sent, beside those that the transport holds.
const READ_AHEAD: usize = 4;
/// How many batches there may be between the file and their answers.
const UNANSWERED: usize = 256;

/// Imports a file through a server: what to print at the end.
pub async fn import(arguments: &ImportArgs, remote: &Remote, now: Timestamp) -> Result<Vec<String>, TransferFailed> {
    let format = Source::of(arguments.format, &arguments.file)?;
    let hints = arguments.hints.read(format, now)?;
    let note = note(arguments)?;
    check_files(arguments, note.as_deref())?;
    let input = Input::open(&arguments.file, arguments.encoding)?;
    let reading = Reading::of(&input, format)?.given(hints);
    let (checkpoint, before) = match note {
        None => (None, None),
        Some(note) => {
            let (checkpoint, before) = Checkpoint::open(note, Import::new(&input, format, remote))?;
            (Some(checkpoint), before)
        }
    };
    let is_continued = before.is_some();
    let tally = before.unwrap_or_default();
    let rows = reading.rows(&input, is_continued.then_some(tally.place))?;
    let report = Report::open(arguments.report.clone(), tally.reported)?;
    if let Some(checkpoint) = &checkpoint {
        checkpoint.begin(&tally)?;
    }
    let progress = Progress::begin(Some(input.length()), tally.place.bytes);
    if is_continued {
        progress.say(&format!("continuing after line {}", tally.place.line));
    }
    let (dry_run, earlier) = (arguments.dry_run, Earlier::default());
    let mut running = Running { tally, report, progress, checkpoint, dry_run, earlier };
    let run = running.run(rows, remote).await;
    if let Some(checkpoint) = &running.checkpoint
        && (run.is_ok() || running.tally.place == Place::default())
    {
        checkpoint.remove()?;
    }
    run?;
    running.summary(reading.left_out())
}

fn check_files(arguments: &ImportArgs, note: Option<&Path>) -> Result<(), TransferFailed> {
    let ImportArgs { file, hints, remote, report, .. } = arguments;
    let read: Vec<&Path> = [Some(file), hints.hash_config.as_ref(), remote.token_file.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    let report = report.as_deref().filter(|report| !is_standard_output(report));
    distinct_files::check(&read, &report.into_iter().chain(note).collect::<Vec<_>>())
}

/// Where an import notes how far it has come; nowhere if it stores nothing, or if the user agreed to begin anew.
fn note(arguments: &ImportArgs) -> Result<Option<PathBuf>, TransferFailed> {
    let file = &arguments.file;
    if arguments.dry_run || arguments.no_resume {
        return Ok(None);
    }
    if let Some(note) = &arguments.resume_file {
        return Ok(Some(note.clone()));
    }
    let is_pipe = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    if file == Path::new(STANDARD_INPUT) || fs::metadata(file).is_ok_and(is_pipe) {
        return Err(TransferFailed::NoPlace);
    }
    let mut note = file.clone().into_os_string();
    note.push(".resume");
    Ok(Some(note.into()))
}

/// An import that is under way.
struct Running {
    tally: Tally,
    report: Report,
    progress: Progress,
    checkpoint: Option<Checkpoint>,
    dry_run: bool,
    earlier: Earlier,
}

impl Running {
    async fn run(&mut self, rows: Rows, remote: &Remote) -> Result<(), TransferFailed> {
        let (requests, receiver) = mpsc::channel(READ_AHEAD);
        let (sent, mut unanswered) = mpsc::channel(UNANSWERED);
        let outlets = Outlets { requests, sent, dry_run: self.dry_run };
        let mut client = remote.client().await?;
        tokio::task::spawn_blocking(move || batches::send_all(rows, &outlets));
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
        unanswered: &mut mpsc::Receiver<Result<Sent, TransferFailed>>,
    ) -> Result<(), TransferFailed> {
        while let Some(response) = responses.message().await.map_err(|status| self.interrupted(status))? {
            let sent = unanswered.recv().await.ok_or(TransferFailed::Unexpected)?;
            self.settle(sent, Some(response))?;
        }
        Ok(())
    }

    /// Notes what became of a batch: first in the report, then in the checkpoint, which knows how long the report is.
    fn settle(
        &mut self,
        sent: Result<Sent, TransferFailed>,
        response: Option<ImportUsersResponse>,
    ) -> Result<(), TransferFailed> {
        let sent = sent?;
        if response.is_none() && !sent.origins.is_empty() {
            return Err(TransferFailed::Unexpected);
        }
        let response = response.unwrap_or_default();
        let rows = sent.origins.len() + sent.refused.len();
        let told = response.refusals.into_iter().map(|refusal| locate(refusal, response.first_row, &sent.origins));
        let told = told.collect::<Result<Vec<_>, _>>()?;
        let judged = sent.origins.len();
        let told =
            if self.dry_run { self.earlier.judge(sent.origins.into_iter().zip(sent.claims), told) } else { told };
        self.tally.place = sent.end;
        self.tally.accepted += judged.saturating_sub(told.len()) as u64;
        self.tally.unchanged += u64::from(response.unchanged.unsigned_abs());
        let mut refused = [sent.refused, told].concat();
        refused.sort_by_key(|row| row.origin.number);
        for row in &refused {
            *self.tally.refused.entry(row.kind()).or_default() += 1;
        }
        self.tally.reported += self.report.add(&refused, &self.progress)?;
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.write(&self.tally)?;
        }
        self.progress.advance(rows as u64, self.tally.place.bytes);
        Ok(())
    }

    fn interrupted(&self, status: tonic::Status) -> TransferFailed {
        match self.checkpoint {
            Some(_) if self.tally.place.bytes > 0 => {
                TransferFailed::Interrupted { line: self.tally.place.line, status: Box::new(status) }
            }
            _ => status.into(),
        }
    }

    /// What became of the rows, how many were refused for which reason, and what was left out.
    fn summary(self, left_out: Vec<String>) -> Result<Vec<String>, TransferFailed> {
        let Tally { accepted, unchanged, refused: kinds, .. } = self.tally;
        let (would, refused) = (if self.dry_run { "would be " } else { "" }, kinds.values().sum());
        let mut lines = vec![
            self.progress.end(),
            format!("{would}accepted: {accepted}, of which {unchanged} were stored before; {would}refused: {refused}"),
        ];
        let width = kinds.keys().map(String::len).max().unwrap_or_default();
        lines.extend(kinds.iter().map(|(kind, rows)| format!("  {kind:width$}  {rows:>8}")));
        lines.extend(left_out);
        if self.report.is_output() {
            for line in lines.drain(..) {
                cli::tell(&line);
            }
        }
        if refused == 0 {
            return Ok(lines);
        }
        cli::print(&lines);
        Err(TransferFailed::SomeRefused(refused))
    }
}

/// The refusal with the line in the file instead of the number in the stream.
fn locate(refusal: ImportRefusal, first_row: i64, origins: &[Origin]) -> Result<Refused, TransferFailed> {
    let place = refusal.row.checked_sub(first_row).and_then(|place| usize::try_from(place).ok());
    let origin = place.and_then(|place| origins.get(place)).ok_or(TransferFailed::Unexpected)?.clone();
    let reason = refusal.reason();
    Ok(Refused { origin, reason, field: refusal.field, description: refusal.description })
}
