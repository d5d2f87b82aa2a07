//! Memory: what the machine has left, what the control groups of this process allow, and what this process has.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that can be had without swapping: by the kernel's estimate, and by each control group (version 2) around this process.
/// `None` if the kernel does not say.
pub fn available_memory() -> Option<u64> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    Some(group_memory().map_or(machine, |group| machine.min(group)))
}

/// Bytes of this process in memory that are no pages of a file, which the kernel could drop. `None` if it does not say.
pub fn own_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let shared = kilobytes(&status, "RssShmem:").unwrap_or(0);
    kilobytes(&status, "RssAnon:")?.checked_add(shared)
}

/// The least that a control group around this process leaves it.
fn group_memory() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let mut group: PathBuf = root.join(path);
    let mut least = None;
    // A path has few parts, and each step takes one away.
    while group.starts_with(root) {
        least = [least, left_in(&group)].into_iter().flatten().min();
        if !group.pop() {
            break;
        }
    }
    least
}

/// What one group leaves; `None` if it has no limit.
fn left_in(group: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let limits = [read("memory.max"), read("memory.high")];
    let limit = limits.iter().flatten().filter_map(|text| text.trim().parse::<u64>().ok()).min()?;
    let current = read("memory.current")?.trim().parse::<u64>().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let droppable = field(&stat, "inactive_file").unwrap_or(0) + field(&stat, "active_file").unwrap_or(0);
    Some(limit.saturating_sub(current.saturating_sub(droppable)))
}

/// The number of bytes behind `name`, which is given in kB.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.checked_mul(1024)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let of_line = |line: &str| line.strip_prefix(name)?.split_ascii_whitespace().next()?.parse().ok();
    text.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let text = "MemTotal:       16 kB\nMemAvailable:    3 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(3072));
        assert_eq!(kilobytes(text, "SwapFree:"), None);
        assert_eq!(field("inactive_file 5\nactive_file 7\n", "active_file"), Some(7));
    }

    #[test]
    fn a_group_leaves_what_it_has_not_given() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        assert_eq!(left_in(directory.path()), None);
        write("memory.max", "1000\n");
        write("memory.high", "max\n");
        write("memory.current", "700\n");
        write("memory.stat", "anon 500\ninactive_file 60\nactive_file 40\n");
        assert_eq!(left_in(directory.path()), Some(400));
        write("memory.high", "800\n");
        assert_eq!(left_in(directory.path()), Some(200));
        write("memory.max", "max\n");
        write("memory.high", "max\n");
        assert_eq!(left_in(directory.path()), None);
    }

    #[test]
    fn this_machine_says() {
        assert!(0 < available_memory().unwrap());
        assert!(0 < own_memory().unwrap());
    }
}
