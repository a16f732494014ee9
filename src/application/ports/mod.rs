//! What the use cases need from the world, as traits. `infrastructure` has one adapter for each.

mod access_tokens;
mod action_tokens;
mod answered_requests;
mod clock;
mod credentials;
mod entropy;
mod key_generator;
mod mailer;
mod outbox;
mod password_hasher;
mod roles;
mod sealer;
mod server_secrets;
mod sessions;
mod signing_keys;
mod store;
mod throttles;
mod users;

pub use access_tokens::{AccessClaims, AccessTokens, OpenedKey, TokenRejected};
pub use action_tokens::{ActionTokens, ConsumedToken};
pub use answered_requests::{AnsweredRequest, AnsweredRequests, RequestKey};
pub use clock::Clock;
pub use credentials::{Credentials, PasswordCredential};
pub use entropy::Entropy;
pub use key_generator::{KeyGenerator, NewKeyPair};
pub use mailer::{MailRejected, Mailer};
pub use outbox::{Outbox, OutboxEntry};
pub use password_hasher::{HashError, PasswordHasher, Verification};
pub use roles::{GrantsOf, Roles};
pub use sealer::{SealError, Sealer};
pub use server_secrets::ServerSecrets;
pub use sessions::{SessionPosition, Sessions};
pub use signing_keys::SigningKeys;
pub use store::{Cause, Store, StoreError, StoreResult, Transaction};
pub use throttles::Throttles;
pub use users::{UserInsert, Users};
