use std::path::PathBuf;

use clap::Args;
use tonic::transport::Uri;

use super::Origin;
use crate::presentation::net::settings::ClientFiles;
use crate::presentation::net::tls::KeyPairFiles;

/// A running server, and what it is shown.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server, such as `https://id.example:50051`, instead of the one in the settings
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub server: Option<Uri>,
    /// PEM file of the authorities that may vouch for the server at URL, instead of those of the system (`IPSE_CLI_CA_FILE`)
    #[arg(long, value_name = "FILE", requires = "server")]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, for a server that asks for one (`IPSE_CLI_CERT_FILE`)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// PEM file of the private key of the client certificate (`IPSE_CLI_KEY_FILE`)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
    pub origin: Origin,
}

impl ServerArgs {
    /// The files of the command line, and of the settings where it has none.
    #[must_use]
    pub fn files_over(&self, settings: ClientFiles) -> ClientFiles {
        let given = self.cert_file.clone().zip(self.key_file.clone());
        ClientFiles {
            authorities: self.ca_file.clone().or(settings.authorities),
            key_pair: given.map(|(certificate, key)| KeyPairFiles { certificate, key }).or(settings.key_pair),
        }
    }
}

fn parse_url(text: &str) -> Result<Uri, &'static str> {
    let is_server = |url: &Uri| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
    };
    text.parse::<Uri>().ok().filter(is_server).ok_or("must be http:// or https:// with a host and perhaps a port")
}
