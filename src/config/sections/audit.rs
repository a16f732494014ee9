//! The audit trail.

use time::Duration;

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[Setting::new(
    "audit_retention",
    "How long the audit trail is kept before it is erased. PostgreSQL holds it against the service itself: tell \
         `ipse migrate` too.",
)
.or("400d")
.between("30d", "3650d")];

/// Reads how long the trail is kept.
pub(in crate::config) fn read_retention(source: &Source) -> Result<Duration, InvalidSetting> {
    source.span("audit_retention")
}
