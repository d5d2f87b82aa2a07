//! What the operations of a session answer. Counts are tokens, times are durations as the engine measured them.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::Epoch;
use crate::session::finish::FinishReason;
use crate::session::operation::Operation;
use crate::session::snapshot::Digest;
use crate::session::tape::{Reuse, TokenCount, TokenId};

/// How much of a session's context is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Tokens in the KV cache, a tail that may yet be reused included.
    pub resident: TokenCount,
    /// Tokens that can still be added.
    pub available: TokenCount,
    /// Tokens that the context holds.
    pub limit: TokenCount,
}

/// The answer to EnsurePrefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixStatus {
    /// The epoch in which it was done.
    pub epoch: Epoch,
    /// What was reused, evaluated, dropped, and why.
    pub reuse: Reuse,
    /// Tokens of the prefix.
    pub prefix: TokenCount,
    /// What is used after it.
    pub room: Room,
    /// From the start of the operation to its end, waiting for other sessions included.
    pub elapsed: Duration,
}

/// The answer to PrefillSuffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuffixStatus {
    /// The epoch in which it was done.
    pub epoch: Epoch,
    /// What was reused, evaluated, dropped, and why.
    pub reuse: Reuse,
    /// Tokens of this suffix.
    pub suffix: TokenCount,
    /// Tokens before it on the tape.
    pub before: TokenCount,
    /// What is used after it.
    pub room: Room,
    /// From the start of the operation to its end, waiting for other sessions included.
    pub elapsed: Duration,
}

/// The answer to Snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// The epoch in which it was done.
    pub epoch: Epoch,
    /// The snapshot's name.
    pub id: Digest,
    /// Tokens of the text that it holds.
    pub covers: TokenCount,
    /// From the start of the operation to its end.
    pub elapsed: Duration,
}

/// The answer to Restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreStatus {
    /// The epoch in which it was done.
    pub epoch: Epoch,
    /// Tokens of the text that the snapshot held.
    pub covers: TokenCount,
    /// What is used after it.
    pub room: Room,
    /// From the start of the operation to its end.
    pub elapsed: Duration,
}

/// One item of a decode's stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodeItem {
    /// The epoch in which it was produced.
    pub epoch: Epoch,
    /// What it is.
    pub event: DecodeEvent,
}

/// A token and the natural logarithm of its probability: 0 is certain, and every other one is below.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logprob {
    /// The token.
    pub token: TokenId,
    /// The logarithm.
    pub logprob: f32,
}

/// The chosen token and the likeliest ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logprobs {
    /// That of the token that was taken; negative infinity if the model excludes it.
    pub chosen: Logprob,
    /// The likeliest tokens, the first one first; of equals the one with the smaller number.
    pub top: Vec<Logprob>,
}

/// What an item of a decode's stream says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeEvent {
    /// More text: whole characters, never the beginning of a stop string. May be empty when `tokens` is not.
    Text {
        /// The text.
        text: String,
        /// The tokens sampled since the item before.
        tokens: Vec<TokenId>,
        /// How likely each of them was, if that was asked for.
        #[serde(default)]
        logprobs: Vec<Logprobs>,
    },
    /// The end; nothing comes after it.
    End(DecodeEnd),
}

/// How a decode ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodeEnd {
    /// Text that was held back until the end was certain.
    pub text: String,
    /// The tokens sampled since the item before.
    pub tokens: Vec<TokenId>,
    /// How likely each of them was, if that was asked for.
    #[serde(default)]
    pub logprobs: Vec<Logprobs>,
    /// Why.
    #[serde(flatten)]
    pub finish: FinishReason,
    /// Tokens on the tape when the decode began.
    pub prompt_tokens: TokenCount,
    /// Tokens that were sampled, one that ends the generation not counted.
    pub generated_tokens: TokenCount,
    /// Tokens behind the prefix that went to make room, as the caller had allowed.
    #[serde(default)]
    pub shifted: TokenCount,
    /// The seed of the random choice: the caller's, or the one that was drawn.
    pub seed: u32,
    /// What is used after it.
    pub room: Room,
    /// From the start of the operation to the first token; `None` if there was none.
    pub first_token: Option<Duration>,
    /// From the start of the operation to its end.
    pub elapsed: Duration,
}

impl DecodeEnd {
    /// Tokens a second after the first one; `None` if fewer than two came.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let spent = self.elapsed.checked_sub(self.first_token?)?.as_secs_f64();
        let more = self.generated_tokens.0.checked_sub(1)?;
        (0 < more && 0.0 < spent).then(|| more as f64 / spent)
    }
}

/// The answer to ExplainContext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextReport {
    /// The epoch in which it was asked.
    pub epoch: Epoch,
    /// What is used.
    pub room: Room,
    /// Tokens of the stable prefix.
    pub prefix: TokenCount,
    /// Where the next token goes; what is resident behind it is the tail.
    pub end: TokenCount,
    /// The operation under way; `None` if idle.
    pub operation: Option<Operation>,
    /// Tokens evaluated by prefills since the session was opened.
    pub prefilled_total: TokenCount,
    /// Tokens that prefills found in the cache since the session was opened.
    pub reused_total: TokenCount,
    /// Tokens generated since the session was opened.
    pub generated_total: TokenCount,
}
