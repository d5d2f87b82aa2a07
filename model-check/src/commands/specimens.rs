//! `specimens`: shows that the protocols of others fall, in the fewest steps.

use std::io::Write;

use serde_json::{Value, json};

use super::pool::two_at_a_time;
use super::progress::Board;
use super::table::{Side, Table};
use super::{Failure, Outcome};
use crate::registry;
use crate::search::Memory;
use crate::specimens::Exhibit;
use crate::story::{Tale, lanes};

/// How to print them.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON array instead of diagrams and a table
    #[arg(long)]
    json: bool,
}

/// Looks for each specimen's shortest counterexample.
///
/// # Errors
/// [`Failure`] if the output can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let specimens = registry::specimens();
    let falls = falls();
    let mut outcome = Outcome::AsExpected;
    let mut values = Vec::new();
    let mut table = Table::of(&["specimen", "status", "after", "broken"].map(|name| (name, Side::Left)));
    for (specimen, tale) in specimens.iter().zip(&falls) {
        let steps = tale.as_ref().map(|tale| tale.steps.len());
        if steps != Some(specimen.steps()) {
            outcome = Outcome::Fell;
        }
        let status = if steps.is_some() { "killed" } else { "survived" };
        values.push(json!({
            "id": specimen.id(), "status": status, "property": specimen.falls(),
            "steps": steps, "reason": specimen.about(),
        }));
        let cells = [specimen.id(), status, &after(specimen.as_ref(), steps), specimen.falls()];
        table.push(cells.map(str::to_string).to_vec());
        if let (Some(tale), false) = (tale, arguments.json) {
            writeln!(out, "{}: {}\n\n{}", specimen.id(), specimen.about(), lanes::render(tale))?;
        }
    }
    if arguments.json {
        writeln!(out, "{:#}", Value::Array(values))?;
    } else {
        let fallen = falls.iter().flatten().count();
        out.write_all(table.render().as_bytes())?;
        writeln!(out, "\n{fallen} killed, {} survived", falls.len() - fallen)?;
    }
    Ok(outcome)
}

/// The shortest path on which each specimen falls, two at a time, in their order.
pub(super) fn falls() -> Vec<Option<Tale>> {
    let ids: Vec<&'static str> = registry::specimens().iter().map(|specimen| specimen.id()).collect();
    let board = Board::of(ids.len(), 0);
    let falls = two_at_a_time(
        &ids,
        |_| Memory(0),
        Memory(0),
        |id| {
            let line = board.begin(format!("specimen {id}"), 0);
            let tale = registry::specimen(id).and_then(|specimen| specimen.fall());
            let steps = tale.as_ref().map(|tale| tale.steps.len());
            line.end(&steps.map_or("survived".to_string(), |steps| format!("falls in {steps} steps")), 0);
            tale
        },
    );
    board.end();
    falls
}

fn after(specimen: &dyn Exhibit, steps: Option<usize>) -> String {
    match steps {
        Some(steps) if steps == specimen.steps() => format!("{steps} steps"),
        Some(steps) => format!("{steps} STEPS, {} PINNED", specimen.steps()),
        None => String::new(),
    }
}
