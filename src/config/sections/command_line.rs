//! What the commands that speak to a running server show it.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{CommandLine, pem};
use crate::domain::secret::Secret;
use crate::presentation::net::settings::ClientFiles;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "cli_ca_file",
        "PEM file of the authorities that may vouch for the server of `--server`, instead of those of the system.",
    ),
    Setting::new(
        "cli_cert_file",
        "PEM file of the certificate that `ipse healthcheck` and `ipse users` show a server that asks for one. On the \
         server's own machine, its own will do.",
    ),
    Setting::new("cli_key_file", "PEM file of the private key of that certificate."),
    Setting::new("token", "The access token that `ipse users` calls with.").secret(),
];

/// Reads the section.
pub fn read(source: &Source) -> Result<CommandLine, InvalidSetting> {
    let authorities = source.optional("cli_ca_file", pem::authorities_file)?;
    let key_pair = match source.optional("cli_cert_file", pem::certificate_file)? {
        Some(certificate) => Some(pem::key_pair(source, ("cli_cert_file", certificate), "cli_key_file")?),
        None if source.has("cli_key_file")? => return Err(source.refuse("cli_key_file", "needs IPSE_CLI_CERT_FILE")),
        None => None,
    };
    let token = source.optional("token", token)?.flatten();
    Ok(CommandLine { files: ClientFiles { authorities, key_pair }, token })
}

/// Whatever can stand in a header; nothing is no token.
fn token(text: &str) -> Result<Option<Secret>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        token if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(Secret::new(token))),
        _ => Err("must be an access token"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn a_token_is_one_word() {
        accepted(token, &["", "\n", "a.b.c", " a.b.c\n", "~-_+/="]);
        refused(token, &["a b", "a\nb", "\u{e9}", "a\0"]);
    }
}
