//! Compiles the contract in pure Rust: no system protoc.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;
use prost_types::field_descriptor_proto::Label;
use prost_types::{FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, OneofDescriptorProto};

/// Where the contract lies that is not ours.
const GATEWAY: &str = "src/presentation/grpc/services";
/// Where the contract of collectors of traces lies.
const COLLECTOR: &str = "src/telemetry/traces";

/// The messages that rows of an import are made of.
const ROW: [&str; 6] =
    ["User", "UserRecord", "FactorRecord", "PasskeyRecord", "RecoveryCodesRecord", "ImportUsersRequest"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed={GATEWAY}/envoy.proto");
    let mut files: Vec<PathBuf> =
        fs::read_dir("proto/ipse/v1")?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    files.push("envoy.proto".into());

    let mut compiler = protox::Compiler::new(["proto", GATEWAY])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // The plain descriptor set keeps the `access` options, which prost's own types would drop.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().compile_fds(compiler.file_descriptor_set())?;
    compile_rows(compiler.file_descriptor_set(), &out.join("rows"))?;

    println!("cargo::rerun-if-changed={COLLECTOR}/otlp.proto");
    let collector = protox::compile(["otlp.proto"], [COLLECTOR])?;
    tonic_prost_build::configure().build_server(false).compile_fds(collector)?;

    // The service that the example in Rust guards.
    println!("cargo::rerun-if-changed=examples/proto");
    let orders = protox::compile(["orders/v1/orders_service.proto"], ["examples/proto"])?;
    tonic_prost_build::configure().build_client(false).compile_fds(orders)?;
    Ok(())
}

/// Compiles the rows of an import once more, for pbjson to read them from JSON. All their fields are optional there, as
/// pbjson takes `null` only for such fields; on the wire that makes no difference.
fn compile_rows(mut contract: FileDescriptorSet, out: &Path) -> Result<(), Box<dyn Error>> {
    let ours = ["ipse/v1/user.proto", "ipse/v1/user_transfer.proto"];
    contract.file.retain(|file| file.package() == "google.protobuf" || ours.contains(&file.name()));
    contract.file.iter_mut().filter(|file| ours.contains(&file.name())).try_for_each(make_optional)?;
    fs::create_dir_all(out)?;
    let descriptors = contract.encode_to_vec();
    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .out_dir(out)
        .compile_fds(contract)?;
    pbjson_build::Builder::new().register_descriptors(&descriptors)?.out_dir(out).build(&[".ipse.v1"])?;
    // Lists cannot be optional, so what pbjson generates would refuse `null` there.
    let code = out.join("ipse.v1.serde.rs");
    let lists = "Some(map_.next_value()?)";
    let or_null = "Some(map_.next_value::<::std::option::Option<_>>()?.unwrap_or_default())";
    let generated = fs::read_to_string(&code)?;
    if !generated.contains(lists) {
        return Err("pbjson reads lists in another way than before".into());
    }
    fs::write(&code, generated.replace(lists, or_null))?;
    Ok(())
}

fn make_optional(file: &mut FileDescriptorProto) -> Result<(), Box<dyn Error>> {
    file.source_code_info = None;
    file.message_type.retain(|message| ROW.contains(&message.name()));
    for message in &mut file.message_type {
        let is_plain =
            |field: &&mut FieldDescriptorProto| field.label() == Label::Optional && field.oneof_index.is_none();
        for field in message.field.iter_mut().filter(is_plain) {
            field.proto3_optional = Some(true);
            field.oneof_index = Some(message.oneof_decl.len().try_into()?);
            message.oneof_decl.push(OneofDescriptorProto { name: Some(format!("_{}", field.name())), options: None });
        }
    }
    Ok(())
}
