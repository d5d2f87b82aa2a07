//! Snapshots on disk: sessions that outlive their process, and their owner.
//!
//! ```text
//!     DATA ROOT/snapshots/3f/3f9a...   one file a snapshot, named by the SHA-256 of its bytes
//!     DATA ROOT/snapshots/new/         what is being written, or was taken away; the name says the epoch
//! ```
//!
//! A snapshot is written beside its place, synced, and put there by one rename, which the lease fences where it lands (F2). It is never
//! changed afterwards, so two who write the same one do no harm, and a reader needs no lock. What gives way is first renamed
//! out of its place, fenced in the same way, and then removed: a reader that has it open goes on reading, since on Linux a file
//! lives until its last descriptor is closed. The time of the last use is the modification time of the file.
//!
//! Nothing here is trusted when it is read: [`SnapshotStore::read`] bounds and checks everything, and gives the digest of what it read.
//! All calls block. They fail with [`StoreError`], and leave nothing but what was there; what a crash leaves is swept by
//! the next owner (F4).

mod format;
mod landing;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use modeld_spec::fence::commit::{Cause, Refusal, is_left_behind};
use modeld_spec::ids::Epoch;
use modeld_spec::lease::effect::Failure;
use modeld_spec::session::retention::{Retention, Room, Stored, total};
use modeld_spec::session::snapshot::{Digest, Head, Refused};
use rustix::fs::OFlags;

use self::landing::{Departure, Faults, Landed, Temporary};
use crate::data_root::DataRoot;
use crate::lease::files::kind_of;
use crate::owner::gate::OwnedPermit;
use crate::owner::{CommitError, Committer};

/// The snapshots of a data root, for its owner. Shared by all threads.
pub struct SnapshotStore {
    place: PathBuf,
    committer: Committer,
    limits: SnapshotLimits,
    /// What is being written and is not in its place yet: its room is taken.
    under_way: Mutex<Room>,
    faults: Faults,
}

/// What a store keeps and accepts.
#[derive(Clone, Debug)]
pub struct SnapshotLimits {
    /// What is kept.
    pub retention: Retention,
    /// Bytes of one snapshot at most, written or read.
    pub snapshot_bytes_max: u64,
}

impl Default for SnapshotLimits {
    fn default() -> Self {
        SnapshotLimits {
            retention: Retention {
                bytes_max: 8 << 30,
                // A week: a conversation that nobody took up again in that time is cheaper to prefill than to keep.
                age_max: Duration::from_secs(7 * 24 * 3600),
                count_max: 4096,
            },
            // The cache of some hundred thousand tokens of a mid-sized model.
            snapshot_bytes_max: 4 << 30,
        }
    }
}

/// A snapshot that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it says about itself. Nothing of it was compared with what it is to be used for.
    pub head: Head,
    /// The contents of the sequence, as the backend gave them.
    pub contents: Vec<u8>,
    /// The digest of all bytes that were read: whoever asked for another one refuses it.
    pub digest: Digest,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Snapshots.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The most bytes that are kept.
    pub bytes_max: u64,
}

/// Why a snapshot was not written, or not removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is larger than one snapshot, or all of them, may be.
    #[error("a snapshot of {bytes} bytes is larger than the {limit} bytes that are kept")]
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// The bytes that are allowed.
        limit: u64,
    },
    /// There are more files than were ever written here.
    #[error("there are more than {ENTRIES_MAX} files in {}", .0.display())]
    TooMany(PathBuf),
    /// An effect failed, and nothing was changed. Its kind tells a full disk and a read-only one from the rest.
    #[error(transparent)]
    Failed(Failure),
    /// It was not committed, or nobody knows whether it was.
    #[error(transparent)]
    NotCommitted(CommitError),
}

impl StoreError {
    /// Whether a later owner is known: nothing of this one will ever be written again.
    pub fn is_superseded(&self) -> bool {
        matches!(self, StoreError::NotCommitted(CommitError::Refused(Refusal::Superseded { .. })))
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::NotDone(Cause::Failed(failure)) => StoreError::Failed(failure),
            other => StoreError::NotCommitted(other),
        }
    }
}

