//! How much memory this process has, and how much it may have.

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    /// What the system could still give; `None` where it does not say.
    pub fn available() -> Option<Memory> {
        field("/proc/meminfo", "MemAvailable:")
    }

    /// In GiB.
    pub fn in_gib(self) -> f64 {
        self.0 as f64 / (1u64 << 30) as f64
    }
}

/// A line such as `VmRSS:   1234 kB`.
fn field(file: &str, name: &str) -> Option<Memory> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Memory(kib << 10))
}
