//! The holder machines, rule by rule: scripted observations in, effects and outcomes out.
//!
//! Tests that are named after a rule (`h2_…`) are what the chapter `holder.md` refers to.

mod ask;
mod harness;
mod serve;
mod spawn;
mod wait;
