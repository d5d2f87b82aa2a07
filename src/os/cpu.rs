//! What the kernel says that the CPU can do.

use std::collections::BTreeSet;
use std::fs;
use std::io;

/// The instruction sets that all CPUs of this machine have, by the kernel's names (`avx2`, `asimd`).
///
/// # Errors
/// I/O errors of `/proc/cpuinfo`, and [`io::ErrorKind::InvalidData`] if it names none.
pub fn cpu_flags() -> io::Result<BTreeSet<String>> {
    flags_in(&fs::read_to_string("/proc/cpuinfo")?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/cpuinfo names no instruction sets"))
}

fn flags_in(cpuinfo: &str) -> Option<BTreeSet<String>> {
    let of_line = |line: &str| {
        let (name, flags) = line.split_once(':')?;
        // x86 calls them flags, ARM features.
        ["flags", "Features"]
            .contains(&name.trim())
            .then(|| -> BTreeSet<String> { flags.split_ascii_whitespace().map(str::to_string).collect() })
    };
    // A thread may run on any of them: only what all have counts.
    cpuinfo.lines().filter_map(of_line).reduce(|all, one| &all & &one)
}

#[cfg(test)]
mod tests {
    use super::{cpu_flags, flags_in};

    #[test]
    fn only_what_all_cpus_have_counts() {
        let cpuinfo = "processor\t: 0\nflags\t\t: fpu avx avx2\n\nprocessor\t: 1\nflags\t\t: fpu avx sse\n";
        let flags: Vec<String> = flags_in(cpuinfo).unwrap().into_iter().collect();
        assert_eq!(flags, ["avx", "fpu"]);
        assert_eq!(flags_in("processor : 0\nmodel name : flags\n"), None);
    }

    #[test]
    fn this_machine_names_some() {
        assert!(!cpu_flags().unwrap().is_empty());
    }
}
