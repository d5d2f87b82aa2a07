//! The tape: the token ids that are in a session's KV cache, in order; index is position.
//!
//! ```text
//!     [ prefix ........ | suffix, generated ... | tail ..... ]
//!     0              prefix()                 end()       resident()
//! ```
//!
//! `end` is where the next token goes. What lies behind it, the *tail*, is left over from before: it stays in the
//! cache as long as the next tokens may turn out to be the same, and is dropped where they differ. So a caller that
//! declares the prefix again and then sends the whole conversation prefills only what is new, also behind tokens that
//! were generated.
//!
//! A change is planned ([`Tape::plan_prefix`], [`Tape::plan_suffix`]) without changing anything; the overflow is decided there.
//! The plan is then performed on the cache, and the tape follows what was done: [`Tape::keep`] after a removal,
//! [`Tape::follow`] after an evaluation, [`Tape::commit`] at the end.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Stage};

/// The number of a token in a model's vocabulary; means nothing without the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i32);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenCount(pub u64);

impl TokenCount {
    /// The number of things in a list of this length.
    pub fn of(length: usize) -> Self {
        TokenCount(length as u64)
    }
}

impl fmt::Display for TokenCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What of the new tokens was in the cache already, and what became of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reuse {
    /// New tokens that were found in the cache: not evaluated again.
    pub reused: TokenCount,
    /// New tokens that were taken from the cache of another session on the same model: not evaluated again either.
    #[serde(default)]
    pub shared: TokenCount,
    /// New tokens that were neither, and are evaluated.
    pub prefilled: TokenCount,
    /// Resident tokens that are removed from the cache.
    pub dropped: TokenCount,
    /// Why not more was reused, or that all was.
    pub reason: ReuseReason,
}

/// What decided how much was reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReuseReason {
    /// Nothing was resident to compare with.
    Empty,
    /// The new tokens are what was resident, to the last one.
    Identical,
    /// The new tokens are the head of what was resident; the rest stays as the tail.
    Contained,
    /// All that was resident is the head of the new tokens.
    Extended,
    /// The first difference is at this position of the tape.
    Diverged {
        /// The position, from 0.
        at: u64,
    },
    /// A part would have been reused, and this model's cache can't be cut there: all was dropped.
    NotTrimmable {
        /// Where it would have been cut.
        at: u64,
    },
}

/// A change of the tape that fits, not yet performed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Plan {
    /// How many positions of the cache stay; everything from here on is to be removed.
    pub keep: usize,
    /// The tokens to evaluate behind them, in order.
    pub feed: Vec<TokenId>,
    /// Where the next token goes when the plan is done.
    pub end: usize,
    /// The new length of the prefix, if the plan declares one.
    pub prefix: Option<usize>,
    /// The numbers for the reply.
    pub reuse: Reuse,
}

/// The cache holds what no evaluation of the tape's tokens can have left there. It can't occur with a backend that keeps
/// its rules; the session ends when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cache holds {found} positions after {attempted} tokens were evaluated behind {resident}")]
pub struct Mismatch {
    /// Positions before.
    pub resident: usize,
    /// Tokens that were to be added.
    pub attempted: usize,
    /// Positions found.
    pub found: usize,
}

/// The token ids in the KV cache of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tape {
    tokens: Vec<TokenId>,
    prefix: usize,
    end: usize,
    /// From where on the cache holds what was computed behind tokens that have gone.
    inexact: Option<usize>,
}

impl Tape {
    /// Nothing resident.
    pub fn new() -> Self {
        Tape::default()
    }

    /// The tape of a cache that was loaded with `tokens`; `None` unless `prefix <= end <= tokens.len()`.
    pub fn restored(tokens: Vec<TokenId>, prefix: usize, end: usize) -> Option<Self> {
        (prefix <= end && end <= tokens.len()).then_some(Tape { tokens, prefix, end, inexact: None })
    }

    /// All resident tokens, the tail included.
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// How many tokens are in the cache, the tail included.
    pub fn resident(&self) -> usize {
        self.tokens.len()
    }

    /// How many of the first tokens the caller declared as stable.
    pub fn prefix(&self) -> usize {
        self.prefix
    }

    /// Where the next token goes.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Of how many of the first tokens the cache holds what these tokens alone make of it: of all, unless some went to make room.
    pub fn exact(&self) -> usize {
        self.inexact.unwrap_or(self.tokens.len())
    }

    /// Makes `new` the beginning of the tape and its stable prefix.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`] if `new` alone is more than `limit` tokens.
    pub fn plan_prefix(&self, new: &[TokenId], limit: usize) -> Result<Plan, Error> {
        if limit < new.len() {
            return Err(overflow(Stage::Prefix, 0, new.len(), limit));
        }
        let mut plan = self.plan_from(0, new);
        plan.prefix = Some(new.len());
        Ok(plan)
    }

