//! The lease on files of a data root: one effect is one system call, or a few that take hold together.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use modeld_spec::ids::{FileId, InstanceId, ProcessId};
use modeld_spec::lease::effect::{
    Content, Effect, Failure, FailureKind, LatchSeen, Observation, ProcessSeen, Seen,
};
use modeld_spec::lease::record::{Record, WallClock};
use modeld_spec::time::Observed;

use super::epochs;
use super::locks::{FILE_MODE, Lock, lock_within};
use super::residency::ResidencyLock;
use super::store::{Backing, Store, Taken, WaitOn};
use crate::data_root::DataRoot;
use crate::os::{self, Clock};

/// Performs lease effects on the files of a data root, for one claimant.
///
/// Clones share the residency lock, which belongs to the claimant; each has a latch of its own, which belongs
/// to the attempt. The latch is dropped with the clone, so an attempt that is cut off leaves it free.
pub struct FileStore {
    shared: Arc<Shared>,
    latch: Option<Lock>,
}

struct Shared {
    root: DataRoot,
    instance: InstanceId,
    process: ProcessId,
    latch_wait: Duration,
    clock: Arc<dyn Clock>,
    residency: ResidencyLock,
}

impl FileStore {
    /// The store of one claimant of `root`. An attempt waits for the latch no longer than `latch_wait`.
    pub fn new(
        root: DataRoot,
        instance: InstanceId,
        process: ProcessId,
        latch_wait: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let residency = ResidencyLock::new(root.residency());
        let shared = Shared { root, instance, process, latch_wait, clock, residency };
        FileStore { shared: Arc::new(shared), latch: None }
    }

    /// Reads the record without taking any lock, as a probe does.
    ///
    /// # Errors
    /// What the system says; a missing or unreadable file is no error.
    pub fn inspect(root: &DataRoot) -> io::Result<Content> {
        read_record(&root.record())
    }

