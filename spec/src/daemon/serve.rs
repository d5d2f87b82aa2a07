//! Serving: the life of a daemon, from the run lock to its end.
//!
//! ```text
//! Lock -> Name -> Clear -> Bind -> Open -> Publish -> Ready -> Announce -> Waiting <-> Look -> Restore
//!  |busy    \________________________________________/  |nobody               |stop
//!  v                       v failed, stop asked         v                     v
//! TellHeld            SayStopping -> Quiesce -> Unbind -> SayStopped -> (Tell) -> Ended
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. Implements D1 (nothing before the lock, and
//! the end of the process is what drops it), D2 (ready is said by who serves), D5 (a daemon that nobody waits for
//! any more ends), D6 (remains) and D9 (metadata that was damaged is restored). When the machine has ended, the
//! process ends.

use super::effect::{Content, Effect, LockSeen, Phase, Said, Seen};
use crate::step::{Breach, Machine, Step};

/// How a life ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<W> {
    /// It was asked to stop.
    Stopped,
    /// Another process has the run lock.
    Held,
    /// Whoever started it waits no longer.
    Unwanted,
    /// It could not serve, or not any more.
    Failed(W),
    /// The driver broke the contract.
    Breach(Breach),
}

/// A life, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Serve<L, W> {
    me: L,
    /// Whether the last word was said: ready is one, and nothing comes after it.
    is_told: bool,
    state: State<W>,
}

/// What the daemon awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State<W> {
    Lock,
    Name,
    Clear,
    Bind,
    Open,
    Publish,
    Ready,
    Announce,
    Waiting,
    Look,
    Restore,
    TellHeld,
    SayStopping { outcome: Outcome<W> },
    Quiesce { outcome: Outcome<W> },
    Unbind { outcome: Outcome<W> },
    SayStopped { outcome: Outcome<W> },
    Tell { outcome: Outcome<W> },
}

impl<L: Clone + PartialEq, W: Clone> Serve<L, W> {
    /// Begins the life `me`.
    pub fn start(me: L) -> Step<Self> {
        let serve = Serve { me, is_told: false, state: State::Lock };
        Step::Do(serve.pending(), serve)
    }

    /// The effect that is to be performed next.
    pub fn pending(&self) -> Effect<L> {
        match self.state {
            State::Lock => Effect::TakeRun,
            State::Name => self.says(Phase::Starting),
            State::Clear | State::Unbind { .. } => Effect::RemoveSocket,
            State::Bind => Effect::Bind,
            State::Open => Effect::Serve,
            State::Publish | State::Restore => self.says(Phase::Running),
            State::Ready => Effect::SayReady,
            State::Announce => Effect::Announce,
            State::Waiting => Effect::AwaitStop,
            State::Look => Effect::ReadMetadata,
            State::TellHeld => Effect::SayHeld,
            State::SayStopping { .. } => self.says(Phase::Stopping),
            State::Quiesce { .. } => Effect::Quiesce,
            State::SayStopped { .. } => self.says(Phase::Stopped),
            State::Tell { .. } => Effect::SayError,
        }
    }

    fn says(&self, phase: Phase) -> Effect<L> {
        Effect::WriteMetadata(Said { who: self.me.clone(), phase })
    }

    fn to(mut self, state: State<W>) -> Step<Self> {
        self.state = state;
        Step::Do(self.pending(), self)
    }

    /// D6: everything that it may have left behind is cleaned up under the run lock.
    fn unwind(self, outcome: Outcome<W>) -> Step<Self> {
        self.to(State::SayStopping { outcome })
    }

    fn is_mine(&self, content: &Content<L>) -> bool {
        matches!(content, Content::Says(said) if said.who == self.me && said.phase == Phase::Running)
    }
}

impl<L: Clone + PartialEq, W: Clone> Machine for Serve<L, W> {
    type Effect = Effect<L>;
    type Observed = Seen<L, W>;
    type Outcome = Outcome<W>;

    fn step(mut self, seen: Seen<L, W>) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Lock);
        match (state, seen) {
            // D1: who has not the lock touches nothing.
            (State::Lock, Seen::Lock(LockSeen::Taken)) => self.to(State::Name),
            (State::Lock, Seen::Lock(LockSeen::Busy)) => self.to(State::TellHeld),
            (State::Lock, Seen::Failed(why)) => self.to(State::Tell { outcome: Outcome::Failed(why) }),
            (State::TellHeld, Seen::Heard(_)) => Step::Done(Outcome::Held),

            // D6: under the run lock whatever is there was left by a process that has ended.
            (State::Name, Seen::Done) => self.to(State::Clear),
            (State::Clear, Seen::Done) => self.to(State::Bind),
            (State::Bind, Seen::Done) => self.to(State::Open),
            (State::Open, Seen::Done) => self.to(State::Publish),
            (State::Open, Seen::StopAsked) => self.unwind(Outcome::Stopped),
            // D2: it answers requests, and says so where everybody looks, before it tells who waits for it.
            (State::Publish, Seen::Done) => self.to(State::Ready),
            (State::Ready, Seen::Heard(heard)) => {
                self.is_told = true;
                // D5: who has given up says that there is no daemon; so there is none.
                if heard { self.to(State::Announce) } else { self.unwind(Outcome::Unwanted) }
            }
            (State::Announce, Seen::Done) => self.to(State::Waiting),

            (State::Waiting, Seen::StopAsked) => self.unwind(Outcome::Stopped),
            (State::Waiting, Seen::Woke) => self.to(State::Look),
            // D9: what others can't read they can't find the daemon by.
            (State::Look, Seen::Metadata(content)) => {
                let next = if self.is_mine(&content) { State::Waiting } else { State::Restore };
                self.to(next)
            }
            // D13: it will look again; a daemon that serves does not end over its own metadata.
            (State::Look, Seen::Failed(_)) | (State::Restore, Seen::Done | Seen::Failed(_)) => {
                self.to(State::Waiting)
            }

            (State::Name, Seen::Failed(why))
            | (State::Clear, Seen::Failed(why))
            | (State::Bind, Seen::Failed(why))
            | (State::Open, Seen::Failed(why))
            | (State::Publish, Seen::Failed(why))
            | (State::Waiting, Seen::Failed(why)) => self.unwind(Outcome::Failed(why)),

            // The way out is gone to its end, whatever fails: what is left is found to be stale (D6).
            (State::SayStopping { outcome }, Seen::Done | Seen::Failed(_)) => {
                self.to(State::Quiesce { outcome })
            }
            (State::Quiesce { outcome }, Seen::Done | Seen::Failed(_)) => self.to(State::Unbind { outcome }),
            (State::Unbind { outcome }, Seen::Done | Seen::Failed(_)) => {
                self.to(State::SayStopped { outcome })
            }
            (State::SayStopped { outcome }, Seen::Done | Seen::Failed(_)) if self.is_told => {
                Step::Done(outcome)
            }
            (State::SayStopped { outcome }, Seen::Done | Seen::Failed(_)) => self.to(State::Tell { outcome }),
            (State::Tell { outcome }, Seen::Heard(_)) => Step::Done(outcome),

            (state, _) => {
                self.state = state;
                Step::Done(Outcome::Breach(Breach { expected: self.pending().name() }))
            }
        }
    }
}
