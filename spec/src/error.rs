//! Every failure that crosses a process boundary, typed once.
//!
//! Sorted by who must act ([`Class`]); each has a stable token that never changes its meaning. The texts name
//! the thing and the numbers, [`Error::hint`] the remedy.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, InstanceId, ProcessId};
use crate::slot::plan::NoRoom;

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The caller asked for something that can't be had now.
    Refused,
    /// The ownership is not, or no longer, what the caller believes.
    Fenced,
    /// More tokens than there is room for.
    Overflow,
    /// The model or the backend failed.
    Backend,
    /// The caller made a mistake.
    Misuse,
    /// `modeld` made a mistake.
    Internal,
}

/// In which operation the context ran out of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// EnsurePrefix.
    Prefix,
    /// PrefillSuffix.
    Suffix,
    /// Decode.
    Decode,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Prefix => "prefix",
            Stage::Suffix => "suffix",
            Stage::Decode => "decode",
        })
    }
}

/// A failure, as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "token", rename_all = "snake_case")]
pub enum Error {
    /// The owner's deadline has passed or its lease is lost: nothing owned begins any more (L5).
    #[error("epoch {epoch} is fenced: its owner could not prove that it still holds the lease")]
    Fenced {
        /// The epoch that has ended.
        epoch: Epoch,
    },
    /// The call was meant for another owner or epoch than the one that got it.
    #[error(
        "the call is for {expected_instance}, epoch {expected_epoch}, and this is {instance}, epoch {epoch}"
    )]
    StaleFence {
        /// Whom the caller meant.
        expected_instance: String,
        /// The epoch the caller meant.
        expected_epoch: u64,
        /// Who answers.
        instance: InstanceId,
        /// The epoch of the one who answers.
        epoch: Epoch,
    },
    /// Output of an epoch older than one already seen; a client refuses it.
    #[error("an answer of epoch {got} came after epoch {seen} was seen")]
    StaleEpoch {
        /// The epoch of the answer.
        got: Epoch,
        /// The highest epoch seen before.
        seen: Epoch,
    },
    /// The leader waits until another process's resident memory is back.
    #[error("the memory of the models is still held by {}", named(.holder))]
    DeviceBusy {
        /// The process that still has resident state, if known.
        holder: Option<ProcessId>,
    },
    /// No such session: it was never there, was closed, or belongs to another epoch.
    #[error("session {session} is closed")]
    SessionClosed {
        /// The session asked for.
        session: String,
    },
    /// The session met a failure that it can't recover from; its KV state is gone.
    #[error("session {session} failed for good: {cause}")]
    SessionFatal {
        /// The session.
        session: String,
        /// The first cause.
        cause: String,
    },
    /// Another operation of the same session is under way.
    #[error("session {session} is busy with {operation}")]
    SessionBusy {
        /// The session.
        session: String,
        /// What it does.
        operation: String,
    },
    /// More tokens than the context can hold. Nothing was changed and nothing truncated.
    #[error(
        "the context is full at the {stage}: {resident} tokens are resident, {additional} more were to be added, and {limit} fit"
    )]
    ContextOverflow {
        /// Where.
        stage: Stage,
        /// Tokens on the tape that would have stayed.
        resident: u64,
        /// Tokens that were to be added.
        additional: u64,
        /// Tokens that the context holds.
        limit: u64,
    },
    /// No such model.
    #[error("there is no model {model}")]
    ModelNotFound {
        /// The name or path asked for.
        model: String,
    },
    /// The model is there and could not be loaded.
    #[error("the model {model} could not be loaded: {cause}")]
    ModelLoadFailed {
        /// The name or path.
        model: String,
        /// What the backend said.
        cause: String,
    },
    /// The cache is computed with something else than the caller believes.
    #[error("the manifest's {field} is {claimed} for the caller and {found} here")]
    ManifestMismatch {
        /// The first field that differs.
        field: String,
        /// What the caller said.
        claimed: String,
        /// What is the case.
        found: String,
    },
    /// A snapshot could not be written; nothing is left of it, and the session is as it was.
    #[error("the snapshot could not be written: {cause}")]
    SnapshotFailed {
        /// Why.
        cause: String,
    },
    /// A snapshot was not restored; the session is as it was.
    #[error("{cause}")]
    SnapshotRefused {
        /// Why.
        cause: String,
    },
    /// The memory of the machine, or the part of it that may be used, has no room for the model (S6).
    #[error("there is no room for the model {model}: {shortage}")]
    NoRoom {
        /// The model.
        model: String,
        /// Why not, in bytes.
        #[serde(flatten)]
        shortage: NoRoom,
    },
    /// The model took more memory than its header says, and more than there is; it was freed (S8).
    #[error(
        "the model {model} took {taken} bytes where {planned} were planned, and the budget of {budget} bytes has no room for that"
    )]
    TookMore {
        /// The model.
        model: String,
        /// Bytes that were planned.
        planned: u64,
        /// Bytes that it took.
        taken: u64,
        /// Bytes of the whole budget.
        budget: u64,
    },
    /// The name stands for another model, and only an explicit load changes that (S4).
    #[error("{member} stands for {bound}, and not for what was asked for")]
    OtherModel {
        /// The name.
        member: String,
        /// What it stands for.
        bound: String,
    },
    /// The name is on its way to another model (S4).
    #[error("{member} is being switched to {to}")]
    Switching {
        /// The name.
        member: String,
        /// To what.
        to: String,
    },
    /// The last load of this model ended the process (S11).
    #[error("the last attempt to load {model} ended the process that tried it")]
    CrashedBefore {
        /// The model.
        model: String,
    },
    /// The beginning of a load could not be noted durably, and so nothing was loaded (S11).
    #[error("{model} was not loaded, as it could not be noted on disk that its load begins: {cause}")]
    NotRemembered {
        /// The model.
        model: String,
        /// What the system said.
        cause: String,
    },
    /// The model can't be unloaded: it is worked on, or waited for (S9).
    #[error("{in_flight} sessions and requests use {model} or wait for it")]
    ModelInUse {
        /// The model.
        model: String,
        /// How many.
        in_flight: u64,
    },
    /// No more sessions fit on this model now.
    #[error("the model serves {limit} sessions at once and all are taken")]
    TooManySessions {
        /// The limit.
        limit: u64,
    },
    /// The daemon serves another backend than the caller asked for.
    #[error("the backend {requested} was asked for and {served} is served")]
    BackendMismatch {
        /// Asked for.
        requested: String,
        /// Served.
        served: String,
    },
    /// The backend can't do this.
    #[error("{backend} does not support {feature}")]
    UnsupportedFeature {
        /// The backend.
        backend: String,
        /// The feature.
        feature: String,
    },
    /// The backend failed at something that should work.
    #[error("the backend failed: {cause}")]
    BackendFailed {
        /// What it said.
        cause: String,
    },
    /// An argument is out of range or malformed.
    #[error("{argument} {problem}")]
    InvalidArgument {
        /// Which.
        argument: String,
        /// What is wrong with it, as the end of a sentence.
        problem: String,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The owner is shutting down.
    #[error("the owner is stopping")]
    Draining,
    /// A defect of `modeld`.
    #[error("internal error: {cause}")]
    Internal {
        /// What broke.
        cause: String,
    },
}

