//! `explain` and `replay`: a path as a diagram.

use std::io::{Read, Write};
use std::path::PathBuf;

use super::account::{Counterexample, Wanted, failed, write};
use super::{Failure, Outcome, unknown};
use crate::registry;
use crate::schedule::{Malformed, Schedule, Setting};
use crate::story::{Tale, lanes};
use crate::subject::{Fate, Subject};

/// What to explain.
#[derive(Clone, Debug, clap::Args)]
pub struct Explain {
    /// The model
    #[arg(required_unless_present = "specimen", requires = "mutant")]
    model: Option<String>,
    /// The mutant of it, as `list` names it
    #[arg(long, value_name = "NAME", requires = "model")]
    mutant: Option<String>,
    /// A specimen, in place of a model and its mutant
    #[arg(long, value_name = "NAME", conflicts_with_all = ["model", "mutant", "schedule"])]
    specimen: Option<String>,
    /// Write the path as a schedule, which `replay` plays, to this file
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
}

/// Which schedule to play.
#[derive(Clone, Debug, clap::Args)]
pub struct Replay {
    /// A schedule, as `explain --schedule` and `check --counterexamples` write it
    file: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
}

/// Draws the shortest counterexample of a mutant or a specimen.
///
/// # Errors
/// [`Failure`] if there is none of this name, or a file can't be written.
pub fn explain(arguments: &Explain, out: &mut impl Write) -> Result<Outcome, Failure> {
    let Explain { model, mutant, specimen, schedule, wanted } = arguments;
    match (model, mutant, specimen) {
        (Some(model), Some(mutant), _) => explain_mutant(model, mutant, schedule.as_ref(), wanted, out),
        (_, _, Some(specimen)) => explain_specimen(specimen, wanted, out),
        _ => Err(unknown("mutant", "")),
    }
}

fn explain_mutant(
    model: &str,
    mutant: &str,
    schedule: Option<&PathBuf>,
    wanted: &Wanted,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let model = registry::model(model).ok_or_else(|| unknown("model", model))?;
    let found = model.mutants().into_iter().find(|each| each.id == mutant);
    let mutant = found.ok_or_else(|| unknown("mutant", mutant))?;
    writeln!(out, "{}: {}\n", mutant.id, mutant.change)?;
    let tale = match model.fate(&mutant) {
        Fate::Killed(tale) => tale,
        Fate::Survived { states } => {
            writeln!(out, "survives: {states} states, and nothing falls")?;
            return Ok(Outcome::Fell);
        }
        Fate::Unknown(why) => {
            writeln!(out, "not known: {why}")?;
            return Ok(Outcome::Incomplete);
        }
    };
    draw(&tale, out)?;
    let told = Counterexample {
        title: format!("{}: {}", model.name(), mutant.id),
        about: mutant.change.to_string(),
        bounds: mutant.setting.clone(),
        model: model.name(),
        schedule: Some(Schedule::of(model.name(), Setting::Mutant(mutant.id.to_string()), &tale)),
        tale: &tale,
    };
    if let (Some(file), Some(schedule)) = (schedule, &told.schedule) {
        write(file, &schedule.text()?)?;
    }
    told.write(wanted)?;
    Ok(Outcome::AsExpected)
}

fn explain_specimen(name: &str, wanted: &Wanted, out: &mut impl Write) -> Result<Outcome, Failure> {
    let specimen = registry::specimen(name).ok_or_else(|| unknown("specimen", name))?;
    writeln!(out, "{}: {}\n", specimen.id(), specimen.about())?;
    let Some(tale) = specimen.fall() else {
        writeln!(out, "survives: nothing falls")?;
        return Ok(Outcome::Fell);
    };
    draw(&tale, out)?;
    let told = Counterexample {
        title: format!("Specimen: {}", specimen.id()),
        about: specimen.about().to_string(),
        bounds: String::new(),
        model: "",
        schedule: None,
        tale: &tale,
    };
    told.write(wanted)?;
    Ok(Outcome::AsExpected)
}

/// Plays a schedule and draws it. Ends with [`Outcome::Fell`] if a promise is broken at its end.
///
/// # Errors
/// [`Failure`] if the file can't be read or is no schedule, or a file can't be written.
pub fn replay(arguments: &Replay, out: &mut impl Write) -> Result<Outcome, Failure> {
    let (schedule, model) = read(&arguments.file)?;
    let malformed = |cause| Failure::Schedule { file: arguments.file.display().to_string(), cause };
    let tale = model.replay(&schedule).map_err(malformed)?;
    draw(&tale, out)?;
    if let (Some(says), true) = (&schedule.breaks, schedule.breaks != tale.broken) {
        writeln!(out, "      the schedule says that it breaks {says}: it does not")?;
    }
    let told = Counterexample {
        title: format!("{}: {}", schedule.model, schedule.setting),
        about: format!("Played from {}", arguments.file.display()),
        bounds: bounds(model.as_ref(), &schedule.setting),
        model: model.name(),
        schedule: Some(schedule),
        tale: &tale,
    };
    told.write(&arguments.wanted)?;
    Ok(if tale.broken.is_some() { Outcome::Fell } else { Outcome::AsExpected })
}

fn read(file: &PathBuf) -> Result<(Schedule, Box<dyn Subject>), Failure> {
    let malformed = |cause| Failure::Schedule { file: file.display().to_string(), cause };
    let opened = std::fs::File::open(file).map_err(|cause| failed(file, cause))?;
    // One byte more than a schedule may have shows that it has too many.
    let mut bytes = Vec::new();
    let read = opened.take(Schedule::LIMIT as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|cause| failed(file, cause))?;
    let text = String::from_utf8(bytes).map_err(|error| malformed(Malformed::Syntax(error.to_string())))?;
    let schedule = Schedule::parse(&text).map_err(malformed)?;
    let model = registry::model(&schedule.model);
    let model = model.ok_or_else(|| malformed(Malformed::Model(schedule.model.clone())))?;
    Ok((schedule, model))
}

fn bounds(model: &dyn Subject, setting: &Setting) -> String {
    let bounds = match setting {
        Setting::Configuration(id) => {
            let setup = model.setups().into_iter().find(|setup| setup.id == *id);
            setup.map(|setup| format!("{}; {}", setup.bounds, setup.faults.join(", ")))
        }
        Setting::Mutant(id) => {
            let mutant = model.mutants().into_iter().find(|mutant| mutant.id == id);
            mutant.map(|mutant| mutant.setting)
        }
    };
    bounds.unwrap_or_default()
}

fn draw(tale: &Tale, out: &mut impl Write) -> Result<(), Failure> {
    Ok(out.write_all(lanes::render(tale).as_bytes())?)
}
