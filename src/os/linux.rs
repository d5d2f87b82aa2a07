//! Linux: `CLOCK_BOOTTIME`, `/proc`, pidfds, `statfs`.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use modeld_spec::ids::{BootId, ClockDomain, FileId, HostName, Namespace, ProcessId};
use modeld_spec::time::BootTime;
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::time::{ClockId, clock_gettime};

use super::{Alarm, BootAlarm, Clock, Timer};

/// The machine's boot clock: it runs during suspend and is shared by all processes of one time namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

impl Clock for BootClock {
    #[inline]
    fn now(&self) -> BootTime {
        let time = clock_gettime(ClockId::Boottime);
        // The boot clock is never negative and its nanoseconds are below 10^9, so both casts keep the value.
        BootTime::from_nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
}

impl Timer for BootClock {
    fn alarm(&self) -> io::Result<Box<dyn Alarm>> {
        Ok(Box::new(BootAlarm::new()?))
    }
}

/// Which boot and time namespace this process's [`BootClock`] belongs to.
///
/// # Errors
/// I/O errors of `/proc`.
pub fn clock_domain() -> io::Result<ClockDomain> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let boot_id = BootId::new(text.trim()).map_err(io::Error::other)?;
    Ok(ClockDomain { boot_id, time_namespace: time_namespace()? })
}

fn time_namespace() -> io::Result<Namespace> {
    match fs::metadata("/proc/self/ns/time") {
        Ok(metadata) => Ok(Namespace(metadata.ino())),
        // A kernel without time namespaces has one clock for all.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Namespace(0)),
        Err(error) => Err(error),
    }
}

/// The user that this process acts for.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The name of this machine, for people.
pub fn host_name() -> HostName {
    HostName::lossy(&rustix::system::uname().nodename().to_string_lossy())
}

/// The calling process.
///
/// # Errors
/// I/O errors of `/proc`.
pub fn this_process() -> io::Result<ProcessId> {
    process_at("self", std::process::id()).map(|(process, _)| process)
}

