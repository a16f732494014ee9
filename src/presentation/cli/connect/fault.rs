use std::error::Error;
use std::io;

use time::OffsetDateTime;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{AlertDescription, CertificateError};

/// What is wrong on the way to a server, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The machine has nobody at that port.
    #[error("connection refused: nobody listens there")]
    Refused,
    /// There was no answer.
    #[error("timed out: nobody answered in time")]
    TimedOut,
    /// The server ended the connection.
    #[error("the connection was closed by the server, which may speak TLS where this does not, or the other way round")]
    Closed,
    /// The bytes that came are none of TLS.
    #[error("the server does not speak TLS there")]
    NotTls,
    /// There is TLS, and another protocol in it.
    #[error("the server does not speak HTTP/2 there, so it is no gRPC server")]
    NotHttp2,
    /// The server's certificate is too old.
    #[error("the server's certificate has expired{0}")]
    Expired(String),
    /// The server's certificate is too new, or this machine's clock is wrong.
    #[error("the server's certificate is not yet valid{0}; is the clock of this machine right?")]
    NotYetValid(String),
    /// Nobody who is trusted vouches for the server.
    #[error(
        "the server's certificate comes from an unknown issuer: give the certificate of its authority with --ca-file or \
         IPSE_CLI_CA_FILE"
    )]
    UnknownIssuer,
    /// The certificate is that of another host.
    #[error("the server's certificate is for another name than the URL has{0}")]
    WrongName(String),
    /// The certificate is not the one in the settings.
    #[error("the server's certificate is not the one in IPSE_TLS_CERT_FILE: does another server run there?")]
    NotTheConfigured,
    /// The certificate is wrong in another way.
    #[error("the server's certificate cannot be trusted: {0}")]
    BadCertificate(String),
    /// The server asks for a certificate of the client.
    #[error(
        "the server asks for a client certificate: give one with --cert-file and --key-file, or IPSE_CLI_CERT_FILE and \
         IPSE_CLI_KEY_FILE"
    )]
    NoClientCertificate,
    /// The server does not take the client's certificate.
    #[error("the server refuses the client certificate: {0}")]
    ClientCertificate(&'static str),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl Fault {
    /// What an error comes down to.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let last = || std::iter::successors(Some(error), |&error| error.source()).last().unwrap_or(error).to_string();
        Self::in_chain(error).unwrap_or_else(|| match last() {
            // Which of the two the framework tells of, what the server said or that it then closed the connection, is chance.
            text if text == "connection closed" => Self::Closed,
            text => Self::Other(text),
        })
    }

    /// The fault that is somewhere among an error and its causes.
    fn in_chain(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| {
            let tls = || error.downcast_ref::<rustls::Error>().map(Self::from_tls);
            let io = || error.downcast_ref::<io::Error>().map(Self::from_io);
            error.downcast_ref::<Self>().cloned().or_else(tls).or_else(io)
        })
    }

    pub(super) fn from_io(error: &io::Error) -> Self {
        if let Some(fault) = error.get_ref().and_then(|inner| Self::in_chain(inner)) {
            return fault;
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Other(error.to_string()),
        }
    }

    fn from_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::from_certificate(error),
            rustls::Error::AlertReceived(alert) => Self::from_alert(*alert),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::NoApplicationProtocol => Self::NotHttp2,
            other => Self::Other(other.to_string()),
        }
    }

    fn from_certificate(error: &CertificateError) -> Self {
        let day = |time: &UnixTime, word: &str| {
            let time =
                i64::try_from(time.as_secs()).ok().and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok());
            time.map_or_else(String::new, |time| format!(" ({word} {})", time.date()))
        };
        match error {
            CertificateError::Expired => Self::Expired(String::new()),
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(day(not_after, "on")),
            CertificateError::NotValidYet => Self::NotYetValid(String::new()),
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid(day(not_before, "before")),
            // The second is what an authority of the same name with another key comes to, such as one that was made anew.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::NotValidForName => Self::WrongName(String::new()),
            CertificateError::NotValidForNameContext { presented, .. } => Self::WrongName(if presented.is_empty() {
                " (it has none)".to_owned()
            } else {
                format!(": {}", names(presented))
            }),
            CertificateError::ApplicationVerificationFailure => Self::NotTheConfigured,
            other => Self::BadCertificate(other.to_string()),
        }
    }

    /// What a server says of itself it says in its certificate: its alerts are about the client.
    fn from_alert(alert: AlertDescription) -> Self {
        match alert {
            // The second is what servers of TLS 1.2 say.
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => Self::NoClientCertificate,
            AlertDescription::UnknownCA | AlertDescription::DecryptError => {
                Self::ClientCertificate("it comes from an authority that the server does not know")
            }
            AlertDescription::CertificateExpired => Self::ClientCertificate("it has expired, or is not yet valid"),
            AlertDescription::CertificateRevoked => Self::ClientCertificate("it was revoked"),
            AlertDescription::UnsupportedCertificate => {
                Self::ClientCertificate("it is not made for clients, or of an algorithm that the server does not take")
            }
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => Self::ClientCertificate("it cannot be verified"),
            AlertDescription::NoApplicationProtocol => Self::NotHttp2,
            other => Self::Other(format!("the server broke TLS off: {other:?}")),
        }
    }
}

/// Names without what the library writes around them, as in `DnsName("id.example.com")` and `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_wherever_an_error_hides_it() {
        let tls = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(Fault::in_chain(&wrapped), Some(Fault::NoClientCertificate));
        assert_eq!(Fault::in_chain(&io::Error::other(Fault::TimedOut)), Some(Fault::TimedOut));
        assert_eq!(Fault::from_io(&io::ErrorKind::ConnectionRefused.into()), Fault::Refused);
        assert_eq!(Fault::in_chain(&std::fmt::Error), None);
    }

    #[test]
    fn names_are_told_as_people_write_them() {
        let presented = [r#"DnsName("id.example.com")"#, "IpAddress(127.0.0.1)", "else"].map(str::to_owned);
        assert_eq!(names(&presented), "id.example.com, 127.0.0.1, else");
    }

    #[test]
    fn every_fault_says_what_it_is() {
        let alerts = [
            AlertDescription::CertificateRequired,
            AlertDescription::HandshakeFailure,
            AlertDescription::UnknownCA,
            AlertDescription::CertificateExpired,
            AlertDescription::UnsupportedCertificate,
            AlertDescription::InternalError,
        ];
        for fault in
            alerts.map(Fault::from_alert).into_iter().chain([Fault::Refused, Fault::Closed, Fault::UnknownIssuer])
        {
            let text = fault.to_string().to_lowercase();
            assert!(text.len() > 20 && !text.contains("unknown error"), "{text}");
        }
    }
}
