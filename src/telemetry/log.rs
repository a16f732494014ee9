//! The log: lines on standard error, with UTC times as in RFC 3339.

use std::fmt::Debug;
use std::{io, panic};

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, fmt};

use super::traces::{self, Recorder};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// What an operator decides about the log.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged.
    pub filter: Targets,
}

/// Sends what is logged from here on to standard error, and spans to a recorder. A later call changes nothing.
pub fn init(settings: &LogSettings, recorder: Option<Recorder>) {
    let _ = tracing::subscriber::set_global_default(subscriber(settings, recorder, io::stderr));
    // A panic's own message may quote a secret, and is not a line of JSON.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
}

fn subscriber<W>(settings: &LogSettings, recorder: Option<Recorder>, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match recorder {
        None => with_lines(Registry::default(), settings, writer),
        Some(recorder) => {
            let recorder = recorder.with_filter(filter_fn(traces::is_traced));
            with_lines(Registry::default().with(recorder), settings, writer)
        }
    }
}

fn with_lines<S, W>(spans: S, settings: &LogSettings, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Complaints about a closed standard error would go there too, and end the process.
    let lines = fmt::layer().with_writer(writer).with_ansi(false).log_internal_errors(false);
    let of_the_log = filter_fn(|metadata| !traces::is_traced(metadata)).with_max_level_hint(LevelFilter::TRACE);
    let filter = settings.filter.clone().and(of_the_log);
    match settings.format {
        LogFormat::Json => Box::new(spans.with(lines.json().with_span_list(false).with_filter(filter))),
        LogFormat::Pretty => {
            let fields = debug_fn(write_escaped).delimited(" ");
            Box::new(spans.with(lines.fmt_fields(fields).with_filter(filter)))
        }
    }
}

/// Writes a field so that no text from outside begins a line or moves the cursor. JSON does so by itself.
fn write_escaped(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    format!("{value:?}")
        .chars()
        .try_for_each(|c| if c.is_control() { write!(writer, "{}", c.escape_default()) } else { writer.write_char(c) })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use serde_json::Value;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged in `act`, in this format, from the level INFO up.
    fn logged(format: LogFormat, act: impl FnOnce()) -> String {
        logged_from(LevelFilter::INFO, format, act)
    }

    fn logged_from(level: LevelFilter, format: LogFormat, act: impl FnOnce()) -> String {
        let settings = LogSettings { format, filter: Targets::new().with_default(level) };
        let buffer = Buffer::default();
        let writer = buffer.clone();
        tracing::subscriber::with_default(subscriber(&settings, None, move || writer.clone()), act);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const HOSTILE: &str = "a\r\n{\"level\":\"ERROR\"}\u{1b}[2J\"\\\0\u{2028}\u{7f}";

    #[test]
    fn whatever_is_logged_is_one_json_object_a_line() {
        let text = logged(LogFormat::Json, || {
            let span = tracing::info_span!("call", agent = HOSTILE);
            let _guard = span.enter();
            tracing::info!(agent = HOSTILE, shown = %HOSTILE, debugged = ?HOSTILE, "{HOSTILE}");
            tracing::warn!("second");
        });
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert!(!text.contains(['\u{1b}', '\r', '\0']), "{text:?}");
        assert_eq!(lines[0]["fields"]["agent"], HOSTILE);
        assert_eq!(lines[0]["span"]["agent"], HOSTILE);
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[1]["fields"]["message"], "second");
    }

    #[test]
    fn times_are_utc_in_rfc_3339() {
        let text = logged(LogFormat::Json, || tracing::info!("now"));
        let line: Value = serde_json::from_str(&text).unwrap();
        let written = line["timestamp"].as_str().unwrap();
        let format = &time::format_description::well_known::Rfc3339;
        let parsed = time::OffsetDateTime::parse(written, format).unwrap();
        assert!(parsed.offset().is_utc() && written.ends_with('Z'), "{written}");
    }

    #[test]
    fn the_filter_decides() {
        for format in [LogFormat::Json, LogFormat::Pretty] {
            let text = logged(format, || {
                tracing::debug!("hidden");
                tracing::info!("shown");
            });
            assert!(text.contains("shown") && !text.contains("hidden"), "{text}");
        }
    }

    #[test]
    fn spans_of_traces_stay_out_of_the_log() {
        let text = logged_from(LevelFilter::TRACE, LogFormat::Json, || {
            let _call = tracing::info_span!("call").entered();
            let inner = tracing::trace_span!("inner").entered();
            assert!(inner.is_disabled());
            tracing::trace!("shown");
        });
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["span"]["name"], &line["fields"]["message"]), (&"call".into(), &"shown".into()));
    }

    #[test]
    fn what_people_read_is_one_line_without_control_characters() {
        let text = logged(LogFormat::Pretty, || {
            let span = tracing::info_span!("call", agent = HOSTILE, shown = %HOSTILE);
            let _guard = span.enter();
            tracing::info!(agent = HOSTILE, shown = %HOSTILE, "{HOSTILE}");
        });
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.contains("call{agent=") && line.contains(" shown=a\\r\\n{"), "{line}");
    }
}
