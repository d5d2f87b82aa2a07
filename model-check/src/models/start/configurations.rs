//! What is checked of the start: each configuration with the counts that it has to yield.

use super::Starting;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Starting>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Starting>> {
    let calm = Starting::CALM;
    let three = Starting { starters: 3, children: 3, ..calm.clone() };
    vec![
        Configuration::quick(
            "storm",
            Starting { probes: 2, progress: true, ..calm.clone() },
            (158_959, 528_465, 164),
        ),
        Configuration::quick(
            "race",
            Starting { stoppers: 1, foreground: true, remains: true, reboot: true, ..three.clone() },
            (45_330, 90_831, 58),
        ),
        Configuration::quick(
            "crash",
            Starting { stoppers: 1, crashes: 1, deaths: 1, pauses: 1, children: 4, ..three },
            (860_301, 2_121_558, 61),
        ),
        Configuration::quick(
            "hang",
            Starting { stoppers: 2, hangs: 1, foreground: true, progress: true, children: 3, ..calm.clone() },
            (1_032_810, 2_620_510, 80),
        ),
        Configuration::quick(
            "slow",
            Starting {
                slow: true,
                crashes: 1,
                foreground: true,
                progress: true,
                children: 3,
                ..calm.clone()
            },
            (36_115, 127_155, 50),
        ),
        Configuration::quick(
            "slow-stop",
            Starting {
                starters: 1,
                stoppers: 1,
                slow: true,
                foreground: true,
                progress: true,
                ..calm.clone()
            },
            (22_306, 60_090, 49),
        ),
        Configuration::quick(
            "io-error",
            Starting { starters: 1, stoppers: 1, probes: 1, failures: 2, ..calm.clone() },
            (149_773, 470_520, 92),
        ),
        Configuration::quick(
            "damage",
            Starting { stoppers: 1, probes: 1, damages: 1, ..calm.clone() },
            (1_102_678, 3_518_328, 134),
        ),
        Configuration::quick(
            "restart",
            Starting { stoppers: 2, deaths: 1, reuses: 1, remains: true, reboot: true, ..calm },
            (714_046, 2_082_590, 71),
        ),
    ]
}

fn deep() -> Vec<Configuration<Starting>> {
    let calm = Starting::CALM;
    vec![
        Configuration::deep(
            "slow-crash",
            Starting {
                stoppers: 1,
                slow: true,
                crashes: 1,
                foreground: true,
                progress: true,
                children: 3,
                ..calm.clone()
            },
            (1_434_825, 5_747_003, 80),
        ),
        Configuration::deep(
            "slow-race",
            Starting { stoppers: 1, slow: true, crashes: 1, children: 3, ..calm.clone() },
            (96_588, 294_043, 67),
        ),
        Configuration::deep(
            "die-storm",
            Starting { stoppers: 1, probes: 1, deaths: 1, remains: true, children: 3, ..calm },
            (1_528_575, 4_212_941, 137),
        ),
    ]
}

/// The marks that the searches of the quick profile leave: each sort of action, and each way that a guard goes.
pub(super) const MARKS: &[&str] = &[
    "start: KILL arrives",
    "start: TERM arrives",
    "start: a beginning",
    "start: a change comes",
    "start: a child does not end",
    "start: a child is killed",
    "start: a child is silent",
    "start: a daemon dies",
    "start: a daemon does not end",
    "start: a daemon failed",
    "start: a daemon found another",
    "start: a daemon hangs",
    "start: a daemon has ended",
    "start: a daemon was stopped",
    "start: a daemon was unwanted",
    "start: a daemon's effect",
    "start: a line of progress",
    "start: a lock stays taken",
    "start: a pid is used again",
    "start: a probe's effect",
    "start: a process ends",
    "start: a request to stop is accepted",
    "start: a request to stop is not accepted",
    "start: a starter crashes",
    "start: a starter is paused",
    "start: a starter's effect",
    "start: a stopper's effect",
    "start: answered by another life",
    "start: answered, and not ready",
    "start: answered, and ready",
    "start: attached",
    "start: given up",
    "start: given up, and ready after all",
    "start: metadata absent",
    "start: metadata damaged",
    "start: metadata read",
    "start: metadata removed",
    "start: metadata unreadable",
    "start: no change comes",
    "start: no word and the end",
    "start: nobody left to signal",
    "start: not answered",
    "start: process alive",
    "start: process gone",
    "start: progress",
    "start: ready, and nobody listens",
    "start: run lock free",
    "start: run lock held",
    "start: start lock taken",
    "start: started",
    "start: status running",
    "start: status stale",
    "start: status starting",
    "start: status stopped",
    "start: status stopping",
    "start: status unknown",
    "start: the word is an error",
    "start: the word is held",
    "start: the word is ready",
    "start: told to stop while it serves",
    "start: told to stop while it starts",
];
