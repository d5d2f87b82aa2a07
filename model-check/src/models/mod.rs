//! The models, one a chapter of the specification.

pub mod bind;
pub mod fence;
pub mod lease;
pub mod session;
pub mod slot;
pub mod start;
