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
pub(super) struct Lock(LockFile);

impl Lock {
    /// The locked file, for its content.
    pub(super) fn file(&self) -> &File {
        &self.0.file
    }
}

/// An open lock file. The lock belongs to this opening of the file: whoever shares it shares the lock.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    id: FileId,
}

impl LockFile {
    /// Opens the file, making it if it is missing.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        let id = os::file_id(&file.metadata()?);
        Ok(LockFile { file, id })
    }

    /// Which file it is.
    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// Whether the path still leads to this file: a lock on one that was replaced locks nobody out.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(os::file_id(&metadata) == self.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock unless another opening of the file has it; says whether it is in hand.
    pub(super) fn try_lock(&self) -> io::Result<bool> {
        match FileExt::try_lock_exclusive(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock, waiting for it in the kernel, which wakes the caller the moment it is free.
    ///
    /// There is no bound and no way to end the wait: for threads that can be abandoned.
    pub(super) fn lock(&self) -> io::Result<()> {
        loop {
            match FileExt::lock_exclusive(&self.file) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Drops the lock if it is in hand.
    pub(super) fn unlock(&self) {
        // The kernel refuses this for no lock and no file that could be locked.
        let _ = FileExt::unlock(&self.file);
    }
}

/// Takes the lock on `path`, waiting for it no longer than `bound`; `None` if that was not enough.
pub(super) fn lock_within(path: &Path, bound: Duration) -> io::Result<Option<Lock>> {
    let start = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let file = LockFile::open(path)?;
        if file.try_lock()? {
            if file.is_at(path)? {
                return Ok(Some(Lock(file)));
            }
        } else if bound <= start.elapsed() {
            return Ok(None);
        } else {
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// What is in a data root is its owner's alone.
pub(super) const FILE_MODE: u32 = 0o600;

/// The latch is held for a few file operations, some of them a flush to disk: the first look comes soon, and
/// the later ones cost little.
const PAUSE_MIN: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(5);
