//! `check`: searches configurations to the end, looks for circles on which a goal never comes, and holds what both
//! yield against what is pinned.

mod checked;
mod choice;
mod goals;
mod json;
mod marks;
mod told;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use super::account::{self, Files};
use super::pool::two_at_a_time;
use super::progress::Board;
use super::{Failure, Outcome};
use crate::configuration::Profile;
use crate::search::Memory;
use crate::search::exhaustive::Options;
use crate::subject::Setup;
use checked::{Checked, Run};
use choice::Chosen;
use goals::Endured;

/// What to check.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Only these models, or only these configurations of them, as `list` names them
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// How far to go
    #[arg(long, value_enum, default_value_t = Profile::Quick)]
    profile: Profile,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How many times to search each configuration, each time with another salt in its hashes [default: 1 in the
    /// quick profile, 2 in the deep one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=16))]
    salts: Option<u64>,
    /// How much memory may be taken: 20G, 512M, or a number of GiB [default: what the system has to give]
    #[arg(long, value_name = "AMOUNT")]
    memory: Option<Memory>,
    /// Write the counterexample of each promise that falls to this folder: a schedule for `replay`, a page, a picture
    #[arg(long, value_name = "DIR")]
    counterexamples: Option<PathBuf>,
}

/// Searches, and tells.
///
/// # Errors
/// [`Failure`] if the command line names what does not exist, a configuration can't fit the memory, or the output
/// can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let Chosen { setups, lasting } = choice::chosen(&arguments.models, arguments.profile)?;
    let salts = arguments.salts.unwrap_or(match arguments.profile {
        Profile::Quick => 1,
        Profile::Deep => 2,
    });
    let memory = arguments.memory.unwrap_or_else(|| Options::plain().memory);
    choice::fits(&setups, memory)?;
    let began = Instant::now();
    let checked = search_all(setups, salts, memory);
    let marks = marks::Findings::of(&checked, &arguments.models);
    let endured = goals::check(&lasting);
    let files = write_counterexamples(&checked, arguments.counterexamples.as_deref())?;
    let outcome = checked.iter().map(Checked::outcome).max().unwrap_or(Outcome::AsExpected);
    let outcome = endured.iter().map(Endured::outcome).fold(outcome.max(marks.outcome()), Outcome::max);
    if arguments.json {
        // What is no property of a configuration has no place in the array, and must not get lost.
        for line in marks.lines() {
            drop(writeln!(std::io::stderr(), "{line}"));
        }
        writeln!(out, "{:#}", Value::Array(values(&checked, &endured)))?;
        return Ok(outcome);
    }
    out.write_all(told::table(&checked).as_bytes())?;
    out.write_all(told::details(&checked, &files).as_bytes())?;
    out.write_all(goals::told(&endured).as_bytes())?;
    for line in marks.lines() {
        writeln!(out, "{line}")?;
    }
    out.write_all(told::closing(&checked, outcome, began.elapsed()).as_bytes())?;
    Ok(outcome)
}

/// What the quick profile measures here, as the array of `--json`.
pub(super) fn measure() -> Result<Value, Failure> {
    let Chosen { setups, lasting } = choice::chosen(&[], Profile::Quick)?;
    let memory = Options::plain().memory;
    choice::fits(&setups, memory)?;
    Ok(Value::Array(values(&search_all(setups, 1, memory), &goals::check(&lasting))))
}

/// Everything as the elements of one array.
fn values(checked: &[Checked], endured: &[Endured]) -> Vec<Value> {
    checked.iter().map(json::value).chain(endured.iter().map(Endured::json)).collect()
}

/// Makes every search of these configurations.
fn search_all(setups: Vec<Setup>, salts: u64, memory: Memory) -> Vec<Checked> {
    let each = |(index, setup): (usize, &Setup)| {
        let setup = setup.clone();
        (0..salts).map(move |salt| Run { index, setup: setup.clone(), salt })
    };
    let mut runs: Vec<Run> = setups.iter().enumerate().flat_map(each).collect();
    // Longest first, so that no core is left with the longest one at the end.
    runs.sort_by_key(|run| std::cmp::Reverse(run.setup.pinned.unique));
    let board = Board::of(runs.len(), runs.iter().map(|run| run.setup.pinned.unique).sum());
    let weight = |run: &Run| Memory::of_search(run.setup.pinned.unique);
    let searched = two_at_a_time(&runs, weight, memory, |run| run.search(memory, &board));
    board.end();
    let mut checked: Vec<Checked> = setups.into_iter().map(Checked::of).collect();
    // A sort keeps equals in their order: the salts of a configuration stand in theirs.
    for (run, searched) in runs.iter().zip(searched) {
        if let Some(checked) = checked.get_mut(run.index) {
            checked.searches.push(searched);
        }
    }
    checked
}

/// Writes each counterexample; what was written stands at the same place as its configuration.
fn write_counterexamples(
    checked: &[Checked],
    folder: Option<&std::path::Path>,
) -> Result<Vec<Option<Files>>, Failure> {
    let write = |checked: &Checked| match (checked.counterexample(), folder) {
        (Some(told), Some(folder)) => account::write_to(folder, &checked.setup.id, &told).map(Some),
        _ => Ok(None),
    };
    checked.iter().map(write).collect()
}
