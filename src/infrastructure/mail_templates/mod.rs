//! The words of each mail, and how an operator puts others in their place.
//!
//! Mail has three parts in each language, each a template of its own: `en/welcome.subject.txt`, `en/welcome.txt` and
//! `en/welcome.html`. The setting `IPSE_MAIL_TEMPLATES` names a folder whose files stand in place of those of the same
//! name, one by one:
//!
//! - `LANGUAGE/KIND.subject.txt`, `LANGUAGE/KIND.txt`, `LANGUAGE/KIND.html`, where the kind is one of
//!   `account_deleted`, `account_suspended`, `account_was_deleted`, `already_registered`, `api_key_changed`,
//!   `confirm_new_email`, `email_change_requested`, `email_changed`, `factor_reset_pending`, `factors_changed`,
//!   `factors_reset`, `invitation`, `new_sign_in`, `password_changed`, `reset_password`, `second_factor_failed`, `verify_email`, `welcome`;
//! - `LANGUAGE/validity.txt`, a span in words, which the others include;
//! - `layout.html`, which all HTML parts extend.
//!
//! A language is a folder named by its tag in lower case, such as `fr` or `pt-br`; a folder that is not among the
//! embedded ones adds a language. Each part is taken in the first language that has it: that of the
//! person (`pt-br`), that without its last subtag (`pt`), English.
//!
//! The files are templates in the language of Jinja, of at most 64 KiB. They may mention `language` and `service`; but
//! for the subject also `name` (perhaps empty); in mail with a token `link` (none unless `IPSE_LINK_BASE` is set),
//! `token` and `minutes`; in `api_key_changed`, `factors_changed`, `new_sign_in` and `second_factor_failed` `time`,
//! `address` and `program` (perhaps empty); in `account_deleted`, `account_was_deleted` and `factor_reset_pending`
//! `time`; in `factors_changed` `change` (`added`, `removed`, `recovery_codes_made` or `recovery_code_used`), `factor` (`totp`, `passkey` or `recovery_codes`, of one that was
//! added or removed) and `remaining` (how many codes are left after one was used). Names and programs are text
//! of strangers: in files named `.html` they are escaped, and the check refuses a template that undoes it.
//!
//! All files are read once, at the start, and every mail is rendered with samples in every language. A mistake, an
//! unknown name or a variable that the mail does not have stops the start with the name of the file and the line.

mod check;
mod embedded;
mod error;
mod folder;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, escape_formatter};

#[cfg(test)]
pub(super) use check::samples;
pub use error::TemplateError;
pub(super) use words::{ChangeWords, Details, Words};

use crate::domain::account::profile::Locale;

/// The language of those whose own is not there.
const FALLBACK: &str = "en";

/// A mail in words.
pub(super) struct Rendered {
    /// One line without anything that a stranger typed.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// A part of a mail, with a template of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Subject,
    Text,
    Html,
}

impl Part {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Subject => "subject.txt",
            Self::Text => "txt",
            Self::Html => "html",
        }
    }
}

/// All templates, parsed.
#[derive(Debug, Clone)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// The templates that come with the binary. What goes into those named `.html` is escaped.
    pub fn embedded() -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(|out, state, value| {
            if value.is_none() { Err(words::nothing_to_show()) } else { escape_formatter(out, state, value) }
        });
        for (name, source) in embedded::templates() {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// The templates with those of the folder in their place, all of them checked. `links` says whether mail has links.
    pub fn overridden(folder: &Path, links: bool) -> Result<Self, TemplateError> {
        let mut templates = Self::embedded()?;
        for (name, source) in folder::read(folder)? {
            templates.0.add_template_owned(name, source)?;
        }
        templates.check(links)?;
        Ok(templates)
    }

    /// Writes the mail of this kind in the language that suits the locale best.
    pub(super) fn render(
        &self,
        kind: &str,
        locale: Option<&Locale>,
        words: &Words<'_>,
    ) -> Result<Rendered, TemplateError> {
        let part = |part| self.part(part, kind, locale, words).map(|(_, text)| text);
        Ok(Rendered { subject: part(Part::Subject)?, text: part(Part::Text)?, html: part(Part::Html)? })
    }

    /// Writes a part of a mail. The name of its template, and the text.
    fn part(
        &self,
        part: Part,
        kind: &str,
        locale: Option<&Locale>,
        words: &Words<'_>,
    ) -> Result<(String, String), TemplateError> {
        let mut language = locale.map_or(FALLBACK.to_owned(), |locale| locale.as_str().to_ascii_lowercase());
        let template = loop {
            let name = format!("{language}/{kind}.{}", part.suffix());
            match self.0.get_template(&name) {
                Ok(template) => break template,
                Err(error) if language == FALLBACK => return Err(error.into()),
                Err(_) => language = wider(&language).to_owned(),
            }
        };
        let text = match part {
            Part::Subject => template.render(words.for_subject(&language))?.trim().to_owned(),
            Part::Text | Part::Html => template.render(words.all(&language))?,
        };
        if part == Part::Subject && (text.is_empty() || text.contains(char::is_control)) {
            return Err(TemplateError::of(template.name(), "must be one line"));
        }
        Ok((template.name().to_owned(), text))
    }

    /// The languages that any template is in.
    fn languages(&self) -> BTreeSet<String> {
        self.0.templates().filter_map(|(name, _)| name.split_once('/')).map(|(tag, _)| tag.to_owned()).collect()
    }
}

/// The language to look in next: without the last subtag (RFC 4647, section 3.4), in the end the fallback.
fn wider(tag: &str) -> &str {
    tag.rsplit_once('-').map_or(FALLBACK, |(wider, _)| wider)
}
