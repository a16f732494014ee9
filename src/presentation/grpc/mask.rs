//! Field masks of updates (AIP-134, AIP-161).

use prost_types::FieldMask;
use tonic::Status;

use super::status;
use crate::application::error::{Error, Refusal, Violation};

const MAX_PATHS: usize = 16;

/// What the fields of a resource are to an update.
pub(super) struct Fields {
    /// Those the caller may change.
    pub(super) writable: &'static [&'static str],
    /// Those that only the server sets; naming them changes nothing.
    pub(super) output_only: &'static [&'static str],
    /// Those that take a permission, and which one.
    pub(super) restricted: (&'static [&'static str], &'static str),
    /// Those that RPCs of their own change, and which.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

/// The fields that an update names.
pub(super) struct Mask(Vec<&'static str>);

impl Fields {
    /// Reads a mask. Without one, an update concerns the writable fields that are populated; `*` means all of them.
    pub(super) fn read(&self, mask: Option<FieldMask>, populated: &[&'static str]) -> Result<Mask, Status> {
        let Some(FieldMask { paths }) = mask.filter(|mask| !mask.paths.is_empty()) else {
            return Ok(Mask(populated.to_vec()));
        };
        if paths.len() > MAX_PATHS {
            return Err(violation(format!("must have at most {MAX_PATHS} paths")));
        }
        let mut named = Vec::new();
        for path in &paths {
            named.extend(self.writable.iter().filter(|field| *field == path || path == "*"));
            let (fields, permission) = self.restricted;
            if fields.contains(&path.as_str()) {
                let refusal = Refusal::PermissionMissing { permission: permission.to_owned() };
                return Err(status::from_error(Error::Refused(refusal)));
            }
            if let Some((field, rpcs)) = self.elsewhere.iter().find(|(field, _)| field == path) {
                return Err(violation(format!("must not name {field}: {rpcs} change it")));
            }
            let is_path = path == "*" || [self.writable, self.output_only].concat().contains(&path.as_str());
            if !is_path {
                return Err(violation("must consist of paths of the resource".to_owned()));
            }
        }
        Ok(Mask(named))
    }
}

impl Mask {
    /// The value, if the update names its field.
    pub(super) fn pick<T>(&self, field: &str, value: T) -> Option<T> {
        self.0.contains(&field).then_some(value)
    }
}

fn violation(description: String) -> Status {
    status::from_error(Error::Invalid(vec![Violation::form("update_mask", description)]))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    const FIELDS: Fields = Fields {
        writable: &["name", "locale"],
        output_only: &["id"],
        restricted: (&["state"], "users.write"),
        elsewhere: &[("reason", "SuspendUser and ActivateUser")],
    };

    fn read(paths: &[&str], populated: &[&'static str]) -> Result<Vec<&'static str>, Code> {
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        FIELDS.read(Some(mask), populated).map(|mask| mask.0).map_err(|status| status.code())
    }

    #[test]
    fn a_mask_names_what_is_updated() {
        assert_eq!(read(&[], &["locale"]), Ok(vec!["locale"]));
        assert_eq!(read(&["name"], &["locale"]), Ok(vec!["name"]));
        assert_eq!(read(&["*"], &[]), Ok(vec!["name", "locale"]));
        assert_eq!(read(&["id", "name"], &[]), Ok(vec!["name"]));
        assert_eq!(read(&["name", "state"], &[]), Err(Code::PermissionDenied));
        assert_eq!(read(&["nothing"], &[]), Err(Code::InvalidArgument));
        assert_eq!(read(&["name", "reason"], &[]), Err(Code::InvalidArgument));
        assert_eq!(read(&["name"; 17], &[]), Err(Code::InvalidArgument));
        assert_eq!(FIELDS.read(None, &["name"]).map(|mask| mask.0).ok(), Some(vec!["name"]));
    }
}
