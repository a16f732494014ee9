//! The words of each mail: for each language a folder, in it for each kind of mail a text and an HTML part.
//!
//! The first line of the text part is the subject. A new language is a new folder and a row in [`LANGUAGES`].

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::domain::profile::Locale;

/// The language of those whose own is not there.
const FALLBACK: &str = "en";

const LAYOUT: (&str, &str) = ("layout.html", include_str!("layout.html"));

macro_rules! embed {
    ($tag:literal: $($file:literal),+ $(,)?) => {
        Language {
            tag: $tag,
            files: &[$((concat!($tag, "/", $file), include_str!(concat!($tag, "/", $file)))),+],
        }
    };
}

macro_rules! language {
    ($tag:literal) => {
        embed!($tag:
            "already_registered.html",
            "already_registered.txt",
            "confirm_new_email.html",
            "confirm_new_email.txt",
            "email_change_requested.html",
            "email_change_requested.txt",
            "email_changed.html",
            "email_changed.txt",
            "password_changed.html",
            "password_changed.txt",
            "reset_password.html",
            "reset_password.txt",
            "validity.txt",
            "verify_email.html",
            "verify_email.txt",
        )
    };
}

const LANGUAGES: &[Language] = &[language!("en"), language!("de")];

struct Language {
    tag: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// What the templates may mention.
#[derive(Clone, Default)]
pub(super) struct Words<'a> {
    /// What people know the service by.
    pub service: &'a str,
    /// The name to greet by, perhaps empty. It was typed by a stranger.
    pub name: &'a str,
    /// The link to follow, if there are links.
    pub link: Option<String>,
    /// The token to copy where there are no links.
    pub token: Option<&'a str>,
    /// How long link and token work.
    pub minutes: Option<i64>,
}

