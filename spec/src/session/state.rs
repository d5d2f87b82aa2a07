//! What a session is about to do, or awaits while it is in flight.
//!
//! The states of the diagram in [`machine`](super::machine), what each of them has left to do, and where a cancel leads from
//! each (T5). Which state follows on which observation is decided there; nothing is changed here.

use alloc::vec::Vec;

use crate::session::draft::Drafts;
use crate::session::effect::{Answer, Failure, Sequence};
use crate::session::finish::FinishReason;
use crate::session::snapshot::Digest;
use crate::session::tape::{Plan, Reuse, Tape, TokenId};

/// What the session is about to do, or awaits while it is in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Idle,
    Cut(Plan, Work),
    Share(Shared, Feed, Work),
    /// Take out so many positions from this one on, to go on where there was no room.
    Shift(Decode, usize, usize),
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
    /// As `Decode`, behind the last token once more: its outputs are gone.
    Replay(Decode),
    /// Hand out this token, which is not what was guessed.
    Emit(Decode, TokenId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decode {
    pub(super) generated: u64,
    pub(super) max_tokens: Option<u64>,
    pub(super) drafts: Drafts,
    pub(super) shift: bool,
    /// Tokens that went to make room.
    pub(super) shifted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Feed {
    pub(super) rest: Vec<TokenId>,
    /// How many of them are in flight.
    pub(super) attempted: usize,
    pub(super) end: usize,
    pub(super) prefix: Option<usize>,
    /// How many of the last of them are guesses.
    pub(super) guesses: usize,
    /// Whether this cache can't share: it is not tried again.
    pub(super) alone: bool,
}

/// Positions of another session's sequence that are to be this one's as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shared {
    pub(super) from: Sequence,
    pub(super) count: usize,
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
            State::Cut(_, Work::Decode(decode) | Work::Replay(decode) | Work::Emit(decode, _))
            | State::Share(_, _, Work::Decode(decode) | Work::Replay(decode) | Work::Emit(decode, _))
            | State::Feed(_, Work::Decode(decode) | Work::Replay(decode) | Work::Emit(decode, _))
            | State::Shift(decode, ..)
            | State::Sample(decode)
            | State::Emit(decode, _) => decode.finished(FinishReason::Cancelled),
            State::Cut(..) | State::Share(..) | State::Feed(..) | State::Save => {
                State::failed(Failure::Cancelled)
            }
            State::Read(_) | State::Load(..) => State::Return(Err(Failure::Cancelled)),
            other => other,
        }
    }
}

impl Decode {
    /// One more token was handed out.
    pub(super) fn and_one(self) -> Self {
        Decode { generated: self.generated + 1, ..self }
    }

    pub(super) fn finished(self, finish: FinishReason) -> State {
        let (generated, shifted) = (self.generated, self.shifted);
        State::answer(Ok(Answer::Decoded { finish, generated, shifted }))
    }
}

impl Plan {
    /// The token that stays handed out while the plan cuts the tape before it. Where another one waits there is no tail to cut.
    pub(super) fn waiting(&self, work: Work) -> Option<TokenId> {
        match work {
            Work::Replay(_) => self.feed.first().copied(),
            Work::Prefill(_) | Work::Decode(_) | Work::Emit(..) => None,
        }
    }
}
