//! The command line of the model checker.
//!
//! Exit codes: 0 everything is as it should be; 1 a promise fell, or a count, a mutant, a mark is not as it should be;
//! 2 the command line, or what it names; 3 a search was not complete, or can't be.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use model_check::commands::{check, explain, explore, list, liveness, mutants, report, specimens};

/// Check modeld's machines to the end
#[derive(Parser)]
#[command(name = "model-check", after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search every configuration completely
    Check(check::Arguments),
    /// Show that what has to come at last comes, once faults stop
    Liveness(liveness::Arguments),
    /// Show that every mutant is noticed
    Mutants(mutants::Arguments),
    /// Show that the protocols of others fall
    Specimens(specimens::Arguments),
    /// Draw the shortest counterexample of a mutant or a specimen
    Explain(explain::Explain),
    /// Draw a schedule
    Replay(explain::Replay),
    /// Write a page for a design review: promises, rules, counts, mutants, diagrams
    Report(report::Arguments),
    /// Walk through the states of a model in the browser
    Explore(explore::Arguments),
    /// Name every configuration, mutant and specimen
    List,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let ended = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments, &mut out),
        Command::Liveness(arguments) => liveness::run(&arguments, &mut out),
        Command::Mutants(arguments) => mutants::run(&arguments, &mut out),
        Command::Specimens(arguments) => specimens::run(&arguments, &mut out),
        Command::Explain(arguments) => explain::explain(&arguments, &mut out),
        Command::Replay(arguments) => explain::replay(&arguments, &mut out),
        Command::Report(arguments) => report::run(&arguments, &mut out),
        Command::Explore(arguments) => explore::run(&arguments, &mut out),
        Command::List => list::run(&mut out),
    };
    match ended {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 everything is as it should be; 1 a promise fell, or a count, a mutant or a mark is not as it should be; \
2 the command line, or what it names; 3 a search was not complete, or can't be.";
