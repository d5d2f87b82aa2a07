//! `specimens`: shows that the protocols of others fall, in the fewest steps.

use std::io::Write;

use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::registry;
use crate::story::lanes;

/// How to print them.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON array instead of diagrams
    #[arg(long)]
    json: bool,
}

/// Looks for each specimen's shortest counterexample.
///
/// # Errors
/// [`Failure`] if the output can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::AsExpected;
    let mut values = Vec::new();
    for specimen in registry::specimens() {
        let tale = specimen.fall();
        let steps = tale.as_ref().map(|tale| tale.steps.len());
        if steps != Some(specimen.steps()) {
            outcome = Outcome::Fell;
        }
        let status = if steps.is_some() { "killed" } else { "survived" };
        if arguments.json {
            values.push(json!({
                "id": specimen.id(), "status": status, "property": specimen.falls(),
                "steps": steps, "reason": specimen.about(),
            }));
            continue;
        }
        let steps = steps.map_or("none".to_string(), |steps| steps.to_string());
        writeln!(
            out,
            "{}: {}\n{status} in {steps} steps ({} pinned)\n",
            specimen.id(),
            specimen.about(),
            specimen.steps()
        )?;
        if let Some(tale) = &tale {
            writeln!(out, "{}", lanes::render(tale))?;
        }
    }
    if arguments.json {
        writeln!(out, "{:#}", Value::Array(values))?;
    }
    Ok(outcome)
}
