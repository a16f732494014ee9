//! Notifications between the processes on one database: a mere wake-up, as every process reads what there is anyway.
//!
//! They are sent after a transaction, never in it: PostgreSQL lets transactions with a NOTIFY commit one at a time.

use std::convert::Infallible;
use std::future::pending;

use futures_util::StreamExt;
use futures_util::future::try_join;
use tokio_postgres::AsyncMessage;

use super::super::wait_limit::WaitLimit;
use super::advice::refused;
use super::connector::Connector;
use super::link::Link;
use super::pooling::Pooling;
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::unavailable;

/// Notifies all who listen.
pub(super) const NOTIFY: &str = "NOTIFY ipse_access_changes";
const LISTEN: &str = "LISTEN ipse_access_changes";

/// Listens on a connection of its own, which ends with the future, or when the database does not answer others.
/// `notified` is also called as soon as it listens, for what was sent before.
pub(super) async fn listen(
    connector: &Connector,
    limit: &WaitLimit,
    notified: &(dyn Fn() + Send + Sync),
) -> StoreResult<()> {
    let connected = limit.wait(Box::pin(connector.connect())).await;
    let (link, pooling) = connected.ok_or_else(|| unavailable("the database did not answer in time"))??;
    if pooling == Pooling::Transaction {
        // The session that listened would be another client's at once. What there is to read is found by looking.
        drop(link);
        return pending().await;
    }
    let Link { client, mut messages, .. } = link;
    let listen = async {
        let listening = limit.wait(client.batch_execute(LISTEN)).await;
        listening.ok_or_else(|| unavailable("the database did not answer in time"))?.map_err(refused)?;
        notified();
        limit.interrupted().await;
        Err(unavailable("the database does not answer"))
    };
    let receive = async {
        loop {
            match messages.next().await {
                Some(Ok(AsyncMessage::Notification(_))) => notified(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(refused(error)),
                None => return Err(unavailable("the server closed the connection that listens")),
            }
        }
    };
    try_join::<_, _>(listen, receive).await.map(|_: (Infallible, Infallible)| ())
}
