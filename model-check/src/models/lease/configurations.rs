//! What is checked of the lease: each configuration with the counts that it has to yield.
//!
//! Every fault is in a configuration of its own, where its budget is not shared, and all of them are in one together.

use modeld_spec::lease::evict::Policy;

use super::Lease;
use super::faults::Loses;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Lease>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Lease>> {
    let small = Lease::SMALL;
    let calm = Lease { crashes: 0, restarts: 0, ..small.clone() };
    let three = Lease { processes: 3, restarts: 0, ..small.clone() };
    let quick = Configuration::quick;
    vec![
        quick("crash", small.clone(), (0, 0, 0)),
        quick("margin", Lease { ttl: 4, ..calm.clone() }, (0, 0, 0)),
        quick("unequal-ttls", Lease { ttl: 4, last_ttl: Some(2), ..calm.clone() }, (0, 0, 0)),
        quick("failures", Lease { failures: 1, kinds: true, ..calm.clone() }, (0, 0, 0)),
        quick("second-try", Lease { ttl: 4, failures: 1, prompt: true, ..calm.clone() }, (0, 0, 0)),
        quick("busy-latch", Lease { busy: true, stops: 1, ..calm.clone() }, (0, 0, 0)),
        quick("no-latch", Lease { unlatched: true, ..calm.clone() }, (0, 0, 0)),
        quick("kill", Lease { policy: Some(Policy::Kill), restarts: 1, pid_reuse: true, ..calm.clone() }, (0, 0, 0)),
        quick("record", Lease { losses: 1, loses: RECORD, ..calm.clone() }, (0, 0, 0)),
        quick("epochs", Lease { losses: 1, loses: EPOCHS, ..calm.clone() }, (0, 0, 0)),
        quick("emptied", Lease { losses: 1, loses: EVERYTHING, ..calm.clone() }, (0, 0, 0)),
        quick("lock-file", Lease { losses: 1, loses: LOCK_FILE, restarts: 1, ..calm.clone() }, (0, 0, 0)),
        quick("suspend", Lease { suspends: 1, prompt: true, ..small.clone() }, (0, 0, 0)),
        quick("wall-clock", Lease { wall_steps: 1, ..calm.clone() }, (0, 0, 0)),
        quick("reboot", Lease { reboots: 1, pid_reuse: true, ..calm.clone() }, (0, 0, 0)),
        quick("power-cut", Lease { power_cuts: 1, ..calm.clone() }, (0, 0, 0)),
        quick("namespaces", Lease { foreign: true, losses: 1, loses: LOCK_FILE, policy: Some(Policy::Kill), ..calm.clone() }, (0, 0, 0)),
        quick("remains", Lease { remains: true, ..calm.clone() }, (0, 0, 0)),
        quick("prompt", Lease { prompt: true, ..small.clone() }, (0, 0, 0)),
        quick("stopped", Lease { crashes: 2, stops: 1, prompt: true, ..three.clone() }, (0, 0, 0)),
        quick("three", Lease { crashes: 0, ..three.clone() }, (0, 0, 0)),
        quick("leader-record", Lease { crashes: 1, losses: 1, loses: RECORD, prompt: true, stops: 1, ..three.clone() }, (0, 0, 0)),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    Vec::new()
}

const RECORD: Loses = Loses { record: true, ..Loses::NOTHING };
const EPOCHS: Loses = Loses { epochs: true, ..Loses::NOTHING };
const LOCK_FILE: Loses = Loses { lock_file: true, ..Loses::NOTHING };
const EVERYTHING: Loses = Loses { everything: true, ..Loses::NOTHING };
