//! The `modeld` command.

mod choice;
mod embed;
mod exit;
mod failure;
mod host;
mod input;
mod memory;
mod model;
mod output;
mod progress;
mod run;
mod serve;
mod signals;
mod status;
mod terms;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::exit::Exit;
use self::failure::Failure;

/// Keep local models resident, once, under a lease
#[derive(Parser, Debug)]
#[command(name = "modeld", version, max_term_width = 100, after_long_help = exit_codes())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::Serve),
    Run(Box<run::Run>),
    Embed(embed::Embed),
    Status(status::Status),
}

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::new(Exit::Failed, &error, None)), false),
    };
    let (ended, json) = match &cli.command {
        Command::Serve(serve) => (runtime.block_on(serve.run()), serve.json),
        Command::Run(run) => (runtime.block_on(run.run()), run.json),
        Command::Embed(embed) => (runtime.block_on(embed.run()), embed.json),
        Command::Status(status) => (runtime.block_on(status.run()), status.json),
    };
    end(ended, json)
}

fn end(ended: Result<Exit, Failure>, json: bool) -> ExitCode {
    ended
        .unwrap_or_else(|failure| {
            if !failure.is_quiet() {
                if json {
                    // The reader may be gone; the exit code still tells.
                    let _ = output::json_line(&failure.json());
                }
                let _ = writeln!(stderr(), "{failure}");
            }
            failure.exit()
        })
        .into()
}

fn exit_codes() -> String {
    let rows = Exit::TABLE.iter().map(|(exit, meaning)| format!("  {:>3}  {meaning}\n", exit.code()));
    format!("Exit codes:\n{}", rows.collect::<String>())
}
