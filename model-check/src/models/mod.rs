//! The models, one a chapter of the specification.

pub mod bind;
pub mod lease;
