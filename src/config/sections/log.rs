//! The log.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::telemetry::log::{LogFormat, LogSettings};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("log_format", "json: one JSON object a line; or pretty: for people.").or("json").or_in_dev("pretty"),
    Setting::new(
        "log",
        "What is logged: error, warn, info, debug, trace or off, also by source, as in info,ipse=debug.",
    )
    .or("info"),
];

/// Reads the section.
pub fn read(source: &Source) -> Result<LogSettings, InvalidSetting> {
    Ok(LogSettings { format: source.required("log_format", format)?, filter: source.required("log", filter)? })
}

fn format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("must be json or pretty"),
    }
}

/// Stricter than the parsers of `tracing-subscriber`, which take a misspelt level for a source.
fn filter(text: &str) -> Result<Targets, &'static str> {
    text.split(',').try_fold(Targets::new(), |filter, directive| match directive.split_once('=') {
        None => Ok(filter.with_default(level(directive)?)),
        Some((source, directive)) => {
            let plain = !source.is_empty() && source.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
            if plain { Ok(filter.with_target(source, level(directive)?)) } else { Err(LOG_FORM) }
        }
    })
}

const LOG_FORM: &str = "must be levels such as info or info,ipse=debug";

fn level(name: &str) -> Result<LevelFilter, &'static str> {
    match name {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(LOG_FORM),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn formats_are_exact_words() {
        accepted(format, &["json", "pretty"]);
        refused(format, &["", "JSON", "text"]);
    }

    #[test]
    fn a_misspelt_filter_is_refused() {
        accepted(filter, &["info", "off", "info,ipse=debug", "warn,ipse::application=trace,h2=off"]);
        refused(filter, &["", "inf", "info,", "ipse=", "=debug", "ipse=loud", "INFO", "ipse[span]=info", "a b=info"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = filter(&text);
        }
    }
}
