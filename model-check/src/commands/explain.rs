//! `explain` and `replay`: a path as a diagram.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Failure, Outcome};
use crate::registry;
use crate::schedule::{Malformed, Schedule, Setting};
use crate::story::{Tale, lanes};
use crate::subject::{Fate, Subject};

/// Which mutant to explain.
#[derive(Clone, Debug, clap::Args)]
pub struct Explain {
    /// The model
    model: String,
    /// The mutant, as `list` names it
    #[arg(long)]
    mutant: String,
    /// Write the path as a schedule to this file
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
}

/// Which schedule to play.
#[derive(Clone, Debug, clap::Args)]
pub struct Replay {
    /// A schedule, as `explain --schedule` writes it
    file: PathBuf,
}

/// Draws the shortest counterexample of a mutant.
///
/// # Errors
/// [`Failure`] if there is no such mutant, or a file can't be written.
pub fn explain(arguments: &Explain, out: &mut impl Write) -> Result<Outcome, Failure> {
    let model = model(&arguments.model)?;
    let mutant = model.mutants().into_iter().find(|mutant| mutant.id == arguments.mutant);
    let mutant = mutant.ok_or_else(|| Failure::Unknown {
        kind: "mutant",
        name: arguments.mutant.clone(),
        hint: "`model-check list` names them",
    })?;
    writeln!(out, "{}: {}\n", mutant.id, mutant.change)?;
    match model.fate(&mutant) {
        Fate::Killed(tale) => {
            draw(&tale, out)?;
            if let Some(file) = &arguments.schedule {
                let schedule = Schedule {
                    model: model.name().to_string(),
                    setting: Setting::Mutant(mutant.id.to_string()),
                    breaks: tale.broken.clone(),
                    steps: tale.steps.iter().map(|step| step.action.clone()).collect(),
                };
                let text = serde_json::to_string_pretty(&schedule).map_err(std::io::Error::from)?;
                std::fs::write(file, text + "\n").map_err(|cause| failed(file, cause))?;
            }
            Ok(Outcome::AsExpected)
        }
        Fate::Survived { states } => {
            writeln!(out, "survives: {states} states, and nothing falls")?;
            Ok(Outcome::Fell)
        }
        Fate::Unknown(why) => {
            writeln!(out, "not known: {why}")?;
            Ok(Outcome::Incomplete)
        }
    }
}

/// Plays a schedule and draws it. Ends with [`Outcome::Fell`] if a promise is broken at its end.
///
/// # Errors
/// [`Failure`] if the file can't be read or is no schedule.
pub fn replay(arguments: &Replay, out: &mut impl Write) -> Result<Outcome, Failure> {
    let file = &arguments.file;
    let malformed = |cause| Failure::Schedule { file: file.display().to_string(), cause };
    let size = std::fs::metadata(file).map_err(|cause| failed(file, cause))?.len();
    if Schedule::LIMIT as u64 <= size {
        return Err(malformed(Malformed::TooLarge));
    }
    let text = std::fs::read_to_string(file).map_err(|cause| failed(file, cause))?;
    let schedule = Schedule::parse(&text).map_err(malformed)?;
    let model = registry::model(&schedule.model)
        .ok_or_else(|| malformed(Malformed::Model(schedule.model.clone())))?;
    let tale = model.replay(&schedule).map_err(malformed)?;
    draw(&tale, out)?;
    Ok(if tale.broken.is_some() { Outcome::Fell } else { Outcome::AsExpected })
}

fn draw(tale: &Tale, out: &mut impl Write) -> Result<(), Failure> {
    Ok(out.write_all(lanes::render(tale).as_bytes())?)
}

fn model(name: &str) -> Result<Box<dyn Subject>, Failure> {
    registry::model(name).ok_or_else(|| Failure::Unknown {
        kind: "model",
        name: name.to_string(),
        hint: "`model-check list` names them",
    })
}

fn failed(file: &Path, cause: std::io::Error) -> Failure {
    Failure::Io { what: file.display().to_string(), cause }
}
