//! The machines of the background daemon, rule by rule: scripted observations in, effects and outcomes out.
//!
//! Tests that are named after a rule (`d2_…`) are what the chapter `daemon.md` refers to.

mod harness;
mod proof;
mod serve;
mod start;
mod status;
mod stop;
