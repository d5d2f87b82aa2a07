//! The digests of files, computed once for each content of each file.
//!
//! A file whose device, inode, length and times are as they were has the content that it had. The times have to be somewhat
//! older than the look at them: a clock that ticks every few milliseconds shows two changes within one tick as one.
//!
//! What was computed is also kept in a file of the data root, with a checksum, since to read a model of some gigabytes again after
//! each start would be most of the start. That file is no authority: one that is damaged, too long, or can't be written is one
//! that is not there. It is replaced whole, and what it says is true whoever wrote it, so it is not fenced.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digest_of;
use crate::data_root::DataRoot;

/// The digests of files that were asked for, in memory and on disk.
pub struct FileDigests {
    place: PathBuf,
    known: Mutex<BTreeMap<Content, Digest>>,
}

/// What tells one content of a file from another, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Content {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// One line of the file on disk.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    content: Content,
    digest: String,
}

impl FileDigests {
    /// The digests that are known in `root`.
    pub fn of(root: &DataRoot) -> Self {
        let place = root.digests();
        let known = Mutex::new(read_known(&place).unwrap_or_default());
        FileDigests { place, known }
    }

    /// The digest of the file at `path`, read only if it is not known. `progress` hears how many of how many bytes are read, and
    /// can break it off.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::ModelLoadFailed`] if it can't be read or changes meanwhile; [`Error::Cancelled`].
    pub fn digest(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Digest, Error> {
        let failed = |error: io::Error| failed(path, &error);
        let looked_at = SystemTime::now();
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(broken(path, "it is no file"));
        }
        let content = Content::of(&metadata);
        if let Some(digest) = self.known().get(&content) {
            return Ok(*digest);
        }
        let digest = hash(&mut file, content.length, progress).map_err(failed)?.ok_or(Error::Cancelled)?;
        if Content::of(&file.metadata().map_err(failed)?) != content {
            return Err(broken(path, "it was changed while it was read"));
        }
        if content.is_settled(looked_at) {
            self.remember(content, digest);
        }
        Ok(digest)
    }

    pub(super) fn remember(&self, content: Content, digest: Digest) {
        let mut known = self.known();
        // Another content of the same file is gone.
        known.retain(|other, _| (other.device, other.inode) != (content.device, content.inode));
        while KNOWN_MAX <= known.len() {
            known.pop_first();
        }
        known.insert(content, digest);
        // One that can't be kept is computed again.
        let _ = write_known(&self.place, &known);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Content, Digest>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn of(metadata: &Metadata) -> Self {
        Content {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether every later change shows another time than these, which were looked at then.
    fn is_settled(&self, looked_at: SystemTime) -> bool {
        let looked_at = looked_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let settled = looked_at.saturating_sub(TICK).as_secs();
        [self.modified.0, self.changed.0]
            .iter()
            .all(|seconds| u64::try_from(*seconds).is_ok_and(|seconds| seconds < settled))
    }
}

/// What this file has at this time.
#[cfg(test)]
pub(super) fn content_of(file: &File) -> Content {
    Content::of(&file.metadata().unwrap())
}

/// The digest of the next `length` bytes, which are all; `None` if it was broken off.
fn hash(
    file: &mut dyn Read,
    length: u64,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> io::Result<Option<Digest>> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    loop {
        if progress(done, length).is_break() {
            return Ok(None);
        }
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&chunk[..read]);
        done += read as u64;
        if length < done {
            return Err(io::Error::other("it became longer while it was read"));
        }
    }
    if done < length {
        return Err(io::Error::other("it became shorter while it was read"));
    }
    Ok(Some(Digest(hash.finalize().into())))
}

fn read_known(place: &Path) -> Option<BTreeMap<Content, Digest>> {
    let mut bytes = Vec::new();
    // One byte more than it may have, so that a longer file is seen to be longer.
    File::open(place).ok()?.take(KNOWN_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    if KNOWN_BYTES_MAX < bytes.len() {
        return None;
    }
    let text = std::str::from_utf8(&bytes).ok()?;
    let (checksum, lines) = text.split_once('\n')?;
    if checksum.parse::<Digest>().ok()? != digest_of(lines.as_bytes()) {
        return None;
    }
    let entry = |line: &str| {
        let Line { content, digest } = serde_json::from_str(line).ok()?;
        Some((content, digest.parse().ok()?))
    };
    lines.lines().take(KNOWN_MAX).map(entry).collect()
}

fn write_known(place: &Path, known: &BTreeMap<Content, Digest>) -> io::Result<()> {
    let mut lines = String::new();
    for (content, digest) in known {
        let line = Line { content: *content, digest: digest.to_string() };
        lines.push_str(&serde_json::to_string(&line)?);
        lines.push('\n');
    }
    let beside = place.with_extension(format!("digests.{}", uuid::Uuid::new_v4().simple()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(format!("{}\n", digest_of(lines.as_bytes())).as_bytes())?;
            file.write_all(lines.as_bytes())
        })
        .and_then(|()| fs::rename(&beside, place));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn failed(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::ModelNotFound { model: path.display().to_string() },
        _ => broken(path, &error.to_string()),
    }
}

fn broken(path: &Path, cause: &str) -> Error {
    Error::ModelLoadFailed { model: path.display().to_string(), cause: cause.to_string() }
}

/// Twice the coarsest tick of file times known (FAT's two seconds).
const TICK: Duration = Duration::from_secs(4);

/// Files whose digests are kept.
const KNOWN_MAX: usize = 512;

/// Bytes of the file on disk: some 300 for each digest.
const KNOWN_BYTES_MAX: usize = 256 << 10;

/// What is read at once: so seldom a system call that it costs nothing.
const CHUNK: usize = 1 << 20;
