//! Imports and exports as an operator makes them.

use ipse::proto::user_service_client::UserServiceClient;
use ipse::proto::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::person::Device;

/// The service as somebody on a device uses it.
pub(crate) struct Transfer<'w>(pub(crate) Device<'w>);

/// An import that goes on.
pub(crate) struct Import {
    requests: mpsc::Sender<ImportUsersRequest>,
    responses: Streaming<ImportUsersResponse>,
}

impl Transfer<'_> {
    /// Imports one batch.
    pub(crate) async fn import(&self, rows: Vec<UserRecord>) -> Result<ImportUsersResponse, Status> {
        self.import_as(ImportUsersRequest { rows, dry_run: false, request_id: String::new() }).await
    }

    /// Imports with one request.
    pub(crate) async fn import_as(&self, request: ImportUsersRequest) -> Result<ImportUsersResponse, Status> {
        let mut import = self.begin().await?;
        import.requests.send(request).await.unwrap();
        import.answer().await
    }

    /// Imports batches that are all sent at once.
    pub(crate) async fn import_all(&self, batches: Vec<Vec<UserRecord>>) -> Result<Vec<ImportUsersResponse>, Status> {
        let requests =
            batches.into_iter().map(|rows| ImportUsersRequest { rows, dry_run: false, request_id: String::new() });
        let request = self.0.request(tokio_stream::iter(requests.collect::<Vec<_>>()));
        let mut responses = self.client().import_users(request).await?.into_inner();
        let mut answers = Vec::new();
        while let Some(response) = responses.message().await? {
            answers.push(response);
        }
        Ok(answers)
    }

    /// Begins an import.
    pub(crate) async fn begin(&self) -> Result<Import, Status> {
        let (requests, receiver) = mpsc::channel(1);
        let request = self.0.request(ReceiverStream::new(receiver));
        let responses = self.client().import_users(request).await?.into_inner();
        Ok(Import { requests, responses })
    }

    /// Exports with or without hashes: the rows of each message.
    pub(crate) async fn export(&self, filter: &str, include_hashes: bool) -> Result<Vec<Vec<UserRecord>>, Status> {
        let mut responses = self.begin_export(filter, include_hashes).await?;
        let mut messages = Vec::new();
        while let Some(response) = responses.message().await? {
            messages.push(response.rows);
        }
        Ok(messages)
    }

    /// Begins an export.
    pub(crate) async fn begin_export(
        &self,
        filter: &str,
        include_hashes: bool,
    ) -> Result<Streaming<ExportUsersResponse>, Status> {
        let request = ExportUsersRequest { filter: filter.to_owned(), include_hashes };
        Ok(self.client().export_users(self.0.request(request)).await?.into_inner())
    }

    fn client(&self) -> UserServiceClient<tonic::transport::Channel> {
        UserServiceClient::new(self.0.channel())
    }
}

impl Import {
    /// Sends a batch and waits for what became of it.
    pub(crate) async fn send(&mut self, rows: Vec<UserRecord>) -> Result<ImportUsersResponse, Status> {
        // Where the server has ended the stream, its answer tells why.
        let _ = self.requests.send(ImportUsersRequest { rows, dry_run: false, request_id: String::new() }).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<ImportUsersResponse, Status> {
        Ok(self.responses.message().await?.expect("an answer to each request"))
    }

    /// Ends the requests, after which nothing more comes back.
    pub(crate) async fn end(mut self) {
        drop(self.requests);
        assert!(self.responses.message().await.unwrap().is_none());
    }
}

/// A row with nothing but an address.
pub(crate) fn row(email: &str) -> UserRecord {
    with(email, |_| {})
}

/// A row with an address and something more.
pub(crate) fn with(email: &str, change: impl FnOnce(&mut User)) -> UserRecord {
    let mut user = User { email: email.to_owned(), ..User::default() };
    change(&mut user);
    UserRecord { user: Some(user), ..UserRecord::default() }
}
