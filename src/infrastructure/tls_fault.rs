//! What is wrong with the TLS of a server, in words of operators.

use std::error::Error;
use std::io;
use std::iter::successors;

use tokio_rustls::rustls::{self, CertificateError};

/// What went wrong with TLS, if it was that, wherever an error hides it, and if there are better words for it than the
/// library's own.
pub(in crate::infrastructure) fn tls_fault(error: &(dyn Error + 'static)) -> Option<String> {
    successors(Some(error), |&error| error.source()).find_map(|error| {
        let inner =
            || error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).and_then(|inner| tls_fault(inner));
        error.downcast_ref::<rustls::Error>().map_or_else(inner, words)
    })
}

fn words(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidMessage(_) => Some("the server does not speak TLS on this port".to_owned()),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            Some(format!("the server's certificate is not for {}: it is for {names}", expected.to_str()))
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("the server's certificate comes from an authority that is not trusted here".to_owned())
        }
        _ => None,
    }
}

/// The library writes `DnsName("id.example.com")` and `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;
    use rustls::pki_types::ServerName;

    use super::*;

    fn hidden(error: rustls::Error) -> io::Error {
        io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn names_are_told_as_people_write_them() {
        let presented = vec![r#"DnsName("id.example.com")"#.to_owned(), "IpAddress(127.0.0.1)".to_owned()];
        let expected = ServerName::try_from("mail.example.com").unwrap();
        let wrong = CertificateError::NotValidForNameContext { expected, presented };
        assert_eq!(
            tls_fault(&hidden(rustls::Error::InvalidCertificate(wrong))).unwrap(),
            "the server's certificate is not for mail.example.com: it is for id.example.com, 127.0.0.1"
        );
        let plain = hidden(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert_eq!(tls_fault(&plain).unwrap(), "the server does not speak TLS on this port");
        assert_eq!(tls_fault(&io::Error::other("rustls")), None);
    }
}
