//! `modeld` as others see it: real processes, real kills, real files, real sockets.

mod harness;

mod race;
mod refusals;
mod takeover;
