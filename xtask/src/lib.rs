//! GGUF files with random weights: the format, the numbers, and models of a few architectures.
//!
//! The command `generate-model` writes large ones, tests write small ones ([`models`]).

pub mod gguf;
pub mod llama;
pub mod models;
pub mod quantize;
pub mod random;
pub mod vocabulary;
