//! Opening a session again after its owner was lost: from a snapshot, or by prefill.
//!
//! ```text
//!     Open --> Restore --> Prefix --> Reopened (from a snapshot, or by prefill)
//!        '- no snapshot --^
//! ```
//!
//! Whatever the restore did, the client's whole history is made the beginning of the tape afterwards. So the tape is the history also
//! where the snapshot was refused, is older than the history, or is of something else, and what was reused says how much the
//! snapshot was worth (T12). The answers on the way make nothing of the history
//! ([`Made::Nothing`](super::reader::Made::Nothing)): what a snapshot says is not what the client has seen.

use crate::session::effect::Answer;
use crate::session::snapshot::Digest;
use crate::session::tape::TokenCount;
use crate::step::{Breach, Machine, Step};

/// A session being opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reopen {
    snapshot: Option<Digest>,
    history: TokenCount,
    state: State,
}

/// What to do at the new owner. Each is one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Open a session.
    Open,
    /// Restore this snapshot into it.
    Restore(Digest),
    /// Make the whole history its prefix.
    Prefix,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// The session is open.
    Opened,
    /// The call was answered.
    Answered(Answer),
    /// The call was refused or failed, and the owner still serves.
    Failed,
    /// The owner was lost, too.
    Lost,
}

/// What a session was opened from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nothing: all of its history was evaluated.
    Prefill,
    /// A snapshot, which had so many tokens of the history.
    Snapshot(TokenCount),
}

/// How it ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The tape is the history.
    Reopened(Source),
    /// The owner refused: for want of room, or because its backend failed.
    Failed,
    /// The owner was lost, too.
    Lost,
    /// The driver or the owner broke the contract.
    Breach(Breach),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Open,
    Restore,
    Prefix,
}

impl Reopen {
    /// Begins to open a session with a history of so many tokens, of which a snapshot may hold some.
    pub fn start(snapshot: Option<Digest>, history: TokenCount) -> Step<Self> {
        Step::Do(Effect::Open, Reopen { snapshot, history, state: State::Open })
    }

    fn to(self, state: State, effect: Effect) -> Step<Self> {
        Step::Do(effect, Reopen { state, ..self })
    }
}

impl Machine for Reopen {
    type Effect = Effect;
    type Observed = Seen;
    type Outcome = Outcome;

    fn step(self, seen: Seen) -> Step<Self> {
        match (self.state, seen) {
            (_, Seen::Lost) => Step::Done(Outcome::Lost),
            (State::Open, Seen::Opened) => match self.snapshot {
                Some(id) => self.to(State::Restore, Effect::Restore(id)),
                None => self.to(State::Prefix, Effect::Prefix),
            },
            // What a snapshot can't give is evaluated.
            (State::Restore, Seen::Answered(Answer::Restored { .. }) | Seen::Failed) => {
                self.to(State::Prefix, Effect::Prefix)
            }
            // The session was opened for this: what it had on its tape can only be the snapshot's.
            (State::Prefix, Seen::Answered(Answer::Prefilled { reuse, end })) if end == self.history => {
                Step::Done(Outcome::Reopened(match reuse.reused {
                    TokenCount(0) => Source::Prefill,
                    reused => Source::Snapshot(reused),
                }))
            }
            (State::Open | State::Prefix, Seen::Failed) => Step::Done(Outcome::Failed),
            (state, _) => Step::Done(Outcome::Breach(Breach { expected: state.pending() })),
        }
    }
}

impl State {
    fn pending(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Restore => "restore",
            State::Prefix => "prefix",
        }
    }
}