/// A mail in words.
pub(super) struct Rendered {
    /// One line without anything that a stranger typed.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// All templates, parsed.
pub(super) struct Templates(Environment<'static>);

impl Templates {
    /// Parses the embedded templates. What goes into those named `.html` is escaped.
    pub(super) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in LANGUAGES.iter().flat_map(|language| language.files).chain([&LAYOUT]) {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// Writes the mail of this kind in the language that suits the locale best.
    pub(super) fn render(
        &self,
        kind: &str,
        locale: Option<&Locale>,
        words: &Words<'_>,
    ) -> Result<Rendered, minijinja::Error> {
        let language = language(locale);
        let Words { service, name, link, token, minutes } = words.clone();
        let words = context! { language, service, name, link, token, minutes };
        let part = |extension| self.0.get_template(&format!("{language}/{kind}.{extension}"))?.render(&words);
        let text = part("txt")?;
        let (subject, text) = text.split_once("\n\n").unwrap_or((&text, ""));
        Ok(Rendered { subject: subject.to_owned(), text: text.to_owned(), html: part("html")? })
    }
}

fn language(locale: Option<&Locale>) -> &'static str {
    let primary = locale.and_then(|locale| locale.as_str().split('-').next()).unwrap_or(FALLBACK);
    LANGUAGES.iter().map(|known| known.tag).find(|tag| tag.eq_ignore_ascii_case(primary)).unwrap_or(FALLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [&str; 7] = [
        "verify_email",
        "already_registered",
        "reset_password",
        "password_changed",
        "confirm_new_email",
        "email_change_requested",
        "email_changed",
    ];
    const LINK: &str = "https://app.example/verify-email#token=T0ken_-";

    fn render(kind: &str, words: &Words<'_>) -> Rendered {
        Templates::new().unwrap().render(kind, None, words).unwrap()
    }

    fn with_link(name: &str) -> Words<'_> {
        let link = Some(LINK.to_owned());
        Words { service: "id.example.com", name, link, token: Some("T0ken_-"), minutes: Some(60) }
    }

    #[test]
    fn every_mail_is_whole_in_text_and_html_in_every_language() {
        for (tag, hello) in [("en", "Hello"), ("de", "Hallo")] {
            let locale = Locale::parse(tag).unwrap();
            for (kind, words) in
                KINDS.iter().flat_map(|kind| [(kind, with_link("Ada")), (kind, Words { link: None, ..with_link("") })])
            {
                let mail = Templates::new().unwrap().render(kind, Some(&locale), &words).unwrap();
                assert!(mail.subject.contains("id.example.com"), "{kind}: {}", mail.subject);
                assert!(
                    mail.html.starts_with(&format!("<!DOCTYPE html>\n<html lang=\"{tag}\">")),
                    "{kind}: {}",
                    mail.html
                );
                assert!(mail.html.ends_with("</html>"), "{kind}: {}", mail.html);
                for part in [&mail.subject, &mail.text, &mail.html] {
                    assert!(!part.contains(['{', '}']), "{kind}: {part}");
                }
                for part in [&mail.text, &mail.html] {
                    let greeting = if words.name.is_empty() { format!("{hello},") } else { format!("{hello} Ada,") };
                    assert!(part.contains(&greeting), "{kind}: {part}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_shown_as_a_link_or_where_there_are_none_by_itself() {
        for kind in ["verify_email", "reset_password", "confirm_new_email"] {
            let linked = render(kind, &with_link(""));
            assert!(
                linked.text.contains(&format!("\n\n{LINK}\n\nThe link works once, within 1 hour.")),
                "{}",
                linked.text
            );
            let escaped = LINK.replace('/', "&#x2f;");
            assert!(linked.html.contains(&format!("<a href=\"{escaped}\">{escaped}</a>")), "{}", linked.html);

            let bare = render(kind, &Words { link: None, ..with_link("") });
            assert!(bare.text.contains("\n\nT0ken_-\n\nThe code works once, within 1 hour."), "{}", bare.text);
            assert!(bare.html.contains("<code>T0ken_-</code>"), "{}", bare.html);
        }
    }

    #[test]
    fn notices_carry_no_token() {
        for kind in ["already_registered", "password_changed", "email_change_requested", "email_changed"] {
            let mail = render(kind, &with_link(""));
            assert!(!mail.text.contains("T0ken") && !mail.html.contains("T0ken"), "{kind}");
            let words = Words { link: None, token: None, minutes: None, ..with_link("") };
            assert_eq!(render(kind, &words).text, mail.text);
        }
    }

    #[test]
    fn a_name_is_neither_markup_nor_template() {
        for kind in KINDS {
            let mail = render(kind, &with_link("<script>{{7*7}}{% raw %}\"&'"));
            assert!(mail.text.contains("Hello <script>{{7*7}}{% raw %}\"&',"), "{}", mail.text);
            assert!(mail.html.contains("Hello &lt;script&gt;{{7*7}}{% raw %}&quot;&amp;&#x27;,"), "{}", mail.html);
            assert!(!mail.subject.contains("7*7"), "{}", mail.subject);
        }
    }

    #[test]
    fn validity_is_told_in_whole_hours_or_in_minutes() {
        for (minutes, told) in
            [(1, "1 minute."), (30, "30 minutes."), (60, "1 hour."), (90, "90 minutes."), (1440, "24 hours.")]
        {
            let mail = render("verify_email", &Words { minutes: Some(minutes), ..with_link("") });
            assert!(mail.text.contains(&format!("within {told}")), "{}", mail.text);
            assert!(mail.html.contains(&format!("within {told}")), "{}", mail.html);
        }
    }

    #[test]
    fn a_missing_word_is_an_error_and_not_a_gap() {
        let words = Words { minutes: None, ..with_link("") };
        assert!(Templates::new().unwrap().render("verify_email", None, &words).is_err());
        assert!(Templates::new().unwrap().0.render_str("{{ no_such_word }}", ()).is_err());
    }

    #[test]
    fn the_primary_subtag_of_the_locale_decides_and_english_is_for_all_others() {
        for (tag, expected) in [("en", "en"), ("EN", "en"), ("en-GB", "en"), ("eo", "en"), ("zh-Hant-TW", "en")]
            .into_iter()
            .chain([("de", "de"), ("de-CH", "de"), ("DE-at", "de")])
        {
            assert_eq!(language(Some(&Locale::parse(tag).unwrap())), expected, "{tag}");
        }
        assert_eq!(language(None), "en");
        let tags: Vec<&str> = LANGUAGES.iter().map(|known| known.tag).collect();
        assert!(tags.contains(&FALLBACK));
    }
}