    fn try_perform(&mut self, effect: &Effect) -> Result<Seen, (PathBuf, io::Error)> {
        let root = self.shared.root.clone();
        let at = |path: PathBuf| move |error: io::Error| (path, error);
        match effect {
            Effect::TakeLatch => {
                let path = root.latch();
                self.latch = lock_within(&path, self.shared.latch_wait).map_err(at(path))?;
                let seen = if self.latch.is_some() { LatchSeen::Taken } else { LatchSeen::Busy };
                Ok(Seen::Latch(seen))
            }
            Effect::ReadRecord => read_record(&root.record()).map(Seen::Record).map_err(at(root.record())),
            Effect::TryResidency => {
                self.shared.residency.attempt().map(Seen::Residency).map_err(at(root.residency()))
            }
            Effect::ReadEpochs => {
                let highest = self.with_latch(|latch| epochs::highest(&root, latch));
                highest.map(Seen::Epochs).map_err(at(root.epochs()))
            }
            Effect::ClaimEpoch(epoch) => {
                let claim = self.with_latch(|latch| epochs::claim(&root, latch, *epoch));
                remove_leftovers(&root, &self.shared.instance);
                claim.map(Seen::Claim).map_err(at(root.epochs()))
            }
            Effect::ReplaceRecord(record) => {
                self.replace_record(record).map(|()| Seen::Done).map_err(at(root.record()))
            }
            Effect::RemoveRecord => {
                // Whoever claims next removes what can't be removed here.
                let _ = fs::remove_file(record_beside(&root, &self.shared.instance));
                match fs::remove_file(root.record()) {
                    Ok(()) => Ok(Seen::Done),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Seen::Done),
                    Err(error) => Err((root.record(), error)),
                }
            }
            Effect::InspectProcess(process) => {
                self.inspect_process(*process).map(Seen::Process).map_err(at(PathBuf::new()))
            }
            Effect::KillProcess(process) => {
                self.kill_process(*process).map(Seen::Process).map_err(at(PathBuf::new()))
            }
            Effect::DropResidency => {
                self.shared.residency.drop_lock();
                Ok(Seen::Done)
            }
            Effect::DropLatch => {
                self.latch = None;
                Ok(Seen::Done)
            }
            // The owner performs these itself: there is nothing to quiesce, flush or free in a store.
            Effect::Quiesce | Effect::Flush | Effect::Free | Effect::StopKeeper => Ok(Seen::Done),
        }
    }

    fn with_latch<T>(&self, act: impl FnOnce(&Lock) -> io::Result<T>) -> io::Result<T> {
        match &self.latch {
            Some(latch) => act(latch),
            None => Err(io::Error::other("the latch is not in hand")),
        }
    }

    /// Writes beside the record and exchanges the two: a reader sees the old record or the new one, whole. The old
    /// file is written over by the next renewal, so that renewing needs no room on the disk. Not flushed to disk:
    /// after a power loss the boot id has changed and the record is void anyway (L4).
    fn replace_record(&self, record: &Record) -> io::Result<()> {
        let acquired_ago = record.renewed_at.since(record.acquired_at);
        let now = SystemTime::now();
        let acquired_at = now.checked_sub(acquired_ago).unwrap_or(SystemTime::UNIX_EPOCH);
        let text = record.encode(WallClock { acquired_at: &wall(acquired_at), renewed_at: &wall(now) });
        let beside = record_beside(&self.shared.root, &self.shared.instance);
        let replaced = write(&beside, text.as_bytes())
            .and_then(|()| os::put_in_place(&beside, &self.shared.root.record()));
        if replaced.is_err() {
            let _ = fs::remove_file(&beside);
        }
        replaced
    }

    fn inspect_process(&self, process: ProcessId) -> io::Result<ProcessSeen> {
        if !process.comparable_from(self.shared.process) {
            return Ok(ProcessSeen::Unverifiable);
        }
        let found = os::process_with_pid(process.pid)?;
        Ok(if found == Some(process) { ProcessSeen::Alive } else { ProcessSeen::Gone })
    }

    fn kill_process(&self, process: ProcessId) -> io::Result<ProcessSeen> {
        if !process.comparable_from(self.shared.process) {
            return Ok(ProcessSeen::Unverifiable);
        }
        match os::ProcessHandle::open(process)? {
            Some(handle) => handle.kill().map(|()| ProcessSeen::Alive),
            None => Ok(ProcessSeen::Gone),
        }
    }
}

impl Store for FileStore {
    fn perform(&mut self, effect: &Effect) -> Observation {
        let what = self.try_perform(effect).unwrap_or_else(|(path, error)| {
            Seen::Failed(Failure {
                doing: effect.name(),
                path: path.display().to_string(),
                cause: error.to_string(),
                kind: kind_of(&error),
            })
        });
        Observed { at: self.shared.clock.now(), what }
    }
}

impl Backing for FileStore {
    fn store(&self) -> Box<dyn Store + Send> {
        Box::new(self.clone())
    }

    fn await_residency(&self, on: WaitOn, taken: Taken) -> io::Result<()> {
        self.shared.residency.wait(on, taken)
    }

    fn stop_waiting(&self) {
        self.shared.residency.stop_waiting();
    }

    fn residency_in_hand(&self) -> Option<FileId> {
        self.shared.residency.in_hand()
    }

    fn keep_residency_for_good(&self) {
        self.shared.residency.keep_for_good();
    }
}

impl Clone for FileStore {
    fn clone(&self) -> Self {
        FileStore { shared: Arc::clone(&self.shared), latch: None }
    }
}

/// Reads the record at `path`, with or without the latch.
///
/// Without it the file can be exchanged while it is read, and then be written over; so what was read counts only if
/// the file is still the record afterwards. (To be it again it would have to be exchanged twice, a renewal apart.)
pub(crate) fn read_record(path: &Path) -> io::Result<Content> {
    let mut reads = 0;
    loop {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Absent),
            Err(error) => return Err(error),
        };
        let read_from = os::file_id(&file.metadata()?);
        let mut bytes = Vec::new();
        // One byte more than a record may have, so that a longer file is seen to be longer.
        file.take(Record::BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        reads += 1;
        let is_record = fs::metadata(path).is_ok_and(|now| os::file_id(&now) == read_from);
        if is_record || READS_MAX <= reads {
            return Ok(match Record::decode(&bytes) {
                Ok(record) => Content::Record(record),
                Err(unreadable) => Content::Unreadable(unreadable),
            });
        }
    }
}

