//! The certificate of the server, and whether it may do without one.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{pem, value};
use crate::presentation::net::settings::Endpoint;
use crate::presentation::net::tls::TlsFiles;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("tls_cert_file", "PEM file of the server's certificate chain, its own certificate first."),
    Setting::new("tls_key_file", "PEM file of the private key of the server's certificate."),
    Setting::new(
        "tls_client_ca_file",
        "PEM file of the authorities for client certificates. If given, every client must show one.",
    ),
    Setting::new(
        "plaintext",
        "Whether to serve without TLS, as behind a proxy that ends it. With --dev, true on a loopback address unless \
         there is a certificate.",
    )
    .or("false"),
];

/// Reads the files, all of which are readable and sound.
pub(super) fn read(source: &Source) -> Result<Option<TlsFiles>, InvalidSetting> {
    let certificate = source.optional("tls_cert_file", pem::certificate_file)?;
    let client_authorities = source.optional("tls_client_ca_file", pem::authorities_file)?;
    let Some(certificate) = certificate else {
        for key in ["tls_key_file", "tls_client_ca_file"] {
            if source.has(key)? {
                return Err(source.refuse(key, "needs IPSE_TLS_CERT_FILE"));
            }
        }
        return Ok(None);
    };
    let key_pair = pem::key_pair(source, ("tls_cert_file", certificate), "tls_key_file")?;
    Ok(Some(TlsFiles { key_pair, client_authorities }))
}

/// Without TLS everybody on the way reads passwords, so it takes an explicit setting, or `--dev` on this machine alone.
pub(super) fn check_plaintext(source: &Source, endpoint: &Endpoint) -> Result<(), InvalidSetting> {
    let permitted = source.required("plaintext", value::boolean)?;
    let implied = source.is_dev() && !source.has("plaintext")?;
    if endpoint.tls.is_some() {
        return if permitted { Err(source.refuse("plaintext", "contradicts IPSE_TLS_CERT_FILE")) } else { Ok(()) };
    }
    if !permitted && !implied {
        return Err(InvalidSetting::of(
            "tls_cert_file",
            "is required, unless IPSE_PLAINTEXT permits to do without TLS",
        ));
    }
    if source.is_dev() && !endpoint.address.ip().to_canonical().is_loopback() {
        return Err(
            source.refuse("grpc_listen", "must be a loopback address with --dev, unless there is a certificate")
        );
    }
    Ok(())
}
