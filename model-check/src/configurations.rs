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

    /// Whether it goes by this name, with or without its bounds.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id() == name
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
        one("pause", Lease { crashes: 0, restarts: 0, ..small.clone() }, (234_720, 706_621)),
        one("crash", small.clone(), (2_160_020, 7_953_671)),
        one("margin", Lease { ttl: 4, horizon: 4, restarts: 0, ..small.clone() }, (219_286, 923_339)),
        one("io-error", Lease { failures: 1, horizon: 2, restarts: 0, ..small.clone() }, (207_197, 916_954)),
        one("busy-latch", Lease { busy: true, horizon: 2, restarts: 0, ..small.clone() }, (104_644, 472_655)),
        one("kill", Lease { kill: true, restarts: 0, ..small.clone() }, (265_990, 1_242_294)),
        one(
            "lock-file",
            Lease { replacements: 1, horizon: 2, crashes: 0, ..small.clone() },
            (629_702, 1_791_263),
        ),
        one("prompt", Lease { prompt: true, horizon: 8, ..small }, (545_644, 1_646_565)),
    ]
}

fn deep() -> Vec<Configuration> {
    let small = Lease::SMALL;
    let one = |name, lease| Configuration { name, lease, counts: None };
    vec![
        one("long", Lease { horizon: 4, ..small.clone() }),
        one("three", Lease { processes: 3, horizon: 2, restarts: 0, ..small.clone() }),
        one("three-prompt", Lease { processes: 3, prompt: true, horizon: 4, ..small.clone() }),
        one("io-errors", Lease { failures: 2, horizon: 2, ..small.clone() }),
        one("lock-file-crash", Lease { replacements: 1, ..small.clone() }),
        one("lock-file-expiry", Lease { replacements: 1, horizon: 4, restarts: 0, ..small }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhaustive::Exhaustive;

    #[test]
    fn the_smallest_configuration_is_complete_and_has_its_counts() {
        let smallest = Lease { crashes: 0, restarts: 0, horizon: 2, ..Lease::SMALL };
        let found = Exhaustive::search(smallest, 2).unwrap();
        assert!(found.holds());
        assert_eq!((found.unique, found.generated), (36_692, 94_855));
    }

    #[test]
    fn every_quick_configuration_has_pinned_counts_and_its_own_name() {
        let mut names: Vec<String> = of(Profile::Deep).iter().map(Configuration::id).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), of(Profile::Deep).len());
        assert!(of(Profile::Quick).iter().all(|configuration| configuration.counts.is_some()));
    }
}
