//! The lease: who owns a data root, and until when.

pub mod gate;
