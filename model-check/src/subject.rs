//! A [`Study`] without its types, so that every command can go through all of them.

use std::marker::PhantomData;
use std::net::SocketAddr;

use crate::configuration::{Configuration, Counts, Profile};
use crate::schedule::{Malformed, Schedule, Setting};
use crate::search::exhaustive::{Exhaustive, Incomplete, Options, Progress};
use crate::search::shortest::{Shortest, shortest};
use crate::story::{self, Tale};
use crate::study::{Expected, Kind, Mutated, Study};

/// A model and everything that can be done with it.
pub trait Subject: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What it is a model of.
    fn about(&self) -> &'static str;
    /// Its configurations.
    fn setups(&self) -> Vec<Setup>;
    /// Everything that is claimed in any of its configurations.
    fn claims(&self) -> Vec<Claim>;
    /// Its mutants.
    fn mutants(&self) -> Vec<Mutant>;
    /// The marks that a profile's searches have to leave.
    fn marks(&self) -> &'static [&'static str];
    /// Searches a configuration to the end.
    ///
    /// # Errors
    /// [`Incomplete`] if it did not come to the end.
    fn search(
        &self,
        setup: &Setup,
        options: Options,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<Exhaustive, Incomplete>;
    /// The shortest path of a configuration to a state in which the promise falls.
    fn counterexample(&self, setup: &Setup, says: &str) -> Option<Tale>;
    /// What becomes of a mutant.
    fn fate(&self, mutant: &Mutant) -> Fate;
    /// Plays a schedule on the model.
    ///
    /// # Errors
    /// [`Malformed`] if it names a step that is not possible there.
    fn replay(&self, schedule: &Schedule) -> Result<Tale, Malformed>;
    /// Serves stateright's explorer, for ever.
    fn explore(&self, setup: &Setup, address: SocketAddr);
}

/// A configuration, as the commands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The model's name.
    pub model: &'static str,
    /// Its name with its bounds.
    pub id: String,
    /// When it is checked.
    pub profile: Profile,
    /// The bounds in words.
    pub bounds: String,
    /// The faults in play.
    pub faults: Vec<&'static str>,
    /// Whether it is searched up to names.
    pub symmetric: bool,
    /// What a complete search yields.
    pub pinned: Counts,
}

/// A promise, as the commands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The rule.
    pub id: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Always or sometimes.
    pub kind: Kind,
}

/// A mutant, as the commands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The model's name.
    pub model: &'static str,
    /// Its name.
    pub id: &'static str,
    /// What was changed.
    pub change: &'static str,
    /// Its bounds and faults.
    pub setting: String,
    /// What has to become of it.
    pub expected: Expected,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The promise that it has to break fell, on this path.
    Killed(Tale),
    /// A complete search found nothing.
    Survived {
        /// How many states it has.
        states: usize,
    },
    /// The search did not come to an end.
    Unknown(String),
}

/// The study of these types.
pub struct Of<S>(PhantomData<fn() -> S>);

impl<S: Study> Of<S> {
    /// The study of these types.
    pub const fn study() -> Self {
        Of(PhantomData)
    }

    fn configuration(&self, id: &str) -> Option<Configuration<S>> {
        S::configurations().into_iter().find(|configuration| configuration.id() == id)
    }

    fn mutated(&self, id: &str) -> Option<Mutated<S>> {
        S::mutants().into_iter().find(|mutant| mutant.id == id)
    }
}

impl<S: Study> Subject for Of<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn about(&self) -> &'static str {
        S::ABOUT
    }

    fn setups(&self) -> Vec<Setup> {
        let setup = |configuration: Configuration<S>| Setup {
            model: S::NAME,
            id: configuration.id(),
            profile: configuration.profile,
            bounds: configuration.model.bounds_in_words(),
            faults: configuration.model.faults(),
            symmetric: configuration.symmetric,
            pinned: configuration.pinned,
        };
        S::configurations().into_iter().map(setup).collect()
    }

    fn claims(&self) -> Vec<Claim> {
        let models = S::configurations().into_iter().map(|configuration| configuration.model);
        let mut claims: Vec<Claim> = Vec::new();
        for promise in models.flat_map(|model| model.promises()) {
            if !claims.iter().any(|claim| claim.says == promise.says) {
                let (id, says, source, kind) = (promise.id, promise.says, promise.source, promise.kind);
                claims.push(Claim { id, says, source, kind });
            }
        }
        claims
    }

    fn mutants(&self) -> Vec<Mutant> {
        let mutant = |mutant: Mutated<S>| Mutant {
            model: S::NAME,
            id: mutant.id,
            change: mutant.change,
            setting: format!("{}; {}", mutant.model.bounds(), mutant.model.faults().join(", ")),
            expected: mutant.expected,
        };
        S::mutants().into_iter().map(mutant).collect()
    }

    fn marks(&self) -> &'static [&'static str] {
        S::marks()
    }

    fn search(
        &self,
        setup: &Setup,
        options: Options,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<Exhaustive, Incomplete> {
        let Some(configuration) = self.configuration(&setup.id) else {
            return Err(Incomplete::Panicked(format!("no configuration {}", setup.id)));
        };
        Exhaustive::search(&configuration.model, options, watch)
    }

    fn counterexample(&self, setup: &Setup, says: &str) -> Option<Tale> {
        let model = self.configuration(&setup.id)?.model;
        let promise = model.promises().into_iter().find(|promise| promise.says == says)?;
        let path = shortest(&model, |state| !(promise.holds)(&model, state)).path()?;
        Some(story::tell(&model, &path, Some(promise.says)))
    }

    fn fate(&self, mutant: &Mutant) -> Fate {
        let Some(Mutated { model, expected, .. }) = self.mutated(mutant.id) else {
            return Fate::Unknown(format!("no mutant {}", mutant.id));
        };
        let promises: Vec<_> = model
            .promises()
            .into_iter()
            .filter(|promise| match expected {
                Expected::Killed { by, .. } => promise.says == by,
                // To be equivalent, nothing may fall.
                Expected::Equivalent { .. } => promise.kind == Kind::Always,
            })
            .collect();
        if promises.is_empty() {
            return Fate::Unknown("it has no such promise".to_string());
        }
        let fallen = |state: &S::State| promises.iter().find(|promise| !(promise.holds)(&model, state));
        match shortest(&model, |state| fallen(state).is_some()) {
            Shortest::Found(path) => {
                let broken = fallen(&path.end).map(|promise| promise.says);
                Fate::Killed(story::tell(&model, &path, broken))
            }
            Shortest::None { states } => Fate::Survived { states },
            Shortest::TooMany => Fate::Unknown("too many states".to_string()),
        }
    }

    fn replay(&self, schedule: &Schedule) -> Result<Tale, Malformed> {
        let model = match &schedule.setting {
            Setting::Configuration(id) => self.configuration(id).map(|configuration| configuration.model),
            Setting::Mutant(id) => self.mutated(id).map(|mutant| mutant.model),
        };
        let Some(model) = model else {
            return Err(Malformed::Setting { model: S::NAME, setting: schedule.setting.clone() });
        };
        let path = schedule.play(&model)?;
        let fallen = model
            .promises()
            .into_iter()
            .find(|promise| promise.kind == Kind::Always && !(promise.holds)(&model, &path.end));
        Ok(story::tell(&model, &path, fallen.map(|promise| promise.says)))
    }

    fn explore(&self, setup: &Setup, address: SocketAddr) {
        if let Some(configuration) = self.configuration(&setup.id) {
            configuration.model.checker().serve(address);
        }
    }
}
