//! What the CPU can do, against what llama.cpp was compiled for.
//!
//! llama.cpp uses the instructions that it was compiled with, without asking the CPU: with too few it is slow, with too many the process
//! is killed at the first one. So both are compared before it is used, from what the kernel says of the CPU: the compiler's own feature test
//! answers "yes" for whatever it was told to compile for.
#![expect(unsafe_code, reason = "asks ggml what it was compiled with")]

use std::ffi::c_int;
use std::fmt;
use std::io;

use llama_cpp_sys_2 as sys;

use crate::os;

/// The difference between build and CPU; names are those of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuReport {
    /// What the CPU has and the build does not use: it is slower than it could be.
    pub build_lacks: Vec<&'static str>,
    /// What the build uses and the CPU has not: it can't run.
    pub cpu_lacks: Vec<&'static str>,
}

impl fmt::Display for CpuReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, cpu) = (self.build_lacks.join(", "), self.cpu_lacks.join(", "));
        match (self.build_lacks.is_empty(), self.cpu_lacks.is_empty()) {
            (_, false) => write!(f, "this build needs instructions that the CPU has not: {cpu}"),
            (false, true) => write!(f, "this build does not use what the CPU has: {build}"),
            (true, true) => f.write_str("this build uses what the CPU has"),
        }
    }
}

/// Compares the build with the CPU.
///
/// # Errors
/// I/O errors of reading what the kernel says.
pub fn cpu_report() -> io::Result<CpuReport> {
    let flags = os::cpu_flags()?;
    let built: Vec<(&'static str, bool)> = FEATURES
        .iter()
        .map(|(name, built)| {
            // SAFETY: returns a constant that was compiled in; it touches nothing.
            (*name, unsafe { built() } != 0)
        })
        .collect();
    Ok(compare(&built, |name| flags.contains(name)))
}

fn compare(built: &[(&'static str, bool)], has: impl Fn(&str) -> bool) -> CpuReport {
    let mut report = CpuReport::default();
    for (name, is_built) in built {
        match (is_built, has(name)) {
            (true, false) => report.cpu_lacks.push(name),
            (false, true) => report.build_lacks.push(name),
            _ => {}
        }
    }
    report
}

type Built = unsafe extern "C" fn() -> c_int;

/// The kernel's name of what llama.cpp has code for, and whether that was compiled in.
#[cfg(target_arch = "x86_64")]
const FEATURES: &[(&str, Built)] = &[
    ("ssse3", sys::ggml_cpu_has_ssse3),
    ("avx", sys::ggml_cpu_has_avx),
    ("avx2", sys::ggml_cpu_has_avx2),
    ("bmi2", sys::ggml_cpu_has_bmi2),
    ("f16c", sys::ggml_cpu_has_f16c),
    ("fma", sys::ggml_cpu_has_fma),
    ("avx_vnni", sys::ggml_cpu_has_avx_vnni),
    ("avx512f", sys::ggml_cpu_has_avx512),
    ("avx512vbmi", sys::ggml_cpu_has_avx512_vbmi),
    ("avx512_vnni", sys::ggml_cpu_has_avx512_vnni),
    ("avx512_bf16", sys::ggml_cpu_has_avx512_bf16),
    ("amx_int8", sys::ggml_cpu_has_amx_int8),
];

/// The kernel's name of what llama.cpp has code for, and whether that was compiled in.
#[cfg(target_arch = "aarch64")]
const FEATURES: &[(&str, Built)] = &[
    ("asimd", sys::ggml_cpu_has_neon),
    ("asimddp", sys::ggml_cpu_has_dotprod),
    ("i8mm", sys::ggml_cpu_has_matmul_int8),
    ("sve", sys::ggml_cpu_has_sve),
    ("sme", sys::ggml_cpu_has_sme),
];

/// Nothing is known about other processors: nothing is compared.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const FEATURES: &[(&str, Built)] = &[];

#[cfg(test)]
mod tests {
    use super::{CpuReport, compare, cpu_report};

    #[test]
    fn both_directions_are_told_apart() {
        let built = [("avx2", true), ("avx512f", false), ("fma", true), ("amx_int8", false)];
        let report = compare(&built, |name| ["avx2", "avx512f"].contains(&name));
        assert_eq!(report, CpuReport { build_lacks: vec!["avx512f"], cpu_lacks: vec!["fma"] });
        assert_eq!(report.to_string(), "this build needs instructions that the CPU has not: fma");
    }

    #[test]
    fn this_build_runs_here() {
        assert_eq!(cpu_report().unwrap().cpu_lacks, Vec::<&str>::new());
    }
}
