//! Certificates and keys, read once at the start so that a wrong file is found before the first handshake.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

use super::source::{InvalidSetting, Source, unreadable};
use super::value;
use crate::domain::Timestamp;
use crate::presentation::net::tls::KeyPairFiles;

/// The file of a certificate chain.
pub(super) fn certificate_file(text: &str) -> Result<PathBuf, String> {
    let path = value::path(text)?;
    certificates(&path)?;
    Ok(path)
}

/// The file of the authorities that a peer may be vouched for by.
pub(super) fn authorities_file(text: &str) -> Result<PathBuf, String> {
    let path = value::path(text)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&path)? {
        roots.add(certificate).map_err(|_| "names a file with an unusable certificate")?;
    }
    Ok(path)
}

/// The files of a certificate chain, which is that of a setting, and of the private key of its first certificate.
pub(super) fn key_pair(
    source: &Source,
    (chain_setting, certificate): (&str, PathBuf),
    key_setting: &str,
) -> Result<KeyPairFiles, InvalidSetting> {
    let file = source.required(key_setting, value::path)?;
    let unfit = |problem: String| source.refuse(key_setting, problem);
    let pem = fs::read(&file).map_err(|error| unfit(unreadable(&error)))?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| unfit("must name a PEM file of a private key, not encrypted".to_owned()))?;
    let chain = certificates(&certificate).map_err(|problem| source.refuse(chain_setting, problem))?;
    let is_holder = |holder: &CertificateDer<'static>| {
        CertifiedKey::from_der(vec![holder.clone()], key.clone_key(), &aws_lc_rs::default_provider()).is_ok()
    };
    match chain.iter().position(is_holder) {
        Some(0) => Ok(KeyPairFiles { certificate, key: file }),
        Some(_) => {
            Err(source.refuse(chain_setting, "must begin with the certificate of the key: turn the chain around"))
        }
        None => Err(unfit("names a key that cannot be used or is not the certificate's".to_owned())),
    }
}

/// Why clients will not take the certificate of a server, whatever authorities they trust. Without any to trust, the answer to
/// the rest is that its issuer is not known.
pub(super) fn server_fault(certificate: &Path, now: Timestamp) -> Option<String> {
    let own = certificates(certificate).ok()?.into_iter().next()?;
    let parsed = ParsedCertificate::try_from(&own).ok()?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.unix_timestamp()).ok()?));
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let verdict =
        verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], now, algorithms.all).err()?;
    let day = |time: UnixTime| {
        let time = i64::try_from(time.as_secs()).ok().and_then(|time| Timestamp::from_unix_timestamp(time).ok());
        time.map(|time| time.date().to_string()).unwrap_or_default()
    };
    match verdict {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(format!("has expired on {}", day(not_after)))
        }
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            Some(format!("is not valid before {}", day(not_before)))
        }
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => Some("is not made for servers (extended key usage serverAuth)".to_owned()),
        _ => None,
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|error| unreadable(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err("must name a PEM file of certificates".to_owned()),
    }
}