impl SnapshotStore {
    /// The store of the data root that `committer`'s owner has. Sweeps what owners before it left behind (F4).
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the directory can't be made or read.
    pub fn open(
        root: &DataRoot,
        committer: Committer,
        _permit: &OwnedPermit<'_>,
        limits: SnapshotLimits,
    ) -> Result<Self, StoreError> {
        let place = root.snapshots();
        let faults = Faults::default();
        let store = SnapshotStore { place, committer, limits, under_way: Mutex::default(), faults };
        let temporaries = store.temporaries();
        make_directory(&temporaries, true).map_err(|error| failed("make", &temporaries, &error))?;
        store.sweep(&temporaries)?;
        Ok(store)
    }

    /// Writes a snapshot, and removes others to make room for it. Returns its name once it is on disk for good.
    ///
    /// `contents` is not copied. Takes as long as the disk does; only what lands holds up the lease.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is left of it then, except that nobody knows it after [`CommitError::Unknown`].
    pub fn save(&self, permit: &OwnedPermit<'_>, head: &Head, contents: &[u8]) -> Result<Digest, StoreError> {
        let encoded = format::encode_head(head, contents.len());
        let bytes = encoded.as_ref().map_or(u64::MAX, |head| (head.len() + contents.len()) as u64);
        let limit = self.limits.snapshot_bytes_max.min(self.limits.retention.bytes_max);
        let admitted = bytes <= limit && self.limits.retention.admits(bytes);
        let Some(encoded) = encoded.filter(|_| admitted) else {
            return Err(StoreError::TooLarge { bytes, limit });
        };
        let room = self.take_room(bytes);
        self.collect_for(permit, *self.under_way())?;
        let mut landed = Landed::new(self, [&encoded, contents]);
        self.committer.commit(permit, &mut landed)?;
        drop(room);
        Ok(landed.digest())
    }

    /// Reads a snapshot and notes that it was used. Everything in it is bounded and checked, but whether it is the one that
    /// was asked for, and fits, is [`Head::verify`]'s to say.
    ///
    /// # Errors
    /// [`Refused::Absent`], [`Refused::Unreadable`], [`Refused::Digest`].
    pub fn read(&self, id: Digest) -> Result<Snapshot, Refused> {
        let mut options = OpenOptions::new();
        // A link leads out of the store, and a pipe would be waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match options.read(true).custom_flags(flags.bits().cast_signed()).open(self.path_of(id)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refused::Absent),
            Err(_) => return Err(Refused::Unreadable),
        };
        let metadata = file.metadata().map_err(|_| Refused::Unreadable)?;
        if !metadata.is_file() || self.limits.snapshot_bytes_max < metadata.len() {
            return Err(Refused::Unreadable);
        }
        // If its use can't be noted it is only removed sooner.
        let _ = file.set_modified(SystemTime::now());
        format::read(&mut BufReader::new(file), metadata.len())
    }

    /// All snapshots, in no order.
    ///
    /// # Errors
    /// [`StoreError::Failed`], [`StoreError::TooMany`].
    pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let mut stored = Vec::new();
        for folder in entries(&self.place)? {
            if folder.file_name().is_none_or(|name| name.len() != FOLDER_DIGITS) {
                continue;
            }
            for path in entries(&folder)? {
                let name = path.file_name().and_then(|name| name.to_str());
                let Some(id) = name.and_then(|name| name.parse::<Digest>().ok()) else { continue };
                // One that is gone by this time was removed meanwhile.
                let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
                let used = metadata
                    .modified()
                    .ok()
                    .and_then(|used| used.duration_since(SystemTime::UNIX_EPOCH).ok());
                if path == self.path_of(id) {
                    stored.push(Stored { id, bytes: metadata.len(), used: used.unwrap_or_default() });
                }
                if ENTRIES_MAX < stored.len() {
                    return Err(StoreError::TooMany(self.place.clone()));
                }
            }
        }
        Ok(stored)
    }

    /// How much is kept.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let stored = self.list()?;
        let bytes_max = self.limits.retention.bytes_max;
        Ok(Usage { count: stored.len(), bytes: total(&stored), bytes_max })
    }

    /// Removes a snapshot; `false` if there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(&self, permit: &OwnedPermit<'_>, id: Digest) -> Result<bool, StoreError> {
        self.remove_all(permit, &[id]).map(|removed| 0 < removed)
    }

    /// Removes what is too old, and what does not fit, oldest use first; says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn collect(&self, permit: &OwnedPermit<'_>) -> Result<usize, StoreError> {
        self.collect_for(permit, *self.under_way())
    }

    fn collect_for(&self, permit: &OwnedPermit<'_>, room: Room) -> Result<usize, StoreError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let leaving = self.limits.retention.collect(&self.list()?, room, now);
        let mut removed = 0;
        for ids in leaving.chunks(DEPARTURES_MAX) {
            removed += self.remove_all(permit, ids)?;
        }
        Ok(removed)
    }

    fn remove_all(&self, permit: &OwnedPermit<'_>, ids: &[Digest]) -> Result<usize, StoreError> {
        let mut departure = Departure::new(self, ids);
        if departure.is_needless() {
            return Ok(0);
        }
        self.committer.commit(permit, &mut departure)?;
        Ok(departure.finish())
    }

    /// F4: removes what was being written when an owner before this one ended.
    fn sweep(&self, temporaries: &Path) -> Result<(), StoreError> {
        let ours = self.committer.ownership().epoch;
        for path in entries(temporaries)? {
            let of = path.file_name().and_then(|name| name.to_str()).and_then(epoch_of);
            if of.is_some_and(|of| is_left_behind(of, ours)) {
                // Whoever comes next tries again.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    fn take_room(&self, bytes: u64) -> TakenRoom<'_> {
        let mut under_way = self.under_way();
        under_way.bytes = under_way.bytes.saturating_add(bytes);
        under_way.count += 1;
        TakenRoom { store: self, bytes }
    }

    fn under_way(&self) -> MutexGuard<'_, Room> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn temporaries(&self) -> PathBuf {
        self.place.join("new")
    }

    fn temporary(&self) -> Temporary {
        let epoch = self.committer.ownership().epoch;
        let name = format!("{:0EPOCH_DIGITS$}-{}", epoch.get(), uuid::Uuid::new_v4().simple());
        Temporary::new(self.temporaries().join(name))
    }

    fn folder_of(&self, id: Digest) -> PathBuf {
        self.place.join(format!("{:02x}", id.0[0]))
    }

    fn path_of(&self, id: Digest) -> PathBuf {
        self.folder_of(id).join(id.to_string())
    }
}

