use std::fmt;
use std::fs;
use std::path::Path;

use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::TransferFailed;
use crate::domain::secret::Secret;
use crate::presentation::cli::connect::{Server, connect};
use crate::presentation::net::settings::ClientFiles;
use crate::proto::user_service_client::UserServiceClient;

/// A server, and who asks it.
pub struct Remote {
    server: Server,
    files: ClientFiles,
    authorization: AsciiMetadataValue,
}

impl Remote {
    /// Takes the access token out of the file or, without one, the one of the settings.
    pub fn new(
        (server, files): (Server, ClientFiles),
        token_file: Option<&Path>,
        of_settings: Option<Secret>,
    ) -> Result<Self, TransferFailed> {
        let token = match token_file {
            Some(file) => Some(Secret::new(fs::read_to_string(file).map_err(TransferFailed::file(file))?)),
            None => of_settings,
        };
        let token = token.ok_or(TransferFailed::NoToken)?;
        let bearer = Secret::new(format!("Bearer {}", token.expose().trim()));
        let mut authorization = AsciiMetadataValue::try_from(bearer.expose()).map_err(|_| TransferFailed::NoToken)?;
        authorization.set_sensitive(true);
        Ok(Self { server, files, authorization })
    }

    /// A client of the server.
    pub(super) async fn client(&self) -> Result<UserServiceClient<Channel>, TransferFailed> {
        Ok(UserServiceClient::new(connect(&self.server, &self.files).await?.channel))
    }

    /// A request with the access token.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }
}

impl fmt::Display for Remote {
    /// The server alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl From<Status> for TransferFailed {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}
