//! Exhaustive checks of modeld's machines: models, properties, mutants, specimens.
//!
//! `check` exits with 0 only if every search was complete, every property held, every count is the pinned one,
//! and every mutant and specimen fell in the pinned number of steps.

mod configurations;
mod exhaustive;
mod lanes;
mod lease;
mod properties;
mod report;
mod specimens;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use configurations::{Configuration, Profile};
use exhaustive::{Exhaustive, Kind};
use lease::Lease;
use lease::mutants::Mutant;
use report::{Checked, Fallen};
use specimens::directory_lock::DirectoryLock;
use stateright::Model;

/// Check modeld's machines to the end
#[derive(Parser)]
#[command(name = "model-check")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search every configuration completely, and show that every mutant and specimen falls
    Check {
        /// Only these configurations, named as by `list`, and neither mutants nor specimens
        config: Vec<String>,
        /// How far to go
        #[arg(long, value_enum, default_value_t = Profile::Quick)]
        profile: Profile,
        /// Print one JSON value instead of tables
        #[arg(long)]
        json: bool,
    },
    /// Walk through the states of a configuration in the browser
    Explore {
        /// A configuration's name, as `list` prints it
        config: String,
        /// The port on the loopback address; 0 for one that is free
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Name every configuration, mutant and specimen
    List,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check { config, profile, json } if config.is_empty() => {
            check(&configurations::of(profile), true, json)
        }
        Command::Check { config, json, .. } => check_some(&config, json),
        Command::Explore { config, port } => explore(&config, port),
        Command::List => list(),
    };
    match done {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(USAGE)
        }
    }
}

fn check_some(names: &[String], json: bool) -> io::Result<ExitCode> {
    let mut known = configurations::of(Profile::Deep);
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|known| known.is_called(name))) {
        return unknown_configuration(unknown);
    }
    known.retain(|known| names.iter().any(|name| known.is_called(name)));
    check(&known, false, json)
}

fn unknown_configuration(name: &str) -> io::Result<ExitCode> {
    eprintln!("error: there is no configuration {name:?}\n\nhint: `model-check list` names them");
    Ok(ExitCode::from(USAGE))
}

/// Searches the configurations, and `falls`: shows that every mutant and specimen does.
fn check(configurations: &[Configuration], falls: bool, json: bool) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut say =
        |text: &str| if json { Ok(()) } else { out.write_all(text.as_bytes()).and_then(|()| out.flush()) };
    say(&report::check_header())?;
    let mut checks = Vec::new();
    for configuration in configurations {
        let checked = search(configuration);
        say(&report::check_row(&checked))?;
        for account in accounts(&configuration.lease, &checked) {
            say(&account)?;
        }
        checks.push(checked);
    }
    let (mut mutants, mut specimens) = (Vec::new(), Vec::new());
    if falls {
        say("\nmutants: the property that has to notice, and in how many steps it does\n")?;
        for mutant in Mutant::ALL {
            let fallen = mutated(mutant);
            say(&report::fallen_row(&fallen))?;
            mutants.push(fallen);
        }
        say("\nspecimens: protocols of others\n")?;
        let (fallen, account) = directory_lock();
        say(&report::fallen_row(&fallen))?;
        say(&account)?;
        specimens.push(fallen);
    }

    let complete = checks.iter().all(|checked| checked.found.is_ok());
    let expected =
        checks.iter().all(Checked::as_expected) && mutants.iter().chain(&specimens).all(Fallen::as_expected);
    if json {
        writeln!(out, "{:#}", report::json(&checks, &mutants, &specimens))?;
    } else {
        let verdict = if expected { "all as expected" } else { "NOT as expected" };
        writeln!(out, "\n{verdict}: {} states in complete searches", total(&checks))?;
    }
    Ok(match (complete, expected) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(FELL),
        (false, _) => ExitCode::from(INCOMPLETE),
    })
}

fn search(configuration: &Configuration) -> Checked {
    let lease = &configuration.lease;
    Checked {
        model: "lease",
        config: configuration.id(),
        bounds: lease.bounds_in_words(),
        faults: lease.faults(),
        pinned: configuration.counts,
        found: Exhaustive::search(lease.clone(), threads()),
    }
}

/// The shortest account of every property that fell.
fn accounts(lease: &Lease, checked: &Checked) -> Vec<String> {
    let Ok(found) = &checked.found else { return Vec::new() };
    let fallen = found.verdicts.iter().filter(|verdict| verdict.kind == Kind::Always && !verdict.holds());
    fallen
        .filter_map(|verdict| {
            let path = exhaustive::shortest(lease, verdict.property)?;
            Some(lanes::render(lease, &path, verdict.property))
        })
        .collect()
}

fn mutated(mutant: Mutant) -> Fallen {
    let lease = mutant.model();
    let (property, pinned) = mutant.caught_by();
    let steps = exhaustive::shortest(&lease, property).map(|path| path.steps.len());
    Fallen { id: mutant.id(), config: lease.bounds(), property, pinned, steps }
}

fn directory_lock() -> (Fallen, String) {
    let model = DirectoryLock::SMALL;
    let path = exhaustive::shortest(&model, DirectoryLock::NAME);
    let account =
        path.as_ref().map(|path| lanes::render(&model, path, DirectoryLock::NAME)).unwrap_or_default();
    let fallen = Fallen {
        id: "directory_lock",
        config: format!("n{}-ttl{}-h{}", model.processes, model.ttl, model.horizon),
        property: DirectoryLock::NAME,
        pinned: DirectoryLock::STEPS,
        steps: path.map(|path| path.steps.len()),
    };
    (fallen, account)
}

fn explore(config: &str, port: u16) -> io::Result<ExitCode> {
    let known = configurations::of(Profile::Deep);
    let Some(configuration) = known.iter().find(|known| known.is_called(config)) else {
        return unknown_configuration(config);
    };
    // The explorer panics where a port is taken: find out first, and choose one where none was named.
    let free = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(|error| {
        io::Error::new(error.kind(), format!("port {port} on the loopback address: {error}"))
    })?;
    let address = free.local_addr()?;
    drop(free);
    println!("exploring {} on http://{address}/ until interrupted", configuration.id());
    configuration.lease.clone().checker().serve(address);
    Ok(ExitCode::SUCCESS)
}

fn list() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let quick = configurations::of(Profile::Quick).len();
    for (index, configuration) in configurations::of(Profile::Deep).iter().enumerate() {
        let profile = if index < quick { "quick" } else { "deep" };
        let (bounds, faults) = (configuration.lease.bounds_in_words(), configuration.lease.faults());
        writeln!(out, "lease     {:<28} {profile:<6} {bounds}; {faults}", configuration.id())?;
    }
    for mutant in Mutant::ALL {
        writeln!(out, "mutant    {:<28} must break {:?}", mutant.id(), mutant.caught_by().0)?;
    }
    writeln!(out, "specimen  {:<28} must break {:?}", "directory_lock", DirectoryLock::NAME)?;
    Ok(ExitCode::SUCCESS)
}

fn total(checks: &[Checked]) -> usize {
    checks.iter().filter_map(|checked| checked.found.as_ref().ok()).map(|found| found.unique).sum()
}

/// Two: the runs are made for machines with two cores, and depth first gains little from more.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(2))
}

/// Something is not as it should be.
const FELL: u8 = 1;
/// The command line names something that does not exist, or can't be had.
const USAGE: u8 = 2;
/// A search was not complete, and says nothing.
const INCOMPLETE: u8 = 3;
