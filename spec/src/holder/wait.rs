//! Waiting until members are up, on two budgets.
//!
//! ```text
//! Look --all up--> Up        (nothing new: Pause -> Look ...)
//!   |  \--one failed--> Failed, the holder is gone--> HolderGone
//!   \--a budget is used up--> TimedOut
//! ```
//!
//! The base budget is what a load may take without a sign of life; each *observed* progress gives it anew, and only
//! that: a state that says "downloading" and does not move extends nothing. The cap is never extended. Both count
//! from the beginning of the wait (H12). A look that fails decides nothing and shows no progress.

use core::time::Duration;

use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Observed};

/// What a wait asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Ask for the state of the members. Answer: [`Seen::Members`], [`Seen::Unknown`] or [`Seen::HolderGone`].
    Look,
    /// Wait until this instant, or until the holder tells of a change. Answer: [`Seen::Woke`].
    Pause {
        /// The instant.
        until: BootTime,
    },
}

/// What a wait observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// How the members that are waited for are.
    Members(Look),
    /// It could not be learnt.
    Unknown,
    /// There is no holder: its lock is free.
    HolderGone,
    /// The instant came, or something changed.
    Woke,
}

/// How the members that are waited for are, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    /// Whether each of them serves.
    pub all_up: bool,
    /// Whether one of them failed or was stopped.
    pub one_failed: bool,
    /// How much was done: bytes and steps of all of them. It never falls while work is being done.
    pub progress: u64,
}

/// How a wait ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every member serves.
    Up,
    /// A member failed or was stopped.
    Failed,
    /// The holder is gone.
    HolderGone,
    /// A budget was used up.
    TimedOut(Budget),
    /// The driver broke the contract.
    Breach(Breach),
}

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// No progress was seen for that long.
    Base,
    /// The whole wait took that long.
    Cap,
}

/// How long a wait may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Without progress.
    pub base: Duration,
    /// At all.
    pub cap: Duration,
}

impl Budgets {
    /// Where nothing else is asked for: a load from a slow disk shows progress long before 5 min, and a download
    /// that takes longer than 30 min is better begun by `pull`.
    pub const DEFAULT: Budgets = Budgets { base: Duration::from_secs(300), cap: Duration::from_secs(1800) };
}

/// A wait, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    base: Duration,
    quiet_until: BootTime,
    cap_until: BootTime,
    /// The most that was seen.
    progress: Option<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Looking,
    Pausing,
}

impl Wait {
    /// Begins to wait at `at`. The first look is at once.
    pub fn start(budgets: Budgets, at: BootTime) -> Step<Self> {
        let wait = Wait {
            base: budgets.base,
            quiet_until: at.after(budgets.base),
            cap_until: at.after(budgets.cap),
            progress: None,
            state: State::Looking,
        };
        Step::Do(Effect::Look, wait)
    }

    fn looked(mut self, look: Option<Look>, at: BootTime) -> Step<Self> {
        match look {
            Some(Look { all_up: true, .. }) => return Step::Done(Outcome::Up),
            Some(Look { one_failed: true, .. }) => return Step::Done(Outcome::Failed),
            // H12: the first look is what progress is measured by; only more than the most extends.
            Some(look) if self.progress.is_some_and(|most| most < look.progress) => {
                self.quiet_until = at.after(self.base);
                self.progress = Some(look.progress);
            }
            Some(look) if self.progress.is_none() => self.progress = Some(look.progress),
            _ => {}
        }
        if self.cap_until <= at {
            Step::Done(Outcome::TimedOut(Budget::Cap))
        } else if self.quiet_until <= at {
            Step::Done(Outcome::TimedOut(Budget::Base))
        } else {
            self.state = State::Pausing;
            let until = at.after(LOOK_AGAIN).min(self.quiet_until).min(self.cap_until);
            Step::Do(Effect::Pause { until }, self)
        }
    }
}

impl Machine for Wait {
    type Effect = Effect;
    type Observed = Observed<Seen>;
    type Outcome = Outcome;

    fn step(mut self, observed: Observed<Seen>) -> Step<Self> {
        let at = observed.at;
        match (self.state, observed.what) {
            (State::Looking, Seen::Members(look)) => self.looked(Some(look), at),
            (State::Looking, Seen::Unknown) => self.looked(None, at),
            (State::Looking, Seen::HolderGone) => Step::Done(Outcome::HolderGone),
            (State::Pausing, Seen::Woke) => {
                self.state = State::Looking;
                Step::Do(Effect::Look, self)
            }
            (State::Looking, _) => Step::Done(Outcome::Breach(Breach { expected: "look" })),
            (State::Pausing, _) => Step::Done(Outcome::Breach(Breach { expected: "pause" })),
        }
    }
}

/// How soon to look again where nobody tells of a change: seldom enough to cost nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
