//! Who may do what: subjects, roles, permissions, the access policy of an RPC, and what changes somebody's access.

pub mod audience;
pub mod change;
pub mod permission;
pub mod policy;
pub mod role;
pub mod subject;
