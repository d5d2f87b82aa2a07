//! What the build needs from the system besides the Rust toolchain: a C and a C++ compiler, make, cmake, libclang.
//!
//! Looks where the build scripts look. On Debian and Ubuntu, with the rights to do so, it installs what is
//! missing and shows the command; elsewhere it prints the one command and ends with exit code 2. It never asks.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, OrFail, Result};

/// Makes sure that everything is there.
///
/// # Errors
/// `Missing` if something is not there and can't be installed from here, or `install` is off.
pub(crate) fn ensure(install: bool) -> Result<()> {
    let missing = missing(&Machine::here());
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(Need::to_string).collect();
    let names = names.join(", ");
    let debian = Path::new("/etc/debian_version").exists();
    let Some(apt) = Apt::available().filter(|_| debian && install) else {
        return Err(Failure::missing(format!("the build needs what is not installed: {names}"))
            .hint(advice(&missing, debian)));
    };
    eprintln!("not installed: {names}");
    apt.install(&packages(&missing))?;
    match self::missing(&Machine::here()).as_slice() {
        [] => Ok(()),
        left => {
            let left: Vec<String> = left.iter().map(Need::to_string).collect();
            Err(Failure::missing(format!("installed, and still not found: {}", left.join(", "))))
        }
    }
}

/// Something that the build needs from the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    CCompiler,
    CxxCompiler,
    Make,
    Cmake,
    /// The library, and the compiler's own headers that it reads.
    Libclang,
}

impl Need {
    const ALL: [Need; 5] = [Need::CCompiler, Need::CxxCompiler, Need::Make, Need::Cmake, Need::Libclang];

    /// The Debian package that has it.
    fn package(self) -> &'static str {
        match self {
            Need::CCompiler => "gcc",
            Need::CxxCompiler => "g++",
            Need::Make => "make",
            Need::Cmake => "cmake",
            Need::Libclang => "libclang-dev",
        }
    }

    fn is_met(self, machine: &Machine) -> bool {
        match self {
            Need::CCompiler => machine.has_program("CC", &["cc", "gcc", "clang"]),
            Need::CxxCompiler => machine.has_program("CXX", &["c++", "g++", "clang++"]),
            Need::Make => machine.has_program("CMAKE_MAKE_PROGRAM", &["make", "gmake", "ninja"]),
            Need::Cmake => machine.has_program("CMAKE", &["cmake"]),
            Need::Libclang => machine.has_libclang() && machine.has_clang_headers(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::CCompiler => "a C compiler",
            Need::CxxCompiler => "a C++ compiler",
            Need::Make => "make",
            Need::Cmake => "cmake",
            Need::Libclang => "libclang",
        })
    }
}

fn missing(machine: &Machine) -> Vec<Need> {
    Need::ALL.into_iter().filter(|need| !need.is_met(machine)).collect()
}

fn packages(missing: &[Need]) -> Vec<&'static str> {
    missing.iter().map(|need| need.package()).collect()
}

/// The one command that helps, as far as this program knows the system.
fn advice(missing: &[Need], debian: bool) -> String {
    let packages = packages(missing).join(" ");
    if debian {
        format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}")
    } else {
        format!("install with your system's package manager what Debian calls: {packages}")
    }
}

/// What the checks look at, so that a test can make one up.
struct Machine {
    /// Where programs are looked for.
    path: Vec<PathBuf>,
    /// Environment variable by name.
    variable: fn(&str) -> Option<String>,
    /// The root of the file system.
    root: PathBuf,
    /// What `ldconfig -p` prints: the libraries that the loader knows.
    libraries: String,
}

impl Machine {
    fn here() -> Machine {
        let path = env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = env::split_paths(&path).collect();
        // An ordinary user often has no /sbin in the path.
        let ldconfig = ["ldconfig", "/sbin/ldconfig"]
            .iter()
            .find_map(|program| Command::new(program).arg("-p").stdin(Stdio::null()).output().ok());
        let libraries =
            ldconfig.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
        Machine { path, variable: |name| env::var(name).ok(), root: PathBuf::from("/"), libraries }
    }

    fn has_program(&self, variable: &str, names: &[&str]) -> bool {
        (self.variable)(variable).is_some_and(|value| !value.is_empty())
            || names.iter().any(|name| self.path.iter().any(|folder| folder.join(name).is_file()))
    }

    fn has_libclang(&self) -> bool {
        let named = (self.variable)("LIBCLANG_PATH").map(PathBuf::from);
        let known = self.libraries.split_whitespace().any(is_libclang);
        let usual = LIBRARY_FOLDERS.iter().flat_map(|pattern| expand(&self.root, pattern));
        known
            || named.iter().any(|path| path.is_file())
            || named.into_iter().chain(usual).any(|f| holds_libclang(&f))
    }

    /// libclang without `stdbool.h` and its like compiles nothing; Debian keeps them in a package of their own.
    fn has_clang_headers(&self) -> bool {
        let beside = (self.variable)("LIBCLANG_PATH").map(|path| expand(Path::new(&path), "clang/*/include"));
        (self.variable)("BINDGEN_EXTRA_CLANG_ARGS").is_some()
            || HEADER_FOLDERS
                .iter()
                .flat_map(|pattern| expand(&self.root, pattern))
                .chain(beside.unwrap_or_default())
                .any(|folder| folder.join("stdbool.h").is_file())
    }
}

fn holds_libclang(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| is_libclang(&entry.file_name().to_string_lossy()))
}

