//! What searches have seen happen: each action, each guard in both directions.
//!
//! A line of a specification that no search ever executes is a line that nothing was shown about. A model leaves
//! a mark where a guard decides, which begins with the model's name (`lease: record expired, lock held`); what the
//! searches of a profile left is held against the list that the model gives
//! ([`Study::marks`](crate::study::Study::marks)), both ways.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

/// Remembers that something happened. Cheap where it has happened on this thread before.
pub fn mark(what: &'static str) {
    let new = SEEN_HERE.with_borrow_mut(|seen| seen.insert(what.as_ptr() as usize));
    if new {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
    }
}

/// Everything that happened so far, in every search of this process.
pub fn marks() -> BTreeSet<&'static str> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// How what happened differs from what has to happen.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What has to happen and did not.
    pub missing: Vec<&'static str>,
    /// What happened and is in no list.
    pub unknown: Vec<&'static str>,
}

impl Difference {
    /// Between what happened in the model of this name, whose marks begin with it, and what is listed.
    pub fn of(model: &str, listed: &[&'static str]) -> Self {
        let seen = marks();
        let own = |mark: &&'static str| mark.split(':').next() == Some(model);
        Difference {
            missing: listed.iter().copied().filter(|mark| !seen.contains(mark)).collect(),
            unknown: seen.iter().copied().filter(own).filter(|mark| !listed.contains(mark)).collect(),
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.unknown.is_empty()
    }
}

static SEEN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

thread_local! {
    /// Addresses of the marks that this thread left: a static string has one, and comparing it costs nothing.
    static SEEN_HERE: RefCell<HashSet<usize>> = RefCell::new(HashSet::new());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_seen_by_everybody_and_held_against_the_list() {
        std::thread::spawn(|| {
            mark("coverage test: left");
            mark("coverage test: left");
        })
        .join()
        .unwrap();
        assert!(Difference::of("coverage test", &["coverage test: left"]).is_none());
        let other = Difference::of("coverage test", &["coverage test: never"]);
        assert_eq!(other.missing, ["coverage test: never"]);
        assert_eq!(other.unknown, ["coverage test: left"]);
        assert!(!other.is_none());
    }
}
