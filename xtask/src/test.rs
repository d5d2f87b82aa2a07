//! `test`: runs the steps of [`crate::steps`] one after the other and sums up.
//!
//! A step that fails stops none of the others. A step that can't be run here says why and counts as skipped.
//! Needs no terminal and no input; asks nothing.

use std::fmt;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use crate::demo;
use crate::deps;
use crate::failure::{Failure, OrFail, Result};
use crate::steps::{Action, Depth, Step, steps};
use crate::tools::{CARGO_DENY, CARGO_FUZZ};
use crate::workspace;

/// Run everything that CI runs
///
/// Formatting, lints, documentation, licences, tests, loom, the model check, a fuzzing smoke test where a nightly
/// toolchain is present, and the demo. Installs cmake and libclang through apt where it may, and cargo-deny and
/// cargo-fuzz into `target/tools`. Exit code 1 if a step failed, 2 if the system lacks something.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Small models, 15 s for each fuzz target; this is the default
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
    /// The larger models, 10 minutes for each fuzz target
    #[arg(long)]
    deep: bool,
    /// Run this step (can be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Print the steps and their commands
    #[arg(long)]
    list: bool,
    /// Install no system packages: say what is missing and end with exit code 2
    #[arg(long)]
    no_install: bool,
}

/// Runs the steps that were asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let depth = if arguments.deep { Depth::Deep } else { Depth::Quick };
    let chosen = choose(steps(depth), &arguments.only)?;
    let mut out = stdout();
    if arguments.list {
        return list(&chosen, depth, &mut out).or_fail(|| "could not print the steps".to_string());
    }
    if chosen.iter().any(|step| step.is_native) {
        deps::ensure(!arguments.no_install)?;
    }
    let started = Instant::now();
    let results: Vec<Ran> = chosen
        .iter()
        .map(|step| {
            let number = format!("\n=== {}: {}\n$ {}\n", step.name, step.shows, step.command_line());
            // Who reads the output may have gone; the steps and the exit code still matter.
            _ = out.write_all(number.as_bytes()).and_then(|()| out.flush());
            let started = Instant::now();
            let end = perform(step);
            if let End::Failed(why) = &end {
                _ = writeln!(out, "{}: {why}", step.name);
            }
            Ran { name: step.name, end, took: started.elapsed() }
        })
        .collect();
    _ = summarise(&results, started.elapsed(), &mut out);
    // The counts stay the last line, for scripts that read it.
    let failed = results.iter().any(|ran| matches!(ran.end, End::Failed(_)));
    if failed { Err(Failure::told()) } else { Ok(()) }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Passed,
    /// With the reason.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Passed => f.write_str("passed"),
            End::Failed(why) => write!(f, "FAILED: {why}"),
            End::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

/// A step that was run.
struct Ran {
    name: &'static str,
    end: End,
    took: Duration,
}

fn choose(all: Vec<Step>, only: &[String]) -> Result<Vec<Step>> {
    for name in only {
        if !all.iter().any(|step| step.name == name) {
            let names: Vec<&str> = all.iter().map(|step| step.name).collect();
            return Err(Failure::missing(format!("there is no step {name}"))
                .hint(format!("the steps are {}", names.join(", "))));
        }
    }
    let is_chosen = |step: &Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn list(steps: &[Step], depth: Depth, out: &mut impl Write) -> io::Result<()> {
    let profile = match depth {
        Depth::Quick => "quick",
        Depth::Deep => "deep",
    };
    for step in steps {
        writeln!(out, "{:12} {profile:6} {}", step.name, step.command_line())?;
    }
    Ok(())
}

fn perform(step: &Step) -> End {
    let done = match &step.action {
        Action::Cargo { arguments, environment } => workspace::cargo().and_then(|mut cargo| {
            cargo.args(arguments).envs(environment.iter().copied());
            status(cargo)
        }),
        Action::Deny(arguments) => CARGO_DENY.program().and_then(|program| {
            let mut deny = workspace::command(program)?;
            deny.args(arguments);
            status(deny)
        }),
        Action::Fuzz(seconds) => fuzz(*seconds),
        Action::Demo(arguments) => smoke(arguments),
    };
    done.unwrap_or_else(|failure| End::Failed(failure.to_string()))
}

/// Runs a command with its output passed through.
fn status(mut command: Command) -> Result<End> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().or_fail(|| format!("could not run {program}"))?;
    Ok(if status.success() { End::Passed } else { End::Failed(status.to_string()) })
}

fn fuzz(seconds: u32) -> Result<End> {
    if !workspace::root()?.join("fuzz/Cargo.toml").is_file() {
        return Ok(End::Skipped("no fuzz targets".to_string()));
    }
    if !has_nightly()? {
        return Ok(End::Skipped("no nightly toolchain".to_string()));
    }
    let cargo_fuzz = CARGO_FUZZ.program()?;
    let out = nightly(&cargo_fuzz)?
        .args(["fuzz", "list"])
        .output()
        .or_fail(|| "could not list the fuzz targets".to_string())?;
    let targets = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() || targets.trim().is_empty() {
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        return Ok(End::Failed(format!("no fuzz target could be listed: {}", said.trim())));
    }
    let mut failed = Vec::new();
    for target in targets.lines() {
        println!("--- {target}, {seconds} s");
        if status(fuzz_target(&cargo_fuzz, target, seconds)?)? != End::Passed {
            failed.push(target);
        }
    }
    Ok(if failed.is_empty() { End::Passed } else { End::Failed(failed.join(", ")) })
}

