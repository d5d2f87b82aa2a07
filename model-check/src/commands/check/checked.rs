//! A configuration with what its searches came to.

use super::super::Outcome;
use super::super::account::Counterexample;
use super::super::progress::Board;
use super::super::table::{duration, thousands};
use crate::registry;
use crate::schedule::{Schedule, Setting};
use crate::search::Memory;
use crate::search::exhaustive::{Exhaustive, Incomplete, Options};
use crate::story::Tale;
use crate::subject::Setup;

/// One search of one configuration, to be made.
pub(super) struct Run {
    /// Which of the configurations.
    pub(super) index: usize,
    pub(super) setup: Setup,
    pub(super) salt: u64,
}

/// A search that was made.
pub(super) struct Searched {
    pub(super) salt: u64,
    pub(super) found: Result<Exhaustive, Incomplete>,
    /// The shortest path to the promise that fell, if one was found.
    tale: Option<Tale>,
}

/// A configuration with its searches.
pub(super) struct Checked {
    pub(super) setup: Setup,
    /// In the order of their salts.
    pub(super) searches: Vec<Searched>,
}

impl Run {
    pub(super) fn search(&self, memory: Memory, board: &Board) -> Searched {
        let Run { setup, salt, .. } = self;
        let name = if *salt == 0 { setup.id.clone() } else { format!("{} salt {salt}", setup.id) };
        let line = board.begin(name, setup.pinned.unique);
        let options = Options { salt: *salt, symmetric: setup.symmetric, memory };
        let model = registry::model(setup.model);
        let found = match &model {
            Some(model) => model.search(setup, options, &mut |progress| line.show(&progress)),
            None => Err(Incomplete::Panicked(format!("no model {}", setup.model))),
        };
        let tale = match (&found, &model) {
            // With another salt it is the same.
            (Err(Incomplete::Fell(says)), Some(model)) if *salt == 0 => model.counterexample(setup, says),
            _ => None,
        };
        let (result, states) = match &found {
            Err(reason) => (reason.to_string(), 0),
            Ok(found) => {
                let counts = found.counts;
                let took = duration(found.took.as_secs_f64());
                (format!("{} states in {took}", thousands(counts.unique)), counts.unique)
            }
        };
        line.end(&result, states);
        Searched { salt: *salt, found, tale }
    }
}

impl Checked {
    pub(super) fn of(setup: Setup) -> Self {
        Checked { setup, searches: Vec::new() }
    }

    /// What the first search found, if it was complete.
    pub(super) fn found(&self) -> Option<&Exhaustive> {
        self.searches.first()?.found.as_ref().ok()
    }

    /// Why the first search that was not complete was not.
    pub(super) fn incomplete(&self) -> Option<&Incomplete> {
        self.searches.iter().find_map(|searched| searched.found.as_ref().err())
    }

    /// Whether every search was complete and counted the same.
    pub(super) fn salts_agree(&self) -> bool {
        let counts =
            self.searches.iter().map(|searched| searched.found.as_ref().ok().map(|found| found.counts));
        let counts: Vec<_> = counts.collect();
        counts.iter().all(|each| each.is_some() && Some(each) == counts.first())
    }

    pub(super) fn outcome(&self) -> Outcome {
        match (self.incomplete(), self.found()) {
            (Some(Incomplete::Fell(_)), _) => Outcome::Fell,
            (Some(_), _) | (None, None) => Outcome::Incomplete,
            (None, Some(found)) => {
                let as_pinned = found.counts == self.setup.pinned;
                if found.holds() && as_pinned && self.salts_agree() {
                    Outcome::AsExpected
                } else {
                    Outcome::Fell
                }
            }
        }
    }

    /// The path on which a promise fell, and the promise.
    pub(super) fn counterexample(&self) -> Option<Counterexample<'_>> {
        let tale = self.searches.iter().find_map(|searched| searched.tale.as_ref())?;
        let setting = Setting::Configuration(self.setup.id.clone());
        Some(Counterexample {
            title: format!("{}: {}", self.setup.model, self.setup.id),
            about: format!("The shortest way to break {}", tale.broken.as_deref().unwrap_or_default()),
            bounds: format!("{}; {}", self.setup.bounds, self.setup.faults.join(", ")),
            model: self.setup.model,
            schedule: Some(Schedule::of(self.setup.model, setting, tale)),
            tale,
        })
    }
}

#[cfg(test)]
impl Checked {
    /// One in which this promise fell on this path.
    pub(super) fn fallen(setup: Setup, says: &'static str, tale: Tale) -> Self {
        let found = Err(Incomplete::Fell(says));
        Checked { setup, searches: vec![Searched { salt: 0, found, tale: Some(tale) }] }
    }

    /// One whose searches found these counts, each with its salt.
    pub(super) fn with(setup: Setup, counts: &[Option<crate::configuration::Counts>]) -> Self {
        let searched = |(salt, counts): (usize, &Option<crate::configuration::Counts>)| Searched {
            salt: salt as u64,
            found: match counts {
                Some(counts) => Ok(Exhaustive {
                    counts: *counts,
                    took: std::time::Duration::from_secs(2),
                    verdicts: Vec::new(),
                }),
                None => Err(Incomplete::Memory(Memory::gib(1))),
            },
            tale: None,
        };
        Checked { setup, searches: counts.iter().enumerate().map(searched).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Counts;

    fn outcome(counts: &[Option<Counts>]) -> Outcome {
        let setup = registry::model("lease").unwrap().setups().remove(0);
        Checked::with(setup, counts).outcome()
    }

    #[test]
    fn counts_that_differ_from_the_pinned_or_between_salts_are_found() {
        let pinned = registry::model("lease").unwrap().setups().remove(0).pinned;
        let other = Counts { unique: pinned.unique + 1, ..pinned };
        assert_eq!(outcome(&[Some(pinned), Some(pinned)]), Outcome::AsExpected);
        assert_eq!(outcome(&[Some(other)]), Outcome::Fell);
        assert_eq!(outcome(&[Some(pinned), Some(other)]), Outcome::Fell);
    }

    #[test]
    fn no_search_and_half_a_search_are_no_result() {
        let pinned = registry::model("lease").unwrap().setups().remove(0).pinned;
        assert_eq!(outcome(&[]), Outcome::Incomplete);
        assert_eq!(outcome(&[Some(pinned), None]), Outcome::Incomplete);
    }
}
