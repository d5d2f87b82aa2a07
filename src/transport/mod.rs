//! The wire: the owner's service over gRPC on a Unix socket.
//!
//! The contract is `spec/proto/modeld/v1/modeld.proto`. A server answers only calls that are meant for its instance and epoch,
//! and a failure is the same [`Error`](modeld_spec::error::Error) on both sides.

mod calls;
mod connection;
pub mod convert;
pub mod endpoint;
pub mod error;
pub mod listen;
mod opening;
pub mod server;

pub use endpoint::Endpoint;
pub use listen::Listener;
pub use server::{Service, serve};

/// The messages and the service, generated; the comments in the contract say what they mean.
#[expect(missing_docs, reason = "the comments are in the contract, and not all of its items have one")]
pub mod proto {
    tonic::include_proto!("modeld.v1");
}

#[cfg(test)]
mod tests;
