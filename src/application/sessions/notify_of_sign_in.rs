use super::Sessions;
use crate::application::error::Result;
use crate::application::ports::Transaction;
use crate::domain::account::user::User;
use crate::domain::mail::MailContent;
use crate::domain::session::Session;
use crate::domain::session::client::Client;

/// How many of the newest sessions are compared with a new one.
const MAX_KNOWN: i64 = 200;

impl Sessions {
    /// Notifies a person of a sign-in after several failures (ASVS 6.3.5) and, if the operator wants that, from a place that
    /// no session on record knows. To be called with the person's row locked and before the session is stored, so that of
    /// two sign-ins at once the later one knows of the other.
    ///
    /// The first sign-in ever comes from no new place. An address that is not proven gets nothing: whoever signed up with the
    /// address of another could fill that mailbox with texts of their own, as user agents.
    pub(super) async fn notify_of_sign_in(
        &self,
        tx: &dyn Transaction,
        user: &User,
        session: &Session,
        after_failures: bool,
    ) -> Result<()> {
        if user.email_verified && (after_failures || self.is_elsewhere(tx, user, &session.client).await?) {
            let (client, time) = (session.client.clone(), session.create_time);
            self.post.send_sparingly(tx, user, MailContent::NewSignIn { client, time }, time).await?;
        }
        Ok(())
    }

    /// Whether the operator wants notices of new places, and this is one.
    async fn is_elsewhere(&self, tx: &dyn Transaction, user: &User, client: &Client) -> Result<bool> {
        if !self.policy.sign_in_notice || user.last_login_time.is_none() {
            return Ok(false);
        }
        let earlier = tx.sessions().known_clients(user.id, MAX_KNOWN).await?;
        Ok(!earlier.iter().any(|earlier| earlier.is_at_the_place_of(client)))
    }
}