/// `libclang.so`, `libclang.so.1`, `libclang-14.so.1`, but not `libclang-cpp.so.14`.
fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else {
        return false;
    };
    let rest = match rest.strip_prefix('-') {
        Some(version) => version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'),
        None => rest.trim_start_matches('.'),
    };
    rest == "so" || rest.starts_with("so.") || rest == "dylib"
}

/// The folders below `root` that match a path in which a `*` stands for any part of one name.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_path_buf()];
    for part in pattern.split('/') {
        let Some((front, back)) = part.split_once('*') else {
            found.iter_mut().for_each(|folder| folder.push(part));
            continue;
        };
        let matches = |entry: &fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix(front).is_some_and(|rest| rest.ends_with(back))
        };
        found = found
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten().filter(matches).map(|entry| entry.path()))
            .collect();
    }
    found.retain(|folder| folder.is_dir());
    found
}

/// Debian's installer, with the rights to use it.
struct Apt {
    /// The words before `apt-get`.
    prefix: &'static [&'static str],
}

impl Apt {
    fn available() -> Option<Apt> {
        let quiet = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output()
        };
        quiet("apt-get", &["--version"]).ok().filter(|out| out.status.success())?;
        let is_root = quiet("id", &["-u"]).is_ok_and(|out| out.stdout.trim_ascii() == b"0");
        let may_sudo = || quiet("sudo", &["-n", "true"]).is_ok_and(|out| out.status.success());
        if is_root {
            Some(Apt { prefix: &["env", "DEBIAN_FRONTEND=noninteractive"] })
        } else if may_sudo() {
            Some(Apt { prefix: &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"] })
        } else {
            None
        }
    }

    fn install(&self, packages: &[&str]) -> Result<()> {
        self.run(&["update"])?;
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(packages);
        self.run(&arguments)
    }

    /// Shows the command and runs it; what it says goes to standard error, where it spoils no `--json`.
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let words = [self.prefix, &["apt-get"], arguments].concat();
        eprintln!("$ {}", words.join(" "));
        let status = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr()))
            .status()
            .or_fail(|| "could not run apt-get".to_string())?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::missing(format!("`{}` failed: {status}", words.join(" ")))
            .hint("see what apt-get says above, and run the command again yourself"))
    }
}

/// Where the build script of the bindings looks for libclang, below the root.
const LIBRARY_FOLDERS: [&str; 8] = [
    "usr/lib/llvm-*/lib",
    "usr/lib/llvm*/lib",
    "usr/lib/*-linux-gnu*",
    "usr/lib64/llvm*/lib",
    "usr/lib64",
    "usr/lib",
    "usr/local/lib",
    "usr/local/llvm*/lib",
];
/// Where clang keeps its own headers, below the root.
const HEADER_FOLDERS: [&str; 5] = [
    "usr/lib/llvm-*/lib/clang/*/include",
    "usr/lib/clang/*/include",
    "usr/lib64/clang/*/include",
    "usr/lib/llvm*/lib/clang/*/include",
    "usr/local/lib/clang/*/include",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with nothing but the files named, below a temporary root; programs are in `bin`.
    fn machine(folder: &Path, files: &[&str]) -> Machine {
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        Machine {
            path: vec![folder.join("bin")],
            variable: |_| None,
            root: folder.to_path_buf(),
            libraries: String::new(),
        }
    }

    const COMPLETE: [&str; 6] = [
        "bin/cc",
        "bin/c++",
        "bin/make",
        "bin/cmake",
        "usr/lib/llvm-14/lib/libclang.so.1",
        "usr/lib/llvm-14/lib/clang/14/include/stdbool.h",
    ];

    #[test]
    fn a_bare_machine_misses_everything() {
        let folder = tempfile::tempdir().unwrap();
        let missing = missing(&machine(folder.path(), &[]));
        assert_eq!(missing, Need::ALL);
        assert_eq!(packages(&missing), ["gcc", "g++", "make", "cmake", "libclang-dev"]);
    }

    #[test]
    fn each_missing_file_is_noticed() {
        let expected =
            [Need::CCompiler, Need::CxxCompiler, Need::Make, Need::Cmake, Need::Libclang, Need::Libclang];
        for (index, expected) in expected.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let mut files = COMPLETE.to_vec();
            files.remove(index);
            assert_eq!(missing(&machine(folder.path(), &files)), [expected]);
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(missing(&machine(folder.path(), &COMPLETE)), []);
    }

    #[test]
    fn libclang_is_found_through_the_loader_and_through_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["usr/lib/clang/19/include/stdbool.h"];
        let mut machine = machine(folder.path(), &files);
        assert!(!Need::Libclang.is_met(&machine));
        machine.libraries = "\tlibclang-19.so.19 (libc6,x86-64) => /lib/libclang-19.so.19\n".to_string();
        assert!(Need::Libclang.is_met(&machine));
        machine.libraries = "\tlibclang-cpp.so.19 (libc6,x86-64) => /lib/libclang-cpp.so.19\n".to_string();
        assert!(!Need::Libclang.is_met(&machine));
    }

    #[test]
    fn only_the_c_interface_of_clang_counts() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.0.6.so.1"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclangBasic.a", "libclang.a", "libc.so", "libclang-14"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn the_advice_is_one_command() {
        let advice = advice(&[Need::Cmake, Need::Libclang], true);
        assert!(
            advice.ends_with("apt-get install -y --no-install-recommends cmake libclang-dev"),
            "{advice}"
        );
    }
}
