//! The binary as somebody runs it: what it prints, where, and how it ends.

mod errors;
mod explorer;
mod results;

use std::process::{Command, Output};

use model_check::registry;
use model_check::subject::Setup;

/// What a command came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the binary to its end.
fn run(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = command(arguments).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("what it prints is text");
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-check"));
    command.args(arguments);
    command
}

/// The configuration that is searched soonest.
fn smallest() -> Setup {
    let setups = registry::models().into_iter().flat_map(|model| model.setups());
    // One of which nothing is pinned may be of any size.
    let pinned = setups.filter(|setup| 0 < setup.pinned.unique);
    pinned.min_by_key(|setup| setup.pinned.unique).expect("there are configurations")
}
