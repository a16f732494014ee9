use std::mem::discriminant;

use time::macros::datetime;

use super::*;
use crate::domain::mail;
use crate::domain::session::client::Client;
use crate::infrastructure::mail_templates::samples;

fn write(mail: &Mail) -> (Vec<String>, String) {
    let text = String::from_utf8(fixture::writer(None).write(mail).unwrap().formatted()).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    (headers.split("\r\n").map(str::to_owned).collect(), body.to_owned())
}

#[test]
fn the_headers_are_these_and_no_others() {
    let (mut headers, _) = write(&fixture::mail());
    let boundary = headers.iter().position(|line| line.starts_with(" boundary=")).unwrap();
    headers.remove(boundary);
    assert_eq!(
        headers,
        [
            "From: Example <no-reply@id.example.com>",
            "To: Ada.L@xn--bcher-kva.example",
            "Subject: Confirm your e-mail address for id.example.com",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Message-ID: <01890a5d-ac96-774b-bcce-b302099a8057@id.example.com>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative;",
        ]
    );
}

#[test]
fn a_hostile_name_stays_in_the_body() {
    let harmless = write(&fixture::mail()).0.len();
    for name in ["{{7*7}}", "=?utf-8?q?a=0D=0ABcc:_b@c?=", "\u{2028}Bcc: b@c", "\"<b@c>,", "Bcc: b@c"] {
        let (headers, _) = write(&Mail { display_name: DisplayName::parse(name).unwrap(), ..fixture::mail() });
        assert_eq!(headers.len(), harmless, "{headers:?}");
        assert!(!headers.iter().any(|line| line.starts_with("Bcc") || line.contains("7*7")), "{headers:?}");
    }
    assert!(DisplayName::parse("Ada\r\nBcc: b@c").is_err());
}

#[test]
fn a_name_that_would_become_a_link_is_no_greeting() {
    for name in ["You won, see evil.example", "http://evil", "www.evil.example/?a", "evil.рф", "1.2.3.4"] {
        assert_eq!(greeting(&DisplayName::parse(name).unwrap()), "", "{name}");
    }
    for name in ["Ada", "Dr. Ada L.", "J. R. R. Tolkien", "{{7*7}}", "<script>", "Ada ..."] {
        assert_eq!(greeting(&DisplayName::parse(name).unwrap()), name);
    }
    assert_eq!(greeting(&DisplayName::parse("   ").unwrap()), "");
}

#[test]
fn each_content_has_its_page_and_its_validity() {
    let writer = fixture::writer(Some("https://app.example"));
    let (token, time) = (Secret::new("t"), datetime!(2026-03-01 13:00:05.25 +1));
    for (content, link, hours) in [
        (MailContent::VerifyEmail { token: token.clone() }, "https://app.example/verify-email#token=t", 24),
        (MailContent::ResetPassword { token: token.clone() }, "https://app.example/reset-password#token=t", 1),
        (MailContent::ConfirmNewEmail { token: token.clone() }, "https://app.example/confirm-email#token=t", 24),
        (MailContent::Invitation { token: token.clone() }, "https://app.example/accept-invitation#token=t", 7 * 24),
        (MailContent::FactorResetPending { token, time }, "https://app.example/stop-factor-reset#token=t", 72),
    ] {
        let action = writer.action(&content).unwrap();
        assert_eq!(action.link.as_deref(), Some(link));
        assert_eq!(action.validity, Duration::hours(hours));
        let message = writer.write(&Mail { content, ..fixture::mail() }).unwrap().formatted();
        let quoted_printable = format!("\r\n\r\n{}\r\n\r\n", link.replace('=', "=3D"));
        let message = String::from_utf8(message).unwrap();
        assert!(message.contains(&quoted_printable), "{message}");
    }
}

#[test]
fn every_kind_is_written_with_and_without_links_and_shows_its_token_or_knows_none() {
    for base in [None, Some("https://app.example")] {
        let writer = fixture::writer(base);
        for content in mail::fixture::contents() {
            let token = writer.action(&content).map(|action| action.token.expose().to_owned());
            let mail = Mail { content: content.clone(), ..fixture::mail() };
            let message = String::from_utf8(writer.write(&mail).unwrap().formatted()).unwrap();
            let shown = message.matches("canary-token").count();
            assert_eq!(shown > 0, token.is_some(), "{content:?}: {message}");
            assert_eq!(format!("{content:?}").contains("token"), token.is_some(), "{content:?}");
        }
    }
}

