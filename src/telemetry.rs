//! The log: lines on standard error, with UTC times as in RFC 3339.

use std::{io, panic};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{Registry, fmt};

use crate::config::{LogFormat, LogSettings};

/// Sends what is logged from here on to standard error. A later call changes nothing.
pub fn init(settings: &LogSettings) {
    let _ = tracing::subscriber::set_global_default(subscriber(settings, io::stderr));
    // A panic's own message may quote a secret, and is not a line of JSON.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
}

/// JSON escapes control characters, so that no text from outside begins a line or moves the cursor; the writing for
/// people is free of ANSI escapes for the same reason.
fn subscriber<W>(settings: &LogSettings, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Complaints about a closed standard error would go there too, and end the process.
    let lines = fmt::layer().with_writer(writer).with_ansi(false).log_internal_errors(false);
    let filter = settings.filter.clone();
    match settings.format {
        LogFormat::Json => Box::new(Registry::default().with(lines.json().with_span_list(false).with_filter(filter))),
        LogFormat::Pretty => Box::new(Registry::default().with(lines.with_filter(filter))),
    }
}
