//! Why a decode ended. Every end is one of these; none truncates silently.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::session::tape::TokenCount;

/// Why a decode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "finish_reason", rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its text.
    EndOfGeneration,
    /// As many tokens as were asked for.
    Length,
    /// One of the stop strings came; the text ends before it.
    StopString,
    /// The session's context is full.
    ContextFull {
        /// Tokens on the tape.
        resident: TokenCount,
        /// Tokens that fit.
        limit: TokenCount,
    },
    /// The caller asked for the end.
    Cancelled,
}

impl FinishReason {
    /// The stable name on the wire.
    pub fn token(self) -> &'static str {
        match self {
            FinishReason::EndOfGeneration => "end_of_generation",
            FinishReason::Length => "length",
            FinishReason::StopString => "stop_string",
            FinishReason::ContextFull { .. } => "context_full",
            FinishReason::Cancelled => "cancelled",
        }
    }

    /// What is decided before the next token is sampled: whether the decode ends here.
    ///
    /// `generated` tokens were sampled, `max_tokens` at most are wanted, `resident` are on the tape, `pending` of the
    /// sampled ones wait to be put there, `limit` fit. The token that would be sampled needs no room itself.
    pub fn before_next(
        generated: u64,
        max_tokens: Option<u64>,
        resident: usize,
        pending: usize,
        limit: usize,
    ) -> Option<FinishReason> {
        if max_tokens.is_some_and(|max| max <= generated) {
            return Some(FinishReason::Length);
        }
        if limit < resident + pending {
            let (resident, limit) = (TokenCount::of(resident), TokenCount::of(limit));
            return Some(FinishReason::ContextFull { resident, limit });
        }
        None
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}
