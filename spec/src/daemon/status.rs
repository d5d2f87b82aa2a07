//! Status: what can be said of a daemon by looking, without a lock, a request or any other trace.
//!
//! ```text
//!   +--------------------- changed (three times at most) ----------------------+
//!   v                                                                          |
//! Before -> (names a life that may live: Inspect) -> Look -> After --same--> Answered
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. Implements D7 (looking takes nothing) and D8
//! (no false answer: what is said was so when it looked at the lock, or when it inspected the process). The
//! metadata is read before and after: a life writes each of its phases once or more in a row and never goes back,
//! so what is the same before and after was so in between. The process is inspected before the look, so that a
//! lock that is held when the process has ended is another's.

use core::marker::PhantomData;

use super::effect::{Content, Effect, Phase, ProcessSeen, RunSeen, Said, Seen};
use crate::step::{Breach, Machine, Step};

/// What is known of the daemon.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<L, W> {
    /// No daemon lives, and the last one cleaned up after itself, or there was none.
    Stopped,
    /// No daemon lives, and the last one did not clean up: this life, or one that can't be told.
    Stale(Option<L>),
    /// A daemon is being started: this life, or one that has not yet said who it is.
    Starting(Option<L>),
    /// This life answers requests.
    Running(L),
    /// This life is about to end.
    Stopping(L),
    /// It can't be said.
    Unknown(Unknown<W>),
    /// The driver broke the contract.
    Breach(Breach),
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unknown<W> {
    /// Something could not be read.
    Failed(W),
    /// A process has the run lock, and nothing that can be read says which.
    Nameless,
    /// A process has the run lock, and whether it is the one that the metadata names can't be told from here.
    OutOfSight,
    /// Each look found another state.
    Restless,
}

/// A look, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status<L, W> {
    /// How many times it may still be looked again.
    left: u8,
    state: State<L>,
    words: PhantomData<W>,
}

/// What the look awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State<L> {
    Before,
    Inspect { before: Said<L> },
    Look { before: Content<L>, process: ProcessSeen },
    After { before: Content<L>, process: ProcessSeen, run: RunSeen },
}

impl<L: Clone + PartialEq, W: Clone> Status<L, W> {
    /// Begins to look.
    pub fn start() -> Step<Self> {
        let status = Status { left: LOOKS_AGAIN, state: State::Before, words: PhantomData };
        Step::Do(status.pending(), status)
    }

    /// The effect that is to be performed next.
    pub fn pending(&self) -> Effect<L> {
        match &self.state {
            State::Before | State::After { .. } => Effect::ReadMetadata,
            State::Inspect { before } => Effect::Inspect(before.who.clone()),
            State::Look { .. } => Effect::LookRun,
        }
    }

    fn to(mut self, state: State<L>) -> Step<Self> {
        self.state = state;
        Step::Do(self.pending(), self)
    }

    fn look_again(mut self) -> Step<Self> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.to(State::Before)
            }
            None => Step::Done(Outcome::Unknown(Unknown::Restless)),
        }
    }
}

impl<L: Clone + PartialEq, W: Clone> Machine for Status<L, W> {
    type Effect = Effect<L>;
    type Observed = Seen<L, W>;
    type Outcome = Outcome<L, W>;

    fn step(mut self, seen: Seen<L, W>) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Before);
        match (state, seen) {
            (State::Before, Seen::Metadata(Content::Says(before))) => self.to(State::Inspect { before }),
            (State::Before, Seen::Metadata(before)) => {
                self.to(State::Look { before, process: ProcessSeen::Gone })
            }
            (State::Inspect { before }, Seen::Process(process)) => {
                self.to(State::Look { before: Content::Says(before), process })
            }
            (State::Look { before, process }, Seen::Run(run)) => {
                self.to(State::After { before, process, run })
            }
            (State::After { before, process, run }, Seen::Metadata(after)) => {
                if before == after {
                    Step::Done(known(before, process, run))
                } else {
                    // D8: what has changed in between was seen at no one moment.
                    self.look_again()
                }
            }
            // D13: what could not be looked at is unknown.
            (_, Seen::Failed(words)) => Step::Done(Outcome::Unknown(Unknown::Failed(words))),
            (state, _) => {
                self.state = state;
                Step::Done(Outcome::Breach(Breach { expected: self.pending().name() }))
            }
        }
    }
}

/// D8: what metadata, process and lock say together.
fn known<L, W>(metadata: Content<L>, process: ProcessSeen, run: RunSeen) -> Outcome<L, W> {
    match (run, metadata) {
        (RunSeen::Free, Content::Absent | Content::Says(Said { phase: Phase::Stopped, .. })) => {
            Outcome::Stopped
        }
        (RunSeen::Free, Content::Says(said)) => Outcome::Stale(Some(said.who)),
        (RunSeen::Free, Content::Unreadable) => Outcome::Stale(None),
        (RunSeen::Held, Content::Absent | Content::Unreadable) => Outcome::Unknown(Unknown::Nameless),
        (RunSeen::Held, Content::Says(Said { who, phase })) => match (process, phase) {
            // Who has named itself lives as long as it has the lock, and has it as long as it lives (D1).
            (ProcessSeen::Alive, Phase::Starting) => Outcome::Starting(Some(who)),
            (ProcessSeen::Alive, Phase::Running) => Outcome::Running(who),
            (ProcessSeen::Alive, Phase::Stopping | Phase::Stopped) => Outcome::Stopping(who),
            // The lock is that of a successor which has not named itself: that is the first thing it does.
            (ProcessSeen::Gone, _) => Outcome::Starting(None),
            (ProcessSeen::Unverifiable, _) => Outcome::Unknown(Unknown::OutOfSight),
        },
    }
}

/// How many times a look that found a change is made again: three. A daemon changes its metadata four times in a
/// life, most of them within milliseconds; who finds four changes in a row watches somebody start and stop in a loop.
const LOOKS_AGAIN: u8 = 3;
