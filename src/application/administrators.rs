//! Administrators as the command line of the server makes them: the only way to the first one.

use std::sync::Arc;

use super::audit_trail::{AuditTrail, Event};
use super::error::{Error, Result};
use super::jobs::{MailPost, NewActionToken};
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{Clock, Entropy, Store, Transaction, UserInsert};
use super::{Ports, user_changes};
use crate::domain::Timestamp;
use crate::domain::access::role::{ADMINISTRATOR, RoleGrant};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::DisplayName;
use crate::domain::account::user::{SignUp, User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// What became of the wish to have somebody as an administrator.
#[derive(Debug)]
pub enum Appointment {
    /// The account waits for its owner, who sets a password with the invitation.
    Invited {
        /// The token for `ResetPassword`; it is nowhere else.
        invitation: Secret,
        /// When it expires.
        expire_time: Timestamp,
    },
    /// The account was in use and is an administrator now.
    Granted,
    /// The account is suspended or deleted and stays as it is.
    Unusable(UserState),
}

/// Makes administrators for whoever may use the command line of the server.
pub struct Administrators {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    post: MailPost,
    trail: AuditTrail,
    policy: Arc<Policy>,
}

impl Administrators {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            post: MailPost::new(ports, &policy, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            policy,
        }
    }

    /// Makes the account with this address an administrator. Without one, makes it first.
    pub async fn appoint(&self, email: EmailAddress) -> Result<Appointment> {
        let now = self.clock.now();
        let tx = self.store.write().await?;
        let user = match tx.users().find_by_email(&email).await? {
            Some(user) => user,
            None => self.create(tx.as_ref(), email, now).await?,
        };
        if !user.keeps_sessions() {
            return Ok(Appointment::Unusable(user.state));
        }
        self.grant(tx.as_ref(), user.id, now).await?;
        let appointment = match user.state {
            UserState::Pending => self.invite(tx.as_ref(), user, now).await?,
            _ => Appointment::Granted,
        };
        tx.commit().await?;
        Ok(appointment)
    }

    async fn create(&self, tx: &dyn Transaction, email: EmailAddress, now: Timestamp) -> Result<User> {
        let who = SignUp { email, username: None, display_name: DisplayName::default(), locale: None };
        let user = User::provision(UserId::new(now, &self.entropy.bytes()?), who, false, now);
        if tx.users().insert_user(&user).await? == UserInsert::NameTaken {
            return Err(Error::Contention("somebody else made the account at the same time".into()));
        }
        self.trail.record(tx, Event::by_system(AuditType::UserCreated).on(user.id), now).await?;
        Ok(user)
    }

    async fn grant(&self, tx: &dyn Transaction, user_id: UserId, now: Timestamp) -> Result<()> {
        if tx
            .roles()
            .put_grant(&RoleGrant { role_id: ADMINISTRATOR, subject: user_id.into(), create_time: now })
            .await?
        {
            let event = Event::by_system(AuditType::PermissionsChanged).on(user_id).with("granted", ADMINISTRATOR);
            self.trail.record(tx, event, now).await?;
        }
        Ok(())
    }

    /// Whoever signed up with the address before its owner must not become an administrator by that: their password and
    /// sessions are worth nothing any more.
    async fn invite(&self, tx: &dyn Transaction, mut user: User, now: Timestamp) -> Result<Appointment> {
        if user.is_provisional() {
            user.dispute(now);
            user.stand_for();
            tx.credentials().drop_password(user.id).await?;
        }
        user.require_password_change(now)?;
        user_changes::user(tx, &user).await?;
        tx.sessions().end_sessions(user.id, None, (now, EndReason::Revoked)).await?;
        let purpose = ActionPurpose::AcceptInvitation;
        tx.action_tokens().drop_action_token(user.id, ActionPurpose::VerifyEmail).await?;
        let invitation =
            self.post.new_token(tx, NewActionToken { user_id: user.id, purpose, new_email: None }, now).await?;
        Ok(Appointment::Invited { invitation, expire_time: now + self.policy.action_tokens.of(purpose) })
    }
}
