use minijinja::value::Value;
use minijinja::{Error, ErrorKind, context};

use crate::domain::mail::FactorsChange;

/// What the templates of a mail may mention. A variable that a kind of mail does not have is an error where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Words<'a> {
    /// What people know the service by: `service`.
    pub service: &'a str,
    /// The name to greet by, perhaps empty: `name`. It was typed by a stranger.
    pub name: &'a str,
    /// What only some mail tells.
    pub details: Details<'a>,
}

/// What only some mail tells.
#[derive(Debug, Clone)]
pub(crate) enum Details<'a> {
    /// Nothing more.
    None,
    /// When what the mail tells of will be done, in UTC: `time`.
    At(String),
    /// What the reader can do: `link`, `token` and `minutes`; and until when, if that is no matter of the token, `time`.
    Action {
        /// The link to follow, if there are links.
        link: Option<String>,
        /// The token, to be shown where there are no links.
        token: &'a str,
        /// How long both work.
        minutes: i64,
        /// Until when it can be done, in UTC.
        time: Option<String>,
    },
    /// Where somebody did what the mail tells of: `time`, `address` and `program`; and what was done to the second factors,
    /// `change`, `factor` and `remaining`.
    From {
        /// When, in UTC.
        time: String,
        /// From which network address.
        address: String,
        /// With which program, perhaps empty. It is text of a stranger.
        program: &'a str,
        /// What was done to the second factors, if that is it.
        change: Option<ChangeWords>,
    },
}

/// What was done to the second factors: `change`, and what that comes with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeWords {
    /// `added`, `removed`, `recovery_codes_made` or `recovery_code_used`.
    change: &'static str,
    /// Which factor was added or removed: `totp`, `passkey` or `recovery_codes`.
    factor: Option<&'static str>,
    /// How many codes are left after one was used.
    remaining: Option<u32>,
}

impl From<FactorsChange> for ChangeWords {
    fn from(change: FactorsChange) -> Self {
        let (change, factor, remaining) = match change {
            FactorsChange::Added(kind) => ("added", Some(kind.as_str()), None),
            FactorsChange::Removed(kind) => ("removed", Some(kind.as_str()), None),
            FactorsChange::RecoveryCodesMade => ("recovery_codes_made", None, None),
            FactorsChange::RecoveryCodeUsed { remaining } => ("recovery_code_used", None, Some(remaining)),
        };
        Self { change, factor, remaining }
    }
}

impl Words<'_> {
    /// All words, for text and HTML.
    pub(super) fn all(&self, language: &str) -> Value {
        let details = match self.details.clone() {
            Details::None => context! {},
            Details::At(time) => context! { time },
            Details::Action { link, token, minutes, time: None } => context! { link, token, minutes },
            Details::Action { link, token, minutes, time } => context! { link, token, minutes, time },
            Details::From { time, address, program, change: None } => context! { time, address, program },
            Details::From { time, address, program, change: Some(done) } => {
                let ChangeWords { change, factor, remaining } = done;
                context! { time, address, program, change, factor, remaining }
            }
        };
        context! { language, service => self.service, name => self.name, ..details }
    }

    /// The words that no stranger chose, for the subject: it becomes a header.
    pub(super) fn for_subject(&self, language: &str) -> Value {
        context! { language, service => self.service }
    }
}

/// The error of a variable that is there but empty, such as `link` where there are no links.
pub(super) fn nothing_to_show() -> Error {
    Error::new(ErrorKind::UndefinedError, "there is nothing to show")
}
