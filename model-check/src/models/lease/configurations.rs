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
        Configuration::quick("pause", Lease { crashes: 0, ..calm.clone() }, (114_534, 375_109, 62)),
        Configuration::quick("crash", small.clone(), (1_034_770, 4_042_439, 82)),
        Configuration::quick(
            "margin",
            Lease { ttl: 4, horizon: Some(4), ..calm.clone() },
            (95_840, 403_991, 63),
        ),
        Configuration::quick(
            "io-error",
            Lease { failures: 1, horizon: Some(2), ..calm.clone() },
            (138_233, 608_476, 69),
        ),
        Configuration::quick(
            "busy-latch",
            Lease { busy: true, horizon: Some(2), ..calm.clone() },
            (68_410, 308_067, 62),
        ),
        Configuration::quick("kill", Lease { kill: true, ..calm }, (132_772, 647_856, 62)),
        Configuration::quick(
            "lock-file",
            Lease { replacements: 1, horizon: Some(2), crashes: 0, ..small.clone() },
            (360_378, 1_067_823, 84),
        ),
        Configuration::quick(
            "prompt",
            Lease { prompt: true, horizon: Some(8), ..small.clone() },
            (94_122, 265_559, 166),
        ),
        Configuration::quick(
            "stopped",
            Lease { processes: 3, crashes: 2, restarts: 0, stops: 1, prompt: true, ..small },
            (163_553, 640_963, 99),
        ),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    let small = Lease::SMALL;
    let three = Lease { processes: 3, ..small.clone() };
    let replaced = Lease { replacements: 1, ..small.clone() };
    vec![
        Configuration::deep("long", Lease { horizon: Some(4), ..small.clone() }, (11_640_222, 46_581_897, 0)),
        Configuration::deep(
            "three",
            Lease { horizon: Some(2), restarts: 0, ..three.clone() },
            (1_406_991, 6_644_864, 0),
        ),
        Configuration::deep(
            "three-prompt",
            Lease { prompt: true, horizon: Some(4), ..three },
            (4_415_832, 15_045_251, 0),
        ),
        Configuration::deep(
            "io-errors",
            Lease { failures: 2, horizon: Some(2), ..small },
            (4_205_788, 15_716_634, 0),
        ),
        Configuration::deep("lock-file-crash", replaced.clone(), (10_268_444, 41_092_667, 0)),
        Configuration::deep(
            "lock-file-expiry",
            Lease { horizon: Some(4), restarts: 0, ..replaced },
            (5_908_276, 32_334_875, 0),
        ),
    ]
}
