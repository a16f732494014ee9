//! Imports as the command line does them, from a file in the folder of a service into this service.

use std::fs;

use ipse::application::ports::Clock as _;
use ipse::domain::secret::Secret;
use ipse::infrastructure::system::SystemClock;
use ipse::presentation::cli::users::{
    self, Format, HintArgs, ImportArgs, Remote, RemoteArgs, Source, System, TransferFailed,
};
use ipse::presentation::cli::{Origin, Server, ServerArgs};
use ipse::presentation::net::settings::ClientFiles;

use crate::service::Service;

/// All that can be imported.
pub const SOURCES: [Source; 8] = [
    Source::Own(Format::Ndjson),
    Source::Own(Format::Csv),
    Source::Foreign(System::Keycloak),
    Source::Foreign(System::Firebase),
    Source::Foreign(System::Auth0),
    Source::Foreign(System::Cognito),
    Source::Foreign(System::Supabase),
    Source::Foreign(System::Kratos),
];
const HASH_CONFIG: &str =
    r#"{"algorithm":"SCRYPT","base64_signer_key":"AAAA","base64_salt_separator":"Bw==","rounds":8,"mem_cost":4}"#;

/// Imports these people, or says what would become of them.
pub fn import(
    service: &Service,
    source: Source,
    hints: u8,
    people: &[u8],
    dry_run: bool,
) -> Result<Vec<String>, TransferFailed> {
    let file = |name| service.folder.path().join(name);
    fs::write(file("people"), people).unwrap();
    fs::write(file("hash_config"), HASH_CONFIG).unwrap();
    let origin = Origin { config: None, dev: false };
    let server = ServerArgs { server: None, ca_file: None, cert_file: None, key_file: None, origin };
    let arguments = ImportArgs {
        file: file("people"),
        format: Some(source),
        encoding: None,
        dry_run,
        report: Some(file("report")),
        resume_file: None,
        no_resume: true,
        hints: HintArgs {
            hash_config: (source == Source::Foreign(System::Firebase)).then(|| file("hash_config")),
            passkey_domain: (hints & 1 == 1).then(|| "id.example".to_owned()),
            without_passwords: hints & 2 == 2,
            without_factors: hints & 4 == 4,
        },
        remote: RemoteArgs { token_file: None, server },
    };
    let url = Server::Url(format!("http://{}", service.address).parse().unwrap());
    let token = Secret::new(service.tokens.access_token.as_str());
    let remote = Remote::new((url, ClientFiles::default()), None, Some(token)).unwrap();
    service.runtime.block_on(users::import(&arguments, &remote, SystemClock.now()))
}
