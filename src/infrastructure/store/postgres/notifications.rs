//! Notifications between the processes on one database: a mere wake-up, as every process reads what there is anyway.
//!
//! They are sent after a transaction, never in it: PostgreSQL lets transactions with a NOTIFY commit one at a time.

use std::convert::Infallible;
use std::future::{pending, poll_fn};

use futures_util::future::try_join;
use tokio_postgres::AsyncMessage;

use super::connector::Connector;
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::unavailable;

/// Notifies all who listen.
pub(super) const NOTIFY: &str = "NOTIFY ipse_access_changes";
const LISTEN: &str = "LISTEN ipse_access_changes";

/// Listens on a connection of its own, which ends with the future. `notified` is also called as soon as it listens, for
/// what was sent before.
pub(super) async fn listen(connector: &Connector, notified: &(dyn Fn() + Send + Sync)) -> StoreResult<()> {
    let (client, mut link) = connector.connect().await?;
    let listen = async {
        client.batch_execute(LISTEN).await.map_err(unavailable)?;
        notified();
        pending().await
    };
    let receive = async {
        loop {
            match poll_fn(|cx| link.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(_))) => notified(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(unavailable(error)),
                None => return Err(unavailable("the server closed the connection that listens")),
            }
        }
    };
    try_join::<_, _>(listen, receive).await.map(|_: (Infallible, Infallible)| ())
}
