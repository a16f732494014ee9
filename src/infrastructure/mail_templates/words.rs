use minijinja::value::Value;
use minijinja::{Error, ErrorKind, context};

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
    /// What the reader can do: `link`, `token` and `minutes`.
    Action {
        /// The link to follow, if there are links.
        link: Option<String>,
        /// The token, to be shown where there are no links.
        token: &'a str,
        /// How long both work.
        minutes: i64,
    },
    /// Where somebody did what the mail tells of: `time`, `address` and `program`.
    From {
        /// When, in UTC.
        time: String,
        /// From which network address.
        address: String,
        /// With which program, perhaps empty. It is text of a stranger.
        program: &'a str,
    },
}

impl Words<'_> {
    /// All words, for text and HTML.
    pub(super) fn all(&self, language: &str) -> Value {
        let details = match self.details.clone() {
            Details::None => context! {},
            Details::Action { link, token, minutes } => context! { link, token, minutes },
            Details::From { time, address, program } => context! { time, address, program },
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
