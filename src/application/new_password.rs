//! New passwords on their way to a hash.

use super::error::{Error, Result, Violation};
use super::ports::PasswordHasher;
use crate::domain::credential::password::{NewPassword, PasswordHash};

/// The hash of a new password, or the refusal that names the field it came in. It is called after all that costs less to
/// refuse by.
pub(super) async fn hash(hasher: &dyn PasswordHasher, new: &NewPassword, field: &'static str) -> Result<PasswordHash> {
    let hashed = hasher.hash_new(new, None).await?;
    hashed.map_err(|why| Error::Invalid(vec![Violation::password(field, why)]))
}

/// The hash of a password that is called `password`: if it is that of an earlier hash, the same hash again. The work is that
/// of one hash, whether or not there is an earlier one.
pub(super) async fn hash_again(
    hasher: &dyn PasswordHasher,
    new: &NewPassword,
    earlier: Option<&PasswordHash>,
) -> Result<PasswordHash> {
    let hashed = hasher.hash_new(new, earlier).await?;
    hashed.map_err(|why| Error::Invalid(vec![Violation::password("password", why)]))
}
