//! What is checked of the lease: each configuration with the counts that it has to yield.
//!
//! Every fault is in a configuration of its own, where its budget is not shared, and all of them are in one together.

use modeld_spec::lease::evict::Policy;

use super::Lease;
use super::faults::Loses;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Lease>> {
    quick().into_iter().chain(together()).chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Lease>> {
    let calm = Lease { crashes: 0, restarts: 0, ..Lease::SMALL };
    let prompt = Lease { prompt: true, ..calm.clone() };
    let quick = Configuration::quick;
    vec![
        quick("pause", calm.clone(), (594_760, 2_631_905, 134)),
        quick("crash", Lease { crashes: 1, ..calm.clone() }, (612_388, 3_863_069, 134)),
        quick("second-try", Lease { ttl: 4, failures: 1, ..prompt.clone() }, (11_140, 27_832, 78)),
        quick("failures", Lease { failures: 1, kinds: true, ..prompt.clone() }, (16_860, 46_662, 64)),
        quick("record", Lease { losses: 1, loses: RECORD, ..calm.clone() }, (2_646_588, 12_896_999, 151)),
        quick(
            "epochs",
            Lease { losses: 2, loses: EPOCHS, crashes: 1, restarts: 1, ..prompt.clone() },
            (81_191, 290_117, 71),
        ),
        quick(
            "emptied",
            Lease { losses: 1, loses: EVERYTHING, crashes: 1, restarts: 1, stops: 1, ..prompt.clone() },
            (284_443, 765_734, 110),
        ),
        quick(
            "damaged",
            Lease {
                losses: 1,
                loses: Loses { record: true, lock_file: true, ..Loses::NOTHING },
                failures: 1,
                stops: 1,
                ..prompt.clone()
            },
            (234_776, 581_031, 87),
        ),
        quick("late-failure", Lease { failures: 1, suspends: 1, ..prompt.clone() }, (123_202, 370_297, 70)),
        quick("remains", Lease { remains: true, ..calm.clone() }, (1_189_622, 5_264_022, 134)),
        quick(
            "suspend",
            Lease { suspends: 2, crashes: 1, restarts: 1, ..prompt.clone() },
            (1_039_394, 3_967_698, 104),
        ),
        quick("wall-clock", Lease { wall_steps: 1, crashes: 1, ..prompt.clone() }, (5_856, 23_882, 48)),
        quick("reboot", Lease { reboots: 1, crashes: 1, ..prompt.clone() }, (12_413, 38_644, 71)),
        quick("power-cut", Lease { power_cuts: 1, crashes: 1, ..prompt.clone() }, (12_596, 42_564, 71)),
        quick("prompt", Lease { crashes: 1, restarts: 1, ..prompt.clone() }, (12_146, 34_662, 69)),
        quick(
            "stopped",
            Lease { processes: 3, crashes: 2, stops: 1, ..prompt.clone() },
            (184_049, 740_903, 96),
        ),
        quick("margin", Lease { ttl: 4, ..calm.clone() }, (1_899_682, 8_552_773, 188)),
        quick(
            "unequal-ttls",
            Lease { ttl: 4, last_ttl: Some(2), ..calm.clone() },
            (1_972_974, 8_873_960, 157),
        ),
        quick(
            "busy-latch",
            Lease { busy: true, stops: 1, crashes: 1, ..prompt.clone() },
            (20_776, 66_116, 89),
        ),
        quick(
            "lock-file",
            Lease { losses: 1, loses: LOCK_FILE, ..calm.clone() },
            (2_312_428, 10_937_477, 135),
        ),
        quick(
            "namespaces",
            Lease { foreign: true, policy: Some(Policy::Kill), ..calm.clone() },
            (1_243_885, 5_588_954, 144),
        ),
    ]
}

/// Three processes, and faults together.
fn together() -> Vec<Configuration<Lease>> {
    let prompt = Lease { crashes: 0, restarts: 0, prompt: true, ..Lease::SMALL };
    let quick = Configuration::quick;
    vec![
        quick(
            "kill",
            Lease {
                processes: 3,
                policy: Some(Policy::Kill),
                stops: 1,
                crashes: 1,
                restarts: 1,
                pid_reuse: true,
                ..prompt.clone()
            },
            (1_934_813, 5_891_696, 140),
        ),
        quick(
            "leader-record",
            Lease { processes: 3, losses: 1, loses: RECORD, stops: 1, crashes: 1, ..prompt.clone() },
            (831_094, 3_088_060, 120),
        ),
        quick(
            "all",
            Lease { processes: 3, epochs: Some(2), horizon: Some(1), restarts: 0, ..all_faults(1) },
            (6_874_953, 23_840_640, 89),
        ),
        quick("all-two", Lease { epochs: Some(2), restarts: 0, ..all_faults(1) }, (773_263, 2_390_478, 193)),
    ]
}

fn deep() -> Vec<Configuration<Lease>> {
    let calm = Lease { crashes: 0, restarts: 0, ..Lease::SMALL };
    let small = Lease::SMALL;
    let three = Lease { processes: 3, ..calm.clone() };
    let deep = Configuration::deep;
    vec![
        deep("no-latch", Lease { unlatched: true, ..calm.clone() }, (7_997_878, 39_329_879, 173)),
        deep("restart", small.clone(), (10_824_422, 55_897_521, 170)),
        deep(
            "failures-paused",
            Lease { failures: 1, kinds: true, ..calm.clone() },
            (6_606_618, 33_712_995, 145),
        ),
        deep("busy-paused", Lease { busy: true, stops: 1, ..calm.clone() }, (2_836_826, 12_342_615, 154)),
        deep(
            "lock-file-crash",
            Lease { losses: 1, loses: LOCK_FILE, ..small.clone() },
            (44_165_378, 241_028_661, 171),
        ),
        deep("record-crash", Lease { losses: 1, loses: RECORD, ..small }, (47_918_262, 269_081_771, 177)),
        deep(
            "reboot-paused",
            Lease { reboots: 1, pid_reuse: true, ..calm.clone() },
            (2_379_756, 11_123_849, 163),
        ),
        deep("power-cut-paused", Lease { power_cuts: 1, ..calm }, (2_379_848, 12_303_105, 163)),
        deep("three", Lease { horizon: Some(2), ..three.clone() }, (326_733, 980_570, 88)),
        deep("three-crash", Lease { horizon: Some(2), crashes: 1, ..three }, (561_657, 2_462_924, 88)),
    ]
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
        suspends: 1,
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
const LOCK_FILE: Loses = Loses { lock_file: true, ..Loses::NOTHING };
const EVERYTHING: Loses = Loses { everything: true, ..Loses::NOTHING };
