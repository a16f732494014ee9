//! New passwords on their way to a hash.

use super::error::{Error, Result, Violation};
use super::ports::PasswordHasher;
use crate::domain::credential::password::{NewPassword, PasswordHash};

/// The hash of a new password, or the refusal that names the field it came in. It is called after all that costs less to
/// refuse by.
pub(super) async fn hash(hasher: &dyn PasswordHasher, new: &NewPassword, field: &'static str) -> Result<PasswordHash> {
    let hashed = hasher.hash_new(new).await?;
    hashed.map_err(|why| Error::Invalid(vec![Violation::password(field, why)]))
}