    /// Puts `new` behind the [`end`](Self::end), over the tail.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`] if the tape up to its end and `new` are more than `limit` tokens.
    pub fn plan_suffix(&self, new: &[TokenId], limit: usize) -> Result<Plan, Error> {
        if limit < self.end + new.len() {
            return Err(overflow(Stage::Suffix, self.end, new.len(), limit));
        }
        Ok(self.plan_from(self.end, new))
    }

    /// The plan to evaluate the last token again, for a cache whose last outputs are gone; `None` if there is no token.
    pub fn plan_replay(&self) -> Option<Plan> {
        let keep = self.end.checked_sub(1)?;
        let last = self.tokens.get(keep)?;
        let dropped = TokenCount::of(self.tokens.len() - keep);
        let reason = ReuseReason::Diverged { at: keep as u64 };
        Some(Plan {
            keep,
            feed: [*last].into(),
            end: self.end,
            prefix: None,
            reuse: Reuse {
                reused: TokenCount::of(keep),
                shared: TokenCount(0),
                prefilled: TokenCount(1),
                dropped,
                reason,
            },
        })
    }

    /// The same plan for a cache that can only be emptied: everything up to `plan.end` is evaluated again.
    pub fn without_trim(&self, plan: Plan) -> Plan {
        let mut feed: Vec<TokenId> = self.tokens[..plan.keep.min(self.tokens.len())].to_vec();
        feed.extend_from_slice(&plan.feed);
        let reuse = Reuse {
            reused: TokenCount(0),
            shared: TokenCount(0),
            prefilled: TokenCount::of(feed.len()),
            dropped: TokenCount::of(self.tokens.len()),
            reason: ReuseReason::NotTrimmable { at: plan.keep as u64 },
        };
        Plan { keep: 0, feed, reuse, ..plan }
    }

    /// Follows the cache after a removal: it holds the first `length` positions and nothing behind them.
    pub fn keep(&mut self, length: usize) {
        self.tokens.truncate(length);
        self.inexact = self.inexact.filter(|inexact| *inexact < length);
        self.end = self.end.min(self.tokens.len());
        self.prefix = self.prefix.min(self.end);
    }

    /// Follows the cache after `count` positions from `start` on were taken out and those behind them moved down. What was computed
    /// behind them is used on, and never again as something else.
    pub fn shift(&mut self, start: usize, count: usize) {
        let start = start.min(self.tokens.len());
        let stop = (start + count).min(self.tokens.len());
        self.tokens.drain(start..stop);
        self.end = self.end.saturating_sub(stop - start).max(start);
        self.prefix = self.prefix.min(start);
        self.inexact = Some(self.inexact.map_or(start, |inexact| inexact.min(start)));
    }

    /// Follows the cache after an evaluation of `attempted` behind its last position, whole or not: it holds `length` positions.
    ///
    /// # Errors
    /// [`Mismatch`] if `length` can't be the result of it; the tape is empty then, as nothing is known about the cache.
    pub fn follow(&mut self, length: usize, attempted: &[TokenId]) -> Result<(), Mismatch> {
        let before = self.tokens.len();
        let Some(added) = length.checked_sub(before).and_then(|count| attempted.get(..count)) else {
            *self = Tape::new();
            return Err(Mismatch { resident: before, attempted: attempted.len(), found: length });
        };
        if !added.is_empty() {
            self.tokens.extend_from_slice(added);
            self.end = self.tokens.len();
        }
        Ok(())
    }

    /// Ends a plan whose tokens are all in the cache: sets the end and, if the plan declares one, the prefix.
    pub fn commit(&mut self, end: usize, prefix: Option<usize>) {
        self.end = end.min(self.tokens.len());
        self.prefix = prefix.unwrap_or(self.prefix).min(self.end);
    }

    /// T7: what is reused is the longest common prefix of `new` and of all that is resident from `start` on, the tail included.
    fn plan_from(&self, start: usize, new: &[TokenId]) -> Plan {
        let old = &self.tokens[start..];
        let usable = self.exact().saturating_sub(start);
        let same = old.iter().zip(new).take(usable).take_while(|(old, new)| old == new).count();
        let all_found = same == new.len();
        let keep = if all_found { self.tokens.len() } else { start + same };
        let reason = match () {
            () if old.is_empty() && !new.is_empty() => ReuseReason::Empty,
            () if all_found && same == old.len() => ReuseReason::Identical,
            () if all_found => ReuseReason::Contained,
            () if same == old.len() => ReuseReason::Extended,
            () => ReuseReason::Diverged { at: (start + same) as u64 },
        };
        Plan {
            keep,
            feed: new[same..].to_vec(),
            end: start + new.len(),
            prefix: None,
            reuse: Reuse {
                reused: TokenCount::of(same),
                shared: TokenCount(0),
                prefilled: TokenCount::of(new.len() - same),
                dropped: TokenCount::of(self.tokens.len() - keep),
                reason,
            },
        }
    }
}

fn overflow(stage: Stage, resident: usize, additional: usize, limit: usize) -> Error {
    Error::ContextOverflow {
        stage,
        resident: resident as u64,
        additional: additional as u64,
        limit: limit as u64,
    }
}
