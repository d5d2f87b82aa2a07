//! `mutants`: shows that each small change to the protocol is noticed, by the promise that has to, as soon as it can be.

use std::io::Write;

use serde_json::{Value, json};

use super::pool::two_at_a_time;
use super::progress::Board;
use super::table::{Side, Table, thousands};
use super::{Failure, Outcome, unknown};
use crate::registry;
use crate::search::Memory;
use crate::study::Expected;
use crate::subject::{Fate, Mutant};

/// Which mutants.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Only those of these models
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Looks for each mutant's shortest counterexample.
///
/// # Errors
/// [`Failure`] if a model does not exist, or the output can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    for name in &arguments.models {
        if registry::model(name).is_none() {
            return Err(unknown("model", name));
        }
    }
    let chosen = |name: &str| arguments.models.is_empty() || arguments.models.iter().any(|each| each == name);
    let models = registry::models();
    let mutants: Vec<Mutant> =
        models.iter().filter(|model| chosen(model.name())).flat_map(|model| model.mutants()).collect();
    let fates = fates(&mutants);
    let judged: Vec<(&Mutant, &Fate)> = mutants.iter().zip(&fates).collect();
    let outcome = judged.iter().map(|(mutant, fate)| judge(mutant, fate)).max();
    if arguments.json {
        let values = judged.iter().map(|(mutant, fate)| value(mutant, fate)).collect();
        writeln!(out, "{:#}", Value::Array(values))?;
    } else {
        out.write_all(table(&judged).as_bytes())?;
        writeln!(out, "\n{}", closing(&judged))?;
    }
    Ok(outcome.unwrap_or(Outcome::AsExpected))
}

/// What becomes of each, two at a time, in their order.
pub(super) fn fates(mutants: &[Mutant]) -> Vec<Fate> {
    let board = Board::of(mutants.len(), 0);
    let fates = two_at_a_time(
        mutants,
        |_| Memory(0),
        Memory(0),
        |mutant| {
            let line = board.begin(format!("{}: {}", mutant.model, mutant.id), 0);
            let fate = match registry::model(mutant.model) {
                Some(model) => model.fate(mutant),
                None => Fate::Unknown(format!("no model {}", mutant.model)),
            };
            line.end(&format!("{} ({})", status(mutant, &fate), steps(mutant, &fate)), 0);
            fate
        },
    );
    board.end();
    fates
}

fn judge(mutant: &Mutant, fate: &Fate) -> Outcome {
    match (mutant.expected, fate) {
        (Expected::Killed { steps, .. }, Fate::Killed(tale)) if tale.steps.len() == steps => {
            Outcome::AsExpected
        }
        (Expected::Equivalent { .. }, Fate::Survived { .. }) => Outcome::AsExpected,
        (_, Fate::Unknown(_)) => Outcome::Incomplete,
        _ => Outcome::Fell,
    }
}

/// What became of it, in a word. What nothing is known about survived: nobody noticed it.
pub(super) fn status(mutant: &Mutant, fate: &Fate) -> &'static str {
    match (mutant.expected, fate) {
        (_, Fate::Killed(_)) => "killed",
        (Expected::Equivalent { .. }, Fate::Survived { .. }) => "equivalent",
        (Expected::Killed { .. }, Fate::Survived { .. }) | (_, Fate::Unknown(_)) => "survived",
    }
}

fn value(mutant: &Mutant, fate: &Fate) -> Value {
    let steps = match fate {
        Fate::Killed(tale) => Some(tale.steps.len()),
        Fate::Survived { .. } | Fate::Unknown(_) => None,
    };
    json!({
        "id": format!("{}:{}", mutant.model, mutant.id),
        "status": status(mutant, fate),
        "property": property(mutant),
        "steps": steps,
        "reason": match fate {
            Fate::Unknown(why) => why,
            Fate::Killed(_) | Fate::Survived { .. } => reason(mutant),
        },
    })
}

fn property(mutant: &Mutant) -> Option<&'static str> {
    match mutant.expected {
        Expected::Killed { by, .. } => Some(by),
        Expected::Equivalent { .. } => None,
    }
}

fn reason(mutant: &Mutant) -> &'static str {
    match mutant.expected {
        Expected::Killed { .. } => mutant.change,
        Expected::Equivalent { reason } => reason,
    }
}