/// The process that has `pid` now, in this process's pid namespace; `None` if there is none, or nothing is left
/// of it but its exit status.
///
/// # Errors
/// I/O errors of `/proc` other than "not found".
pub fn process_with_pid(pid: u32) -> io::Result<Option<ProcessId>> {
    match process_at(&pid.to_string(), pid) {
        Ok((_, true)) => Ok(None),
        Ok((process, false)) => Ok(Some(process)),
        // ESRCH: it ended between opening the file and reading it.
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The process, and whether it has ended and only waits for its parent to ask how.
fn process_at(entry: &str, pid: u32) -> io::Result<(ProcessId, bool)> {
    // Bytes: a command name is whatever its process says, cut anywhere.
    let stat = fs::read(format!("/proc/{entry}/stat"))?;
    // The name is in parentheses and may hold anything, also spaces and parentheses; what follows is plain ASCII.
    let after_name =
        stat.iter().rposition(|byte| *byte == b')').map(|end| &stat[end + 1..]).unwrap_or_default();
    let after_name = std::str::from_utf8(after_name).unwrap_or_default();
    let start_time =
        after_name.split_ascii_whitespace().nth(START_TIME_FIELD).and_then(|text| text.parse().ok());
    let Some(start_time) = start_time else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat has no start time"));
    };
    let pid_namespace = Namespace(fs::metadata("/proc/self/ns/pid")?.ino());
    let has_ended = after_name.trim_start().starts_with(['Z', 'X']) && !has_other_threads(entry)?;
    let time_namespace = time_namespace()?;
    Ok((ProcessId { pid, start_time, pid_namespace, time_namespace }, has_ended))
}

/// Whether more than the first thread is left: that one can end before the others, which keep the memory.
fn has_other_threads(entry: &str) -> io::Result<bool> {
    Ok(1 < fs::read_dir(format!("/proc/{entry}/task"))?.count())
}

/// The place of the start time among the fields of `/proc/PID/stat` that follow the command name.
const START_TIME_FIELD: usize = 19;

/// A process held by descriptor: a signal through it reaches that process or none.
#[derive(Debug)]
pub struct ProcessHandle(OwnedFd);

impl ProcessHandle {
    /// Opens exactly `process`; `None` if it has ended, or its pid belongs to another one now, or is counted
    /// in another pid namespace.
    ///
    /// # Errors
    /// What the system says, other than "no such process".
    pub fn open(process: ProcessId) -> io::Result<Option<Self>> {
        let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let fd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Compared after the descriptor is open: from then on the pid can't come to mean somebody else for us.
        Ok((process_with_pid(process.pid)? == Some(process)).then_some(ProcessHandle(fd)))
    }

    /// Ends the process at once (SIGKILL).
    ///
    /// # Errors
    /// What the system says; a process that has ended already is no error.
    pub fn kill(&self) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(self.0.as_fd(), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which file `metadata` is about.
pub fn file_id(metadata: &fs::Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

/// Makes `new` the file at `path`, in one step. What was there is at `new` afterwards, where the file system can exchange
/// two files; else it is gone. An exchange does not make ext4 write the data out at once, as a replacing rename does.
///
/// # Errors
/// What `rename` says.
pub fn put_in_place(new: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Nothing is there to exchange with, or this file system can't.
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS) => fs::rename(new, path),
        Err(error) => Err(error.into()),
    }
}

/// The name of the file system of `path` if its locks can't be trusted between machines: a network one, or
/// one served by a process that may reach over the network.
///
/// # Errors
/// What `statfs` says.
pub fn untrusted_filesystem(path: &Path) -> io::Result<Option<&'static str>> {
    let stat = rustix::fs::statfs(path)?;
    // `f_type` is signed on some platforms and the magic numbers fill 32 bits.
    Ok(untrusted_magic(stat.f_type as u32))
}

fn untrusted_magic(magic: u32) -> Option<&'static str> {
    UNTRUSTED_FILESYSTEMS.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

/// Magic numbers of statfs(2) whose locks are not those of one kernel: network and cluster file systems, and those that a
/// hypervisor or another process serves.
const UNTRUSTED_FILESYSTEMS: &[(u32, &str)] = &[
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x517b, "smb"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x564c, "ncp"),
    (0x0bd0_0bd0, "lustre"),
    (0x0116_1970, "gfs2"),
    (0x7461_636f, "ocfs2"),
    (0x6573_5546, "fuse"),
    (0x1983_0326, "beegfs"),
    (0x4750_4653, "gpfs"),
    (0xaad7_aaea, "panfs"),
    (0x2003_0528, "orangefs"),
    (0x6163_6673, "acfs"),
    (0xbeef_dead, "snfs"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for (magic, name) in
            [(0x6969, "nfs"), (0xff53_4d42, "cifs"), (0x0102_1997, "9p"), (0x6573_5546, "fuse")]
        {
            assert_eq!(untrusted_magic(magic), Some(name));
        }
        // ext4, xfs, btrfs, tmpfs, overlayfs, zfs.
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(untrusted_magic(magic), None);
        }
        assert_eq!(untrusted_filesystem(Path::new("/proc")).unwrap(), None);
    }

    #[test]
    fn a_file_is_put_in_place_of_another_or_of_none() {
        let directory = tempfile::tempdir().unwrap();
        let (new, path) = (directory.path().join("new"), directory.path().join("path"));
        fs::write(&new, "1").unwrap();
        put_in_place(&new, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        assert!(!new.exists());
        fs::write(&new, "2").unwrap();
        put_in_place(&new, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert!(put_in_place(&directory.path().join("none"), &path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
    }

    #[test]
    fn a_process_is_told_from_another_with_its_pid() {
        let us = this_process().unwrap();
        assert_eq!(process_with_pid(us.pid).unwrap(), Some(us));
        assert!(ProcessHandle::open(us).unwrap().is_some());
        let before_us = ProcessId { start_time: us.start_time - 1, ..us };
        assert!(ProcessHandle::open(before_us).unwrap().is_none());
        // Above the largest pid that a kernel gives out.
        assert_eq!(process_with_pid(1 << 23).unwrap(), None);
    }

    #[test]
    fn a_process_that_waits_to_be_reaped_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("3600").spawn().unwrap();
        let process = process_with_pid(child.id()).unwrap().expect("it sleeps");
        ProcessHandle::open(process).unwrap().expect("it sleeps").kill().unwrap();
        // Ends at the test's own limit if the kernel never ends the child.
        while process_with_pid(child.id()).unwrap().is_some() {
            std::thread::yield_now();
        }
        assert!(ProcessHandle::open(process).unwrap().is_none());
        child.wait().unwrap();
    }

    #[test]
    fn the_boot_clock_does_not_go_back() {
        let first = BootClock.now();
        assert!(first <= BootClock.now());
    }
}
