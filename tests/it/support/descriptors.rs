//! The contract as it describes itself: descriptors and their comments.

use std::sync::LazyLock;

use ipse::proto::{DESCRIPTORS, ErrorReason};
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor};
use tonic::Code;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

/// All RPCs of the contract.
pub(crate) fn methods() -> Vec<MethodDescriptor> {
    POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// All messages of the contract.
pub(crate) fn messages() -> impl Iterator<Item = MessageDescriptor> {
    POOL.all_messages().filter(|message| message.package_name() == "ipse.v1")
}

/// The path of an RPC.
pub(crate) fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// All reasons but the one that is never sent.
pub(crate) fn reasons() -> Vec<ErrorReason> {
    let reasons = POOL.get_enum_by_name("ipse.v1.ErrorReason").unwrap();
    let reasons = reasons.values().map(|value| ErrorReason::try_from(value.number()).unwrap());
    reasons.filter(|reason| *reason != ErrorReason::Unspecified).collect()
}

/// The code with which the comment of a reason begins.
pub(crate) fn code_of(reason: ErrorReason) -> Code {
    let reasons = POOL.get_enum_by_name("ipse.v1.ErrorReason").unwrap();
    let value = reasons.get_value(reason.into()).unwrap();
    let comment = comment(reasons.parent_file().file_descriptor_proto(), value.path());
    let name = comment.trim().split([' ', '.']).next().unwrap();
    let codes = (0..17).map(Code::from_i32);
    let named = |code: &Code| format!("{code:?}").eq_ignore_ascii_case(&name.replace('_', ""));
    codes.into_iter().find(named).unwrap_or_else(|| panic!("the comment of {reason:?} names no code: {comment}"))
}

/// The comment of a field.
pub(crate) fn comment_of(field: &FieldDescriptor) -> String {
    comment(field.parent_file().file_descriptor_proto(), field.path())
}

fn comment(file: &prost_types::FileDescriptorProto, path: &[i32]) -> String {
    let locations = &file.source_code_info.as_ref().expect("the descriptors keep their comments").location;
    let location = locations.iter().find(|location| location.path == path).expect("everything has a place");
    location.leading_comments().replace('\n', " ")
}
