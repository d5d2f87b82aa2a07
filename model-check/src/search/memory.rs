//! How much memory this process has, how much it may have, and how much a search will want.

use std::path::Path;
use std::str::FromStr;

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u64);

impl Memory {
    /// So many GiB.
    pub const fn gib(gib: u64) -> Memory {
        Memory(gib << 30)
    }

    /// What this process has in memory; `None` where the system does not say.
    pub fn resident() -> Option<Memory> {
        field("/proc/self/status", "VmRSS:")
    }

    /// The most that this process ever had in memory; `None` where the system does not say.
    pub fn peak() -> Option<Memory> {
        field("/proc/self/status", "VmHWM:")
    }

    /// What the system could still give, or the control group where it has less; `None` where neither says.
    pub fn available() -> Option<Memory> {
        let system = field("/proc/meminfo", "MemAvailable:");
        let group = left_in_group(Path::new("/sys/fs/cgroup"));
        system.into_iter().chain(group).min()
    }

    /// What a search of so many distinct states keeps at the least: its set of fingerprints, with the room that a
    /// hash table leaves.
    pub fn of_search(unique: usize) -> Memory {
        Memory(unique as u64 * BYTES_A_STATE)
    }

    /// In GiB.
    pub fn in_gib(self) -> f64 {
        self.0 as f64 / (1u64 << 30) as f64
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes if bytes < 1 << 30 => write!(f, "{} MiB", bytes.div_ceil(1 << 20)),
            _ => write!(f, "{:.1} GiB", self.in_gib()),
        }
    }
}

/// A text that says no amount of memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount of memory: write 20G, 512M, or a number of GiB")]
pub struct NoAmount;

impl FromStr for Memory {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let (number, shift) = match text.strip_suffix(['M', 'm']) {
            Some(number) => (number, 20),
            None => (text.strip_suffix(['G', 'g']).unwrap_or(text), 30),
        };
        let number: u64 = number.parse().map_err(|_| NoAmount)?;
        let bytes = number.checked_mul(1 << shift).filter(|bytes| 0 < *bytes).ok_or(NoAmount)?;
        Ok(Memory(bytes))
    }
}

/// A line such as `VmRSS:   1234 kB`.
fn field(file: &str, name: &str) -> Option<Memory> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Memory(kib << 10))
}

/// What the control group of this process, mounted at `group`, may still take.
fn left_in_group(group: &Path) -> Option<Memory> {
    let number = |name: &str| std::fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    Some(Memory(number("memory.max")?.saturating_sub(number("memory.current")?)))
}

/// Measured on complete searches: between 16 and 23 bytes a state, by how full the hash table is. What waits to be
/// expanded comes on top, and is small unless the search is deep.
const BYTES_A_STATE: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        assert_eq!("20".parse(), Ok(Memory::gib(20)));
        assert_eq!("20G".parse(), Ok(Memory::gib(20)));
        assert_eq!("512M".parse(), Ok(Memory(512 << 20)));
        for none in ["", "0", "G", "-1", "1T", "99999999999G"] {
            assert_eq!(none.parse::<Memory>(), Err(NoAmount), "{none}");
        }
        assert_eq!(Memory(512 << 20).to_string(), "512 MiB");
        assert_eq!(Memory::gib(3).to_string(), "3.0 GiB");
    }

    #[test]
    fn a_group_with_a_limit_has_what_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(left_in_group(folder.path()), None);
        std::fs::write(folder.path().join("memory.current"), "100\n").unwrap();
        std::fs::write(folder.path().join("memory.max"), "max\n").unwrap();
        assert_eq!(left_in_group(folder.path()), None);
        std::fs::write(folder.path().join("memory.max"), "150\n").unwrap();
        assert_eq!(left_in_group(folder.path()), Some(Memory(50)));
    }
}
