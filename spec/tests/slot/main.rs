//! The table of slots, rule by rule, its capacity plan, and long random histories.
//!
//! Tests that are named after a rule (`s2_…`) are what the chapter `slot.md` refers to.

mod footprint;
mod harness;
mod histories;
mod loads;
mod members;
mod plan;
mod refusals;
