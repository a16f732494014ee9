use std::error::Error;
use std::fs;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::infrastructure::mail::mail_writer::fixture;

/// What is said, in Latin-1, by the beginning of the line it answers; `""` is the greeting, `"."` the end of the message.
type Replies = &'static [(&'static str, &'static str)];

const USUAL: Replies = &[
    ("", "220 ready"),
    ("EHLO", "250-fake\r\n250 AUTH PLAIN LOGIN"),
    ("STARTTLS", "220 go ahead"),
    ("AUTH", "235 welcome"),
    ("MAIL", "250 ok"),
    ("RCPT", "250 ok"),
    ("DATA", "354 go ahead"),
    (".", "250 taken"),
    ("QUIT", "221 bye"),
];

const OFFERED: (&str, &str) = ("EHLO", "250-fake\r\n250-AUTH PLAIN\r\n250 STARTTLS");
const STARTTLS: Replies = &[OFFERED];
const STARTTLS_FAILS: Replies = &[OFFERED, ("STARTTLS", "454 not now")];
const STARTTLS_INJECTED: Replies = &[OFFERED, ("STARTTLS", "220 go ahead\r\n250 AUTH PLAIN\r\n235 welcome")];
const WRONG_PASSWORD: Replies = &[OFFERED, ("AUTH", "535 5.7.8 no")];

/// A mail server that speaks as it is told to, with TLS if it has a certificate, and that recalls every line it heard.
struct Server {
    port: u16,
    heard: JoinHandle<Vec<String>>,
}

impl Server {
    async fn start(special: Replies, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut conversation = Conversation { special, heard: Vec::new() };
            let mut stream = BufStream::new(stream);
            conversation.say(&mut stream, "").await;
            let wants_tls = conversation.listen(&mut stream).await;
            if let (true, Some(tls)) = (wants_tls, tls)
                && let Ok(stream) = tls.accept(stream).await
            {
                conversation.heard.push("(TLS)".to_owned());
                conversation.listen(&mut BufStream::new(stream)).await;
            }
            conversation.heard
        });
        Self { port, heard }
    }

    async fn heard(self) -> String {
        self.heard.await.unwrap().join("\n")
    }
}

struct Conversation {
    special: Replies,
    heard: Vec<String>,
}

impl Conversation {
    /// Answers until the client leaves or wants to encrypt; tells which.
    async fn listen<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufStream<S>) -> bool {
        let mut line = String::new();
        let mut in_message = false;
        while matches!(stream.read_line(&mut line).await, Ok(1..)) {
            let said = std::mem::take(&mut line).trim_end().to_owned();
            if !in_message || said == "." {
                in_message = self.say(stream, &said).await.starts_with("354");
            }
            let wants_tls = said == "STARTTLS";
            self.heard.push(said);
            if wants_tls {
                return true;
            }
        }
        false
    }

    async fn say<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufStream<S>, said: &str) -> &str {
        let answers = |(to, _): &&(&str, &str)| if to.is_empty() { said.is_empty() } else { said.starts_with(to) };
        let (_, reply) = self.special.iter().chain(USUAL).find(answers).unwrap();
        // A client that has left is told nothing.
        let bytes: Vec<u8> = reply.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
        let _ = stream.write_all(&[&bytes[..], b"\r\n"].concat()).await;
        let _ = stream.flush().await;
        reply
    }
}

/// A server's side of TLS with a certificate for the host, and the file by which clients trust it.
fn certificate(host: &str) -> (TlsAcceptor, NamedTempFile) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).unwrap();
    acceptor(&cert, &signing_key)
}

/// The same with a certificate whose time is over.
fn expired_certificate(host: &str) -> (TlsAcceptor, NamedTempFile) {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let key = KeyPair::generate().unwrap();
    acceptor(&params.self_signed(&key).unwrap(), &key)
}

