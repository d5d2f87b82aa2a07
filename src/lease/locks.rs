//! Locks on files that stay where they are (L14): taken with the kernel's help, dropped with the descriptor.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fs2::FileExt;
use modeld_spec::ids::FileId;

use crate::os;

/// An exclusive lock in hand; dropped with this value, or by the kernel with the process.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    id: FileId,
}

impl Lock {
    /// Which file the lock is on.
    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// The locked file, for its content.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether the path still leads to the locked file.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(os::file_id(&metadata) == self.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A lock that another descriptor has.
#[derive(Debug)]
pub(super) enum Attempt {
    /// In hand.
    Taken(Lock),
    /// Another has the lock on this file.
    Held(FileId),
}

/// Takes the lock on `path` if it is free, making the file if it is missing.
pub(super) fn try_lock(path: &Path) -> io::Result<Attempt> {
    loop {
        let file = open(path)?;
        let id = os::file_id(&file.metadata()?);
        match FileExt::try_lock_exclusive(&file) {
            Ok(()) => {
                let lock = Lock { file, id };
                // A file that was replaced between opening and locking locks nobody out.
                if lock.is_at(path)? {
                    return Ok(Attempt::Taken(lock));
                }
            }
            Err(error) if is_contended(&error) => return Ok(Attempt::Held(id)),
            Err(error) => return Err(error),
        }
    }
}

/// Takes the lock on `path`, waiting for it no longer than `bound`; `None` if that was not enough.
pub(super) fn lock_within(path: &Path, bound: Duration) -> io::Result<Option<Lock>> {
    let start = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        match try_lock(path)? {
            Attempt::Taken(lock) => return Ok(Some(lock)),
            Attempt::Held(_) if bound <= start.elapsed() => return Ok(None),
            Attempt::Held(_) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Takes the lock on `path`, waiting for it in the kernel, which wakes the caller the moment it is free.
///
/// There is no bound and no way to end the wait: for threads that can be abandoned.
pub(super) fn lock_blocking(path: &Path) -> io::Result<Lock> {
    loop {
        let file = open(path)?;
        let id = os::file_id(&file.metadata()?);
        match FileExt::lock_exclusive(&file) {
            Ok(()) => {
                let lock = Lock { file, id };
                if lock.is_at(path)? {
                    return Ok(lock);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}

/// What is in a data root is its owner's alone.
pub(super) const FILE_MODE: u32 = 0o600;

/// The latch is held for a few file operations, some of them a flush to disk: the first look comes soon, and
/// the later ones cost little.
const PAUSE_MIN: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(5);
