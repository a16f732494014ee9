//! The server's certificate, taken up again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use super::client_certificates;
use crate::application::causes::Causes;

/// How often the files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// The files of a certificate, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairFiles {
    /// The certificate chain, the holder's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The files of a TLS server, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate.
    pub key_pair: KeyPairFiles,
    /// The authorities of client certificates; with it, every client must show one.
    pub client_authorities: Option<PathBuf>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("a certificate or key file cannot be read as PEM")]
    Pem(#[from] tokio_rustls::rustls::pki_types::pem::Error),
    /// Certificate and key do not go together, or are not acceptable.
    #[error("the certificate cannot be used")]
    Rejected(#[source] tokio_rustls::rustls::Error),
    /// The key belongs to another certificate.
    #[error("the key is not that of the certificate, which comes first in its file")]
    OtherKey,
    /// The authorities of client certificates are not acceptable.
    #[error("the authorities of client certificates cannot be used")]
    ClientAuthorities(#[from] tokio_rustls::rustls::server::VerifierBuilderError),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        if matches!(error, rustls::Error::InconsistentKeys(_)) { Self::OtherKey } else { Self::Rejected(error) }
    }
}

/// The certificate in use.
pub struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Reads the files. TLS 1.2 and 1.3 with forward secrecy and AEAD only, which is all that rustls speaks.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, current })
    }

    /// Looks at the files for ever and takes new ones up. Files that cannot be used are logged and the old certificate
    /// stays.
    pub async fn watch(&self) {
        let mut seen = self.modified();
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let now = self.modified();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!("took up a new certificate");
            }
            Err(error) => {
                tracing::error!(error = %Causes(&error), "the new certificate cannot be used");
            }
        }
    }

    fn modified(&self) -> Vec<Option<SystemTime>> {
        let KeyPairFiles { certificate, key } = &self.files.key_pair;
        let paths = [Some(certificate), Some(key), self.files.client_authorities.as_ref()];
        let time = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        paths.into_iter().flatten().map(|path| time(path)).collect()
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.key_pair.certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&files.key_pair.key)?;
    let builder = match &files.client_authorities {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(authorities) => {
            let own = chain.first().cloned().ok_or(pem::Error::NoItemsFound)?;
            ServerConfig::builder().with_client_cert_verifier(client_certificates::verifier(authorities, own)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    // Whoever wants HTTP/1.1 alone is let in to be told that this is no port for it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
