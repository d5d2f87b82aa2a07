//! Cargo's helpers of fixed versions, installed below `target/tools` and nowhere else.

use std::path::PathBuf;

use crate::failure::{Failure, OrFail, Result};
use crate::workspace;

/// A helper that is compiled on its first use.
pub(crate) struct Tool {
    /// The package, and the name of its program.
    pub(crate) name: &'static str,
    /// Exact, so that a new release never changes what a test says.
    pub(crate) version: &'static str,
}

/// Checks licences, sources and duplicates of the dependencies.
pub(crate) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Builds and runs fuzz targets.
pub(crate) const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

impl Tool {
    /// The program, installed first if it is not there. Each version has a folder of its own.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let folder = workspace::target_dir()?.join("tools").join(format!("{}-{}", self.name, self.version));
        let program = folder.join("bin").join(self.name);
        if program.is_file() {
            return Ok(program);
        }
        eprintln!("installing {} {} into {}, once", self.name, self.version, folder.display());
        let status = workspace::cargo()?
            .args(["install", "--locked", self.name, "--version", self.version, "--root"])
            .arg(&folder)
            // A tool need not be compiled for this machine's instructions, nor with the flags of a test.
            .env("RUSTFLAGS", "")
            .status()
            .or_fail(|| format!("could not install {}", self.name))?;
        if status.success() {
            return Ok(program);
        }
        Err(Failure::new(format!("could not install {} {}: {status}", self.name, self.version)))
    }
}
