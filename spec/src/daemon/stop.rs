//! Stopping: the end of the daemon that is there now, and of no other.
//!
//! ```text
//! Read -> Look -free-> Stopped             +-- late: the next rung -----------------------+
//!   ^      |held                           v                                              |
//!   |      +-named--> Prove -alive-> Ask, then TERM, then KILL -> AwaitEnd --ended--> Confirm -> Stopped, Replaced
//!  Wait <--+------------/ gone
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. Implements D10 (only the daemon that was meant
//! is signalled, and it is meant once it was proven), D11 (stopped means that the run lock was free) and D12 (a
//! daemon that does not end when it is asked is ended).

use core::marker::PhantomData;
use core::time::Duration;

use super::effect::{Content, Effect, ProcessSeen, RunSeen, Seen, Signal};
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Observed};

/// How a daemon is to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// How long to wait for the end after each rung.
    pub grace: Duration,
    /// Until when to wait for a daemon that has not yet said who it is.
    pub until: BootTime,
    /// Whether a daemon that does not end may be killed.
    pub force: bool,
}

/// What was done to end a daemon, in the order in which it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// It was asked to.
    Asked,
    /// It was sent TERM.
    Term,
    /// It was sent KILL.
    Kill,
}

/// How stopping ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<L, W> {
    /// The run lock was free: no daemon lived. `None`: nothing had to be done.
    Stopped(Option<(L, Rung)>),
    /// The daemon that was meant has ended, and another one has been started since: it was left alone.
    Replaced(L, Rung),
    /// A process has the run lock, and which one can't be told: nobody was signalled.
    Unproven,
    /// The daemon lives on after this rung.
    StillRunning(L, Rung),
    /// An effect failed; nothing is known about the end.
    Failed(W),
    /// The driver broke the contract.
    Breach(Breach),
}

/// A stop, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stop<L, W> {
    terms: Terms,
    /// Until when the present wait lasts.
    until: BootTime,
    state: State<L>,
    words: PhantomData<W>,
}

/// What the stop awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State<L> {
    Read,
    Look { named: Option<L> },
    Prove { who: L },
    Wait,
    Ask { who: L },
    Signal { who: L, rung: Rung },
    AwaitEnd { who: L, rung: Rung },
    Confirm { who: L, rung: Rung },
}

impl<L: Clone + PartialEq, W: Clone> Stop<L, W> {
    /// Begins to stop whatever daemon is there.
    pub fn start(terms: Terms) -> Step<Self> {
        let stop = Stop { terms, until: terms.until, state: State::Read, words: PhantomData };
        Step::Do(stop.pending(), stop)
    }

    /// The effect that is to be performed next.
    pub fn pending(&self) -> Effect<L> {
        let until = self.until;
        match &self.state {
            State::Read => Effect::ReadMetadata,
            State::Look { .. } | State::Confirm { .. } => Effect::LookRun,
            State::Prove { who } => Effect::Inspect(who.clone()),
            State::Wait => Effect::AwaitChange { until },
            State::Ask { who } => Effect::AskStop(who.clone()),
            State::Signal { who, rung: Rung::Kill } => Effect::Signal(who.clone(), Signal::Kill),
            State::Signal { who, .. } => Effect::Signal(who.clone(), Signal::Term),
            State::AwaitEnd { who, .. } => Effect::AwaitEnd { who: who.clone(), until },
        }
    }

    /// The life that is meant, once it was proven.
    pub fn meant(&self) -> Option<&L> {
        match &self.state {
            State::Read | State::Look { .. } | State::Prove { .. } | State::Wait => None,
            State::Ask { who }
            | State::Signal { who, .. }
            | State::AwaitEnd { who, .. }
            | State::Confirm { who, .. } => Some(who),
        }
    }

    fn to(mut self, state: State<L>) -> Step<Self> {
        self.state = state;
        Step::Do(self.pending(), self)
    }

    fn wait(mut self) -> Step<Self> {
        self.until = self.terms.until;
        self.to(State::Wait)
    }

    fn await_end(mut self, who: L, rung: Rung, at: BootTime) -> Step<Self> {
        self.until = at.after(self.terms.grace);
        self.to(State::AwaitEnd { who, rung })
    }

    /// D12: the rung after one that did not help.
    fn escalate(self, who: L, rung: Rung) -> Step<Self> {
        match rung {
            Rung::Asked => self.to(State::Signal { who, rung: Rung::Term }),
            Rung::Term if self.terms.force => self.to(State::Signal { who, rung: Rung::Kill }),
            Rung::Term | Rung::Kill => Step::Done(Outcome::StillRunning(who, rung)),
        }
    }
}

impl<L: Clone + PartialEq, W: Clone> Machine for Stop<L, W> {
    type Effect = Effect<L>;
    type Observed = Observed<Seen<L, W>>;
    type Outcome = Outcome<L, W>;

    fn step(mut self, observed: Self::Observed) -> Step<Self> {
        let at = observed.at;
        let state = core::mem::replace(&mut self.state, State::Read);
        match (state, observed.what) {
            (State::Read, Seen::Metadata(content)) => {
                let named = match content {
                    Content::Says(said) => Some(said.who),
                    Content::Absent | Content::Unreadable => None,
                };
                self.to(State::Look { named })
            }
            // D11: what the metadata says of a daemon that has no lock is of no interest.
            (State::Look { .. }, Seen::Run(RunSeen::Free)) => Step::Done(Outcome::Stopped(None)),
            (State::Look { named: Some(who) }, Seen::Run(RunSeen::Held)) => self.to(State::Prove { who }),
            (State::Look { named: None }, Seen::Run(RunSeen::Held)) => self.wait(),
            (State::Prove { who }, Seen::Process(ProcessSeen::Alive)) => self.to(State::Ask { who }),
            // The lock is that of another one, which has not named itself.
            (State::Prove { .. }, Seen::Process(ProcessSeen::Gone)) => self.wait(),
            // D10: whoever can't be proven is not signalled.
            (State::Prove { .. }, Seen::Process(ProcessSeen::Unverifiable)) => Step::Done(Outcome::Unproven),
            (State::Wait, Seen::Woke) => self.to(State::Read),
            (State::Wait, Seen::Late) => Step::Done(Outcome::Unproven),

            (State::Ask { who }, Seen::Accepted(true)) => self.await_end(who, Rung::Asked, at),
            // It does not answer: it is not ready, or hangs, or has ended.
            (State::Ask { who }, Seen::Accepted(false)) => self.escalate(who, Rung::Asked),
            (State::Signal { who, rung }, Seen::Sent(true)) => self.await_end(who, rung, at),
            (State::Signal { who, rung }, Seen::Sent(false)) => self.to(State::Confirm { who, rung }),
            (State::AwaitEnd { who, rung }, Seen::Ended(true)) => self.to(State::Confirm { who, rung }),
            (State::AwaitEnd { who, rung }, Seen::Ended(false)) => self.escalate(who, rung),
            // D11: the process has ended and its lock with it; whose the lock is by now is another question.
            (State::Confirm { who, rung }, Seen::Run(RunSeen::Free)) => {
                Step::Done(Outcome::Stopped(Some((who, rung))))
            }
            (State::Confirm { who, rung }, Seen::Run(RunSeen::Held)) => {
                Step::Done(Outcome::Replaced(who, rung))
            }
            // D13: a lock that could not be looked at is not free.
            (_, Seen::Failed(words)) => Step::Done(Outcome::Failed(words)),
            (state, _) => {
                self.state = state;
                Step::Done(Outcome::Breach(Breach { expected: self.pending().name() }))
            }
        }
    }
}
