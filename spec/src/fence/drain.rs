//! Draining: what quiesce waits for, and what becomes of an owner for which it waits in vain.
//!
//! ```text
//!     Closing --the word is closed--> Waiting --nothing is under way--> Drained
//!                                        |  the bound
//!                                        v
//!                                    EndProcess  (nobody comes back from it)
//! ```
//!
//! Rules F9 and F10. A release that performs `Quiesce` drives this machine: it goes on when this has ended as
//! [`Outcome::Drained`], and not otherwise, since a process that is gone releases nothing. It asks for no time: the
//! bound comes in, and every observation has its instant.

use core::time::Duration;

use super::permits::PermitWord;
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Observed, Ttl};

/// What draining asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Let no owned effect begin any more, and ask those that can be cancelled to end. Answer: the permit word.
    Close,
    /// Wait until an owned effect has ended, or until this instant. Answer: the permit word.
    Await {
        /// When waiting ends.
        until: BootTime,
    },
    /// End this process at once, and everything that it has under way with it. There is no answer.
    EndProcess,
}

/// How draining ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing owned is under way, and nothing can begin.
    Drained,
    /// The driver broke the contract; the owner must not be released by it.
    Breach(Breach),
}

/// One end of all owned effects, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Drain {
    until: BootTime,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Closing,
    Waiting,
    Ending,
}

impl Drain {
    /// Begins to end what is owned; at `until` the process ends if something is still under way.
    pub fn start(until: BootTime) -> Step<Self> {
        Step::Do(Effect::Close, Drain { until, state: State::Closing })
    }

    /// For how long an owner that is fenced is waited for: the margin between deadline and expiry (F5). What takes longer
    /// has broken its own bound.
    pub fn patience(ttl: Ttl) -> Duration {
        ttl.expiry(BootTime::ZERO).since(ttl.deadline(BootTime::ZERO))
    }

    fn to(mut self, state: State, effect: Effect) -> Step<Self> {
        self.state = state;
        Step::Do(effect, self)
    }

    fn judge(self, word: PermitWord, at: BootTime) -> Step<Self> {
        let until = self.until;
        if word.is_drained() {
            // F9: nothing is under way, and nothing can begin.
            Step::Done(Outcome::Drained)
        } else if !word.is_closed() {
            Step::Done(Outcome::Breach(Breach { expected: self.state.pending() }))
        } else if at < until {
            self.to(State::Waiting, Effect::Await { until })
        } else {
            // F10: an effect that does not end would land in an ownership that is over.
            self.to(State::Ending, Effect::EndProcess)
        }
    }
}

impl Machine for Drain {
    type Effect = Effect;
    type Observed = Observed<PermitWord>;
    type Outcome = Outcome;

    fn step(self, observed: Observed<PermitWord>) -> Step<Self> {
        match self.state {
            State::Closing | State::Waiting => self.judge(observed.what, observed.at),
            State::Ending => Step::Done(Outcome::Breach(Breach { expected: self.state.pending() })),
        }
    }
}

impl State {
    fn pending(self) -> &'static str {
        match self {
            State::Closing => "close",
            State::Waiting => "await",
            State::Ending => "end process",
        }
    }
}
