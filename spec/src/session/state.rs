//! What a session is about to do, or awaits while it is in flight.
//!
//! The states of the diagram in [`machine`](super::machine), what each of them has left to do, and where a cancel leads from
//! each (T5). Which state follows on which observation is decided there; nothing is changed here.

use alloc::vec::Vec;

use crate::session::effect::{Answer, Failure};
use crate::session::finish::FinishReason;
use crate::session::snapshot::Digest;
use crate::session::tape::{Plan, Reuse, Tape, TokenId};

/// What the session is about to do, or awaits while it is in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Idle,
    Cut(Plan, Work),
    Feed(Feed, Work),
    Sample(Decode),
    Emit(Decode, TokenId),
    /// Cut back to the positions that are known, behind which this token waits, and fail the operation.
    Repair(usize, Option<TokenId>),
    Save,
    Read(Digest),
    Load(Tape, Option<TokenId>),
    /// Give the spare sequence back, then answer.
    Return(Result<Answer, Failure>),
    Answer(Result<Answer, Failure>, Then),
    Fatal,
    End,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Prefill(Reuse),
    Decode(Decode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decode {
    pub(super) generated: u64,
    pub(super) max_tokens: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Feed {
    pub(super) rest: Vec<TokenId>,
    /// How many of them are in flight.
    pub(super) attempted: usize,
    pub(super) end: usize,
    pub(super) prefix: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Then {
    Idle,
    Fatal,
    End,
}

impl State {
    pub(super) fn answer(answer: Result<Answer, Failure>) -> Self {
        State::Answer(answer, Then::Idle)
    }

    pub(super) fn failed(failure: Failure) -> Self {
        State::answer(Err(failure))
    }

    pub(super) fn is_gated(&self) -> bool {
        !matches!(self, State::Return(_) | State::Answer(..) | State::Fatal | State::End)
    }

    /// T5: what a cancel leads to. What repairs the cache or gives a sequence back goes on.
    pub(super) fn cancelled(self) -> Self {
        match self {
            State::Cut(_, Work::Decode(decode))
            | State::Feed(_, Work::Decode(decode))
            | State::Sample(decode)
            | State::Emit(decode, _) => decode.finished(FinishReason::Cancelled),
            State::Cut(..) | State::Feed(..) | State::Save => State::failed(Failure::Cancelled),
            State::Read(_) | State::Load(..) => State::Return(Err(Failure::Cancelled)),
            other => other,
        }
    }
}

impl Decode {
    pub(super) fn finished(self, finish: FinishReason) -> State {
        State::answer(Ok(Answer::Decoded { finish, generated: self.generated }))
    }
}

impl Plan {
    /// The token that stays handed out while the plan cuts the tape before it.
    pub(super) fn waiting(&self, work: Work) -> Option<TokenId> {
        match work {
            Work::Prefill(_) => None,
            Work::Decode(_) => self.feed.first().copied(),
        }
    }
}
