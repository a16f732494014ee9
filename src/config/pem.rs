//! Certificates and keys, read once at the start so that a wrong file is found before the first handshake.

use std::fs;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::source::unreadable;
use super::value;

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

/// The file of the private key that belongs to the first certificate of `chain`.
pub(super) fn key_file(text: &str, chain: &Path) -> Result<PathBuf, String> {
    let path = value::path(text)?;
    let pem = fs::read(&path).map_err(|error| unreadable(&error))?;
    let key =
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| "must name a PEM file of a private key, not encrypted")?;
    CertifiedKey::from_der(certificates(chain)?, key, &aws_lc_rs::default_provider())
        .map_err(|_| "names a key that cannot be used or is not the certificate's")?;
    Ok(path)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|error| unreadable(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err("must name a PEM file of certificates".to_owned()),
    }
}