fn steps(mutant: &Mutant, fate: &Fate) -> String {
    match (fate, mutant.expected) {
        (Fate::Killed(tale), Expected::Killed { steps, .. }) if tale.steps.len() != steps => {
            format!("{} STEPS, {steps} PINNED", tale.steps.len())
        }
        (Fate::Killed(tale), _) => format!("{} steps", tale.steps.len()),
        (Fate::Survived { states }, _) => format!("{} states", thousands(*states)),
        (Fate::Unknown(why), _) => why.clone(),
    }
}

fn table(judged: &[(&Mutant, &Fate)]) -> String {
    let columns = ["model", "mutant", "status", "after", "noticed by"].map(|name| (name, Side::Left));
    let mut table = Table::of(&columns);
    for (mutant, fate) in judged {
        let why = property(mutant).unwrap_or_else(|| reason(mutant));
        let cells = [mutant.model, mutant.id, status(mutant, fate), &steps(mutant, fate), why];
        table.push(cells.map(str::to_string).to_vec());
    }
    table.render()
}

fn closing(judged: &[(&Mutant, &Fate)]) -> String {
    let count = |name: &str| judged.iter().filter(|(mutant, fate)| status(mutant, fate) == name).count();
    let mut told = format!(
        "{} killed, {} equivalent, {} survived",
        count("killed"),
        count("equivalent"),
        count("survived")
    );
    let otherwise = judged.iter().filter(|(mutant, fate)| {
        judge(mutant, fate) != Outcome::AsExpected && matches!(fate, Fate::Killed(_))
    });
    let unknown = judged.iter().filter(|(_, fate)| matches!(fate, Fate::Unknown(_)));
    for (number, what) in
        [(otherwise.count(), "killed otherwise than pinned"), (unknown.count(), "not searched to the end")]
    {
        if 0 < number {
            told += &format!("; {number} {what}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Tale;

    fn mutant(expected: Expected) -> Mutant {
        Mutant { model: "m", id: "x", change: "c", setting: String::new(), expected }
    }

    const KILLED: Expected = Expected::Killed { by: "L1: one", steps: 0 };
    const EQUIVALENT: Expected = Expected::Equivalent { reason: "two checks" };

    fn killed() -> Fate {
        let (lanes, world, steps) = (Vec::new(), Vec::new(), Vec::new());
        Fate::Killed(Tale { lanes, world, steps, broken: None, returns_to: None })
    }

    #[test]
    fn a_mutant_is_killed_equivalent_or_it_survived() {
        let survived = Fate::Survived { states: 5 };
        let unknown = Fate::Unknown("too many states".to_string());
        let cases = [
            (KILLED, killed(), "killed", Outcome::AsExpected),
            (Expected::Killed { by: "L1: one", steps: 3 }, killed(), "killed", Outcome::Fell),
            (KILLED, survived.clone(), "survived", Outcome::Fell),
            (EQUIVALENT, survived, "equivalent", Outcome::AsExpected),
            (EQUIVALENT, killed(), "killed", Outcome::Fell),
            (KILLED, unknown, "survived", Outcome::Incomplete),
        ];
        for (expected, fate, told, outcome) in cases {
            let mutant = mutant(expected);
            assert_eq!(
                (status(&mutant, &fate), judge(&mutant, &fate)),
                (told, outcome),
                "{expected:?} {fate:?}"
            );
        }
    }

    #[test]
    fn the_closing_line_counts_and_hides_nothing() {
        let (one, other) = (mutant(KILLED), mutant(EQUIVALENT));
        let (kill, live) = (killed(), Fate::Survived { states: 5 });
        assert_eq!(closing(&[(&one, &kill), (&other, &live)]), "1 killed, 1 equivalent, 0 survived");
        let unknown = Fate::Unknown("too many states".to_string());
        assert_eq!(
            closing(&[(&one, &unknown)]),
            "0 killed, 0 equivalent, 1 survived; 1 not searched to the end"
        );
        assert_eq!(
            closing(&[(&other, &kill), (&one, &live)]),
            "1 killed, 0 equivalent, 1 survived; 1 killed otherwise than pinned"
        );
    }
}
