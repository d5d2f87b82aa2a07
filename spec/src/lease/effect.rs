//! What the lease machines ask of the outside, and what it answers.
//!
//! Each effect is one atomic thing; a crash, a pause or an error can fall between any two. Whoever performs
//! them (files, a simulated file system, the model) decides nothing.

use alloc::string::String;

use super::record::{Record, Unreadable};
use crate::ids::{Epoch, FileId, ProcessId};
use crate::time::{BootTime, Instants, Observed, Role};

/// One atomic thing that the outside can do for a lease machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Take the latch, waiting for it no longer than the store's bound (L15). Answer: [`Seen::Latch`].
    TakeLatch,
    /// Read the lease file. Answer: [`Seen::Record`].
    ReadRecord,
    /// Take the residency lock if it is free, or keep it if it is in hand. Answer: [`Seen::Residency`].
    TryResidency,
    /// Read the highest epoch ever granted. Answer: [`Seen::Epochs`].
    ReadEpochs,
    /// Grant an epoch: durable, and refused if it was granted before (L3). Answer: [`Seen::Claim`].
    ClaimEpoch(Epoch),
    /// Replace the lease file, whole or not at all. Answer: [`Seen::Done`].
    ReplaceRecord(Record),
    /// Remove the lease file. Answer: [`Seen::Done`].
    RemoveRecord,
    /// Look whether exactly this process lives. Answer: [`Seen::Process`].
    InspectProcess(ProcessId),
    /// End exactly this process, or nobody. Answer: [`Seen::Process`], as it was found.
    KillProcess(ProcessId),
    /// Let owned work end: no new work is taken, what runs is ended. Answer: [`Seen::Done`].
    Quiesce,
    /// Write what must outlive the owner. Answer: [`Seen::Done`].
    Flush,
    /// Give the memory of all resident state back. Answer: [`Seen::Done`].
    Free,
    /// Close the gate and let the keeper end, so that no renewal follows. Answer: [`Seen::Done`].
    StopKeeper,
    /// Drop the residency lock. Answer: [`Seen::Done`].
    DropResidency,
    /// Drop the latch. Answer: [`Seen::Done`].
    DropLatch,
}

impl Effect {
    /// The name of the effect, for traces and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::TakeLatch => "take latch",
            Effect::ReadRecord => "read record",
            Effect::TryResidency => "try residency",
            Effect::ReadEpochs => "read epochs",
            Effect::ClaimEpoch(_) => "claim epoch",
            Effect::ReplaceRecord(_) => "replace record",
            Effect::RemoveRecord => "remove record",
            Effect::InspectProcess(_) => "inspect process",
            Effect::KillProcess(_) => "kill process",
            Effect::Quiesce => "quiesce",
            Effect::Flush => "flush",
            Effect::Free => "free",
            Effect::StopKeeper => "stop keeper",
            Effect::DropResidency => "drop residency",
            Effect::DropLatch => "drop latch",
        }
    }
}

/// What the outside saw when it performed an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Whether the latch was had within the bound.
    Latch(LatchSeen),
    /// What the lease file says.
    Record(Content),
    /// Whether the residency lock is in hand, and on which file.
    Residency(LockSeen),
    /// The highest epoch ever granted; `None` on a data root that never had an owner.
    Epochs(Option<Epoch>),
    /// Whether the epoch is ours.
    Claim(ClaimSeen),
    /// What became of a process.
    Process(ProcessSeen),
    /// It was done.
    Done,
    /// It could not be done, or nobody knows whether it was. Never to be read as "free" or as "lost" (L8).
    Failed(Failure),
}

/// See [`Effect::TakeLatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LatchSeen {
    /// In hand.
    Taken,
    /// Somebody else kept it for the whole of the bound.
    Busy,
}

/// See [`Effect::ReadRecord`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// There is no lease file: nobody owns.
    Absent,
    /// A record.
    Record(Record),
    /// A file that is no record.
    Unreadable(Unreadable),
}

/// See [`Effect::TryResidency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockSeen {
    /// It was free, or in hand before: now it is in hand.
    Taken(FileId),
    /// Another process has it.
    Held(FileId),
}

/// See [`Effect::ClaimEpoch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimSeen {
    /// The epoch is ours alone, durably.
    Granted,
    /// Somebody had it before.
    Refused,
}

/// See [`Effect::InspectProcess`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessSeen {
    /// Exactly this process lives (or lived until it was killed here).
    Alive,
    /// It has ended; its pid may belong to another one by now.
    Gone,
    /// It can't be told: its pid or its start is counted in another namespace.
    Unverifiable,
}

/// An effect that failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("could not {doing} {path}: {cause}")]
pub struct Failure {
    /// The effect in words, as in "replace record".
    pub doing: &'static str,
    /// The file it was about; empty where there is none.
    pub path: String,
    /// What the system said.
    pub cause: String,
    /// The sort of the cause, where it decides about the remedy.
    pub kind: FailureKind,
}

/// What sort of failure it was; the remedy depends on it, no decision of the protocol does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No permission.
    PermissionDenied,
    /// The disk or the quota is full.
    StorageFull,
    /// The file system is mounted read-only.
    ReadOnly,
    /// Anything else.
    Other,
}

/// What was seen, and when.
pub type Observation = Observed<Seen>;

impl Instants for Effect {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Effect::ReplaceRecord(record) = self {
            record.instants(change);
        }
    }
}

impl Instants for Seen {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Seen::Record(content) = self {
            content.instants(change);
        }
    }
}

impl Instants for Content {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Content::Record(record) = self {
            record.instants(change);
        }
    }
}
