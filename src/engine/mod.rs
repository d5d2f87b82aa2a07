//! The engine: resident models, their sessions, and the thread that evaluates each of them.
//!
//! ```text
//!     Engine -- one load a model identity --> worker thread -- owns --> dyn Model
//!       |                                        ^    |
//!     Session ------- bounded commands ----------'    '-- bounded items --> DecodeStream
//! ```
//!
//! One thread a model evaluates for all its sessions: each step is one batch with one token of every session that
//! decodes and a chunk of one prompt that is being prefilled. The decisions about a session (reuse, overflow, when a text
//! ends) are made in [`modeld_spec::session`]; here they are performed.
//!
//! Everything that loads or evaluates takes a [`ResidentPermit`](crate::owner::gate::ResidentPermit), and every item is let
//! out by the gate: when it closes, all operations and streams end with [`Error::Fenced`](modeld_spec::error::Error).
//!
//! Which models are loaded, and what goes for them, is decided by [`modeld_spec::slot`] and performed in `slots`.

pub mod backend;
mod bell;
mod board;
mod capacity;
pub mod chat;
mod choice;
#[cfg(all(test, modeld_shuttle))]
mod crowd;
pub mod gguf;
mod grammar;
mod handoff;
#[cfg(all(test, modeld_loom))]
mod interleavings;
mod limits;
#[cfg(feature = "llama")]
pub mod llama;
pub mod logprobs;
mod mailbox;
pub mod manifest;
pub mod none;
mod reply;
mod service;
mod session;
mod slots;
pub mod snapshots;
mod status;
mod stores;
#[cfg(test)]
mod tests;
pub mod toy;
mod worker;

pub use capacity::MemoryLimits;
pub use limits::Limits;
pub use service::{Engine, Forecast, OpenRequest, StillRunning};
pub use session::{DecodeStream, Prompt, Session, SessionId};
pub use slots::{Evictions, LoadPhase, LoadProgress, Loading};
pub use status::{ModelPhase, ModelStatus};
pub use stores::Stores;
pub use worker::Embedded;
