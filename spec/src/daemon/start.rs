//! Starting: one attempt to have a daemon that serves, by a new child or by one that is there.
//!
//! ```text
//! Lock --taken--> Look --free--> Spawn -> Line --ready----------------------------> Drop -> Started
//!   \--busy--------^ |held          ^      | |late                                   ^
//!                    v              |held  | +-> GiveUp --ready----------------------|
//!                   Read -> Ask     |      |       +-> Kill -> Reap ---+             |
//!                    ^   |   +--ready------|---------------------------|-------------+-> Attached
//!                    |   v          |      v error, closed             v             |
//!                   Look <- Wait <--+---- Reap ---------------------> Log -----------+-> Failed
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. Implements D3 (one start at a time; who
//! comes second attaches), D4 (every wait has a bound, every failure a reason) and D5 (a start that has given up
//! leaves no child). It cleans up nothing (D6) and ends nobody but its own child.

use core::time::Duration;

use super::effect::{Answer, Content, Effect, Line, LockSeen, RunSeen, Seen};
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Observed};

/// How long a start may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The end of all waiting, except for the end of a child that was killed.
    pub until: BootTime,
    /// How long a child may be silent.
    pub silence: Duration,
}

/// How a start ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<L, W> {
    /// The child serves, as this life.
    Started(L),
    /// This life served already, or was started by somebody else.
    Attached(L),
    /// There is no daemon that is known to serve, and no child of this start.
    Failed(Why<W>),
    /// The driver broke the contract.
    Breach(Breach),
}

/// Why there is no daemon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why<W> {
    /// Another start had the start lock for the whole of the bound, and no daemon lives.
    Busy,
    /// A process has the run lock, and did not come to serve within the bound.
    NotServing,
    /// An effect failed.
    Failed(W),
    /// The child was started and does not serve.
    Child {
        /// What it said or did.
        fault: Fault<W>,
        /// How it ended; `None` if it had not ended within the bound although it was killed.
        exit: Option<W>,
        /// The last lines of its log.
        log: Option<W>,
    },
}

/// What was wrong with a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault<W> {
    /// It said why it won't serve.
    Said(W),
    /// It ended, or closed its channel, without a word.
    Died,
    /// It said nothing for longer than the bound.
    Silent,
}

/// A start, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Start<L, W> {
    bounds: Bounds,
    /// Until when the present wait lasts.
    until: BootTime,
    /// Whether the start lock is in hand: without it nothing is spawned.
    locked: bool,
    state: State<L, W>,
}

/// What the start awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State<L, W> {
    Lock,
    Look,
    Read,
    Ask {
        who: L,
    },
    Wait,
    Spawn,
    Line,
    GiveUp,
    /// `fault`: why the child is of no use; `None` where another process has the run lock.
    Kill {
        fault: Option<Fault<W>>,
    },
    Reap {
        fault: Option<Fault<W>>,
        killed: bool,
    },
    Log {
        fault: Fault<W>,
        exit: Option<W>,
    },
    Drop {
        outcome: Outcome<L, W>,
    },
}

impl<L: Clone + PartialEq, W: Clone> Start<L, W> {
    /// Begins a start.
    pub fn begin(bounds: Bounds) -> Step<Self> {
        let start = Start { bounds, until: bounds.until, locked: false, state: State::Lock };
        Step::Do(start.pending(), start)
    }

    /// The effect that is to be performed next.
    pub fn pending(&self) -> Effect<L> {
        let until = self.until;
        match &self.state {
            State::Lock => Effect::TakeStart { until },
            State::Look => Effect::LookRun,
            State::Read => Effect::ReadMetadata,
            State::Ask { who } => Effect::Ask(who.clone()),
            State::Wait => Effect::AwaitChange { until },
            State::Spawn => Effect::Spawn,
            State::Line => Effect::AwaitLine { until },
            State::GiveUp => Effect::GiveUp,
            State::Kill { .. } => Effect::KillChild,
            State::Reap { .. } => Effect::Reap { until },
            State::Log { .. } => Effect::ReadLog,
            State::Drop { .. } => Effect::DropStart,
        }
    }

    fn to(mut self, state: State<L, W>) -> Step<Self> {
        self.state = state;
        Step::Do(self.pending(), self)
    }

    fn end(self, outcome: Outcome<L, W>) -> Step<Self> {
        self.to(State::Drop { outcome })
    }

    fn fail(self, why: Why<W>) -> Step<Self> {
        self.end(Outcome::Failed(why))
    }

    /// D4: silence is bounded from the last line on, and all lines together by the bound of the start.
    fn listen(mut self, at: BootTime) -> Step<Self> {
        self.until = at.after(self.bounds.silence).min(self.bounds.until);
        self.to(State::Line)
    }

    fn wait(mut self) -> Step<Self> {
        self.until = self.bounds.until;
        self.to(State::Wait)
    }

    fn reap(mut self, fault: Option<Fault<W>>, killed: bool, at: BootTime) -> Step<Self> {
        self.until = at.after(REAP_WAIT);
        self.to(State::Reap { fault, killed })
    }

