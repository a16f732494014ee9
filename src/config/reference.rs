//! The list of all settings for operators.

use std::fmt::Write as _;

use super::sections::settings;
use super::setting::Setting;

/// All settings with meaning, limits and defaults, for `ipse config --help`.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "Settings\n\n\
         Each can stand in the file ipse.toml (or --config FILE) under its name in lower case without IPSE_, or in\n\
         the environment, which wins. Each secret can also be given as the name of a file: IPSE_…_FILE.\n\
         Spans are written as 30s, 15m, 8h or 30d.\n",
    );
    for setting in settings() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}", setting.variable());
        let _ = writeln!(text, "{}", if setting.secret { " (secret)" } else { "" });
        let _ = writeln!(text, "      {}", setting.meaning);
        let _ = writeln!(text, "      {}", values(setting));
    }
    text
}

fn values(setting: &Setting) -> String {
    let mut parts = Vec::new();
    if let Some((least, most)) = setting.limits {
        parts.push(format!("From {least} to {most}."));
    }
    parts.push(match setting.default {
        None if setting.required => "Required.".to_owned(),
        None => "Unset by default.".to_owned(),
        Some("") => "Default: empty.".to_owned(),
        Some(default) => format!("Default: {default}."),
    });
    if let Some(dev) = setting.dev_default.filter(|dev| Some(*dev) != setting.default) {
        parts.push(format!("With --dev: {dev}."));
    }
    parts.join(" ")
}
