//! `modeld` as others see it: real processes, real kills, real files, real sockets.

mod harness;

mod answers;
mod fenced;
#[cfg(feature = "llama")]
mod models;
mod race;
mod refusals;
mod reopen;
mod status;
mod takeover;
