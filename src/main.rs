//! The `modeld` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    modeld::cli::main()
}
