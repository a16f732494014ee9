//! Whether templates make whole mails: renders all of them with samples.

use minijinja::context;

use super::error::TemplateError;
use super::words::{Details, Words};
use super::{Part, Templates, embedded};
use crate::domain::account::profile::Locale;
use crate::domain::credential::factor::FactorKind;
use crate::domain::mail::FactorsChange;

/// Texts of strangers, which must not become markup.
const HOSTILE: [&str; 2] = ["<Ada>", "<Program>"];
const TOKEN: &str = "SampleToken";

impl Templates {
    /// Renders every kind of mail in every language, with and without what is optional.
    pub(super) fn check(&self, links: bool) -> Result<(), TemplateError> {
        for language in self.languages() {
            self.check_validity(&language)?;
            let locale = Locale::parse(&language).ok();
            for kind in embedded::kinds() {
                for [name, program] in [HOSTILE, ["", ""]] {
                    for details in samples(kind, program, links) {
                        let words = Words { service: "id.example.com", name, details };
                        self.check_mail(kind, locale.as_ref(), &words)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Renders the span in words by itself, as no mail of the language needs to include it.
    fn check_validity(&self, language: &str) -> Result<(), TemplateError> {
        if let Ok(template) = self.0.get_template(&format!("{language}/validity.txt")) {
            for minutes in [1, 90, 60, 24 * 60, 7 * 24 * 60] {
                template.render(context! { minutes })?;
            }
        }
        Ok(())
    }

    fn check_mail(&self, kind: &str, locale: Option<&Locale>, words: &Words<'_>) -> Result<(), TemplateError> {
        self.part(Part::Subject, kind, locale, words)?;
        for part in [Part::Text, Part::Html] {
            let (file, text) = self.part(part, kind, locale, words)?;
            if matches!(words.details, Details::Action { .. }) && !text.contains(TOKEN) {
                return Err(TemplateError::of(&file, "shows neither the link nor the token"));
            }
            if part == Part::Html && HOSTILE.iter().any(|hostile| text.contains(hostile)) {
                return Err(TemplateError::of(&file, "puts text of strangers into HTML as markup"));
            }
        }
        Ok(())
    }
}

/// Samples of what this kind of mail tells, at least one.
pub(in crate::infrastructure) fn samples<'a>(kind: &str, program: &'a str, links: bool) -> Vec<Details<'a>> {
    let (time, address) = ("2026-03-01 12:00:00 UTC".to_owned(), "192.0.2.1".to_owned());
    match kind {
        "verify_email" | "reset_password" | "invitation" | "confirm_new_email" => vec![action(links, None)],
        "account_deleted" | "account_was_deleted" => vec![Details::At(time)],
        "factor_reset_pending" => vec![action(links, Some(time))],
        "api_key_changed" | "new_sign_in" | "second_factor_failed" => {
            vec![Details::From { time, address, program, change: None }]
        }
        "factors_changed" => {
            let told = |change: FactorsChange| Details::From {
                time: time.clone(),
                address: address.clone(),
                program,
                change: Some(change.into()),
            };
            changes().map(told).collect()
        }
        _ => vec![Details::None],
    }
}

fn action(links: bool, time: Option<String>) -> Details<'static> {
    let link = links.then(|| format!("https://www.example.com/page#token={TOKEN}"));
    Details::Action { link, token: TOKEN, minutes: 60, time }
}

/// Every change of second factors, with numbers of codes left that languages may tell in ways of their own.
fn changes() -> impl Iterator<Item = FactorsChange> {
    let kinds = FactorKind::ALL.iter().copied();
    let of_kinds = kinds.clone().map(FactorsChange::Added).chain(kinds.map(FactorsChange::Removed));
    let used = (0..=9).map(|remaining| FactorsChange::RecoveryCodeUsed { remaining });
    of_kinds.chain([FactorsChange::RecoveryCodesMade]).chain(used)
}
