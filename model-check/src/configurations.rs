//! What `check` runs: each configuration with what it has to yield.

use crate::lease::Lease;

/// A configuration and its counts. They are pinned because they are the cheapest proof that a model lost nothing:
/// a guard that is stricter than it was, or a fault that no longer happens, changes them.
pub(crate) struct Configuration {
    /// What it is for, in a word.
    pub(crate) name: &'static str,
    /// The model.
    pub(crate) lease: Lease,
    /// Distinct states and states generated; `None` where only the deep profile goes.
    pub(crate) counts: Option<(usize, usize)>,
}

impl Configuration {
    /// Its name with its bounds, as in `crash-n2-ttl2-h3`.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.name, self.lease.bounds())
    }
}

/// Which configurations to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Under a minute on two cores.
    Quick,
    /// As far as some minutes and a few GiB go.
    Deep,
}

/// The configurations of a profile; the deep one has the quick ones too.
pub(crate) fn of(profile: Profile) -> Vec<Configuration> {
    let mut all = quick();
    if profile == Profile::Deep {
        all.extend(deep());
    }
    all
}

fn quick() -> Vec<Configuration> {
    let small = Lease::SMALL;
    let one = |name, lease, counts| Configuration { name, lease, counts: Some(counts) };
    vec![
        one("pause", Lease { crashes: 0, restarts: 0, ..small.clone() }, (0, 0)),
        one("crash", small.clone(), (0, 0)),
        one("margin", Lease { ttl: 4, horizon: 4, restarts: 0, ..small.clone() }, (0, 0)),
        one("io-error", Lease { failures: 1, horizon: 2, restarts: 0, ..small.clone() }, (0, 0)),
        one("busy-latch", Lease { busy: true, horizon: 2, restarts: 0, ..small.clone() }, (0, 0)),
        one("kill", Lease { kill: true, restarts: 0, ..small.clone() }, (0, 0)),
        one("lock-file", Lease { replacements: 1, horizon: 2, crashes: 0, ..small.clone() }, (0, 0)),
        one("prompt", Lease { prompt: true, horizon: 8, ..small }, (0, 0)),
    ]
}

fn deep() -> Vec<Configuration> {
    let small = Lease::SMALL;
    let one = |name, lease| Configuration { name, lease, counts: None };
    vec![
        one("long", Lease { horizon: 4, ..small.clone() }),
        one("three", Lease { processes: 3, horizon: 2, ..small.clone() }),
        one("three-prompt", Lease { processes: 3, prompt: true, horizon: 6, ..small.clone() }),
        one("io-errors", Lease { failures: 2, horizon: 3, restarts: 0, ..small.clone() }),
        one("lock-file-long", Lease { replacements: 1, horizon: 4, ..small }),
    ]
}
