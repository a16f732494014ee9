//! Mail: how it leaves, whom it is from, and its words.

use super::{data_folder, issuer, tokens};
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{pem, url, value};
use crate::domain::account::email::EmailAddress;
use crate::domain::text;
use crate::infrastructure::mail::link_base::LinkBase;
use crate::infrastructure::mail::mail_writer::{MessageSettings, Sender};
use crate::infrastructure::mail::settings::{MailRoute, MailSettings};
use crate::infrastructure::mail_templates::Templates;
use crate::infrastructure::smtp::SmtpSettings;
use crate::infrastructure::smtp::smtp_hello::SmtpHello;
use crate::infrastructure::smtp::smtp_url::SmtpUrl;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "smtp_url",
        "The mail server: smtps://USER:PASSWORD@HOST:PORT, or smtp:// for STARTTLS. With --dev, mail is written to \
         the data folder instead unless this is given.",
    )
    .required()
    .secret(),
    Setting::new(
        "smtp_ca_file",
        "PEM file of the authorities that may vouch for the mail server, instead of those of the system.",
    ),
    Setting::new(
        "smtp_hello",
        "What the server calls itself to the mail server (EHLO): a full host name, or its address in brackets. By default \
         the domain of IPSE_MAIL_FROM.",
    ),
    Setting::new("mail_from", "The sender of mail: name@example.com or Name <name@example.com>.")
        .required()
        .or_in_dev("Ipse <ipse@ipse.localhost>"),
    Setting::new(
        "link_base",
        "The URL of the pages that links in mail lead to; https, or http on localhost. Without it, mail shows the token \
         itself. Nothing else ever makes links.",
    ),
    Setting::new(
        "mail_templates",
        "Folder whose files stand in place of texts of mail: LANGUAGE/KIND.subject.txt, .txt and .html, as in \
         en/welcome.subject.txt. All are checked at the start.",
    ),
];

const MAX_NAME_CODE_POINTS: usize = 64;

/// Reads the section.
pub(in crate::config) fn read(source: &Source) -> Result<MailSettings, InvalidSetting> {
    let message = read_message(source)?;
    Ok(MailSettings { route: read_route(source, &message.from)?, message })
}

fn read_route(source: &Source, from: &Sender) -> Result<MailRoute, InvalidSetting> {
    let ca_file = source.optional("smtp_ca_file", pem::authorities_file)?;
    let hello = source.optional("smtp_hello", SmtpHello::parse)?;
    let useless = [("smtp_ca_file", ca_file.is_some()), ("smtp_hello", hello.is_some())];
    match (source.optional("smtp_url", SmtpUrl::parse)?, data_folder::read(source)?) {
        (Some(url), _) => {
            let hello = hello.map_or_else(|| SmtpHello::parse(from.domain()), Ok);
            let hello = hello.map_err(|why| InvalidSetting::of("smtp_hello", why))?;
            Ok(MailRoute::Smtp(SmtpSettings { url, ca_file, hello }))
        }
        (None, None) => Err(InvalidSetting::of("smtp_url", "is required")),
        (None, Some(folder)) => match useless.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(source.refuse(name, "has no use without IPSE_SMTP_URL")),
            None => Ok(MailRoute::Folder(folder.mail())),
        },
    }
}

fn read_message(source: &Source) -> Result<MessageSettings, InvalidSetting> {
    let link_base = source.optional("link_base", url::link_base)?.map(LinkBase::new);
    let templates = source.optional("mail_templates", |text| {
        let folder = value::path(text)?;
        Templates::overridden(&folder, link_base.is_some()).map_err(|error| error.to_string())
    })?;
    Ok(MessageSettings {
        from: source.required("mail_from", sender)?,
        service: issuer::host(issuer::read(source)?.own()).to_owned(),
        templates: match templates {
            Some(templates) => templates,
            None => Templates::embedded().map_err(|error| InvalidSetting::of("mail_templates", error))?,
        },
        link_base,
        lifetimes: tokens::read_action_tokens(source)?,
    })
}

/// An address, perhaps with a name before it: one line of at most 64 code points without `<`, `>` and `"`.
fn sender(text: &str) -> Result<Sender, String> {
    let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if text::line(name, MAX_NAME_CODE_POINTS).is_err() || name.contains(['<', '>', '"']) {
        return Err("must have a plain name of at most 64 code points before the address".to_owned());
    }
    let address = EmailAddress::parse(address).map_err(|why| why.to_string())?;
    Sender::new(name, &address).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::refused;

    #[test]
    fn the_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("ipse@id.example", "", "ipse@id.example"),
            ("<ipse@id.example>", "", "ipse@id.example"),
            ("Ipse Mail <ipse@id.example>", "Ipse Mail", "ipse@id.example"),
            ("\"Example, Inc.\" <ipse@id.example>", "Example, Inc.", "ipse@id.example"),
        ] {
            let expected = Sender::new(name, &EmailAddress::parse(address).unwrap()).unwrap();
            assert_eq!(sender(text).unwrap(), expected, "{text}");
        }
        refused(
            sender,
            &[
                "",
                "Ipse",
                "ipse@",
                "Ipse <ipse@id.example",
                "Ipse <ipse@id.example> x",
                "a@b.example, c@d.example",
                "A <a@b.example>, B <c@d.example>",
                "I\r\nBcc: x <ipse@id.example>",
                &format!("{} <ipse@id.example>", ["n"; 65].concat()),
            ],
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = sender(&text);
        }
    }
}
