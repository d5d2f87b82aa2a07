//! Which snapshots are kept: what is too old goes, and then what was used longest ago, until the rest fits.
//!
//! Decides; removes nothing. What it says is the same for the same list, in whatever order that comes. Time is counted
//! from wherever whoever asks counts it: a snapshot that was used later than now, since somebody has set a clock back, counts
//! as used now.

use alloc::vec::Vec;
use core::time::Duration;

use crate::session::snapshot::Digest;

/// One snapshot on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Its name.
    pub id: Digest,
    /// Bytes that it takes.
    pub bytes: u64,
    /// When it was written or read last.
    pub used: Duration,
}

/// What may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Bytes of all of them together.
    pub bytes_max: u64,
    /// One that was used that long ago goes.
    pub age_max: Duration,
    /// How many.
    pub count_max: usize,
}

impl Retention {
    /// The snapshots that go, so that `room` more bytes fit; oldest use first. If `room` alone is more than may be kept,
    /// all go: whoever writes asks [`Retention::admits`] before.
    pub fn collect(&self, stored: &[Stored], room: Room, now: Duration) -> Vec<Digest> {
        let mut stored = stored.to_vec();
        stored.sort_unstable_by_key(|stored| (stored.used.min(now), stored.id));
        let mut bytes = room.bytes.saturating_add(total(&stored));
        let mut count = room.count.saturating_add(stored.len());
        // In the order of their last use: behind the first one that stays, all stay.
        let goes = stored.iter().take_while(|stored| {
            let is_old = self.age_max <= now.saturating_sub(stored.used);
            let goes = is_old || self.bytes_max < bytes || self.count_max < count;
            if goes {
                bytes = bytes.saturating_sub(stored.bytes);
                count -= 1;
            }
            goes
        });
        goes.map(|stored| stored.id).collect()
    }

    /// Whether a snapshot of so many bytes may be kept at all.
    pub fn admits(&self, bytes: u64) -> bool {
        bytes <= self.bytes_max && 0 < self.count_max
    }
}

/// What is about to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// How many snapshots.
    pub count: usize,
}

/// Bytes of all of them.
pub fn total(stored: &[Stored]) -> u64 {
    stored.iter().fold(0, |sum, stored| sum.saturating_add(stored.bytes))
}
