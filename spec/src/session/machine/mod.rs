//! One session: its tape, the operation under way, and what it wants next.
//!
//! ```text
//!                 .------------- prefix, suffix, decode -----.
//!                 v                                          |
//!     Idle --> Truncate --> Share --> Evaluate ..--> Sample --> Emit
//!      ^          |           '--------' |  ^          | ^       |
//!      |          | unknown              v  '----------' '-------'
//!      |          '-----------------> Repair            (a guess that holds)
//!      |                                 v
//!      |------------------------------ Answer ---> Idle / Fatal / End
//!      |                                 ^
//!      '-- snapshot: Save ---------------|
//!      '-- restore: Read --> Load --> give the spare or the old sequence back
//!
//!     Fatal --> Clear         End --> Clear --> Gone
//! ```
//!
//! It does nothing by itself. It is asked for an operation ([`Session::ask`]), names the next effect ([`Session::begin`]) and
//! takes what was seen ([`Session::seen`]); between the two the effect is *in flight*, and a caller who goes away, a close or
//! a fence ([`Session::cancel`], [`Session::end`]) waits for it: for one batch at most (T5). Otherwise they take hold at once.
//!
//! It fails by [`Failure`]. Where nobody can tell what is in the cache the session cuts it back to what is known, and
//! is fatal where that fails (T2). Which sequence of the cache it has is the decision of the [`table`](super::table).

use core::mem;

use alloc::vec::Vec;

use crate::session::effect::{Answer, Ask, Effect, Failure, Refusal, Seen, Sequence, Ticket};
use crate::session::finish::FinishReason;
use crate::session::operation::{Admission, Operation};
use crate::session::snapshot::Digest;
use crate::session::state::{Decode, Shared, State, Then, Work};
use crate::session::tape::{Tape, TokenId};

mod decode;
mod feed;
mod look;
mod restore;

/// A session of a resident model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    identity: Digest,
    limit: usize,
    tape: Tape,
    /// Handed out, and not in the cache yet: what is evaluated next begins with it. Then the tape has no tail.
    pending: Option<TokenId>,
    /// Behind how many of the last resident positions the outputs are at hand.
    outputs: usize,
    sequence: Option<Sequence>,
    /// A second sequence, while a snapshot is being restored.
    spare: Option<Sequence>,
    ticket: Ticket,
    operation: Operation,
    cancelled: bool,
    ending: Option<Ending>,
    in_flight: bool,
    state: State,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Somebody closed it.
    Closed,
    /// Its owner is fenced.
    Fenced,
}

/// An observation of an operation that has ended, or of an effect that nobody asked for. It changed nothing (T8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("an answer came that the session does not wait for")]
pub struct Stale;

/// A sequence that a session has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Freed {
    /// Which.
    pub sequence: Sequence,
    /// Whether it is surely empty.
    pub empty: bool,
}

impl Session {
    /// A session of the model that `identity` tells from every other, with nothing on its tape and room for `limit` tokens, in
    /// a sequence that is empty and nobody else's (T3).
    pub fn new(identity: Digest, sequence: Sequence, limit: usize) -> Self {
        Session {
            identity,
            limit,
            tape: Tape::new(),
            pending: None,
            outputs: 0,
            sequence: Some(sequence),
            spare: None,
            ticket: Ticket::default(),
            operation: Operation::Explain,
            cancelled: false,
            ending: None,
            in_flight: false,
            state: State::Idle,
        }
    }

    /// Begins an operation, or refuses it before anything is changed. `spare` is a sequence that is empty and nobody else's,
    /// and is needed for a restore.
    ///
    /// # Errors
    /// [`Refusal`]; the session is as it was.
    pub fn ask(&mut self, ask: &Ask, spare: Option<Sequence>) -> Result<Ticket, Refusal> {
        match self.ending {
            Some(Ending::Fenced) => return Err(Refusal::Fenced),
            Some(Ending::Closed) => return Err(Refusal::Closed),
            None => {}
        }
        match self.activity().admits(ask.operation()) {
            Admission::Begin => {}
            Admission::EndFirst => return Err(Refusal::NotYet),
            Admission::Busy(operation) => return Err(Refusal::Busy(operation)),
            Admission::Fatal => return Err(Refusal::Fatal),
        }
        let state = match ask {
            Ask::Prefix(tokens) => {
                let plan = self.tape.plan_prefix(tokens, self.limit);
                let plan = plan.map_err(|_| self.overflow(0, tokens.len()))?;
                self.perform(plan, Work::Prefill)
            }
            Ask::Suffix(tokens) => {
                let tokens: Vec<TokenId> = self.pending.iter().chain(tokens).copied().collect();
                let plan = self.tape.plan_suffix(&tokens, self.limit);
                let plan = plan.map_err(|_| self.overflow(self.tape.end(), tokens.len()))?;
                self.perform(plan, Work::Prefill)
            }
            Ask::Decode { max_tokens, continues, drafts, shift } => {
                let (max_tokens, drafts, shift) = (*max_tokens, *drafts, *shift);
                let decode = Decode { generated: 0, max_tokens, drafts, shift, shifted: 0 };
                self.decode(continues, decode)?
            }
            Ask::Snapshot if self.tape.exact() < self.tape.resident() => return Err(Refusal::Shifted),
            Ask::Snapshot => State::Save,
            Ask::Restore(id) => {
                self.spare = Some(spare.ok_or(Refusal::NoSequence)?);
                State::Read(*id)
            }
        };
        self.ticket = self.ticket.next();
        self.operation = ask.operation();
        self.cancelled = false;
        self.state = state;
        Ok(self.ticket)
    }

    /// The caller of this operation went away or asked for its end. Of another operation: nothing happens (T8).
    pub fn cancel(&mut self, ticket: Ticket) {
        if ticket == self.ticket && self.is_running() {
            self.cancelled = true;
            self.settle();
        }
    }