fn acceptor(cert: &rcgen::Certificate, signing_key: &KeyPair) -> (TlsAcceptor, NamedTempFile) {
    let key: PrivatePkcs8KeyDer<'_> = KeyPair::serialize_der(signing_key).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), cert.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

fn hello() -> SmtpHello {
    SmtpHello::parse("ipse.example.com").unwrap()
}

fn mailer(url: &str, ca_file: Option<&NamedTempFile>) -> Result<SmtpMailer, SmtpSetupError> {
    let ca_file = ca_file.map(|file| file.path().to_owned());
    SmtpMailer::new(SmtpSettings { url: SmtpUrl::parse(url).unwrap(), ca_file, hello: hello() }, fixture::writer(None))
}

/// What becomes of a mail in a conversation without TLS.
async fn deliver(special: Replies) -> (Result<(), MailRejected>, String) {
    let server = Server::start(special, None).await;
    let mailer = mailer(&format!("smtp+plaintext://127.0.0.1:{}", server.port), None).unwrap();
    (mailer.deliver(&fixture::mail()).await, server.heard().await)
}

#[tokio::test]
async fn a_mail_is_handed_over_whole() {
    let (outcome, heard) = deliver(&[]).await;
    outcome.unwrap();
    let (commands, message) = heard.split_once("\nDATA\n").unwrap();
    assert!(
        commands.ends_with("\nMAIL FROM:<no-reply@id.example.com>\nRCPT TO:<Ada.L@xn--bcher-kva.example>"),
        "{commands}"
    );
    assert!(message.contains("\nMessage-ID: <01890a5d-ac96-774b-bcce-b302099a8057@id.example.com>\n"), "{message}");
    assert!(message.contains("\n\nT0ken_-\n\n"), "{message}");
    assert!(message.ends_with("\n.\nQUIT"), "{message}");
}

#[tokio::test]
async fn only_the_recipient_and_the_message_are_refused_for_good() {
    let table: &[(Replies, bool)] = &[
        (&[("RCPT", "550 5.1.1 <Ada.L@canary> unknown")], true),
        (&[("RCPT", "553 canary")], true),
        (&[(".", "554 canary")], true),
        (&[(".", "552-5.3.4 too\r\n552 5.3.4 big canary")], true),
        (&[("RCPT", "450 4.2.1 canary")], false),
        (&[(".", "451 canary")], false),
        (&[("", "554 canary")], false),
        (&[("", "421 canary")], false),
        (&[("EHLO", "550 canary")], false),
        (&[("MAIL", "550 5.7.60 canary")], false),
        (&[("MAIL", "553 canary")], false),
        (&[("RCPT", "530 5.5.1 canary")], false),
        (&[("RCPT", "554 5.7.1 <Ada.L@canary>: Relay access denied")], false),
        (&[(".", "550-5.7.26 canary\r\n550 5.7.26 canary")], false),
        (&[("DATA", "503 canary")], false),
        (&[("MAIL", "552 5.3.4 message size exceeds the limit")], true),
        (&[("DATA", "552 too big")], true),
        (&[("MAIL", "555 5.5.4 unknown parameter BODY=8BITMIME")], false),
        (&[("RCPT", "canary")], false),
        (&[("RCPT", "550 5.1.1 canary: Empf\u{e4}nger unbekannt")], true),
        (&[("RCPT", "550")], true),
    ];
    for (special, for_good) in table {
        let (outcome, heard) = deliver(special).await;
        let rejected = outcome.unwrap_err();
        assert_eq!(matches!(rejected, MailRejected::ForGood(_)), *for_good, "{special:?}: {rejected:?}");
        let told = format!("{rejected} {rejected:?} {}", rejected.source().unwrap());
        assert!(!told.to_lowercase().contains("ada.l"), "{told}");
        assert_eq!(heard.contains("T0ken_-"), special[0].0 == ".", "{heard}");
    }
}

#[tokio::test]
async fn a_failure_tells_the_step_and_the_servers_own_words_without_addresses() {
    let table: &[(Replies, &str)] = &[
        (&[("", "554 5.3.2 closed for today")], "answered the connection with 554 5.3.2 closed for today"),
        (&[("EHLO", "550 5.7.1 I want a full name")], "answered EHLO with 550 5.7.1 I want a full name"),
        (
            &[("MAIL", "553 5.1.8 <no-reply@id.example.com>: no such domain")],
            "answered MAIL FROM (the sender) with 553 5.1.8 (address) no such domain",
        ),
        (
            &[("RCPT", "450 4.7.1 <Ada.L@xn--bcher-kva.example>: greylisted, come back in 5 minutes")],
            "answered RCPT TO (the recipient) with 450 4.7.1 (address) greylisted, come back in 5 minutes",
        ),
        (
            &[("RCPT", "550-5.1.1 user ADA.L is\r\n550 5.1.1 unknown")],
            "answered RCPT TO (the recipient) with 550 5.1.1 user (address) is unknown",
        ),
        (&[("DATA", "451 4.3.0 queue full")], "answered DATA with 451 4.3.0 queue full"),
        (&[(".", "554 5.6.0 looks like spam")], "answered the message after DATA with 554 5.6.0 looks like spam"),
        (&[(".", "554 5.6.0 b\u{7}ell")], "answered the message after DATA with 554 5.6.0 b ell"),
        (
            &[("RCPT", "550 5.1.1 Empf\u{e4}nger unbekannt")],
            "answered RCPT TO (the recipient) with 550 5.1.1 Empf\u{fffd}nger unbekannt",
        ),
        (
            &[("RCPT", "550 5.1.1 Empf\u{c3}\u{a4}nger unbekannt")],
            "answered RCPT TO (the recipient) with 550 5.1.1 Empf\u{e4}nger unbekannt",
        ),
        (&[("MAIL", "HTTP/1.1 400 Bad Request")], "answered MAIL FROM (the sender) with something that is not SMTP"),
    ];
    for (special, expected) in table {
        let (outcome, heard) = deliver(special).await;
        let told = outcome.unwrap_err().source().unwrap().to_string();
        assert_eq!(told, format!("the mail server {expected}"));
        assert!(heard.is_empty() || heard.starts_with("EHLO ipse.example.com"), "{heard}");
    }
}

#[tokio::test]
async fn a_long_answer_keeps_its_code_and_an_endless_one_has_an_end() {
    for (words, start, for_good) in [
        (400, "the mail server answered RCPT TO (the recipient) with 550 word word", true),
        (2_000, "the mail server answered RCPT TO (the recipient) with 550 word word", true),
        (20_000, "the mail server's answer to RCPT TO (the recipient) is too long", false),
    ] {
        let long: &str = Box::leak(format!("550 {}", "word ".repeat(words)).into_boxed_str());
        let (outcome, _) = deliver(Box::leak(Box::new([("RCPT", long)]))).await;
        let rejected = outcome.unwrap_err();
        assert_eq!(matches!(rejected, MailRejected::ForGood(_)), for_good, "{words}");
        let told = rejected.source().unwrap().to_string();
        assert!(told.starts_with(start) && told.len() < 200, "{told}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_told_as_such() {
    for (said, step) in [("", "the connection"), ("220 read", "the connection"), ("220 ready\r\n", "EHLO")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailer = mailer(&format!("smtp+plaintext://{}", listener.local_addr().unwrap()), None).unwrap();
        let hangs_up = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            // What was said stays readable only if nothing that the client says is left unread.
            stream.shutdown().await.unwrap();
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        });
        let told = mailer.deliver(&fixture::mail()).await.unwrap_err().source().unwrap().to_string();
        assert_eq!(told, format!("the mail server closed the connection instead of answering {step}"));
        hangs_up.await.unwrap();
    }
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_does_not_end_the_message() {
    let (client, server) = tokio::io::duplex(1024);
    let (mut server, mut heard) = (BufStream::new(server), String::new());
    server.write_all(b"220 ready\r\n250 taken\r\n").await.unwrap();
    server.flush().await.unwrap();
    let mut conversation = conversation::Conversation::begin(client).await.unwrap();
    conversation.message(b".\r\na.\r\n..b\r\n.c").await.unwrap();
    drop(conversation);
    server.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "..\r\na.\r\n...b\r\n..c\r\n.\r\n");
}

#[tokio::test]
async fn mail_needs_no_extension_of_the_server() {
    let (outcome, heard) = deliver(&[("EHLO", "250 fake")]).await;
    outcome.unwrap();
    assert!(heard.is_ascii() && !heard.contains("SMTPUTF8") && !heard.contains("8BITMIME") && !heard.contains("SIZE="));
}

#[tokio::test]
async fn a_certificate_that_is_no_good_is_told_by_its_fault() {
    let (other, other_ca) = certificate("mail.example.com");
    let (unknown, _) = certificate("127.0.0.1");
    let (expired, expired_ca) = expired_certificate("127.0.0.1");
    for (tls, ca, fault) in [
        (other, Some(&other_ca), "not for 127.0.0.1: it is for mail.example.com"),
        (unknown, None, "an authority that is not trusted here"),
        (expired, Some(&expired_ca), "expired"),
    ] {
        let server = Server::start(STARTTLS, Some(tls)).await;
        let mailer = mailer(&format!("smtp://user:password@127.0.0.1:{}", server.port), ca).unwrap();
        let told = mailer.deliver(&fixture::mail()).await.unwrap_err().source().unwrap().to_string();
        assert!(told.starts_with("the exchange with the mail server broke at STARTTLS: "), "{told}");
        assert!(told.contains(fault), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = mailer(&format!("smtps://user:password@127.0.0.1:{port}"), None).unwrap();
    assert!(matches!(mailer.deliver(&fixture::mail()).await, Err(MailRejected::ForNow(_))));
}

#[tokio::test]
async fn a_port_without_tls_is_told_as_such() {
    let server = Server::start(&[], None).await;
    let mailer = mailer(&format!("smtps://user:password@127.0.0.1:{}", server.port), None).unwrap();
    let told = mailer.deliver(&fixture::mail()).await.unwrap_err().source().unwrap().to_string();
    assert!(told.ends_with(" broke at the connection: the server does not speak TLS on this port"), "{told}");
}

#[tokio::test]
async fn the_password_is_given_after_starttls_to_the_right_host_alone() {
    let (tls, ca) = certificate("127.0.0.1");
    let (other_tls, other_ca) = certificate("mail.example.com");
    for (special, tls, ca, taken) in [
        (STARTTLS, Some(tls.clone()), Some(&ca), true),
        // Not offered, as if somebody in between had cut it out.
        (&[][..], None, Some(&ca), false),
        // Offered and then refused.
        (STARTTLS_FAILS, None, Some(&ca), false),
        // With replies to later commands appended in plain text, as if by somebody in between.
        (STARTTLS_INJECTED, Some(tls.clone()), Some(&ca), false),
        // A trusted certificate for another host.
        (STARTTLS, Some(other_tls), Some(&other_ca), false),
        // The right host by a certificate that nobody vouches for.
        (STARTTLS, Some(tls), None, false),
    ] {
        let server = Server::start(special, tls).await;
        let mailer = mailer(&format!("smtp://user:password@127.0.0.1:{}", server.port), ca).unwrap();
        let outcome = mailer.deliver(&fixture::mail()).await;
        let heard = server.heard().await;
        if taken {
            outcome.unwrap();
            let (before, after) = heard.split_once("(TLS)").unwrap();
            assert!(!before.contains("AUTH"), "{heard}");
            assert!(after.contains("\nAUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\nMAIL "), "{heard}");
        } else {
            assert!(matches!(outcome, Err(MailRejected::ForNow(_))), "{outcome:?}");
            assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_does_not_lose_the_mail() {
    let (tls, ca) = certificate("127.0.0.1");
    let server = Server::start(WRONG_PASSWORD, Some(tls)).await;
    let mailer = mailer(&format!("smtp://user:password@127.0.0.1:{}", server.port), Some(&ca)).unwrap();
    assert!(matches!(mailer.deliver(&fixture::mail()).await, Err(MailRejected::ForNow(_))));
    assert!(!server.heard().await.contains("MAIL"));
}

#[test]
fn a_file_of_certificates_must_hold_some() {
    let file = NamedTempFile::new().unwrap();
    assert!(matches!(mailer("smtps://mail.example.com", Some(&file)), Err(SmtpSetupError::NoCertificate)));
    fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(mailer("smtps://mail.example.com", Some(&file)), Err(SmtpSetupError::Certificates(_))));
    let path = file.path().to_owned();
    file.close().unwrap();
    let settings =
        SmtpSettings { url: SmtpUrl::parse("smtps://mail.example.com").unwrap(), ca_file: Some(path), hello: hello() };
    assert!(matches!(SmtpMailer::new(settings, fixture::writer(None)), Err(SmtpSetupError::CaFile(_))));
}
