//! Generating: one token after the other, and guesses of the next ones beside it.
//!
//! A guess that was evaluated is in the cache and not on the text: it is the tape's tail. What is chosen behind the text is compared with it
//! (T14). If they are the same the text is one longer and the outputs behind it are at hand already; else the tail is cut off
//! before anything is handed out.

use alloc::vec::Vec;

use super::Session;
use crate::session::effect::{Failure, Refusal, Seen};
use crate::session::finish::FinishReason;
use crate::session::state::{Decode, Feed, State, Work};
use crate::session::tape::{Plan, Reuse, ReuseReason, TokenCount, TokenId};

impl Session {
    /// The first state of a decode.
    pub(super) fn decode(&mut self, continues: &[TokenId], decode: Decode) -> Result<State, Refusal> {
        if !continues.is_empty() {
            return self.go_on_with(continues, decode);
        }
        let end = self.tape.end();
        let waiting = usize::from(self.pending.is_some());
        if end + waiting == 0 {
            return Err(Refusal::Empty);
        }
        if let Some(finish) = FinishReason::before_next(0, decode.max_tokens, end, waiting, self.limit) {
            return Ok(self.full_or_finished(decode, finish));
        }
        match self.pending {
            Some(token) => Ok(self.feed_one(token, decode)),
            None => self.sample_or_replay(decode),
        }
    }

    /// What was chosen: it is handed out, and a tail that says something else is cut off before.
    pub(super) fn sampled(&mut self, decode: Decode, token: TokenId) -> State {
        let end = self.tape.end();
        if self.tape.tokens().get(end).is_none_or(|guess| *guess == token) {
            return State::Emit(decode, token);
        }
        let dropped = TokenCount::of(self.tape.resident() - end);
        let none = TokenCount(0);
        let reason = ReuseReason::Diverged { at: end as u64 };
        let reuse = Reuse { reused: TokenCount::of(end), shared: none, prefilled: none, dropped, reason };
        let plan = Plan { keep: end, feed: Vec::new(), end, prefix: Some(self.tape.prefix()), reuse };
        self.perform(plan, |_| Work::Emit(decode, token))
    }

    /// A token was handed out: it is the next one of the tail, or it waits to be evaluated.
    pub(super) fn take(&mut self, token: TokenId) {
        let end = self.tape.end();
        if self.tape.tokens().get(end) == Some(&token) {
            self.tape.commit(end + 1, None);
        } else {
            self.pending = Some(token);
            self.outputs = 0;
        }
    }

    /// What follows on a token that was handed out.
    pub(super) fn next_token(&mut self, decode: Decode) -> State {
        let (generated, max_tokens) = (decode.generated, decode.max_tokens);
        let (end, waiting) = (self.tape.end(), usize::from(self.pending.is_some()));
        match (FinishReason::before_next(generated, max_tokens, end, waiting, self.limit), self.pending) {
            (Some(finish), _) => self.full_or_finished(decode, finish),
            (None, Some(token)) => self.feed_one(token, decode),
            // A decode that was begun has a last token, so there is one to replay.
            (None, None) => {
                self.sample_or_replay(decode).unwrap_or_else(|_| self.finished(decode, FinishReason::Length))
            }
        }
    }

    /// What follows on positions that were to be taken out.
    pub(super) fn shifted(&mut self, decode: Decode, position: usize, count: usize, seen: &Seen) -> State {
        match seen {
            Seen::Done => {
                self.tape.shift(position, count);
                self.outputs = 0;
                self.next_token(Decode { shifted: decode.shifted + count as u64, ..decode })
            }
            // This cache can't: the decode ends as it would without.
            Seen::Uncuttable => self.next_token(Decode { shift: false, ..decode }),
            Seen::Failed => State::failed(Failure::Backend),
            // T2: what lies before them was not touched.
            _ => State::Repair(position, None),
        }
    }

    /// The end, or room for more where the caller has allowed that tokens behind the prefix go (T16): half of them.
    fn full_or_finished(&mut self, decode: Decode, finish: FinishReason) -> State {
        let (start, end) = (self.tape.prefix(), self.tape.end());
        let count = (end - start) / 2;
        let has_tail = end < self.tape.resident();
        match finish {
            FinishReason::ContextFull { .. } if decode.shift && 0 < count && !has_tail => {
                State::Shift(decode, start, count)
            }
            _ => self.finished(decode, finish),
        }
    }

    /// The end of a decode. The outputs of guesses are not kept, those behind the last position are.
    pub(super) fn finished(&mut self, decode: Decode, finish: FinishReason) -> State {
        let is_last = self.tape.end() == self.tape.resident();
        self.outputs = self.outputs.min(usize::from(is_last));
        decode.finished(finish)
    }

    /// The tokens of an answer go on the tape as a suffix does, and the decode follows on them.
    fn go_on_with(&mut self, continues: &[TokenId], decode: Decode) -> Result<State, Refusal> {
        let tokens: Vec<TokenId> = self.pending.iter().chain(continues).copied().collect();
        let plan = self.tape.plan_suffix(&tokens, self.limit);
        let plan = plan.map_err(|_| self.overflow(self.tape.end(), tokens.len()))?;
        Ok(self.perform(plan, |_| Work::Decode(decode)))
    }

    /// Chooses where the outputs are at hand, and evaluates the last token again where they are not.
    pub(super) fn sample_or_replay(&mut self, decode: Decode) -> Result<State, Refusal> {
        let last = self.tape.end().checked_sub(1).ok_or(Refusal::Empty)?;
        if self.tape.resident() <= last + self.outputs {
            return Ok(State::Sample(decode));
        }
        let plan = self.tape.plan_replay().ok_or(Refusal::Empty)?;
        Ok(self.perform(Plan { prefix: Some(self.tape.prefix()), ..plan }, |_| Work::Replay(decode)))
    }

    /// The token that waits, and guesses behind it as far as there is room and as many are wanted.
    fn feed_one(&self, token: TokenId, decode: Decode) -> State {
        let resident = self.tape.resident();
        let room = self.limit.saturating_sub(resident + 1);
        // The last token that is wanted needs no evaluation, so no guess of it is worth one.
        let wanted = decode.max_tokens.map_or(u64::MAX, |max| max.saturating_sub(decode.generated + 1));
        let most = room.min(usize::try_from(wanted).unwrap_or(usize::MAX));
        let guessed = decode.drafts.guess(self.tape.tokens(), token, most);
        let guesses = guessed.len();
        let rest = [token].into_iter().chain(guessed).collect();
        let feed = Feed { rest, attempted: 0, end: resident + 1, prefix: None, guesses, alone: true };
        State::Feed(feed, Work::Decode(decode))
    }
}