/// An instant of the wall clock in RFC 3339, for people; the nearest one that has a text. The clock may be set to
/// anything, and no renewal fails for it.
fn wall(time: SystemTime) -> String {
    let latest = SystemTime::UNIX_EPOCH + WALL_MAX;
    humantime::format_rfc3339_millis(time.clamp(SystemTime::UNIX_EPOCH, latest)).to_string()
}

/// Writes over what is there, if anything: the blocks of a file that is emptied first could be gone by then.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        file.set_len(bytes.len() as u64)?;
    }
    Ok(())
}

fn record_beside(root: &DataRoot, instance: &InstanceId) -> PathBuf {
    root.path().join(format!("{TEMPORARY_PREFIX}{instance}{TEMPORARY_SUFFIX}"))
}

/// Removes what writers left that died between writing and renaming. Under the latch, so nobody writes one
/// of these; what fails here hurts nobody.
fn remove_leftovers(root: &DataRoot, instance: &InstanceId) {
    let own = record_beside(root, instance);
    let Ok(entries) = fs::read_dir(root.path()) else { return };
    for entry in entries.flatten().take(LEFTOVERS_MAX) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX) && entry.path() != own {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What sort of failure an I/O error is.
pub(crate) fn kind_of(error: &io::Error) -> FailureKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => FailureKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem => FailureKind::ReadOnly,
        _ => FailureKind::Other,
    }
}

const TEMPORARY_PREFIX: &str = "modeld.lease.";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// How often a record that is exchanged meanwhile is read: it is exchanged at every renewal, so the second read is the
/// one that counts.
const READS_MAX: u32 = 4;

/// The last second of the year 9999: RFC 3339 has four digits for a year.
const WALL_MAX: Duration = Duration::from_secs(253_402_300_799);

/// How many directory entries a clean-up looks at.
const LEFTOVERS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use modeld_spec::ids::Namespace;

    use super::*;
    use crate::os::BootClock;
    use crate::owner::fresh_instance;

    #[test]
    fn l12_a_process_is_found_only_where_pid_and_start_mean_the_same() {
        let root = tempfile::tempdir().unwrap();
        let us = os::this_process().unwrap();
        let other = Namespace(us.time_namespace.0 + 1);
        // As the store of a process in another namespace of pids, or of time, sees the one that runs this test.
        let observers = [
            (us, ProcessSeen::Alive),
            (ProcessId { time_namespace: other, ..us }, ProcessSeen::Unverifiable),
            (ProcessId { pid_namespace: other, ..us }, ProcessSeen::Unverifiable),
        ];
        for (observer, seen) in observers {
            let root = DataRoot::new(root.path());
            let store = FileStore::new(root, fresh_instance(), observer, Duration::ZERO, Arc::new(BootClock));
            assert_eq!(store.inspect_process(us).unwrap(), seen);
            let ended = ProcessId { pid: 1 << 23, ..us };
            let gone = if seen == ProcessSeen::Alive { ProcessSeen::Gone } else { seen };
            assert_eq!(store.inspect_process(ended).unwrap(), gone);
            assert_eq!(store.kill_process(ended).unwrap(), gone);
        }
    }

    #[test]
    fn a_wrong_wall_clock_is_no_reason_to_fail() {
        let epoch = SystemTime::UNIX_EPOCH;
        let texts = [
            (epoch, "1970-01-01T00:00:00.000Z"),
            (epoch + Duration::from_millis(1_500), "1970-01-01T00:00:01.500Z"),
            // The battery of the clock was empty, and the owner is older than the clock's beginning.
            (epoch - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
            (epoch + WALL_MAX, "9999-12-31T23:59:59.000Z"),
            (epoch + 2 * WALL_MAX, "9999-12-31T23:59:59.000Z"),
        ];
        for (time, text) in texts {
            assert_eq!(wall(time), text);
        }
    }
}
