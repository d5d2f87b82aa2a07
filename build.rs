//! Compiles the protobuf files of `spec/proto` to Rust, without a system `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO_ROOT}");
    let descriptors = protox::compile([PROTO_FILE], [PROTO_ROOT])?;
    // One item of a stream is large, the others are a number.
    let configured = tonic_prost_build::configure().boxed(".modeld.v1.OpenSessionItem.event.opened");
    configured.compile_fds(descriptors)?;
    Ok(())
}

const PROTO_ROOT: &str = "spec/proto";
const PROTO_FILE: &str = "modeld/v1/modeld.proto";
