//! What a session is asked, what it asks of the outside, and what the outside answers.
//!
//! Each effect is one atomic thing, or one batch. Whoever performs them decides nothing: not what is kept, not what comes
//! next, not what a failure means.

use crate::session::draft::Drafts;
use crate::session::finish::FinishReason;
use crate::session::operation::Operation;
use crate::session::snapshot::{Digest, Head, Refused};
use crate::session::tape::{Reuse, TokenCount, TokenId};

use alloc::vec::Vec;

/// Names a sequence of a model's KV cache. The cache keeps the contents of different sequences apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u32);

/// The number of an operation within the life of its session: it rises, and none is used twice (T8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

impl Ticket {
    /// The next number.
    #[must_use]
    pub fn next(self) -> Self {
        Ticket(self.0.saturating_add(1))
    }
}

/// What a caller wants of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Make these tokens the beginning of the tape.
    Prefix(Vec<TokenId>),
    /// Put these tokens behind the end of the tape.
    Suffix(Vec<TokenId>),
    /// Generate behind the end of the tape.
    Decode {
        /// Tokens at most; `None`: as many as there is room for.
        max_tokens: Option<u64>,
        /// Tokens of an answer that it goes on with: they go on the tape first and are not handed out again.
        continues: Vec<TokenId>,
        /// How far it may guess ahead.
        drafts: Drafts,
        /// Whether tokens behind the prefix may go where there is no room for more (T16).
        shift: bool,
    },
    /// Write the tape and its cache to disk.
    Snapshot,
    /// Put the snapshot with this name in the place of the tape and its cache.
    Restore(Digest),
}

impl Ask {
    /// A decode that begins behind the text and guesses nothing.
    pub const fn decode(max_tokens: Option<u64>) -> Self {
        Ask::Decode { max_tokens, continues: Vec::new(), drafts: Drafts::NONE, shift: false }
    }

    /// The operation that it asks for.
    pub fn operation(&self) -> Operation {
        match self {
            Ask::Prefix(_) => Operation::EnsurePrefix,
            Ask::Suffix(_) => Operation::PrefillSuffix,
            Ask::Decode { .. } => Operation::Decode,
            Ask::Snapshot => Operation::Snapshot,
            Ask::Restore(_) => Operation::Restore,
        }
    }
}

/// Why an operation does not begin. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// An operation that was cancelled has not ended: it does within one effect, and then this one can be asked again.
    #[error("the operation before is being ended")]
    NotYet,
    /// Another operation is under way (T4).
    #[error("the session is busy with {0}")]
    Busy(Operation),
    /// The session failed (T10).
    #[error("the session failed for good")]
    Fatal,
    /// There is no such session, or it is being closed.
    #[error("the session is closed")]
    Closed,
    /// The owner is fenced (T9).
    #[error("the owner is fenced")]
    Fenced,
    /// More tokens than there is room for (T6).
    #[error("{resident} tokens are resident, {additional} more were to be added, and {limit} fit")]
    Overflow {
        /// Tokens on the tape that would have stayed.
        resident: TokenCount,
        /// Tokens that were to be added.
        additional: TokenCount,
        /// Tokens that the context holds.
        limit: TokenCount,
    },
    /// What is in the cache was computed behind tokens that have gone (T16): nothing that is restored would be that.
    #[error("tokens of the session have gone to make room, and a snapshot can't say so")]
    Shifted,
    /// A decode needs something to go on with.
    #[error("nothing is on the session's tape")]
    Empty,
    /// No sequence of the cache is free: for a session that opens, or to load a snapshot into.
    #[error("all sequences of the cache are taken")]
    NoSequence,
}

