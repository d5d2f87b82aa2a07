//! `mutants`: shows that each small change to the protocol is noticed, by the promise that has to, as soon as it can be.

use std::io::Write;

use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::registry;
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
            return Err(Failure::Unknown {
                kind: "model",
                name: name.clone(),
                hint: "`model-check list` names them",
            });
        }
    }
    let mut outcome = Outcome::AsExpected;
    let mut values = Vec::new();
    for model in registry::models() {
        if !arguments.models.is_empty() && !arguments.models.iter().any(|name| name == model.name()) {
            continue;
        }
        for mutant in model.mutants() {
            let fate = model.fate(&mutant);
            outcome = outcome.max(judge(&mutant, &fate));
            if arguments.json {
                values.push(value(&mutant, &fate));
            } else {
                out.write_all(row(&mutant, &fate).as_bytes())?;
            }
        }
    }
    if arguments.json {
        writeln!(out, "{:#}", Value::Array(values))?;
    }
    Ok(outcome)
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

fn status(mutant: &Mutant, fate: &Fate) -> &'static str {
    match (mutant.expected, fate) {
        (_, Fate::Killed(_)) => "killed",
        (Expected::Equivalent { .. }, Fate::Survived { .. }) => "equivalent",
        (_, Fate::Survived { .. }) => "survived",
        (_, Fate::Unknown(_)) => "unknown",
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
        "reason": reason(mutant),
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

fn row(mutant: &Mutant, fate: &Fate) -> String {
    let steps = match (fate, mutant.expected) {
        (Fate::Killed(tale), Expected::Killed { steps, .. }) if tale.steps.len() != steps => {
            format!("{} STEPS, {steps} PINNED", tale.steps.len())
        }
        (Fate::Killed(tale), _) => format!("{} steps", tale.steps.len()),
        (Fate::Survived { states }, _) => format!("{states} states"),
        (Fate::Unknown(why), _) => why.clone(),
    };
    let noticed = property(mutant).unwrap_or_else(|| reason(mutant));
    format!("{:<8} {:<30} {:<10} {steps:<9} {noticed}\n", mutant.model, mutant.id, status(mutant, fate))
}
