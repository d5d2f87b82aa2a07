//! A model with its bounds, and what a complete search of it has to yield.

use crate::study::Study;

/// A configuration and its counts. They are pinned because they are the cheapest proof that a model lost nothing:
/// a guard that is stricter than it was, or a fault that no longer happens, changes them.
pub struct Configuration<S> {
    /// What it is for, in a word.
    pub name: &'static str,
    /// When it is checked.
    pub profile: Profile,
    /// The model.
    pub model: S,
    /// Whether states that differ in names only are searched once.
    pub symmetric: bool,
    /// What a complete search yields.
    pub pinned: Counts,
}

/// The counts of a complete search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Distinct states.
    pub unique: usize,
    /// States generated, repeats included.
    pub generated: usize,
    /// The longest path that a search on one thread follows, depth first.
    pub depth: usize,
}

/// How far to go; the deep profile has the quick one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Profile {
    /// Under three minutes on two cores.
    Quick,
    /// About an hour on two cores, each configuration twice with different salts.
    Deep,
}

impl<S: Study> Configuration<S> {
    /// A configuration of the quick profile.
    pub fn quick(name: &'static str, model: S, pinned: (usize, usize, usize)) -> Self {
        let (unique, generated, depth) = pinned;
        let pinned = Counts { unique, generated, depth };
        Configuration { name, profile: Profile::Quick, model, symmetric: false, pinned }
    }

    /// A configuration of the deep profile.
    pub fn deep(name: &'static str, model: S, pinned: (usize, usize, usize)) -> Self {
        Configuration { profile: Profile::Deep, ..Configuration::quick(name, model, pinned) }
    }

    /// The same, searched up to the names of its participants.
    pub fn symmetric(self) -> Self {
        Configuration { symmetric: true, ..self }
    }

    /// Its name with its bounds, as in `crash-n2-ttl2-h3`.
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.model.bounds())
    }
}
