//! The record: what the lease file says about its owner, and what that is worth at an instant.
//!
//! The JSON has the field names of contenox's `liblease`, so that its readers understand it, and fields of
//! ours on which every decision rests. Wall-clock fields are written for people and never read.
//! Rules L4 (time) and L7 (what a record says about the residency lock).

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{BootId, ClockDomain, Epoch, FileId, HostName, InstanceId, Namespace, ProcessId};
use crate::time::{BootTime, Instants, Role, Ttl};

/// Who owns the data root, since when, and until when that is to be honoured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The number of this ownership.
    pub epoch: Epoch,
    /// The owner.
    pub instance: InstanceId,
    /// The process that the owner lives in.
    pub process: ProcessId,
    /// The machine, for people.
    pub host: HostName,
    /// Where the boot-clock instants below mean something.
    pub clock: ClockDomain,
    /// When the ownership began.
    pub acquired_at: BootTime,
    /// The instant from which the last renewal counts: before its write began.
    pub renewed_at: BootTime,
    /// For how long after `renewed_at` others keep off.
    pub ttl: Ttl,
    /// Whether the owner has the residency lock.
    pub residency: Residency,
    /// How to reach the owner.
    pub meta: Meta,
    /// The protocol versions that the owner speaks.
    pub protocol: ProtocolRange,
}

/// What a record says about the residency lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residency {
    /// The owner has it, on this file.
    Held(FileId),
    /// The owner leads and waits for it.
    Awaited {
        /// The file on which another process has it: a lock on any other file is not what is waited for (L14).
        file: FileId,
        /// The process that had it when the owner began to wait, if that is known.
        holder: Option<ProcessId>,
    },
}

/// How to reach the owner; the texts are bounded by [`Meta::BYTES_MAX`] each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Meta {
    /// Where the owner serves; `None` if it serves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The inference backend that the owner serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
}

impl Meta {
    /// The longest text in bytes: a path on Linux has at most 4096.
    pub const BYTES_MAX: usize = 4200;

    /// Whether a record with these texts can be read back.
    pub fn fits(&self) -> bool {
        [&self.endpoint, &self.backend].into_iter().flatten().all(|text| text.len() <= Meta::BYTES_MAX)
    }
}

/// The protocol versions that one side speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProtocolRange {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

impl ProtocolRange {
    /// What this version of modeld speaks.
    pub const CURRENT: ProtocolRange = ProtocolRange { min: 1, max: 1 };

    /// The highest version that both sides speak.
    pub fn common(self, other: ProtocolRange) -> Option<u32> {
        let highest = self.max.min(other.max);
        (self.min <= highest && other.min <= highest).then_some(highest)
    }
}

/// What a readable record is worth at an instant (L4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Of another boot: its owner can't be alive.
    Void,
    /// To be honoured until then.
    Valid {
        /// The expiry.
        until: BootTime,
    },
    /// Not renewed in time.
    Expired {
        /// The expiry.
        since: BootTime,
    },
    /// Of another time namespace: its instants are not comparable with ours.
    Incomparable,
    /// Renewed in our future, which the boot clock excludes: the file was tampered with.
    Implausible,
}

impl Record {
    /// The record is not worth reading beyond this size in bytes. Two texts of [`Meta::BYTES_MAX`] fit in even
    /// when JSON needs six bytes for each of theirs, as it does for control characters.
    pub const BYTES_MAX: usize = 64 * 1024;

    /// What the record is worth to an observer in `here` at `now`.
    pub fn standing(&self, here: &ClockDomain, now: BootTime) -> Standing {
        let until = self.ttl.expiry(self.renewed_at);
        if self.clock.boot_id != here.boot_id {
            Standing::Void
        } else if self.clock.time_namespace != here.time_namespace {
            Standing::Incomparable
        } else if now < self.renewed_at {
            Standing::Implausible
        } else if now < until {
            Standing::Valid { until }
        } else {
            Standing::Expired { since: until }
        }
    }

    /// Whether this is the record of the ownership `epoch` of `instance`.
    pub fn belongs_to(&self, instance: &InstanceId, epoch: Epoch) -> bool {
        self.instance == *instance && self.epoch == epoch
    }

