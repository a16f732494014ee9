//! The access policies of all RPCs, read from the contract's own descriptors.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, Value};
use time::Duration;

use crate::domain::access::permission::{Catalogue, Permission};
use crate::domain::access::policy::{Access, Demands, MinAssurance};
use crate::domain::session::authentication;
use crate::proto::AssuranceLevel;

/// The methods that gRPC itself defines, and whether they have streams, and streams of requests; they tell nothing about
/// people.
const OPEN_METHODS: [(&str, bool, bool); 4] = [
    ("/grpc.health.v1.Health/Check", false, false),
    ("/grpc.health.v1.Health/Watch", true, false),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, true),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true, true),
];

/// The contract does not say who may call an RPC, so the server must not start.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The descriptors cannot be read.
    #[error("the contract's descriptors cannot be read")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// The extension that declares the policy is missing.
    #[error("the contract does not define the option ipse.v1.access")]
    NoOption,
    /// An RPC declares no policy.
    #[error("the RPC {0} declares no access policy")]
    Undeclared(String),
}

/// What the contract says of an RPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Rpc {
    /// Who may call it.
    pub access: Access,
    /// Whether it has a stream of requests or of responses.
    pub is_stream: bool,
    /// Whether it has a stream of requests.
    pub takes_stream: bool,
}

/// The access policy of every RPC, by its path.
#[derive(Debug)]
pub struct PolicyTable(HashMap<String, Rpc>);

impl PolicyTable {
    /// Reads the policies from an encoded `FileDescriptorSet`. Fails if any RPC has none.
    pub fn read(descriptors: &[u8]) -> Result<Self, PolicyError> {
        let pool = DescriptorPool::decode(descriptors)?;
        let option = pool.get_extension_by_name("ipse.v1.access").ok_or(PolicyError::NoOption)?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let declared = methods.map(|method| {
            let access = declared(&method, &option).ok_or_else(|| PolicyError::Undeclared(path(&method)))?;
            let takes_stream = method.is_client_streaming();
            let is_stream = takes_stream || method.is_server_streaming();
            Ok((path(&method), Rpc { access, is_stream, takes_stream }))
        });
        OPEN_METHODS
            .map(|(path, is_stream, takes_stream)| {
                Ok((path.to_owned(), Rpc { access: Access::Public, is_stream, takes_stream }))
            })
            .into_iter()
            .chain(declared)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The permissions that RPCs ask for, and which RPCs each opens.
    #[must_use]
    pub fn permissions(&self) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (path, rpc) in &self.0 {
            if let Access::Permission { permission, .. } = &rpc.access {
                let opened = catalogue.0.entry(permission.clone()).or_default();
                opened.push(path.trim_start_matches('/').to_owned());
                opened.sort();
            }
        }
        catalogue
    }

    /// The RPC at a path; none if there is no such RPC.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Rpc> {
        self.0.get(path)
    }

    /// The paths of the RPCs that have streams.
    pub(in crate::presentation::grpc) fn streams(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, rpc)| rpc.is_stream).map(|(path, _)| path.as_str())
    }

    /// The paths of all RPCs.
    pub(in crate::presentation::grpc) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn declared(method: &MethodDescriptor, option: &ExtensionDescriptor) -> Option<Access> {
    let options = method.options();
    if !options.has_extension(option) {
        return None;
    }
    let value = options.get_extension(option);
    let access = value.as_message()?;
    let demands = Demands {
        max_auth_age: read_age(access),
        min_assurance: read_level(access),
        allow_enrolment: access.get_field_by_name("allow_enrolment")?.as_bool()?,
    };
    let flag = |name| access.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or(false);
    let permission = access.get_field_by_name("permission").and_then(|value| Permission::parse(value.as_str()?).ok());
    match permission {
        Some(permission) => Some(Access::Permission { permission, demands }),
        _ if flag("authenticated") => Some(Access::Authenticated(demands)),
        _ if flag("public") => Some(Access::Public),
        _ => None,
    }
}

fn read_level(access: &DynamicMessage) -> Option<MinAssurance> {
    let number = access.get_field_by_name("min_assurance")?.as_enum_number()?;
    match AssuranceLevel::try_from(number).unwrap_or_default() {
        AssuranceLevel::Unspecified => None,
        AssuranceLevel::Aal1 => Some(MinAssurance::Level(authentication::AssuranceLevel::Aal1)),
        AssuranceLevel::Aal2 => Some(MinAssurance::Level(authentication::AssuranceLevel::Aal2)),
        AssuranceLevel::HighestEnrolled => Some(MinAssurance::HighestEnrolled),
    }
}

fn read_age(access: &DynamicMessage) -> Option<Duration> {
    if !access.has_field_by_name("max_auth_age") {
        return None;
    }
    let value = access.get_field_by_name("max_auth_age")?;
    let seconds = value.as_message()?.get_field_by_name("seconds").map(|seconds| Value::as_i64(&seconds))??;
    Some(Duration::seconds(seconds))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::proto::DESCRIPTORS;

    #[test]
    fn every_rpc_of_the_contract_has_a_policy() {
        let table = PolicyTable::read(DESCRIPTORS).unwrap();
        let access = |path| table.find(path).map(|rpc| &rpc.access);
        assert_eq!(access("/ipse.v1.AuthService/Register"), Some(&Access::Public));
        assert_eq!(access("/ipse.v1.AccountService/GetMe"), Some(&Access::Authenticated(Demands::default())));
        assert_eq!(access("/grpc.health.v1.Health/Check"), Some(&Access::Public));
        let mut streams: Vec<_> = table.streams().filter_map(|path| path.strip_prefix("/ipse.v1.")).collect();
        streams.sort_unstable();
        assert_eq!(
            streams,
            [
                "AccountService/ExportMyData",
                "AuditService/WatchAuditEvents",
                "TokenService/WatchRevocations",
                "UserService/ExportUsers",
                "UserService/ImportUsers",
            ]
        );
        for unknown in ["/ipse.v1.AuthService/Nothing", "/grpc.health.v1.Health/Nothing"] {
            assert_eq!(table.find(unknown), None);
        }
    }

    #[test]
    fn an_rpc_without_a_policy_is_refused() {
        let source = r#"
            syntax = "proto3";
            package ipse.v1;
            import "google/protobuf/descriptor.proto";
            message Access { oneof requirement { bool public = 1; bool authenticated = 2; string permission = 3; } bool allow_enrolment = 6; }
            extend google.protobuf.MethodOptions { Access access = 50351; }
            message M {}
            service S { rpc Open(M) returns (M) { option (ipse.v1.access) = { public: true }; } rpc Bare(M) returns (M); }
        "#;
        let error = PolicyTable::read(&compile(source)).unwrap_err();
        assert_eq!(error.to_string(), "the RPC /ipse.v1.S/Bare declares no access policy");
    }

    fn compile(source: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s.proto"), source).unwrap();
        let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
        compiler.include_imports(true).open_file("s.proto").unwrap();
        let bytes = compiler.encode_file_descriptor_set();
        assert!(!FileDescriptorSet::decode(bytes.as_slice()).unwrap().file.is_empty());
        bytes
    }
}
