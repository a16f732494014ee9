//! Compiles the contract in pure Rust: no system protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// Where the contract lies that is not ours.
const GATEWAY: &str = "src/presentation/grpc/services";

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

    // The service that the example in Rust guards.
    println!("cargo::rerun-if-changed=examples/proto");
    let orders = protox::compile(["orders/v1/orders_service.proto"], ["examples/proto"])?;
    tonic_prost_build::configure().build_client(false).compile_fds(orders)?;
    Ok(())
}
