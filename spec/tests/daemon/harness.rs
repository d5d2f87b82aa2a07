//! What every test of the daemon needs: the driver loop, and lives that are one letter.

use std::time::Duration;

use modeld_spec::daemon::effect::{Content, Effect, LockSeen, Phase, RunSeen, Said, Seen};
use modeld_spec::daemon::start::{Bounds, Start};
use modeld_spec::daemon::stop::{Stop, Terms};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

/// A life, by its letter.
pub(crate) type Life = char;
/// What was said in words.
pub(crate) type Words = &'static str;
/// What a machine of the daemon observes.
pub(crate) type Sight = Seen<Life, Words>;

/// What a script led to: the names of the effects that were asked for, and the outcome if the machine has ended.
pub(crate) struct Run<M: Machine> {
    pub(crate) effects: Vec<M::Effect>,
    pub(crate) outcome: Option<M::Outcome>,
}

impl<M: Machine<Effect = Effect<Life>>> Run<M> {
    /// The names of the effects, in order; the last one is unanswered if the machine has not ended.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.effects.iter().map(Effect::name).collect()
    }

    /// The outcome of a script that is complete.
    pub(crate) fn ended(self) -> M::Outcome {
        self.outcome.expect("the machine waits for more than the script has")
    }
}

/// The driver: answers each effect with the next observation of the script.
pub(crate) fn drive<M: Machine>(step: Step<M>, script: impl IntoIterator<Item = M::Observed>) -> Run<M> {
    let mut effects = Vec::new();
    let mut script = script.into_iter();
    let mut step = step;
    loop {
        match step {
            Step::Done(outcome) => {
                assert!(script.next().is_none(), "the machine ended before its script");
                return Run { effects, outcome: Some(outcome) };
            }
            Step::Do(effect, machine) => {
                effects.push(effect);
                match script.next() {
                    Some(observed) => step = machine.step(observed),
                    None => return Run { effects, outcome: None },
                }
            }
        }
    }
}

/// `seconds` seconds after the instant at which the stories here begin.
pub(crate) fn at(seconds: u64) -> BootTime {
    BootTime::from_nanos((60 + seconds) * 1_000_000_000)
}

/// A start that may take 30 s, with a child that may be silent for 10 s, driven at second 1.
pub(crate) fn start(script: impl IntoIterator<Item = Sight>) -> Run<Start<Life, Words>> {
    let bounds = Bounds { until: at(30), silence: Duration::from_secs(10) };
    drive(Start::begin(bounds), script.into_iter().map(|what| Observed { at: at(1), what }))
}

/// A stop with a grace of 5 s a rung, driven at second 1.
pub(crate) fn stop(force: bool, script: impl IntoIterator<Item = Sight>) -> Run<Stop<Life, Words>> {
    let terms = Terms { grace: Duration::from_secs(5), until: at(10), force };
    drive(Stop::start(terms), script.into_iter().map(|what| Observed { at: at(1), what }))
}

pub(crate) fn says(who: Life, phase: Phase) -> Sight {
    Seen::Metadata(Content::Says(Said { who, phase }))
}

pub(crate) fn taken() -> Sight {
    Seen::Lock(LockSeen::Taken)
}

pub(crate) fn busy() -> Sight {
    Seen::Lock(LockSeen::Busy)
}

pub(crate) fn held() -> Sight {
    Seen::Run(RunSeen::Held)
}

pub(crate) fn free() -> Sight {
    Seen::Run(RunSeen::Free)
}

pub(crate) fn failed() -> Sight {
    Seen::Failed("input/output error")
}
