//! What is checked of the lease: each configuration with the counts that it has to yield.

use super::Lease;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Lease>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Lease>> {
    let small = Lease::SMALL;
    let calm = Lease { restarts: 0, ..small.clone() };
    vec![
        Configuration::quick("pause", Lease { crashes: 0, ..calm.clone() }, (234_148, 705_461, 75)),
        Configuration::quick("crash", small.clone(), (2_180_036, 8_025_331, 94)),
        Configuration::quick("margin", Lease { ttl: 4, horizon: 4, ..calm.clone() }, (218_638, 921_163, 67)),
        Configuration::quick(
            "io-error",
            Lease { failures: 1, horizon: 2, ..calm.clone() },
            (206_253, 913_204, 69),
        ),
        Configuration::quick(
            "busy-latch",
            Lease { busy: true, horizon: 2, ..calm.clone() },
            (104_044, 469_931, 62),
        ),
        Configuration::quick("kill", Lease { kill: true, ..calm }, (265_358, 1_239_942, 75)),
        Configuration::quick(
            "lock-file",
            Lease { replacements: 1, horizon: 2, crashes: 0, ..small.clone() },
            (634_194, 1_812_429, 84),
        ),
        Configuration::quick(
            "prompt",
            Lease { prompt: true, horizon: 8, ..small.clone() },
            (549_328, 1_651_097, 174),
        ),
        Configuration::quick(
            "stopped",
            Lease { processes: 3, crashes: 2, restarts: 0, stops: 1, prompt: true, ..small },
            (307_808, 1_150_318, 108),
        ),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    let small = Lease::SMALL;
    let three = Lease { processes: 3, ..small.clone() };
    let replaced = Lease { replacements: 1, ..small.clone() };
    vec![
        Configuration::deep("long", Lease { horizon: 4, ..small.clone() }, (11_640_222, 46_581_897, 0)),
        Configuration::deep(
            "three",
            Lease { horizon: 2, restarts: 0, ..three.clone() },
            (1_406_991, 6_644_864, 0),
        ),
        Configuration::deep(
            "three-prompt",
            Lease { prompt: true, horizon: 4, ..three },
            (4_415_832, 15_045_251, 0),
        ),
        Configuration::deep(
            "io-errors",
            Lease { failures: 2, horizon: 2, ..small },
            (4_205_788, 15_716_634, 0),
        ),
        Configuration::deep("lock-file-crash", replaced.clone(), (10_268_444, 41_092_667, 0)),
        Configuration::deep(
            "lock-file-expiry",
            Lease { horizon: 4, restarts: 0, ..replaced },
            (5_908_276, 32_334_875, 0),
        ),
    ]
}
