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
    let calm = Lease { crashes: 0, restarts: 0, ..Lease::SMALL };
    let prompt = Lease { prompt: true, ..calm.clone() };
    let quick = Configuration::quick;
    vec![
        quick("pause", calm.clone(), (0, 0, 0)),
        quick("crash", Lease { crashes: 1, ..calm.clone() }, (0, 0, 0)),
        quick("second-try", Lease { ttl: 4, failures: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("failures", Lease { failures: 1, kinds: true, ..prompt.clone() }, (0, 0, 0)),
        quick("record", Lease { losses: 1, loses: RECORD, ..calm.clone() }, (0, 0, 0)),
        quick(
            "epochs",
            Lease { losses: 2, loses: EPOCHS, crashes: 1, restarts: 1, ..prompt.clone() },
            (0, 0, 0),
        ),
        quick(
            "emptied",
            Lease { losses: 1, loses: EVERYTHING, crashes: 1, restarts: 1, ..prompt.clone() },
            (0, 0, 0),
        ),
        quick("remains", Lease { remains: true, ..calm.clone() }, (0, 0, 0)),
        quick("suspend", Lease { suspends: 2, crashes: 1, restarts: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("wall-clock", Lease { wall_steps: 1, crashes: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("reboot", Lease { reboots: 1, crashes: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("power-cut", Lease { power_cuts: 1, crashes: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("prompt", Lease { crashes: 1, restarts: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("stopped", Lease { processes: 3, crashes: 2, stops: 1, ..prompt.clone() }, (0, 0, 0)),
        quick("all", Lease { processes: 3, epochs: Some(2), ..all_faults(1) }, (0, 0, 0)),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    Vec::new()
}

/// Every fault switch at once, and so many faults in all. Nobody is paused but for good, or by a suspension.
fn all_faults(faults: u8) -> Lease {
    Lease {
        crashes: 1,
        restarts: 1,
        failures: 1,
        kinds: true,
        losses: 1,
        loses: Loses { record: true, epochs: true, lock_file: true, everything: false },
        stops: 1,
        suspends: 2,
        wall_steps: 1,
        reboots: 1,
        power_cuts: 1,
        faults: Some(faults),
        busy: true,
        policy: Some(Policy::Kill),
        foreign: true,
        last_ttl: Some(4),
        pid_reuse: true,
        remains: true,
        prompt: true,
        ..Lease::SMALL
    }
}

const RECORD: Loses = Loses { record: true, ..Loses::NOTHING };
const EPOCHS: Loses = Loses { epochs: true, ..Loses::NOTHING };
const EVERYTHING: Loses = Loses { everything: true, ..Loses::NOTHING };
