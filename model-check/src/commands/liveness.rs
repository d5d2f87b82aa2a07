//! `liveness`: whether what has to come at last comes, once faults stop, and how soon.

use std::io::Write;

use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::configuration::Profile;
use crate::registry;
use crate::story::lanes;
use crate::subject::{Came, Endurance};

/// Which models.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Only these models
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// How far to go
    #[arg(long, value_enum, default_value_t = Profile::Quick)]
    profile: Profile,
    /// Print one JSON array instead of tables
    #[arg(long)]
    json: bool,
}

/// Looks for circles on which a goal never comes.
///
/// # Errors
/// [`Failure`] if a model does not exist, or the output can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    if let Some(name) = arguments.models.iter().find(|name| registry::model(name).is_none()) {
        let hint = "`model-check list` names them";
        return Err(Failure::Unknown { kind: "model", name: name.clone(), hint });
    }
    let mut outcome = Outcome::AsExpected;
    let mut values = Vec::new();
    for model in registry::models() {
        if !arguments.models.is_empty() && !arguments.models.iter().any(|name| name == model.name()) {
            continue;
        }
        for id in model.lasting(arguments.profile) {
            let Some(endurance) = model.endure(&id) else {
                outcome = outcome.max(Outcome::Incomplete);
                writeln!(out, "{} {id}: too many states", model.name())?;
                continue;
            };
            outcome = outcome.max(if endurance.as_expected() { Outcome::AsExpected } else { Outcome::Fell });
            if arguments.json {
                values.push(value(model.name(), &endurance));
            } else {
                out.write_all(text(model.name(), &endurance).as_bytes())?;
            }
        }
    }
    if arguments.json {
        writeln!(out, "{:#}", Value::Array(values))?;
    }
    Ok(outcome)
}

fn value(model: &str, endurance: &Endurance) -> Value {
    let goal = |came: &Came| {
        json!({
            "id": came.says,
            "kind": "leads to",
            "status": if came.fallen.is_none() { "holds" } else { "falls" },
            "beats": came.beats,
        })
    };
    json!({
        "model": model,
        "config": endurance.id,
        "states": endurance.states,
        "pinned": endurance.as_expected(),
        "assumptions": endurance.assumptions.iter().map(|assumption| &assumption.says).collect::<Vec<_>>(),
        "goals": endurance.goals.iter().map(goal).collect::<Vec<_>>(),
    })
}

fn text(model: &str, endurance: &Endurance) -> String {
    let mut text = format!("{model} {}: {} states\n", endurance.id, endurance.states);
    if endurance.states != endurance.states_pinned {
        text += &format!("  OTHER COUNTS: {} pinned\n", endurance.states_pinned);
    }
    text += "  assumed, once faults have stopped:\n";
    for assumption in &endurance.assumptions {
        text += &format!("    {:<16} {}\n", assumption.class, assumption.says);
    }
    for came in &endurance.goals {
        let verdict = match (&came.fallen, came.beats) {
            (Some(_), _) => "FALLS".to_string(),
            (None, Some(beats)) => format!("within {beats}"),
            (None, None) => "at last".to_string(),
        };
        text += &format!("  {verdict:<10} {}\n", came.says);
        if came.fallen.is_none() && came.pinned != Some(came.beats) {
            text += "             ANOTHER BOUND IS PINNED\n";
        }
        if let Some(tale) = &came.fallen {
            text += &lanes::render(tale);
        }
    }
    text
}
