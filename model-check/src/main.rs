//! The command line of the model checker.
//!
//! Exit codes: 0 everything is as it should be; 1 a promise fell, or a count, a mutant, a mark is not as it should be;
//! 2 the command line, or what it names; 3 a search was not complete.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use model_check::commands::{Failure, check, explain, explore, list, mutants, specimens};

/// Check modeld's machines to the end
#[derive(Parser)]
#[command(name = "model-check")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search every configuration completely
    Check(check::Arguments),
    /// Show that every mutant is noticed
    Mutants(mutants::Arguments),
    /// Show that the protocols of others fall
    Specimens(specimens::Arguments),
    /// Draw the shortest counterexample of a mutant
    Explain(explain::Explain),
    /// Draw a schedule
    Replay(explain::Replay),
    /// Walk through the states of a model in the browser
    Explore(explore::Arguments),
    /// Name every configuration, mutant and specimen
    List,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let ended = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments, &mut out),
        Command::Mutants(arguments) => mutants::run(&arguments, &mut out),
        Command::Specimens(arguments) => specimens::run(&arguments, &mut out),
        Command::Explain(arguments) => explain::explain(&arguments, &mut out),
        Command::Replay(arguments) => explain::replay(&arguments, &mut out),
        Command::Explore(arguments) => explore::run(&arguments, &mut out),
        Command::List => list::run(&mut out),
    };
    match ended {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(Failure::CODE)
        }
    }
}
