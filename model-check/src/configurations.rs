//! What `check` runs: each configuration with what it has to yield.

use crate::lease::Lease;

/// A configuration and its counts. They are pinned because they are the cheapest proof that a model lost nothing:
/// a guard that is stricter than it was, or a fault that no longer happens, changes them.
pub(crate) struct Configuration {
    /// What it is for, in a word.
    pub(crate) name: &'static str,
    /// The model.
    pub(crate) lease: Lease,
    /// Distinct states, and states generated.
    pub(crate) counts: (usize, usize),
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
    let calm = Lease { restarts: 0, ..small.clone() };
    vec![
        one("free", Lease { crashes: 0, restarts: 0, horizon: None, epochs: Some(2), ..small.clone() }, (0, 0)),
        one("free-crash", Lease { restarts: 0, horizon: None, epochs: Some(2), ..small.clone() }, (0, 0)),
        one("free-restart", Lease { horizon: None, epochs: Some(2), ..small.clone() }, (0, 0)),
        one("free-restart3", Lease { horizon: None, epochs: Some(3), ..small.clone() }, (0, 0)),
        one("pause", Lease { crashes: 0, ..calm.clone() }, (234_148, 705_461)),
        one("crash", small.clone(), (2_180_036, 8_025_331)),
        one("margin", Lease { ttl: 4, horizon: Some(4), ..calm.clone() }, (218_638, 921_163)),
        one("io-error", Lease { failures: 1, horizon: Some(2), ..calm.clone() }, (206_253, 913_204)),
        one("busy-latch", Lease { busy: true, horizon: Some(2), ..calm.clone() }, (104_044, 469_931)),
        one("kill", Lease { kill: true, ..calm }, (265_358, 1_239_942)),
        one(
            "lock-file",
            Lease { replacements: 1, horizon: Some(2), crashes: 0, ..small.clone() },
            (634_194, 1_812_429),
        ),
        one("prompt", Lease { prompt: true, horizon: Some(8), ..small.clone() }, (549_328, 1_651_097)),
        one(
            "stopped",
            Lease { processes: 3, crashes: 2, restarts: 0, stops: 1, prompt: true, ..small },
            (307_808, 1_150_318),
        ),
    ]
}

fn deep() -> Vec<Configuration> {
    let small = Lease::SMALL;
    let three = Lease { processes: 3, ..small.clone() };
    let replaced = Lease { replacements: 1, ..small.clone() };
    vec![
        one("long", Lease { horizon: Some(4), ..small.clone() }, (11_640_222, 46_581_897)),
        one("three", Lease { horizon: Some(2), restarts: 0, ..three.clone() }, (1_406_991, 6_644_864)),
        one("three-prompt", Lease { prompt: true, horizon: Some(4), ..three }, (4_415_832, 15_045_251)),
        one("io-errors", Lease { failures: 2, horizon: Some(2), ..small }, (4_205_788, 15_716_634)),
        one("lock-file-crash", replaced.clone(), (10_268_444, 41_092_667)),
        one("lock-file-expiry", Lease { horizon: Some(4), restarts: 0, ..replaced }, (5_908_276, 32_334_875)),
    ]
}

fn one(name: &'static str, lease: Lease, counts: (usize, usize)) -> Configuration {
    Configuration { name, lease, counts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhaustive::Exhaustive;

    #[test]
    fn the_smallest_configuration_is_complete_and_has_its_counts() {
        let smallest = Lease { crashes: 0, restarts: 0, horizon: Some(2), ..Lease::SMALL };
        let found = Exhaustive::search(smallest, 2).unwrap();
        assert!(found.holds());
        assert_eq!((found.unique, found.generated), (36_520, 94_555));
    }

    #[test]
    fn every_configuration_has_its_own_name() {
        let mut names: Vec<String> = of(Profile::Deep).iter().map(Configuration::id).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), of(Profile::Deep).len());
    }
}
