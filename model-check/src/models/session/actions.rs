//! What can happen next: operations, effects, cancels, and faults.

use std::fmt;

use modeld_spec::session::effect::Ask;

use super::Sessions;
use super::names;
use super::state::State;

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A session is opened, by the client or by somebody else.
    Open {
        /// Whether by the client.
        client: bool,
    },
    /// An operation is asked for.
    Ask {
        /// The session's place at the current owner.
        place: usize,
        /// Which.
        what: What,
    },
    /// A session's effect is put in flight.
    Begin {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// Tokens of a batch.
        count: usize,
    },
    /// The effect in flight ends.
    Land {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// How.
        fate: Fate,
    },
    /// An effect is performed whole.
    Perform {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// How it ends.
        fate: Fate,
    },
    /// The caller of an operation goes away.
    Cancel {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A session is closed.
    Close {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A session hears that its owner is fenced.
    Hear {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// The gate of the current owner closes for good.
    Fence,
    /// The current owner dies.
    Crash,
    /// The next owner has a model loaded.
    TakeOver,
    /// The client gets what was sent, by its place on the wire.
    Deliver(usize),
    /// An item is lost on its way to the client.
    Lose(usize),
    /// The client notices that its owner is gone.
    Notice,
    /// The client goes on opening its session again.
    Reopen,
    /// A position of the snapshot on disk is changed.
    Corrupt,
    /// The snapshot on disk ends too early.
    Tear,
    /// An observation of the operation before comes late.
    LateSeen {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A cancel of the operation before comes late.
    LateCancel {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// Somebody uses the handle of a session that was in this place before, or at the owner before.
    OldHandle {
        /// The session's place at the current owner.
        place: usize,
    },
    /// A batch of a session that has ended lands: with a mutant only.
    OrphanLands {
        /// The owner.
        owner: usize,
    },
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A prefix.
    Prefix(&'static str),
    /// A suffix.
    Suffix(&'static str),
    /// A decode.
    Decode,
    /// A snapshot.
    Snapshot,
    /// A restore of what is on disk.
    Restore,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done.
    Done,
    /// It is done for so many positions, because it was asked to stop.
    Stopped(usize),
    /// It fails after so many positions.
    Fails(usize),
    /// Nobody can tell, and it was done for so many positions.
    Unknown(usize),
    /// This token was chosen.
    Token(&'static str),
    /// The model ends its text.
    Ends,
    /// The owner is fenced.
    Fenced,
    /// The cache can't be cut there.
    Uncuttable,
    /// The load ends too early.
    Short,
    /// The cache can't share.
    Refused,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Done => Ok(()),
            Fate::Stopped(came) => write!(f, " (stopped after {came})"),
            Fate::Fails(came) => write!(f, " (fails after {came})"),
            Fate::Unknown(came) => write!(f, " (outcome unknown, done for {came})"),
            Fate::Token(token) => write!(f, " -> {token}"),
            Fate::Ends => write!(f, " -> end of text"),
            Fate::Fenced => write!(f, " (fenced)"),
            Fate::Uncuttable => write!(f, " (can't be cut there)"),
            Fate::Short => write!(f, " (ends too early)"),
            Fate::Refused => write!(f, " (this cache can't)"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Prefix(text) => write!(f, "prefix {text}"),
            What::Suffix(text) => write!(f, "suffix {text}"),
            What::Decode => write!(f, "decode"),
            What::Snapshot => write!(f, "snapshot"),
            What::Restore => write!(f, "restore"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Open { client: true } => write!(f, "the client opens a session"),
            Action::Open { client: false } => write!(f, "somebody opens a session"),
            Action::Ask { place, what } => write!(f, "session {place}: asked for {what}"),
            Action::Begin { owner, place, effect, count } => {
                write!(f, "owner {owner}, session {place}: begins to {effect}, {count}")
            }
            Action::Land { owner, place, effect, fate } => {
                write!(f, "owner {owner}, session {place}: {effect} ends{fate}")
            }
            Action::Perform { owner, place, effect, fate } => {
                write!(f, "owner {owner}, session {place}: {effect}{fate}")
            }
            Action::Cancel { owner, place } => write!(f, "owner {owner}, session {place}: is cancelled"),
            Action::Close { owner, place } => write!(f, "owner {owner}, session {place}: is closed"),
            Action::Hear { owner, place } => write!(f, "owner {owner}, session {place}: hears of the fence"),
            Action::Fence => write!(f, "the owner is fenced"),
            Action::Crash => write!(f, "the owner crashes"),
            Action::TakeOver => write!(f, "another owner takes over"),
            Action::Deliver(index) => write!(f, "message {index} reaches the client"),
            Action::Lose(index) => write!(f, "message {index} is lost"),
            Action::Notice => write!(f, "the client notices that its owner is gone"),
            Action::Reopen => write!(f, "the client goes on opening its session again"),
            Action::Corrupt => write!(f, "the snapshot is changed"),
            Action::Tear => write!(f, "the snapshot is cut off"),
            Action::LateSeen { owner, place } => {
                write!(f, "owner {owner}, session {place}: an observation comes late")
            }
            Action::LateCancel { owner, place } => {
                write!(f, "owner {owner}, session {place}: a cancel comes late")
            }
            Action::OldHandle { place } => write!(f, "session {place}: a former handle is used"),
            Action::OrphanLands { owner } => write!(f, "owner {owner}: a batch of an ended session lands"),
        }
    }
}

impl What {
    /// The operation, given the snapshot on disk.
    pub fn ask(self, sessions: &Sessions, state: &State) -> Option<Ask> {
        Some(match self {
            What::Prefix(text) => Ask::Prefix(names::tokens(text)),
            What::Suffix(text) => Ask::Suffix(names::tokens(text)),
            What::Decode => Ask::Decode {
                max_tokens: Some(u64::from(sessions.generates)),
                continues: Vec::new(),
                drafts: sessions.drafts,
                shift: sessions.shifts,
            },
            What::Snapshot => Ask::Snapshot,
            What::Restore => Ask::Restore(state.disk.as_ref()?.id),
        })
    }
}

/// The sort of an action.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Open { .. } => "session: open",
        Action::Ask { .. } => "session: ask",
        Action::Begin { .. } => "session: begin",
        Action::Land { .. } => "session: land",
        Action::Perform { .. } => "session: perform",
        Action::Cancel { .. } => "session: cancel",
        Action::Close { .. } => "session: close",
        Action::Hear { .. } => "session: hear of the fence",
        Action::Fence => "session: fence",
        Action::Crash => "session: crash",
        Action::TakeOver => "session: take over",
        Action::Deliver(_) => "session: deliver",
        Action::Lose(_) => "session: lose",
        Action::Notice => "session: notice",
        Action::Reopen => "session: reopen",
        Action::Corrupt => "session: corrupt",
        Action::Tear => "session: tear",
        Action::LateSeen { .. } => "session: late observation",
        Action::LateCancel { .. } => "session: late cancel",
        Action::OldHandle { .. } => "session: old handle",
        Action::OrphanLands { .. } => "session: orphan lands",
    }
}

/// Every mark that the searches of a profile have to leave.
pub(super) const MARKS: &[&str] = &[
    "session: answered as cancelled",
    "session: answered as closed",
    "session: answered as failed",
    "session: answered as fatal",
    "session: answered as fenced",
    "session: answered as not written",
    "session: ask",
    "session: batch of unknown outcome",
    "session: batch stopped",
    "session: begin",
    "session: can't be cut",
    "session: cancel",
    "session: cancelled",
    "session: cancelled in flight",
    "session: clear of unknown outcome",
    "session: close",
    "session: corrupt",
    "session: crash",
    "session: cut back to what is known",
    "session: cut of unknown outcome",
    "session: decode cancelled",
    "session: decode ended by a full context",
    "session: decode ended by length",
    "session: decode ended by the model",
    "session: deliver",
    "session: ended",
    "session: ended in flight",
    "session: fence",
    "session: former handle refused",
    "session: gap noticed",
    "session: generated tokens reused",
    "session: guess held",
    "session: guess was wrong",
    "session: hear of the fence",
    "session: land",
    "session: late cancel",
    "session: late observation",
    "session: late observation ignored",
    "session: lose",
    "session: message of an older owner not taken",
    "session: message of another operation not taken",
    "session: no sequence is free",
    "session: not reopened",
    "session: notice",
    "session: old handle",
    "session: open",
    "session: operation begins",
    "session: perform",
    "session: prefilled",
    "session: refused by the gate",
    "session: refused, busy",
    "session: refused, closed",
    "session: refused, empty",
    "session: refused, fatal",
    "session: refused, fenced",
    "session: refused, no sequence",
    "session: refused, not yet",
    "session: refused, overflow",
    "session: refused, shifted",
    "session: reopen",
    "session: reopened by prefill",
    "session: reopened from a snapshot",
    "session: restore refused",
    "session: restored",
    "session: saved",
    "session: shared",
    "session: shift refused by the cache",
    "session: shifted",
    "session: sharing refused by the cache",
    "session: tail cut off",
    "session: take over",
    "session: tear",
];
