//! The marks of loads that are under way, on disk: what a daemon finds there ended the one before it (S11).
//!
//! A mark is a file named by a hash of the model's identity and by the epoch that wrote it; it holds the identity, and the path for
//! people. It is durable before its load begins. An owner removes only what it wrote and what its own mark replaces, which is older: the
//! mark of a successor stays, as its name is another one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use modeld_spec::ids::Epoch;

use crate::sync::{AtomicBool, Ordering};

/// The marks of one data root, as one owner sees them.
pub(in crate::engine) struct Marks {
    /// `None`: nothing is remembered.
    directory: Option<PathBuf>,
    epoch: Epoch,
    /// Whether a removal is not on disk yet.
    unsettled: AtomicBool,
}

impl Marks {
    /// The marks in `directory`, which need not exist.
    pub(in crate::engine) fn new(directory: Option<PathBuf>, epoch: Epoch) -> Self {
        Marks { directory, epoch, unsettled: AtomicBool::new(false) }
    }

    /// The identities of the models whose load did not end, each once.
    pub(super) fn read(&self) -> io::Result<Vec<String>> {
        let Some(directory) = &self.directory else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for (count, entry) in entries.enumerate() {
            if MARKS_MAX <= count {
                let problem = format!("more than {MARKS_MAX} files where marks are kept");
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            let entry = entry?;
            if is_mark(&entry.file_name().to_string_lossy()) {
                let mut text = String::new();
                match File::open(entry.path())?.take(MARK_BYTES_MAX).read_to_string(&mut text) {
                    Ok(_) => found.extend(text.lines().next().map(str::to_string)),
                    // It names nothing: marks are put in place whole, so this was written by somebody else.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                    Err(error) => return Err(error),
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Writes the mark of a load, and returns when it is durable.
    pub(super) fn write(&self, identity: &str, path: &Path) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        match DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => directory.parent().map_or(Ok(()), sync)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let mark = directory.join(self.name(identity));
        let temporary = mark.with_extension("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{identity}\n{}", path.display())?;
        file.sync_all()?;
        fs::rename(&temporary, &mark)?;
        sync(directory)?;
        self.forget_older(directory, identity);
        Ok(())
    }

    /// Removes this owner's mark of a model. What stays because that failed is a model that has to be loaded explicitly.
    pub(super) fn remove(&self, identity: &str) {
        if let Some(directory) = &self.directory
            && fs::remove_file(directory.join(self.name(identity))).is_ok()
        {
            self.unsettled.store(true, Ordering::Release);
        }
    }

    /// Waits until removals are on disk as well.
    pub(super) fn settle(&self) {
        if let Some(directory) = &self.directory
            && self.unsettled.swap(false, Ordering::AcqRel)
            && sync(directory).is_err()
        {
            self.unsettled.store(true, Ordering::Release);
        }
    }

    /// Marks of this model by earlier epochs: this owner's own has taken their place.
    fn forget_older(&self, directory: &Path, identity: &str) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        let (prefix, own) = (prefix(identity), self.name(identity));
        for entry in entries.flatten().take(MARKS_MAX) {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Names are of one length: the order of the text is that of the epochs.
            if is_mark(&name) && name.starts_with(&prefix) && name < own {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn name(&self, identity: &str) -> String {
        format!("{}{:0DIGITS$}", prefix(identity), self.epoch.get())
    }
}

/// What the names of all marks of a model begin with.
fn prefix(identity: &str) -> String {
    // FNV-1a: the same on every machine and in every version.
    let hash = identity.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}-")
}

fn is_mark(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_hash = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    bytes.len() == HASH_DIGITS + 1 + DIGITS
        && bytes[..HASH_DIGITS].iter().all(is_hash)
        && bytes[HASH_DIGITS] == b'-'
        && bytes[HASH_DIGITS + 1..].iter().all(u8::is_ascii_digit)
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

const HASH_DIGITS: usize = 16;

/// Enough digits for every `u64`.
const DIGITS: usize = 20;

/// A directory with more files than this was not filled by us: one file stays of each load that ended a process.
const MARKS_MAX: usize = 4096;

/// An identity and a path; the longest path has 4096 bytes.
const MARK_BYTES_MAX: u64 = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(directory: &Path, epoch: u64) -> Marks {
        Marks::new(Some(directory.join("loads")), Epoch::new(epoch).unwrap())
    }

    #[test]
    fn s11_a_mark_is_found_by_whoever_comes_next() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (marks(directory.path(), 1), marks(directory.path(), 2));
        assert_eq!(first.read().unwrap(), Vec::<String>::new());
        first.write("a", Path::new("/a.gguf")).unwrap();
        first.write("b", Path::new("/b.gguf")).unwrap();
        first.remove("b");
        first.settle();
        assert_eq!(second.read().unwrap(), ["a"]);
    }

    #[test]
    fn s11_an_owner_removes_its_own_marks_and_older_ones_only() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (marks(directory.path(), 1), marks(directory.path(), 2));
        first.write("a", Path::new("/a.gguf")).unwrap();
        second.write("a", Path::new("/a.gguf")).unwrap();
        first.remove("a");
        assert_eq!(second.read().unwrap(), ["a"], "that of the successor stays");
        second.remove("a");
        assert_eq!(second.read().unwrap(), Vec::<String>::new(), "the older one was replaced");
    }

    #[test]
    fn what_is_no_mark_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let marks = marks(directory.path(), 1);
        marks.write("a", Path::new("/a.gguf")).unwrap();
        let loads = directory.path().join("loads");
        fs::write(loads.join("notes"), "b").unwrap();
        fs::write(loads.join(format!("{}{:020}", prefix("c"), 1)), [0xff, 0xfe]).unwrap();
        assert_eq!(marks.read().unwrap(), ["a"]);
        fs::remove_dir_all(&loads).unwrap();
        fs::write(&loads, "a file").unwrap();
        assert!(marks.read().is_err() && marks.write("a", Path::new("/a")).is_err());
    }
}
