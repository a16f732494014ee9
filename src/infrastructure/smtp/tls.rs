//! TLS to a mail server, whose certificate must be valid for the host of the URL; nothing switches that off.

use std::sync::Arc;
use std::{fs, io};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{SmtpSettings, SmtpSetupError};

/// What encrypts connections to a mail server.
pub(super) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    /// Trusts the authorities of the operating system, and those of the settings.
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, SmtpSetupError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &settings.ca_file {
            let pem = fs::read(file).map_err(SmtpSetupError::CaFile)?;
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let found = found.map_err(|error| SmtpSetupError::Certificates(Box::new(error)))?;
            if found.is_empty() {
                return Err(SmtpSetupError::NoCertificate);
            }
            for certificate in found {
                roots.add(certificate).map_err(|error| SmtpSetupError::Certificates(Box::new(error)))?;
            }
        }
        let unusable = |error| SmtpSetupError::Certificates(Box::new(error));
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = ServerName::try_from(settings.url.host.clone()).map_err(|_| SmtpSetupError::Host)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), host })
    }

    /// The stream under TLS.
    pub(super) async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        self.connector.connect(self.host.clone(), stream).await
    }
}