/// Room that a snapshot which is being written takes.
struct TakenRoom<'a> {
    store: &'a SnapshotStore,
    bytes: u64,
}

impl Drop for TakenRoom<'_> {
    fn drop(&mut self) {
        let mut under_way = self.store.under_way();
        under_way.bytes = under_way.bytes.saturating_sub(self.bytes);
        under_way.count = under_way.count.saturating_sub(1);
    }
}

/// The epoch that the name of a temporary file begins with.
fn epoch_of(name: &str) -> Option<Epoch> {
    let (digits, _) = name.split_once('-')?;
    let clean = digits.len() == EPOCH_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    if clean { Epoch::new(digits.parse().ok()?) } else { None }
}

/// What is in a directory; nothing if it is not there.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let found = match fs::read_dir(directory) {
        Ok(found) => found,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", directory, &error)),
    };
    let paths: Vec<PathBuf> = found.take(ENTRIES_MAX + 1).flatten().map(|entry| entry.path()).collect();
    if ENTRIES_MAX < paths.len() { Err(StoreError::TooMany(directory.to_owned())) } else { Ok(paths) }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn make_directory(path: &Path, recursive: bool) -> io::Result<()> {
    match DirBuilder::new().recursive(recursive).mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn failed(doing: &'static str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(Failure {
        doing,
        path: path.display().to_string(),
        cause: error.to_string(),
        kind: kind_of(error),
    })
}

/// A directory with more files was not filled by us.
const ENTRIES_MAX: usize = 100_000;

/// How many are removed under one latch: some milliseconds of renames.
const DEPARTURES_MAX: usize = 64;

/// Digits of a digest that name a folder.
const FOLDER_DIGITS: usize = 2;

/// Enough digits for every `u64`.
const EPOCH_DIGITS: usize = 20;
