//! What is checked of the lease: each configuration with the counts that it has to yield.
//!
//! Time has no end in most of them: epochs, lives and faults are what bounds them. A horizon stands where a fault makes
//! more of that than the profile has time for.

use super::Lease;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Lease>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Lease>> {
    let free = Lease { horizon: None, epochs: Some(2), ..Lease::SMALL };
    let calm = Lease { crashes: 0, restarts: 0, ..free.clone() };
    vec![
        Configuration::quick("pause", calm.clone(), (627_976, 2_771_903, 134)),
        Configuration::quick("crash", Lease { crashes: 1, ..calm.clone() }, (647_076, 4_072_999, 134)),
        Configuration::quick("restart", free.clone(), (2_194_896, 10_837_165, 136)),
        Configuration::quick("margin", Lease { ttl: 4, ..calm.clone() }, (2_011_904, 9_033_503, 188)),
        Configuration::quick(
            "io-error",
            Lease { failures: 1, horizon: Some(3), ..calm.clone() },
            (553_949, 1_918_800, 66),
        ),
        Configuration::quick("busy-latch", Lease { busy: true, ..calm.clone() }, (1_715_086, 8_190_439, 153)),
        Configuration::quick(
            "kill",
            Lease { crashes: 1, kill: true, ..calm.clone() },
            (653_731, 4_142_458, 134),
        ),
        Configuration::quick("lock-file", Lease { replacements: 1, ..calm }, (2_431_452, 11_470_457, 135)),
        Configuration::quick(
            "prompt",
            Lease { prompt: true, epochs: Some(3), ..free.clone() },
            (12_146, 34_662, 69),
        ),
        Configuration::quick(
            "stopped",
            Lease { processes: 3, crashes: 2, restarts: 0, stops: 1, prompt: true, epochs: Some(3), ..free },
            (111_281, 448_760, 96),
        ),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    let small = Lease::SMALL;
    let free = Lease { horizon: None, epochs: Some(3), ..small.clone() };
    let three = Lease { processes: 3, restarts: 0, ..free.clone() };
    vec![
        Configuration::deep("three", Lease { horizon: Some(2), ..three.clone() }, (593_265, 2_638_610, 89)),
        Configuration::deep(
            "three-prompt",
            Lease { prompt: true, restarts: 1, ..three },
            (178_073, 598_976, 97),
        ),
        Configuration::deep(
            "io-errors",
            Lease { failures: 2, horizon: Some(2), ..small },
            (2_681_805, 10_053_766, 89),
        ),
        Configuration::deep(
            "lock-file-crash",
            Lease { replacements: 1, restarts: 0, ..free },
            (2_492_100, 16_494_817, 135),
        ),
    ]
}
