//! The epochs that were granted, durable and exclusive (L3).
//!
//! Each epoch is an empty file whose *name* is its number, made with `O_EXCL`: a name can't be torn, and of two
//! claimants of one number the file system refuses the second, latch or no latch. The number is also written
//! into the latch file, so that the loss of either takes no epoch back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use modeld_spec::ids::Epoch;
use modeld_spec::lease::effect::ClaimSeen;

use super::locks::{FILE_MODE, Lock};
use crate::data_root::DataRoot;

/// The highest epoch that the store or its copy remembers; `None` if there never was one.
pub(super) fn highest(root: &DataRoot, latch: &Lock) -> io::Result<Option<Epoch>> {
    let claimed = highest_claim(&root.epochs())?;
    match read_copy(latch.file())? {
        Copy::Epoch(copy) => Ok(claimed.max(Some(copy))),
        Copy::Empty => Ok(claimed),
        Copy::Damaged if claimed.is_some() => Ok(claimed),
        // Both are gone, and there were epochs: to begin anew could grant one twice.
        Copy::Damaged => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the epochs of this data root are lost: no grant is left and its copy in modeld.latch is damaged; \
             start with a new data root",
        )),
    }
}

/// Grants `epoch` if nobody had it, and returns when that is durable.
pub(super) fn claim(root: &DataRoot, latch: &Lock, epoch: Epoch) -> io::Result<ClaimSeen> {
    let directory = root.epochs();
    match DirBuilder::new().mode(0o700).create(&directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let path = directory.join(name_of(epoch));
    let file = match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(ClaimSeen::Refused),
        Err(error) => return Err(error),
    };
    // Before anything that can fail: a full disk, on which an empty file can still be made, must not fill the directory.
    forget_old(&directory, epoch);
    file.sync_all()?;
    sync_directory(&directory)?;
    // The root's own entries too, whoever made them: of this directory and of the latch.
    sync_directory(root.path())?;
    write_copy(latch.file(), epoch)?;
    Ok(ClaimSeen::Granted)
}

fn highest_claim(directory: &Path) -> io::Result<Option<Epoch>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut highest = None;
    for (count, entry) in entries.enumerate() {
        if ENTRIES_MAX <= count {
            let problem = format!("more than {ENTRIES_MAX} files where epochs are kept");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        highest = highest.max(epoch_of(&entry?.file_name().to_string_lossy()));
    }
    Ok(highest)
}

/// Removes grants that are no longer needed. What fails here fails again later, and hurts nobody.
fn forget_old(directory: &Path, granted: Epoch) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().take(ENTRIES_MAX) {
        let old = epoch_of(&entry.file_name().to_string_lossy());
        if old.is_some_and(|old| KEPT <= granted.get().saturating_sub(old.get())) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn name_of(epoch: Epoch) -> String {
    format!("{epoch:0DIGITS$}", epoch = epoch.get())
}

fn epoch_of(name: &str) -> Option<Epoch> {
    let clean = name.len() == DIGITS && name.bytes().all(|b| b.is_ascii_digit());
    if clean { Epoch::new(name.parse().ok()?) } else { None }
}

enum Copy {
    Empty,
    Epoch(Epoch),
    Damaged,
}

fn read_copy(latch: &File) -> io::Result<Copy> {
    // One byte more than a copy has: a longer file is not ours.
    let mut bytes = [0; COPY_BYTES + 1];
    let mut length = 0;
    while length < bytes.len() {
        match latch.read_at(&mut bytes[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    if length == 0 {
        return Ok(Copy::Empty);
    }
    let text = std::str::from_utf8(&bytes[..length]).ok();
    let epoch = text.and_then(|text| epoch_of(text.strip_prefix(COPY_PREFIX)?.strip_suffix('\n')?));
    Ok(epoch.map_or(Copy::Damaged, Copy::Epoch))
}

fn write_copy(latch: &File, epoch: Epoch) -> io::Result<()> {
    let text = format!("{COPY_PREFIX}{}\n", name_of(epoch));
    latch.write_all_at(text.as_bytes(), 0)?;
    latch.set_len(text.len() as u64)?;
    latch.sync_data()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Enough digits for every `u64`.
const DIGITS: usize = 20;

const COPY_PREFIX: &str = "epoch ";

const COPY_BYTES: usize = COPY_PREFIX.len() + DIGITS + 1;

/// How many grants are kept: the latest is needed, the one before it is for people.
const KEPT: u64 = 2;

/// A directory with more files than this was not filled by us.
const ENTRIES_MAX: usize = 10_000;