impl Error {
    /// The stable name of this failure on the wire.
    pub fn token(&self) -> &'static str {
        match self {
            Error::Fenced { .. } => "fenced",
            Error::StaleFence { .. } => "stale_fence",
            Error::StaleEpoch { .. } => "stale_epoch",
            Error::DeviceBusy { .. } => "device_busy",
            Error::SessionClosed { .. } => "session_closed",
            Error::SessionFatal { .. } => "session_fatal",
            Error::SessionBusy { .. } => "session_busy",
            Error::ContextOverflow { .. } => "context_overflow",
            Error::ModelNotFound { .. } => "model_not_found",
            Error::ModelLoadFailed { .. } => "model_load_failed",
            Error::ManifestMismatch { .. } => "manifest_mismatch",
            Error::SnapshotFailed { .. } => "snapshot_failed",
            Error::SnapshotRefused { .. } => "snapshot_refused",
            Error::NoRoom { .. } => "no_room",
            Error::TookMore { .. } => "took_more",
            Error::OtherModel { .. } => "other_model",
            Error::Switching { .. } => "switching",
            Error::CrashedBefore { .. } => "crashed_before",
            Error::NotRemembered { .. } => "not_remembered",
            Error::ModelInUse { .. } => "model_in_use",
            Error::TooManySessions { .. } => "too_many_sessions",
            Error::BackendMismatch { .. } => "backend_mismatch",
            Error::UnsupportedFeature { .. } => "unsupported_feature",
            Error::BackendFailed { .. } => "backend_failed",
            Error::InvalidArgument { .. } => "invalid_argument",
            Error::Cancelled => "cancelled",
            Error::Draining => "draining",
            Error::Internal { .. } => "internal",
        }
    }

    /// Who must act.
    pub fn class(&self) -> Class {
        match self {
            Error::DeviceBusy { .. }
            | Error::SessionBusy { .. }
            | Error::TooManySessions { .. }
            | Error::NoRoom { .. }
            | Error::OtherModel { .. }
            | Error::Switching { .. }
            | Error::ModelInUse { .. }
            | Error::Cancelled
            | Error::Draining => Class::Refused,
            Error::Fenced { .. } | Error::StaleFence { .. } | Error::StaleEpoch { .. } => Class::Fenced,
            Error::ContextOverflow { .. } => Class::Overflow,
            Error::SessionFatal { .. }
            | Error::ModelLoadFailed { .. }
            | Error::TookMore { .. }
            | Error::CrashedBefore { .. }
            | Error::NotRemembered { .. }
            | Error::BackendFailed { .. }
            | Error::SnapshotFailed { .. } => Class::Backend,
            Error::SessionClosed { .. }
            | Error::ModelNotFound { .. }
            | Error::ManifestMismatch { .. }
            | Error::SnapshotRefused { .. }
            | Error::BackendMismatch { .. }
            | Error::UnsupportedFeature { .. }
            | Error::InvalidArgument { .. } => Class::Misuse,
            Error::Internal { .. } => Class::Internal,
        }
    }

    /// Whether the same call may succeed against the current owner after asking who that is.
    pub fn is_owner_change(&self) -> bool {
        matches!(
            self,
            Error::Fenced { .. } | Error::StaleFence { .. } | Error::StaleEpoch { .. } | Error::Draining
        )
    }

    /// What the caller can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Fenced { .. } | Error::StaleFence { .. } | Error::StaleEpoch { .. } | Error::Draining => {
                Some("ask again who owns the data root: `modeld status`".to_string())
            }
            Error::DeviceBusy { holder: Some(process) } => Some(format!(
                "wait until {process} has ended, or start the owner with `modeld serve --evict` to end it"
            )),
            Error::ContextOverflow { .. } => {
                Some("shorten the prompt, or open the session with a larger --ctx".to_string())
            }
            Error::NoRoom { shortage: NoRoom::OnlyInstead { .. }, .. } => {
                Some("allow the load to unload the model of this name first".to_string())
            }
            Error::NoRoom { .. } | Error::TookMore { .. } => Some(
                "ask for less context with --ctx, unload another model, or give the owner more with --mem-max"
                    .to_string(),
            ),
            Error::OtherModel { .. } => Some("load it under this name first, or use another name".to_string()),
            Error::CrashedBefore { .. } => {
                Some("it is tried again by an explicit load only; is the file what it should be?".to_string())
            }
            Error::SessionClosed { .. } | Error::SessionFatal { .. } => {
                Some("open a new session".to_string())
            }
            Error::BackendMismatch { served, .. } => Some(format!("ask for {served}, or restart the owner")),
            _ => None,
        }
    }
}

fn named(process: &Option<ProcessId>) -> String {
    match process {
        Some(process) => process.to_string(),
        None => "an unknown process".to_string(),
    }
}