/// Whether there is what only some mail of its kind tells.
fn extra(details: &Details<'_>) -> bool {
    match details {
        Details::None | Details::At(_) => false,
        Details::Action { time, .. } => time.is_some(),
        Details::From { change, .. } => change.is_some(),
    }
}

/// The samples that templates are checked with at the start are those that mail is written with.
#[test]
fn each_kind_has_the_words_that_its_templates_are_checked_with() {
    let writer = fixture::writer(None);
    for content in mail::fixture::contents() {
        let mail = Mail { content, ..fixture::mail() };
        for sample in samples(mail.content.kind(), "", false) {
            let (is, told) = (writer.details(&mail), mail.content.kind());
            assert_eq!(discriminant(&is), discriminant(&sample), "{told}");
            assert_eq!(extra(&is), extra(&sample), "{told}");
        }
    }
}

fn sign_in(user_agent: &str) -> Mail {
    let client = Client::new("2001:db8::1".parse().unwrap(), user_agent);
    let time = datetime!(2026-03-01 13:00:05.25 +1);
    Mail { content: MailContent::NewSignIn { client, time }, ..fixture::mail() }
}

#[test]
fn a_notice_of_a_sign_in_tells_when_and_where() {
    let (headers, body) = write(&sign_in("app 1.0 (Linux)"));
    assert!(headers.contains(&"Subject: New sign-in to your account at id.example.com".to_owned()), "{headers:?}");
    for told in ["2026-03-01 12:00:05 UTC", "2001:db8::1", "app 1.0 (Linux)"] {
        assert_eq!(body.matches(told).count(), 2, "in text and HTML: {told}: {body}");
    }
}

#[test]
fn a_notice_of_a_removal_tells_when_it_happens() {
    let (token, time) = (Secret::new("t"), datetime!(2026-03-01 13:00:05.25 +1));
    let (_, body) = write(&Mail { content: MailContent::FactorResetPending { token, time }, ..fixture::mail() });
    assert_eq!(body.matches("2026-03-01 12:00:05 UTC").count(), 2, "in text and HTML: {body}");
}

#[test]
fn a_hostile_user_agent_stays_in_its_line_of_the_body() {
    let (harmless, body) = write(&sign_in("app"));
    let lines = body.lines().count();
    for agent in
        ["a\r\nBcc: b", "a\r\n\r\nBcc: b", "{{7*7}}", "<script>", "=?utf-8?q?a=0D=0ABcc:_b?=", "{% raw %}", "--b"]
    {
        let (headers, body) = write(&sign_in(agent));
        assert_eq!(headers.len(), harmless.len(), "{headers:?}");
        assert!(!headers.iter().any(|line| line.starts_with("Bcc") || line.contains("7*7")), "{headers:?}");
        assert!(!body.lines().any(|line| line.starts_with("Bcc")) && !body.contains("<script>1"), "{body}");
        assert_eq!(body.lines().count(), lines, "{body}");
    }
    let (_, body) = write(&sign_in("<script>{{7*7}}"));
    assert!(body.contains("Program:  <script>{{7*7}}"), "{body}");
    assert!(body.contains("&lt;script&gt;{{7*7}}"), "{body}");
}

#[test]
fn a_user_agent_that_would_become_a_link_is_not_shown() {
    for agent in [
        "call http://evil",
        "see evil.example",
        "www.evil.example/?a",
        "//evil",
        "mail a@b",
        "evil.\u{440}\u{444}",
        "a\u{202e}b",
        " ",
    ] {
        assert_eq!(program(agent), "", "{agent}");
        assert!(write(&sign_in(agent)).1.contains("Program:  unknown"), "{agent}");
    }
    for agent in [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "grpc-python/1.76.0 grpc-c/51.0.0 (linux; chttp2)",
        "tonic/0.14.2",
    ] {
        assert_eq!(program(agent), agent);
    }
}

#[test]
fn a_sender_is_an_address_perhaps_with_a_name() {
    for (name, address, shown) in [
        ("", "no-reply@example.com", "no-reply@example.com"),
        ("Example, Inc.", "no-reply@bücher.example", "\"Example, Inc.\" <no-reply@xn--bcher-kva.example>"),
    ] {
        let sender = Sender::new(name, &EmailAddress::parse(address).unwrap()).unwrap();
        assert_eq!(sender.0.to_string(), shown);
    }
}
