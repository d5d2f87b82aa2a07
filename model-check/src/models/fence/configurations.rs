//! What is checked of the fence: each configuration with the counts that it has to yield.

use super::Fence;
use super::state::Budget;
use crate::configuration::Configuration;

/// Two processes that write.
pub(super) const WRITES: Fence =
    Fence { budget: Budget { writes: 2, renewals: 1, handovers: 1, ..Fence::BARE.budget }, ..Fence::BARE };

/// The same with nothing but the fence.
pub(super) const GATE_OFF: Fence = Fence { gate_off: true, ..WRITES };

/// Two processes whose disk fails once.
pub(super) const ERRORS: Fence = Fence { budget: Budget { failures: 1, ..WRITES.budget }, ..WRITES };

/// Two processes that load, write and hand over.
pub(super) const HANDOVER: Fence =
    Fence { budget: Budget { loads: 2, writes: 1, handovers: 2, ..Fence::BARE.budget }, ..Fence::BARE };

/// A client with a stale record, whose answer goes on at the second of two processes.
pub(super) const STREAM: Fence = Fence {
    clients: 1,
    stale: true,
    budget: Budget { loads: 2, items: 2, calls: 3, handovers: 1, ..Fence::BARE.budget },
    ..Fence::BARE
};

/// The same, with one process that owns twice.
pub(super) const REJOIN: Fence =
    Fence { processes: 1, budget: Budget { rejoins: 1, ..STREAM.budget }, ..STREAM };

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Fence>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Fence>> {
    vec![
        Configuration::quick("writes", WRITES, (0, 0, 0)),
        Configuration::quick("gate-off", GATE_OFF, (0, 0, 0)),
        Configuration::quick(
            "gate-off-crash",
            with(GATE_OFF, |budget| {
                budget.crashes = 1;
                budget.sweeps = 1;
            }),
            (0, 0, 0),
        ),
        Configuration::quick(
            "fence-off",
            Fence {
                fence_off: true,
                ..with(HANDOVER, |budget| {
                    budget.suspends = 1;
                    budget.renewals = 1;
                })
            },
            (0, 0, 0),
        ),
        Configuration::quick(
            "io-error",
            Fence { busy: true, ..with(ERRORS, |budget| budget.failures = 2) },
            (0, 0, 0),
        ),
        Configuration::quick("pause", with(WRITES, |budget| budget.pauses = 1), (0, 0, 0)),
        Configuration::quick("power", with(WRITES, |budget| budget.power = 1), (0, 0, 0)),
        Configuration::quick("files-removed", with(GATE_OFF, |budget| budget.removals = 1), (0, 0, 0)),
        Configuration::quick("handover", HANDOVER, (0, 0, 0)),
        Configuration::quick(
            "handover-stuck",
            with(HANDOVER, |budget| {
                budget.stuck = 1;
                budget.crashes = 1;
                budget.renewals = 1;
            }),
            (0, 0, 0),
        ),
        Configuration::quick("stream", STREAM, (0, 0, 0)),
        Configuration::quick(
            "stream-pause",
            with(STREAM, |budget| {
                budget.pauses = 1;
                budget.crashes = 1;
            }),
            (0, 0, 0),
        ),
        Configuration::quick("stream-removed", with(STREAM, |budget| budget.removals = 1), (0, 0, 0)),
        Configuration::quick("rejoin", REJOIN, (0, 0, 0)),
    ]
}

fn deep() -> Vec<Configuration<Fence>> {
    vec![]
}

/// The same with more to do, or more faults.
pub(super) fn with(fence: Fence, change: impl FnOnce(&mut Budget)) -> Fence {
    let mut budget = fence.budget;
    change(&mut budget);
    Fence { budget, ..fence }
}
