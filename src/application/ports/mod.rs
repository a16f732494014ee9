//! What the use cases need from the world, as traits. `infrastructure` has one adapter for each.

mod access_changes;
mod access_tokens;
mod action_tokens;
mod answered_requests;
mod api_keys;
mod audit_events;
mod bulk_users;
mod challenges;
mod clock;
mod clock_corrections;
mod commit_order;
mod credentials;
mod entropy;
mod factors;
mod jobs;
mod key_generator;
mod mailer;
mod one_time_codes;
mod passkeys;
mod password_hasher;
mod roles;
mod sealed_rows;
mod sealer;
mod server_secrets;
mod service_accounts;
mod sessions;
mod signing_keys;
mod store;
mod throttles;
mod users;

pub use access_changes::{AccessChanges, ChangeSink, RecordedChange};
pub use access_tokens::{AccessClaims, AccessTokens, Grants, MAX_TOKEN_BYTES, OpenedKey, TokenRejected, Verified};
pub use action_tokens::{ActionTokens, ConsumedToken, PendingToken};
pub use answered_requests::{AnsweredRequest, AnsweredRequests, RequestKey};
pub use api_keys::ApiKeys;
pub use audit_events::AuditEvents;
pub use bulk_users::{BulkUsers, StoredUser};
pub use challenges::Challenges;
pub use clock::Clock;
pub use clock_corrections::{ClockCorrections, JobWaits, Misdated};
pub use commit_order::{Gap, Position};
pub use credentials::{Credentials, PasswordCredential};
pub use entropy::Entropy;
pub use factors::{Factors, PasskeyUse};
pub use jobs::{Job, JobClaim, JobCounts, JobPayload, Jobs, Lease, ListedJob};
pub use key_generator::{KeyGenerator, NewKeyPair};
pub use mailer::{MailRejected, Mailer};
pub use one_time_codes::{MAX_CODE_BYTES, OneTimeCodes, OtpauthRefused, SEED_BYTES, TotpEnrolment};
pub use passkeys::{
    AssertionCeremony, CeremonyRejected, MAX_CREDENTIAL_BYTES, NewPasskey, PasskeyRefused, Passkeys,
    PresentedAssertion, RegistrationCeremony, VerifiedAssertion,
};
pub use password_hasher::{HashError, HashRefused, PasswordHasher, Verification};
pub use roles::{GrantsOf, Roles};
pub use sealed_rows::{SealedPlace, SealedRows};
pub use sealer::{SealError, Sealer};
pub use server_secrets::{ServerSecrets, StoredSecret};
pub use service_accounts::ServiceAccounts;
pub use sessions::{SessionPosition, Sessions};
pub use signing_keys::SigningKeys;
pub use store::{Cause, PoolUse, Store, StoreError, StoreResult, Transaction};
pub use throttles::Throttles;
pub use users::{UserCursor, UserInsert, UserQuery, Users};
