//! The decision under the latch: what a record and the residency lock together mean to a claimant.
//!
//! One pure function, [`decide`]; the table is that of rule L2. Rules L2, L4, L7 and L14.

use super::effect::{Content, LockSeen};
use super::record::{Record, Residency, Standing};
use crate::ids::{ClockDomain, Epoch, FileId, ProcessId};
use crate::time::{BootTime, Instants, Role};

/// What a claimant does, having seen the record and the residency lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Own the data root: the residency lock is in hand.
    Acquire(FileId),
    /// Own the data root and wait for the residency lock, which `holder` has as far as is known.
    Lead {
        /// The file of that lock.
        file: FileId,
        /// The process that the last record named.
        holder: Option<ProcessId>,
    },
    /// Not before this process is known to be gone: the lock file was replaced under it (L14).
    Inspect(ProcessId, FileId),
    /// Somebody else owns.
    Follow(Why),
}

/// Why a claimant follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A record that is to be honoured.
    Held(Record),
    /// Nobody owns, and the previous owner's memory is not back yet.
    Draining,
    /// Somebody has resident state and the record does not say who.
    HeldByUnknown,
    /// The lock file was replaced while this process had it, and the process still lives.
    LockReplaced(ProcessId),
}

/// A record that was seen not to change, for observers that can't compare its clock with theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched {
    /// Whose ownership.
    pub epoch: Epoch,
    /// Its last renewal, as it says.
    pub renewed_at: BootTime,
    /// Since when nothing changed, on the observer's clock.
    pub since: BootTime,
}

impl Watched {
    /// The watch after `record` was seen at `now`: it goes on if nothing changed, else it starts anew.
    pub fn after(previous: Option<&Watched>, record: &Record, now: BootTime) -> Watched {
        match previous {
            Some(watch) if watch.epoch == record.epoch && watch.renewed_at == record.renewed_at => {
                watch.clone()
            }
            _ => Watched { epoch: record.epoch, renewed_at: record.renewed_at, since: now },
        }
    }
}

impl Instants for Why {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Why::Held(record) => record.instants(change),
            Why::Draining | Why::HeldByUnknown | Why::LockReplaced(_) => {}
        }
    }
}

impl Instants for Watched {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        change(Role::From, &mut self.renewed_at);
        change(Role::From, &mut self.since);
    }
}

/// What a claimant in `here` does at `now` (L2).
pub fn decide(
    here: &ClockDomain,
    watched: Option<&Watched>,
    content: &Content,
    lock: LockSeen,
    now: BootTime,
) -> Verdict {
    let record = match content {
        Content::Absent => return nobody(lock),
        Content::Unreadable(_) => return unknown(lock),
        Content::Record(record) => record,
    };
    match record.standing(here, now) {
        Standing::Void => nobody(lock),
        Standing::Implausible => unknown(lock),
        Standing::Valid { .. } => honoured(record, lock),
        Standing::Expired { .. } => expired(record, lock),
        Standing::Incomparable if unchanged_for_ttl(watched, record, now) => expired(record, lock),
        Standing::Incomparable => honoured(record, lock),
    }
}

fn nobody(lock: LockSeen) -> Verdict {
    match lock {
        LockSeen::Taken(file) => Verdict::Acquire(file),
        LockSeen::Held(_) => Verdict::Follow(Why::Draining),
    }
}

fn unknown(lock: LockSeen) -> Verdict {
    match lock {
        LockSeen::Taken(file) => Verdict::Acquire(file),
        LockSeen::Held(_) => Verdict::Follow(Why::HeldByUnknown),
    }
}

/// L7: a free lock proves the owner's death only if the record says that its owner had this very lock.
fn honoured(record: &Record, lock: LockSeen) -> Verdict {
    match (lock, &record.residency) {
        (LockSeen::Taken(file), Residency::Held(recorded)) if file == *recorded => Verdict::Acquire(file),
        (LockSeen::Taken(_) | LockSeen::Held(_), _) => Verdict::Follow(Why::Held(record.clone())),
    }
}

/// L14: an expired record says nothing about a lock on another file than the one that it names. Who has, or had,
/// the lock on that one may be resident until it ends.
fn expired(record: &Record, lock: LockSeen) -> Verdict {
    let (named, holder) = match &record.residency {
        Residency::Held(file) => (*file, Some(record.process)),
        Residency::Awaited { file, holder } => (*file, *holder),
    };
    match (lock, holder) {
        (LockSeen::Taken(file), _) if file == named => Verdict::Acquire(file),
        (LockSeen::Held(file), _) if file == named => Verdict::Lead { file, holder },
        (LockSeen::Taken(file), Some(holder)) => Verdict::Inspect(holder, file),
        (LockSeen::Held(_), Some(holder)) => Verdict::Follow(Why::LockReplaced(holder)),
        (LockSeen::Taken(_) | LockSeen::Held(_), None) => Verdict::Follow(Why::HeldByUnknown),
    }
}

fn unchanged_for_ttl(watched: Option<&Watched>, record: &Record, now: BootTime) -> bool {
    let watch = Watched::after(watched, record, now);
    record.ttl.expiry(watch.since) <= now
}
