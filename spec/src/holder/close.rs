//! Ending a bound holder from the client's side.
//!
//! ```text
//! HangUp -> AwaitEnd --ended--> EndChild (reap) -> Ended { forced: false }
//!               \--too long--> EndChild (kill, reap) -> Ended { forced: true }
//! ```
//!
//! The end of the connection is all that the holder needs (H1); what it does with the time it gets is its own
//! drain. The wait has a bound, with a connection or without one (H11): a client can always end.

use core::time::Duration;

use crate::step::{Breach, Machine, Step};

/// What a client asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// End every connection to the holder. Answer: [`Seen::Done`].
    HangUp,
    /// Wait until the holder's process has ended. Answer: [`Seen::ChildEnded`] or [`Seen::TimedOut`].
    AwaitEnd,
    /// End the process by force if it is still there, and reap it. Answer: [`Seen::Done`].
    EndChild,
}

impl Effect {
    /// How long it may take at most, where it waits for another process: more than the holder's own drain.
    pub fn within(self) -> Option<Duration> {
        (self == Effect::AwaitEnd).then_some(Duration::from_secs(35))
    }

    /// Its name, for breaches and traces.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::HangUp => "hang up",
            Effect::AwaitEnd => "await end",
            Effect::EndChild => "end child",
        }
    }
}

/// What a client observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It was done.
    Done,
    /// The process has ended.
    ChildEnded,
    /// The bound of the effect has passed.
    TimedOut,
}

/// How it ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing of the holder is left.
    Ended {
        /// Whether it had to be killed.
        forced: bool,
    },
    /// The driver broke the contract.
    Breach(Breach),
}

/// The end of a holder, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    HangingUp,
    Awaiting,
    Ending { forced: bool },
}

impl Close {
    /// Begins to end it.
    pub fn start() -> Step<Self> {
        Step::Do(Effect::HangUp, Close(State::HangingUp))
    }

    /// The effect that is to be performed.
    pub fn effect(&self) -> Effect {
        match self.0 {
            State::HangingUp => Effect::HangUp,
            State::Awaiting => Effect::AwaitEnd,
            State::Ending { .. } => Effect::EndChild,
        }
    }
}

impl Machine for Close {
    type Effect = Effect;
    type Observed = Seen;
    type Outcome = Outcome;

    fn step(self, seen: Seen) -> Step<Self> {
        let to = |state| {
            let next = Close(state);
            Step::Do(next.effect(), next)
        };
        match (self.0, seen) {
            (State::HangingUp, Seen::Done) => to(State::Awaiting),
            (State::Awaiting, Seen::ChildEnded) => to(State::Ending { forced: false }),
            (State::Awaiting, Seen::TimedOut) => to(State::Ending { forced: true }),
            (State::Ending { forced }, Seen::Done) => Step::Done(Outcome::Ended { forced }),
            _ => Step::Done(Outcome::Breach(Breach { expected: self.effect().name() })),
        }
    }
}
