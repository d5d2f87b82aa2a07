//! A [`Study`] without its types, so that every command can go through all of them.

use std::marker::PhantomData;
use std::net::SocketAddr;

use stateright::Model;

use crate::configuration::{Configuration, Counts, Profile};
use crate::liveness::{self, Assumption, Goal, Lasting, Verdict};
use crate::schedule::{Malformed, Schedule, Setting};
use crate::search::exhaustive::{Exhaustive, Incomplete, Options, Progress};
use crate::search::shortest::{Shortest, shortest};
use crate::story::explored::Explored;
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
    /// The configurations of this profile whose goals are checked.
    fn lasting(&self, profile: Profile) -> Vec<String>;
    /// What has to come at last, in any of those.
    fn aims(&self) -> Vec<Aim>;
    /// What is assumed to be weakly fair in them.
    fn assumptions(&self) -> Vec<Assumption>;
    /// What becomes of the goals of such a configuration; `None` if it has more states than are looked at.
    fn endure(&self, id: &str) -> Option<Endurance>;
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

/// A goal, as the commands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The rule.
    pub id: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Where it comes from.
    pub source: &'static str,
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

/// What became of the goals of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endurance {
    /// Its name with its bounds.
    pub id: String,
    /// What is weakly fair in it.
    pub assumptions: Vec<Assumption>,
    /// The states that it has.
    pub states: usize,
    /// The states that it has to have.
    pub states_pinned: usize,
    /// Its goals.
    pub goals: Vec<Came>,
}

/// What became of a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// What it says.
    pub says: &'static str,
    /// A path on which it never comes.
    pub fallen: Option<Tale>,
    /// The beats of the clock that it takes at most.
    pub beats: Option<usize>,
    /// What they have to be; `None` if nothing is pinned.
    pub pinned: Option<Option<usize>>,
}

impl Endurance {
    /// Whether everything is as it should be.
    pub fn as_expected(&self) -> bool {
        let came = |goal: &Came| goal.fallen.is_none() && goal.pinned == Some(goal.beats);
        self.states == self.states_pinned && self.goals.iter().all(came)
    }
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

    fn lasting(&self, profile: Profile) -> Vec<String> {
        S::lasting().iter().filter(|lasting| lasting.profile <= profile).map(Lasting::id).collect()
    }

    fn aims(&self) -> Vec<Aim> {
        let mut aims: Vec<Aim> = Vec::new();
        for goal in S::lasting().into_iter().flat_map(|lasting| lasting.model.goals()) {
            let aim = Aim { id: goal.id, says: goal.says, source: goal.source };
            if !aims.contains(&aim) {
                aims.push(aim);
            }
        }
        aims
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut assumptions: Vec<Assumption> = Vec::new();
        for assumption in S::lasting().into_iter().flat_map(|lasting| lasting.model.assumptions()) {
            if !assumptions.contains(&assumption) {
                assumptions.push(assumption);
            }
        }
        assumptions
    }

    fn endure(&self, id: &str) -> Option<Endurance> {
        let lasting = S::lasting().into_iter().find(|lasting| lasting.id() == id)?;
        let found = liveness::check(&lasting.model, None)?;
        let came = |(goal, verdict): (Goal<S>, Verdict<S>)| {
            let pinned =
                lasting.responses.iter().find(|(says, _)| *says == goal.says).map(|(_, beats)| *beats);
            let (fallen, beats) = match verdict {
                Verdict::Lasts(lasts) => (None, lasts.beats),
                Verdict::Falls(lasso) => (Some(lasso.tell(&lasting.model, goal.says)), None),
            };
            Came { says: goal.says, fallen, beats, pinned }
        };
        Some(Endurance {
            id: lasting.id(),
            assumptions: lasting.model.assumptions(),
            states: found.states,
            states_pinned: lasting.states,
            goals: found.goals.into_iter().map(came).collect(),
        })
    }

    fn fate(&self, mutant: &Mutant) -> Fate {
        let Some(Mutated { model, expected, .. }) = self.mutated(mutant.id) else {
            return Fate::Unknown(format!("no mutant {}", mutant.id));
        };
        if let Expected::Killed { by, .. } = expected
            && model.goals().iter().any(|goal| goal.says == by)
        {
            return endured(&model, by);
        }
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
        let promises = model.promises();
        let falls =
            |kind, holds: fn(&S, &S::State) -> bool| kind == Kind::Always && !holds(&model, &path.end);
        let mut fallen: Vec<_> = promises.iter().filter(|each| falls(each.kind, each.holds)).collect();
        // Where several fall, it is the one that the schedule is about.
        fallen.sort_by_key(|promise| Some(promise.says) != schedule.breaks.as_deref());
        Ok(story::tell(&model, &path, fallen.first().map(|promise| promise.says)))
    }

    fn explore(&self, setup: &Setup, address: SocketAddr) {
        if let Some(configuration) = self.configuration(&setup.id) {
            Explored(configuration.model).checker().serve(address);
        }
    }
}

/// What becomes of a mutant that a goal has to notice.
fn endured<S: Study>(model: &S, says: &str) -> Fate {
    let Some(found) = liveness::check(model, Some(says)) else {
        return Fate::Unknown("too many states".to_string());
    };
    match found.goals.into_iter().next() {
        Some((goal, Verdict::Falls(lasso))) => Fate::Killed(lasso.tell(model, goal.says)),
        Some((_, Verdict::Lasts(_))) => Fate::Survived { states: found.states },
        None => Fate::Unknown("it has no such goal".to_string()),
    }
}
