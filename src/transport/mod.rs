//! The wire: a gRPC service over a Unix socket.

/// The messages and the service of `spec/proto/modeld/v1/modeld.proto`; the comments there are the contract.
#[expect(missing_docs, clippy::all, reason = "generated code")]
pub mod proto {
    tonic::include_proto!("modeld.v1");
}