/// Inputs found go to `target`, so that a smoke test leaves the checked-in seeds as they are.
fn fuzz_target(cargo_fuzz: &Path, target: &str, seconds: u32) -> Result<Command> {
    let found = workspace::target_dir()?.join("fuzz-corpus").join(target);
    std::fs::create_dir_all(&found).or_fail(|| format!("could not create {}", found.display()))?;
    let mut command = nightly(cargo_fuzz)?;
    command.args(["fuzz", "run", target]).arg(found);
    let seeds = Path::new("fuzz/corpus").join(target);
    if workspace::root()?.join(&seeds).is_dir() {
        command.arg(seeds);
    }
    command.args(["--", &format!("-max_total_time={seconds}"), "-verbosity=0", "-print_final_stats=1"]);
    Ok(command)
}

fn has_nightly() -> Result<bool> {
    let mut cargo = nightly(Path::new("cargo"))?;
    cargo.arg("--version").stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(cargo.output().is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains("nightly")))
}

/// A program that finds the nightly toolchain behind every `cargo` and `rustc` that it starts.
fn nightly(program: &Path) -> Result<Command> {
    let mut command = workspace::command(program)?;
    command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC");
    Ok(command)
}

/// Runs the demo as a script would, and holds its report against what it promises.
fn smoke(arguments: &[&str]) -> Result<End> {
    // Through cargo, and not as this very program: the step `test` has compiled another one in its place.
    let out = workspace::cargo()?
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .or_fail(|| "could not run the demo".to_string())?;
    let report = String::from_utf8_lossy(&out.stdout).into_owned();
    println!("{}", report.trim());
    if !out.status.success() {
        return Ok(End::Failed(out.status.to_string()));
    }
    Ok(match demo::check_report(&report) {
        Ok(()) => End::Passed,
        Err(why) => End::Failed(why),
    })
}

/// A table, the total time, and the counts alone on the last line.
fn summarise(results: &[Ran], took: Duration, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{:12} {:>8}  result", "step", "seconds")?;
    for ran in results {
        // A reason of several lines is told above; here its first will do.
        let end = ran.end.to_string();
        writeln!(
            out,
            "{:12} {:8.1}  {}",
            ran.name,
            ran.took.as_secs_f64(),
            end.lines().next().unwrap_or("")
        )?;
    }
    writeln!(out, "{:12} {:8.1}", "total", took.as_secs_f64())?;
    let count = |wanted: fn(&End) -> bool| results.iter().filter(|ran| wanted(&ran.end)).count();
    let passed = count(|end| matches!(end, End::Passed));
    let failed = count(|end| matches!(end, End::Failed(_)));
    let skipped = count(|end| matches!(end, End::Skipped(_)));
    write!(out, "{passed} passed, {failed} failed")?;
    if skipped > 0 {
        write!(out, ", {skipped} skipped")?;
    }
    writeln!(out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(name: &'static str, end: End) -> Ran {
        Ran { name, end, took: Duration::from_millis(1500) }
    }

    fn summary(results: &[Ran]) -> String {
        let mut out = Vec::new();
        summarise(results, Duration::from_secs(3), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_last_line_has_the_counts_alone() {
        let all = [ran("fmt", End::Passed), ran("test", End::Failed("exit status: 101\nmore".into()))];
        assert_eq!(
            summary(&all),
            "\nstep          seconds  result\nfmt               1.5  passed\ntest              1.5  FAILED: exit \
             status: 101\ntotal             3.0\n1 passed, 1 failed\n"
        );
        let skipped = [ran("fuzz", End::Skipped("no nightly toolchain".into()))];
        assert!(summary(&skipped).ends_with("\n0 passed, 0 failed, 1 skipped\n"));
        assert!(summary(&skipped).contains("skipped: no nightly toolchain"));
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_names_of_all() {
        let failure = choose(steps(Depth::Quick), &["fmt".into(), "lint".into()]).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("no step lint") && text.contains("clippy, doc"), "{text}");
    }

    #[test]
    fn only_the_chosen_steps_are_run() {
        let names = |only: &[String]| -> Vec<&str> {
            choose(steps(Depth::Quick), only).unwrap().iter().map(|step| step.name).collect()
        };
        assert_eq!(names(&["test".into(), "fmt".into()]), ["fmt", "test"]);
        assert!(names(&[]).len() > 5);
    }

    #[test]
    fn a_command_that_fails_fails_its_step() {
        assert_eq!(status(Command::new("true")).unwrap(), End::Passed);
        assert_eq!(status(Command::new("false")).unwrap(), End::Failed("exit status: 1".into()));
        let failure = status(Command::new("no-such-program")).unwrap_err();
        assert!(failure.to_string().contains("could not run no-such-program"), "{failure}");
    }
}
