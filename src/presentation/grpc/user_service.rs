//! `ipse.v1.UserService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::user_transfer::{self, Responses};
use crate::application::user_transfer::UserTransfer;
use crate::proto::user_service_server::UserService;
use crate::proto::{ExportUsersRequest, ExportUsersResponse, ImportUsersRequest, ImportUsersResponse};

/// Decodes calls of `UserService` for their use cases.
pub(super) struct UserRpc {
    pub(super) transfer: Arc<UserTransfer>,
}

#[tonic::async_trait]
impl UserService for UserRpc {
    type ImportUsersStream = Responses<ImportUsersResponse>;
    type ExportUsersStream = Responses<ExportUsersResponse>;

    async fn import_users(
        &self,
        request: Request<Streaming<ImportUsersRequest>>,
    ) -> Result<Response<Self::ImportUsersStream>, Status> {
        user_transfer::import(self.transfer.clone(), request)
    }

    async fn export_users(
        &self,
        request: Request<ExportUsersRequest>,
    ) -> Result<Response<Self::ExportUsersStream>, Status> {
        user_transfer::export(self.transfer.clone(), request).await
    }
}
