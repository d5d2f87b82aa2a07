//! The models, one a chapter of the specification.

pub mod lease;
