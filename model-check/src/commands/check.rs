//! `check`: searches configurations to the end and holds what they yield against what is pinned.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError, mpsc};

use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::configuration::Profile;
use crate::coverage::Difference;
use crate::registry;
use crate::search::Memory;
use crate::search::exhaustive::{Exhaustive, Incomplete, Options, Progress};
use crate::story::lanes;
use crate::subject::Setup;

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
    /// How much memory may be taken, in GiB [default: what the system has to give]
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    memory: Option<u64>,
}

/// One search of one configuration.
struct Run {
    setup: Setup,
    salt: u64,
}

/// What became of it.
struct Checked {
    setup: Setup,
    salt: u64,
    found: Result<Exhaustive, Incomplete>,
}

/// Searches, and tells.
///
/// # Errors
/// [`Failure`] if the command line names what does not exist, or the output can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let setups = chosen(&arguments.models, arguments.profile)?;
    let salts = arguments.salts.unwrap_or(match arguments.profile {
        Profile::Quick => 1,
        Profile::Deep => 2,
    });
    let memory = arguments.memory.map_or_else(|| Options::plain().memory, Memory::gib);
    let mut runs: Vec<Run> = Vec::new();
    for setup in &setups {
        runs.extend((0..salts).map(|salt| Run { setup: setup.clone(), salt }));
    }
    // Longest first, so that no core is left with the longest one at the end.
    runs.sort_by_key(|run| std::cmp::Reverse(run.setup.pinned.unique));
    let mut say = |text: &str| if arguments.json { Ok(()) } else { out.write_all(text.as_bytes()) };
    say(&header())?;
    let (checked, said) = search_all(runs, memory, |checked| {
        say(&row(checked))?;
        if let Err(Incomplete::Fell(says)) = &checked.found
            && let Some(model) = registry::model(checked.setup.model)
            && let Some(tale) = model.counterexample(&checked.setup, says)
        {
            say(&lanes::render(&tale))?;
        }
        Ok(())
    });
    said?;
    let whole = arguments.models.is_empty();
    let differences: Vec<(&str, Difference)> = registry::models()
        .iter()
        .filter(|model| whole || arguments.models.iter().any(|name| name == model.name()))
        .map(|model| (model.name(), Difference::of(model.name(), model.marks())))
        .collect();
    for (model, difference) in &differences {
        for mark in &difference.missing {
            say(&format!("{model}: NEVER HAPPENED: {mark}\n"))?;
        }
        for mark in &difference.unknown {
            say(&format!("{model}: IN NO LIST: {mark}\n"))?;
        }
    }
    let covered = differences.iter().all(|(_, difference)| difference.is_none());
    let outcome = checked.iter().map(Checked::outcome).max().unwrap_or(Outcome::AsExpected);
    let outcome = if covered { outcome } else { outcome.max(Outcome::Fell) };
    if arguments.json {
        writeln!(out, "{:#}", Value::Array(checked.iter().map(Checked::json).collect()))?;
    } else {
        let unique: usize = checked
            .iter()
            .filter(|checked| checked.salt == 0)
            .filter_map(|checked| checked.found.as_ref().ok())
            .map(|found| found.counts.unique)
            .sum();
        let verdict = match outcome {
            Outcome::AsExpected => "all as expected",
            Outcome::Fell => "NOT as expected",
            Outcome::Incomplete => "NOT complete",
        };
        writeln!(out, "\n{verdict}: {unique} distinct states in complete searches")?;
    }
    Ok(outcome)
}

/// The configurations that the names stand for.
fn chosen(names: &[String], profile: Profile) -> Result<Vec<Setup>, Failure> {
    let all: Vec<Setup> = registry::models().iter().flat_map(|model| model.setups()).collect();
    if names.is_empty() {
        return Ok(all.into_iter().filter(|setup| setup.profile <= profile).collect());
    }
    let mut chosen: Vec<Setup> = Vec::new();
    for name in names {
        let whole = |setup: &&Setup| setup.model == name && setup.profile <= profile;
        let named = |setup: &&Setup| setup.id == *name;
        let found: Vec<Setup> = all.iter().filter(|setup| whole(setup) || named(setup)).cloned().collect();
        if found.is_empty() {
            return Err(Failure::Unknown {
                kind: "model or configuration",
                name: name.clone(),
                hint: "`model-check list` names them",
            });
        }
        for setup in found {
            if !chosen.contains(&setup) {
                chosen.push(setup);
            }
        }
    }
    Ok(chosen)
}