    /// The session is to end. A fence outweighs a close.
    pub fn end(&mut self, ending: Ending) {
        self.ending = self.ending.max(Some(ending));
        self.settle();
    }

    /// What it wants; `None` while an effect is in flight, and where it waits to be asked. An evaluation names all that is left.
    pub fn wants(&self) -> Option<Effect> {
        if self.in_flight { None } else { self.effect(usize::MAX) }
    }

    /// Puts what it wants in flight, an evaluation with `most` tokens at most.
    pub fn begin(&mut self, most: usize) -> Option<Effect> {
        if self.in_flight {
            return None;
        }
        let effect = self.effect(most)?;
        if let (State::Feed(feed, _), Effect::Evaluate { count, .. }) = (&mut self.state, effect) {
            feed.attempted = count;
            // Whatever comes of it, the outputs of the batch before are gone.
            self.outputs = 0;
        }
        self.in_flight = true;
        Some(effect)
    }

    /// Takes what it would evaluate next from the sequence `from`, which holds these tokens behind the same ones (T13). The
    /// decision of the [`table`](super::table).
    pub(in crate::session) fn share(&mut self, from: Sequence, count: usize) {
        self.state = match mem::replace(&mut self.state, State::Gone) {
            State::Feed(feed, work) if !self.in_flight => State::Share(Shared { from, count }, feed, work),
            state => state,
        };
    }

    /// Takes what was seen of the effect in flight. `ticket` is what [`ticket`](Self::ticket) was when it began.
    ///
    /// # Errors
    /// [`Stale`] if nothing of that operation is in flight: nothing was changed.
    pub fn seen(&mut self, ticket: Ticket, seen: Seen) -> Result<Option<Freed>, Stale> {
        if !self.in_flight || ticket != self.ticket {
            return Err(Stale);
        }
        self.in_flight = false;
        let state = mem::replace(&mut self.state, State::Gone);
        let mut freed = None;
        self.state = match (state, seen) {
            (state, Seen::Fenced) if state.is_gated() => {
                self.ending = Some(Ending::Fenced);
                state
            }

            (State::Cut(plan, work), seen) => self.cut_off(plan, work, seen),

            (State::Share(shared, feed, work), seen) => self.shared(shared, feed, work, seen),

            (State::Feed(feed, work), Seen::Evaluated { came, failed }) => self.fed(feed, work, came, failed),
            (State::Feed(..), Seen::Failed) => State::failed(Failure::Backend),
            // T2: a batch changes nothing before its first position.
            (State::Feed(..), _) => State::Repair(self.tape.resident(), self.pending),

            (State::Repair(keep, waiting), seen) => self.repaired(keep, waiting, &seen),

            (State::Shift(decode, position, count), seen) => self.shifted(decode, position, count, &seen),

            (State::Sample(decode), Seen::Sampled(Some(token))) => self.sampled(decode, token),
            (State::Sample(decode), Seen::Sampled(None)) => {
                self.finished(decode, FinishReason::EndOfGeneration)
            }
            (State::Sample(_), _) => State::failed(Failure::Backend),

            (State::Emit(decode, token), Seen::Done) => {
                self.take(token);
                self.next_token(decode.and_one())
            }
            (State::Emit(decode, token), Seen::Stopped) => {
                self.take(token);
                self.finished(decode.and_one(), FinishReason::StopString)
            }
            (State::Emit(..), _) => State::failed(Failure::Backend),

            (State::Save, Seen::Saved(id)) => State::answer(Ok(Answer::Saved { id, covers: self.covers() })),
            (State::Save, _) => State::failed(Failure::Storage),

            (State::Read(asked), seen) => self.read(asked, seen),
            (State::Load(tape, pending), seen) => self.loaded(tape, pending, seen),

            (State::Return(answer), seen) => {
                freed = self.spare.take().map(|sequence| Freed { sequence, empty: seen == Seen::Done });
                State::answer(answer)
            }
            (State::Answer(_, then), _) => {
                self.cancelled = false;
                match then {
                    Then::Idle => State::Idle,
                    Then::Fatal => self.after(State::Fatal),
                    Then::End => self.after(State::End),
                }
            }
            (state @ (State::Fatal | State::End), seen) => {
                let sequence = self.spare.take().or_else(|| self.sequence.take());
                freed = sequence.map(|sequence| Freed { sequence, empty: seen == Seen::Done });
                state
            }
            (state @ (State::Idle | State::Gone), _) => state,
        };
        self.settle();
        Ok(freed)
    }

    /// Acts on a cancel, a close or a fence, unless an effect is in flight (T5).
    fn settle(&mut self) {
        if self.in_flight {
            return;
        }
        let state = mem::replace(&mut self.state, State::Gone);
        self.state = match (self.ending, state) {
            (Some(_), State::End) if self.spare.or(self.sequence).is_none() => State::Gone,
            (Some(_), state @ (State::End | State::Gone)) => state,
            (Some(_), State::Idle | State::Fatal) => {
                let state = self.after(State::End);
                if self.spare.or(self.sequence).is_none() { State::Gone } else { state }
            }
            (Some(Ending::Closed), State::Answer(answer, _)) => State::Answer(answer, Then::End),
            (Some(Ending::Closed), _) => State::Answer(Err(Failure::Closed), Then::End),
            (Some(Ending::Fenced), _) => State::Answer(Err(Failure::Fenced), Then::End),
            (None, state) if self.cancelled => state.cancelled(),
            (None, state) => state,
        };
    }

    /// What follows on the last operation. It has a number of its own, so that nothing late is taken for its.
    fn after(&mut self, state: State) -> State {
        self.ticket = self.ticket.next();
        state
    }
}