/// One thing that the outside does for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Remove all positions of the sequence from `keep` on. Answer: [`Seen::Done`], [`Seen::Uncuttable`], [`Seen::Unknown`].
    Truncate {
        /// The session's sequence.
        sequence: Sequence,
        /// Positions that stay.
        keep: usize,
    },
    /// Evaluate the first `count` tokens of [`Session::feed`](super::machine::Session::feed) in one batch. Answer:
    /// [`Seen::Evaluated`], [`Seen::Unknown`].
    Evaluate {
        /// The session's sequence.
        sequence: Sequence,
        /// The position of the first of them.
        position: usize,
        /// How many.
        count: usize,
    },
    /// Make positions of another session's sequence, computed behind the same tokens, this sequence's as well (T13). Answer:
    /// [`Seen::Done`], [`Seen::Failed`], [`Seen::Unknown`].
    Share {
        /// The other session's sequence.
        from: Sequence,
        /// The session's sequence.
        to: Sequence,
        /// The first of the positions: those before it are there already.
        position: usize,
        /// How many.
        count: usize,
    },
    /// Take these positions out of the sequence and move those behind them down (T16). Answer: [`Seen::Done`], [`Seen::Uncuttable`],
    /// [`Seen::Failed`], [`Seen::Unknown`].
    Shift {
        /// The session's sequence.
        sequence: Sequence,
        /// The first of them.
        position: usize,
        /// How many.
        count: usize,
    },
    /// Choose a token by the outputs behind this position. Answer: [`Seen::Sampled`], [`Seen::Failed`].
    Sample {
        /// The position of the token before the one that is chosen.
        position: usize,
    },
    /// Hand an item to the reader. Answer: [`Seen::Done`], [`Seen::Stopped`].
    Emit(Item),
    /// Write [`Session::head`](super::machine::Session::head) and the contents of the sequence to disk, whole or not at all and only while the
    /// owner is not fenced. Answer: [`Seen::Saved`], [`Seen::Failed`].
    Save {
        /// The session's sequence.
        sequence: Sequence,
    },
    /// Read a snapshot into memory. Answer: [`Seen::Read`].
    Read(Digest),
    /// Load what was read into an empty sequence. Answer: [`Seen::Loaded`], [`Seen::Unknown`].
    Load {
        /// A sequence that nothing else uses.
        sequence: Sequence,
    },
    /// Empty the sequence, which is given back afterwards (T3). Answer: [`Seen::Done`], [`Seen::Unknown`].
    Clear {
        /// One of the session's sequences.
        sequence: Sequence,
    },
    /// Answer the operation. The answer is in [`Session::answer`](super::machine::Session::answer). Answer: [`Seen::Done`].
    Answer,
}

impl Effect {
    /// The name of the effect, for traces and reports.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Truncate { .. } => "truncate",
            Effect::Evaluate { .. } => "evaluate",
            Effect::Share { .. } => "share",
            Effect::Shift { .. } => "shift",
            Effect::Sample { .. } => "sample",
            Effect::Emit(_) => "emit",
            Effect::Save { .. } => "save",
            Effect::Read(_) => "read",
            Effect::Load { .. } => "load",
            Effect::Clear { .. } => "clear",
            Effect::Answer => "answer",
        }
    }

    /// Whether the effect passes the gate and is refused once the owner is fenced (T9). What frees memory and what says that
    /// it is over goes on.
    pub fn is_gated(self) -> bool {
        !matches!(self, Effect::Clear { .. } | Effect::Answer)
    }
}

/// One token on its way to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// The decode that it belongs to.
    pub ticket: Ticket,
    /// How many came before it in this decode.
    pub index: u64,
    /// The token.
    pub token: TokenId,
}

/// What the outside saw when it performed an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It was done.
    Done,
    /// It failed and changed nothing.
    Failed,
    /// Nobody can tell what the sequence holds from where the effect began.
    Unknown,
    /// The owner is fenced: it was not begun, or does not take hold.
    Fenced,
    /// This cache can't be cut there; nothing changed.
    Uncuttable,
    /// The item was handed out, and the text ends with it: a stop string is complete.
    Stopped,
    /// The cache took the first `came` tokens and nothing else.
    Evaluated {
        /// How many.
        came: usize,
        /// Whether the backend failed, as opposed to having been asked to stop.
        failed: bool,
    },
    /// The token that was chosen; `None` if the model ends its text.
    Sampled(Option<TokenId>),
    /// The snapshot is on disk, under this name.
    Saved(Digest),
    /// What the snapshot says, and the digest of its bytes.
    Read(Result<(Head, Digest), Refused>),
    /// The sequence holds this many positions.
    Loaded(usize),
}

/// How an operation ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A prefix or a suffix is on the tape.
    Prefilled {
        /// What was reused, evaluated, dropped, and why. A suffix that follows on a decode counts the token that waited to
        /// be put into the cache.
        reuse: Reuse,
        /// Tokens up to the end of the tape.
        end: TokenCount,
    },
    /// A decode has ended.
    Decoded {
        /// Why.
        finish: FinishReason,
        /// Tokens that were handed out.
        generated: u64,
        /// Tokens behind the prefix that went to make room, as the caller had allowed (T16).
        shifted: u64,
    },
    /// A snapshot is on disk.
    Saved {
        /// Its name.
        id: Digest,
        /// Tokens of the text that it holds.
        covers: TokenCount,
    },
    /// A snapshot has taken the place of what was there.
    Restored {
        /// Tokens of the text that it held.
        covers: TokenCount,
    },
}

/// How an operation ended else. In every case the tape is what is in the cache (T1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// Its caller went away or asked for the end.
    #[error("cancelled")]
    Cancelled,
    /// The session was closed.
    #[error("the session was closed")]
    Closed,
    /// The owner is fenced.
    #[error("the owner is fenced")]
    Fenced,
    /// The backend failed; the session can be used.
    #[error("the backend failed")]
    Backend,
    /// Nobody can tell what is in the cache: the session can't be used any more.
    #[error("nobody can tell what is in the cache")]
    Fatal,
    /// The snapshot could not be written.
    #[error("the snapshot could not be written")]
    Storage,
    /// The snapshot was not restored; the session is as it was.
    #[error(transparent)]
    Refused(Refused),
}
