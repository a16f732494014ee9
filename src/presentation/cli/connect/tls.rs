use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ConfigBuilder, Error, RootCertStore};

use super::pinned_certificate::PinnedCertificate;
use crate::presentation::net::settings::ClientFiles;
use crate::presentation::net::tls::{KeyPairFiles, TlsFiles};

/// Why no connection can be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// A file is not there, or not what it ought to be.
    #[error("{0} cannot be used: it must be a PEM file of {1}")]
    Pem(PathBuf, &'static str, #[source] pem::Error),
    /// A file names no authority at all.
    #[error("{0} has no certificate of an authority that can be used")]
    NoAuthorities(PathBuf),
    /// The certificate cannot be used.
    #[error("the certificate cannot be used")]
    Tls(#[source] Error),
    /// The two files do not go together.
    #[error("the key is not that of the certificate, which comes first in its file")]
    OtherKey,
}

impl From<Error> for Unprepared {
    fn from(error: Error) -> Self {
        if matches!(error, Error::InconsistentKeys(_)) { Self::OtherKey } else { Self::Tls(error) }
    }
}

/// A connector that speaks HTTP/2 to the holder of exactly this certificate, whatever name or address it is reached by. A
/// server that demands client certificates is shown the client's or, without one, its own, which it knows.
pub(super) fn to_holder_of(server: &TlsFiles, files: &ClientFiles) -> Result<TlsConnector, Unprepared> {
    let own = &server.key_pair;
    let pinned = certificates(&own.certificate)?;
    let pinned = pinned.into_iter().next().ok_or_else(|| no_certificate(&own.certificate))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinnedCertificate::new(pinned, provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    connector(builder, files.key_pair.as_ref().or(server.client_authorities.as_ref().map(|_| own)))
}

/// A connector that speaks HTTP/2 to a server that the authorities of the client vouch for or, if it names none, those of the
/// system.
pub(super) fn to_whom_authorities_vouch_for(files: &ClientFiles) -> Result<TlsConnector, Unprepared> {
    let mut roots = RootCertStore::empty();
    let authorities = match &files.authorities {
        None => rustls_native_certs::load_native_certs().certs,
        Some(path) => certificates(path)?,
    };
    let (usable, _) = roots.add_parsable_certificates(authorities);
    if let (0, Some(path)) = (usable, &files.authorities) {
        return Err(Unprepared::NoAuthorities(path.clone()));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    connector(builder, files.key_pair.as_ref())
}

fn connector(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    shown: Option<&KeyPairFiles>,
) -> Result<TlsConnector, Unprepared> {
    let mut config = match shown {
        Some(KeyPairFiles { certificate, key }) => {
            let private = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| Unprepared::Pem(key.clone(), "a private key, not encrypted", error))?;
            builder.with_client_auth_cert(certificates(certificate)?, private)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unprepared> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(certificates) if certificates.is_empty() => Err(no_certificate(path)),
        found => found.map_err(|error| Unprepared::Pem(path.to_owned(), "certificates", error)),
    }
}

fn no_certificate(path: &Path) -> Unprepared {
    Unprepared::Pem(path.to_owned(), "certificates", pem::Error::NoItemsFound)
}
