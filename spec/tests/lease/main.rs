//! The lease machines, rule by rule: scripted observations in, effects and outcomes out.
//!
//! Every test drives a machine by [`harness::drive`], the one loop that a driver consists of. Tests that are
//! named after a rule (`l2_…`) are what the chapter `lease.md` refers to.

mod acquire;
mod breach;
mod decision;
mod evict;
mod gate;
mod harness;
mod instants;
mod keeper;
mod record;
mod release;
mod renew;
mod standby;
mod transitions;