    /// When its owner stops (L5).
    pub fn deadline(&self) -> BootTime {
        self.ttl.deadline(self.renewed_at)
    }

    /// The record as the text of the lease file.
    ///
    /// `wall` has `acquired_at` and `renewed_at` on the wall clock in RFC 3339, for people.
    pub fn encode(&self, wall: WallClock<'_>) -> String {
        let file = File {
            instance_id: self.instance.clone(),
            pid: self.process.pid,
            host: self.host.clone(),
            acquired_at: wall.acquired_at.to_string(),
            renewed_at: wall.renewed_at.to_string(),
            ttl: self.ttl.length().as_nanos() as u64,
            meta: self.meta.clone(),
            epoch: self.epoch,
            boot_id: self.clock.boot_id.clone(),
            time_namespace: self.clock.time_namespace,
            acquired_boot_ns: self.acquired_at,
            renewed_boot_ns: self.renewed_at,
            pid_start_time: self.process.start_time,
            pid_namespace: self.process.pid_namespace,
            residency: self.residency.clone(),
            protocol: self.protocol,
        };
        // Serialising plain numbers and strings has no way to fail; an empty file would be read as unreadable.
        serde_json::to_string_pretty(&file).map(|text| text + "\n").unwrap_or_default()
    }

    /// Reads the text of a lease file.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not a record of this format, for any reason.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable("the file is empty".to_string()));
        }
        if Record::BYTES_MAX < bytes.len() {
            return Err(Unreadable(format!("the file has more than {} bytes", Record::BYTES_MAX)));
        }
        let file: File = serde_json::from_slice(bytes).map_err(|error| Unreadable(error.to_string()))?;
        let ttl = Ttl::new(Duration::from_nanos(file.ttl)).map_err(|error| Unreadable(error.to_string()))?;
        if file.renewed_boot_ns < file.acquired_boot_ns {
            return Err(Unreadable("it was renewed before it was acquired".to_string()));
        }
        if file.protocol.max < file.protocol.min {
            return Err(Unreadable("its protocol range is empty".to_string()));
        }
        if !file.meta.fits() {
            return Err(Unreadable(format!(
                "its endpoint or backend has more than {} bytes",
                Meta::BYTES_MAX
            )));
        }
        Ok(Record {
            epoch: file.epoch,
            instance: file.instance_id,
            process: ProcessId {
                pid: file.pid,
                start_time: file.pid_start_time,
                pid_namespace: file.pid_namespace,
                time_namespace: file.time_namespace,
            },
            host: file.host,
            clock: ClockDomain { boot_id: file.boot_id, time_namespace: file.time_namespace },
            acquired_at: file.acquired_boot_ns,
            renewed_at: file.renewed_boot_ns,
            ttl,
            residency: file.residency,
            meta: file.meta,
            protocol: file.protocol,
        })
    }
}

impl Instants for Record {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        change(Role::Note, &mut self.acquired_at);
        change(Role::From, &mut self.renewed_at);
    }
}

/// The wall-clock texts of a record: written, never read.
#[derive(Clone, Copy, Debug)]
pub struct WallClock<'a> {
    /// When the ownership began, in RFC 3339.
    pub acquired_at: &'a str,
    /// When it was last renewed, in RFC 3339.
    pub renewed_at: &'a str,
}

/// The lease file is there and is not a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the lease file is not a record: {0}")]
pub struct Unreadable(pub String);

/// The lease file, field by field: those of `liblease` first.
#[derive(Serialize, Deserialize)]
struct File {
    instance_id: InstanceId,
    pid: u32,
    host: HostName,
    acquired_at: String,
    renewed_at: String,
    ttl: u64,
    #[serde(default)]
    meta: Meta,
    epoch: Epoch,
    boot_id: BootId,
    time_namespace: Namespace,
    acquired_boot_ns: BootTime,
    renewed_boot_ns: BootTime,
    pid_start_time: u64,
    pid_namespace: Namespace,
    residency: Residency,
    protocol: ProtocolRange,
}
