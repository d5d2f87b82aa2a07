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
        Configuration::quick("writes", WRITES, (133_574, 375_639, 55)),
        Configuration::quick("gate-off", GATE_OFF, (180_162, 513_530, 55)),
        Configuration::quick(
            "gate-off-crash",
            with(GATE_OFF, |budget| {
                budget.crashes = 1;
                budget.sweeps = 1;
            }),
            (362_426, 1_258_365, 55),
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
            (1_140_148, 2_995_566, 59),
        ),
        Configuration::quick(
            "io-error",
            Fence { busy: true, ..with(ERRORS, |budget| budget.failures = 2) },
            (2_656_570, 8_945_169, 56),
        ),
        Configuration::quick("pause", with(WRITES, |budget| budget.pauses = 1), (551_638, 1_714_298, 57)),
        Configuration::quick("power", with(WRITES, |budget| budget.power = 1), (134_403, 509_832, 55)),
        Configuration::quick(
            "files-removed",
            with(GATE_OFF, |budget| budget.removals = 1),
            (5_040_266, 16_585_793, 55),
        ),
        Configuration::quick("handover", HANDOVER, (129_812, 312_175, 56)),
        Configuration::quick(
            "handover-error",
            with(HANDOVER, |budget| budget.failures = 1),
            (531_456, 1_403_259, 57),
        ),
        Configuration::quick(
            "handover-stuck",
            with(HANDOVER, |budget| {
                budget.stuck = 1;
                budget.crashes = 1;
                budget.renewals = 1;
            }),
            (2_302_670, 7_483_634, 59),
        ),
        Configuration::quick("stream", STREAM, (700_955, 2_588_734, 53)),
        Configuration::quick(
            "stream-gate-off",
            Fence { gate_off: true, ..STREAM },
            (1_199_674, 4_953_642, 53),
        ),
        Configuration::quick("rejoin", REJOIN, (316_415, 874_237, 54)),
    ]
}

fn deep() -> Vec<Configuration<Fence>> {
    vec![
        Configuration::deep(
            "stream-pause",
            with(STREAM, |budget| {
                budget.pauses = 1;
                budget.crashes = 1;
            }),
            (12_244_951, 47_906_098, 55),
        ),
        Configuration::deep(
            "stream-removed",
            with(STREAM, |budget| budget.removals = 1),
            (12_539_125, 56_727_335, 53),
        ),
        Configuration::deep(
            "two-clients",
            Fence {
                clients: 2,
                ..with(STREAM, |budget| {
                    budget.calls = 4;
                })
            },
            (24_358_430, 130_107_347, 58),
        ),
        Configuration::deep(
            "file-faults",
            Fence {
                busy: true,
                ..with(WRITES, |budget| {
                    budget.sweeps = 1;
                    budget.crashes = 1;
                    budget.pauses = 1;
                    budget.failures = 1;
                    budget.power = 1;
                })
            },
            (8_446_608, 44_617_264, 58),
        ),
    ]
}

/// The same with more to do, or more faults.
pub(super) fn with(fence: Fence, change: impl FnOnce(&mut Budget)) -> Fence {
    let mut budget = fence.budget;
    change(&mut budget);
    Fence { budget, ..fence }
}