    fn heard(self, line: Line<L, W>, at: BootTime) -> Step<Self> {
        match line {
            Line::Progress => self.listen(at),
            Line::Ready(who) => self.end(Outcome::Started(who)),
            // D3: the child lost against a daemon that was not started here; that one will do.
            Line::Held => self.reap(None, false, at),
            Line::Error(words) => self.reap(Some(Fault::Said(words)), false, at),
            Line::Closed => self.reap(Some(Fault::Died), false, at),
        }
    }

    /// D5: from here on the child can't become ready; it is ended if it had not been before.
    fn given_up(self, line: Line<L, W>, at: BootTime) -> Step<Self> {
        match line {
            Line::Ready(who) => self.end(Outcome::Started(who)),
            // What was said before may be more than a line, and the last one counts.
            Line::Progress => self.to(State::GiveUp),
            Line::Closed => self.to(State::Kill { fault: Some(Fault::Silent) }),
            Line::Held | Line::Error(_) => self.heard(line, at),
        }
    }

    fn reaped(self, fault: Option<Fault<W>>, exit: Option<W>) -> Step<Self> {
        match fault {
            Some(fault) => self.to(State::Log { fault, exit }),
            None => self.wait(),
        }
    }
}

impl<L: Clone + PartialEq, W: Clone> Machine for Start<L, W> {
    type Effect = Effect<L>;
    type Observed = Observed<Seen<L, W>>;
    type Outcome = Outcome<L, W>;

    fn step(mut self, observed: Self::Observed) -> Step<Self> {
        let at = observed.at;
        let state = core::mem::replace(&mut self.state, State::Lock);
        match (state, observed.what) {
            (State::Lock, Seen::Lock(lock)) => {
                // D3: whoever has the start lock for so long, a daemon that serves is one to attach to.
                self.locked = lock == LockSeen::Taken;
                self.to(State::Look)
            }
            (State::Look, Seen::Run(RunSeen::Free)) if self.locked => self.to(State::Spawn),
            (State::Look, Seen::Run(RunSeen::Free)) => self.fail(Why::Busy),
            (State::Look, Seen::Run(RunSeen::Held)) => self.to(State::Read),

            (State::Read, Seen::Metadata(Content::Says(said))) => self.to(State::Ask { who: said.who }),
            // D9: who has the run lock will say who it is.
            (State::Read, Seen::Metadata(Content::Absent | Content::Unreadable)) => self.wait(),
            (State::Ask { who }, Seen::Answer(answer)) => match answer {
                Answer::Ready(other) if other == who => self.end(Outcome::Attached(who)),
                // Another life answers where an old one was: its own metadata comes.
                Answer::Ready(_) | Answer::NotReady(_) | Answer::Nobody => self.wait(),
            },
            (State::Wait, Seen::Woke) => self.to(State::Look),
            (State::Wait, Seen::Late) => self.fail(Why::NotServing),

            (State::Spawn, Seen::Done) => self.listen(at),
            (State::Line, Seen::Line(line)) => self.heard(line, at),
            (State::Line, Seen::Late) => self.to(State::GiveUp),
            (State::GiveUp, Seen::Line(line)) => self.given_up(line, at),
            // D5: a child that can't be heard is as good as silent.
            (State::Line, Seen::Failed(_)) => self.to(State::GiveUp),
            (State::GiveUp, Seen::Failed(_)) => self.to(State::Kill { fault: Some(Fault::Silent) }),
            (State::Kill { fault }, Seen::Done | Seen::Failed(_)) => self.reap(fault, true, at),
            (State::Reap { fault, .. }, Seen::Exit(exit)) => self.reaped(fault, Some(exit)),
            (State::Reap { fault, killed: false }, Seen::Late) => self.to(State::Kill { fault }),
            (State::Reap { fault, .. }, Seen::Late | Seen::Failed(_)) => self.reaped(fault, None),
            (State::Log { fault, exit }, Seen::Log(log)) => self.fail(Why::Child { fault, exit, log }),
            (State::Log { fault, exit }, Seen::Failed(_)) => self.fail(Why::Child { fault, exit, log: None }),

            // D13: a failure is a reason, and never an answer.
            (State::Lock, Seen::Failed(words))
            | (State::Look, Seen::Failed(words))
            | (State::Read, Seen::Failed(words))
            | (State::Spawn, Seen::Failed(words)) => self.fail(Why::Failed(words)),

            // Dropping a lock ends with the descriptor closed, whatever the system says about it.
            (State::Drop { outcome }, Seen::Done | Seen::Failed(_)) => Step::Done(outcome),

            (state, _) => {
                self.state = state;
                Step::Done(Outcome::Breach(Breach { expected: self.pending().name() }))
            }
        }
    }
}

/// How long a child that has said its last word, or was killed, is waited for: 2 s. The kernel ends a killed
/// process in milliseconds unless it hangs in an uninterruptible call, and then no wait helps.
const REAP_WAIT: Duration = Duration::from_secs(2);
