//! Where the workspace is, and which cargo builds it.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| Failure::new("run this as `cargo xtask`, so that it knows where the workspace is"))?;
    let package = PathBuf::from(manifest);
    package.parent().map(PathBuf::from).ok_or_else(|| Failure::new("the package xtask has no parent folder"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let root = root()?;
    Ok(env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder)))
}

/// The cargo that runs this program, in the workspace's root, without input.
pub(crate) fn cargo() -> Result<Command> {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    command(program)
}

/// A program in the workspace's root, without input. Cargo's progress bars are off unless somebody sees them.
pub(crate) fn command(program: impl Into<OsString>) -> Result<Command> {
    let mut command = Command::new(program.into());
    command.current_dir(root()?).stdin(Stdio::null());
    if !is_watched() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "never");
    }
    Ok(command)
}

/// Whether a person looks at standard error: a terminal, and no build server behind it.
pub(crate) fn is_watched() -> bool {
    stderr().is_terminal() && env::var_os("CI").is_none()
}