/// Makes the runs, two at a time where there are two cores, and hands each on as it ends.
fn search_all(
    runs: Vec<Run>,
    memory: Memory,
    mut ended: impl FnMut(&Checked) -> Result<(), Failure>,
) -> (Vec<Checked>, Result<(), Failure>) {
    let total = runs.len();
    let waiting = Mutex::new(VecDeque::from(runs));
    let (send, receive) = mpsc::channel();
    let mut checked = Vec::with_capacity(total);
    let mut said = Ok(());
    std::thread::scope(|scope| {
        for _ in 0..workers() {
            let (send, waiting) = (send.clone(), &waiting);
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(run) = next else { return };
                    if send.send(search(run, memory)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for each in receive {
            if said.is_ok() {
                said = ended(&each);
            }
            checked.push(each);
        }
    });
    (checked, said)
}

fn search(run: Run, memory: Memory) -> Checked {
    let Run { setup, salt } = run;
    let options = Options { salt, symmetric: setup.symmetric, memory };
    let found = match registry::model(setup.model) {
        Some(model) => model.search(&setup, options, &mut |_: Progress| {}),
        None => Err(Incomplete::Panicked(format!("no model {}", setup.model))),
    };
    Checked { setup, salt, found }
}

impl Checked {
    fn outcome(&self) -> Outcome {
        match &self.found {
            Err(Incomplete::Fell(_)) => Outcome::Fell,
            Err(_) => Outcome::Incomplete,
            Ok(found) if found.holds() && found.counts == self.setup.pinned => Outcome::AsExpected,
            Ok(_) => Outcome::Fell,
        }
    }

    fn json(&self) -> Value {
        let (model, config) = (self.setup.model, &self.setup.id);
        match &self.found {
            Err(reason) => json!({
                "model": model, "config": config, "salt": self.salt,
                "complete": false, "reason": reason.to_string(),
            }),
            Ok(found) => json!({
                "model": model, "config": config, "salt": self.salt,
                "unique": found.counts.unique,
                "generated": found.counts.generated,
                "depth": found.counts.depth,
                "seconds": found.took.as_secs_f64(),
                "complete": true,
                "pinned": self.setup.pinned == found.counts,
                "collisions_expected": found.counts.collisions_expected(),
                "properties": found.verdicts.iter().map(|verdict| json!({
                    "id": verdict.says,
                    "kind": verdict.kind.name(),
                    "status": if verdict.holds { "holds" } else { "falls" },
                })).collect::<Vec<_>>(),
            }),
        }
    }
}

fn header() -> String {
    format!(
        "{:<9} {:<26} {:>11} {:>12} {:>6} {:>7} {:>7}  {}\n",
        "model", "configuration", "unique", "generated", "depth", "s", "odds", "verdict"
    )
}

fn row(checked: &Checked) -> String {
    let Setup { model, id, pinned, .. } = &checked.setup;
    let found = match &checked.found {
        Err(reason) => return format!("{model:<9} {id:<26} {reason}\n"),
        Ok(found) => found,
    };
    let counts = found.counts;
    let verdict = match (found.holds(), counts == *pinned) {
        (false, _) => "NEVER REACHED",
        (true, false) => "OTHER COUNTS",
        (true, true) => "holds",
    };
    let mut text = format!(
        "{model:<9} {id:<26} {:>11} {:>12} {:>6} {:>7.1} {:>7.0e}  {verdict}\n",
        counts.unique,
        counts.generated,
        counts.depth,
        found.took.as_secs_f64(),
        counts.collisions_expected(),
    );
    for verdict in found.verdicts.iter().filter(|verdict| !verdict.holds) {
        text += &format!("    never reached: {}\n", verdict.says);
    }
    if counts != *pinned {
        text += &format!(
            "    found ({}, {}, {}), pinned ({}, {}, {})\n",
            counts.unique, counts.generated, counts.depth, pinned.unique, pinned.generated, pinned.depth
        );
    }
    text
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(WORKERS))
}

/// The runs are made for machines with two cores, and the memory that is taken grows with their number.
const WORKERS: usize = 2;
