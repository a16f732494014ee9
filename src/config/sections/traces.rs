//! Where traces go.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{pem, url, value};
use crate::telemetry::traces::TraceSettings;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "otlp_endpoint",
        "The collector that gets traces, over OTLP/gRPC: http://HOST:PORT or https://HOST:PORT, most often port 4317. \
         Without it, there are no traces.",
    ),
    Setting::new(
        "otlp_ca_file",
        "PEM file of the authorities that may vouch for the collector, instead of those of the system.",
    ),
    Setting::new(
        "otlp_trace_one_in",
        "Of so many calls without a `traceparent`, one is traced, and of so many jobs; who calls with one decides.",
    )
    .or("1")
    .between("1", "1000000"),
];

/// Reads the section; nothing if there are to be no traces.
pub(in crate::config) fn read(source: &Source) -> Result<Option<TraceSettings>, InvalidSetting> {
    let one_in = source.limited("otlp_trace_one_in", value::number)?;
    let ca_file = source.optional("otlp_ca_file", pem::authorities_file)?;
    let Some(endpoint) = source.optional("otlp_endpoint", url::origin)? else {
        return match ca_file {
            Some(_) => Err(source.refuse("otlp_ca_file", "has no use without IPSE_OTLP_ENDPOINT")),
            None => Ok(None),
        };
    };
    if ca_file.is_some() && endpoint.starts_with("http:") {
        return Err(source.refuse("otlp_ca_file", "has no use with an http URL"));
    }
    Ok(Some(TraceSettings { endpoint, ca_file, one_in }))
}
