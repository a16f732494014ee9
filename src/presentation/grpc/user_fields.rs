//! The fields of `User` that requests carry.

use prost_types::Struct;
use tonic::Status;

use super::mask::Mask;
use super::status;
use crate::application::profile::ProfileTexts;
use crate::presentation::json;
use crate::proto::User;

/// Those of the fields that are not empty: what an update without a mask changes.
pub(super) fn populated(user: &User, fields: &[&'static str]) -> Vec<&'static str> {
    let is_populated = |field: &&'static str| match *field {
        "display_name" => !user.display_name.is_empty(),
        "username" => !user.username.is_empty(),
        "locale" => !user.locale.is_empty(),
        "attributes" => user.attributes.is_some(),
        "email" => !user.email.is_empty(),
        "email_verified" => user.email_verified,
        _ => false,
    };
    fields.iter().copied().filter(is_populated).collect()
}

/// The new values of the profile, as far as the update names them.
pub(super) fn profile(user: User, mask: &Mask) -> Result<ProfileTexts, Status> {
    Ok(ProfileTexts {
        display_name: mask.pick("display_name", user.display_name),
        username: mask.pick("username", user.username),
        locale: mask.pick("locale", user.locale),
        attributes: mask.pick("attributes", user.attributes).map(attributes).transpose()?,
    })
}

/// The JSON text of the attributes.
pub(super) fn attributes(attributes: Option<Struct>) -> Result<String, Status> {
    json::write(attributes.unwrap_or_default()).map_err(|why| status::violation("user.attributes", &why.to_string()))
}

/// Where requests have a field of an account: in their resource, all but the password.
pub(super) fn path(field: &str) -> String {
    match field {
        "password" | "request_id" => field.to_owned(),
        _ => format!("user.{field}"),
    }
}
