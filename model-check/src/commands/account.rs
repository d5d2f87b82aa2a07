//! A path that was found, told in the terminal and written to files.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::registry;
use crate::schedule::Schedule;
use crate::story::page::Account;
use crate::story::{Tale, picture};

/// A path with what there is to know about it.
pub(super) struct Counterexample<'a> {
    /// What it is.
    pub(super) title: String,
    /// What is to be seen in it.
    pub(super) about: String,
    /// Bounds and faults; empty where there are none to tell.
    pub(super) bounds: String,
    /// The model's name, where it is one of ours.
    pub(super) model: &'a str,
    /// The path as a file, where it can be played.
    pub(super) schedule: Option<Schedule>,
    /// The path.
    pub(super) tale: &'a Tale,
}

/// Where to write a path.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Wanted {
    /// Write it as a page with a picture, which needs nothing else, to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the picture alone to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// What was written.
pub(super) struct Files {
    schedule: Option<PathBuf>,
    page: PathBuf,
    picture: PathBuf,
}

impl Counterexample<'_> {
    fn page(&self) -> String {
        let mut facts = Vec::new();
        if !self.bounds.is_empty() {
            facts.push(("bounds and faults", self.bounds.clone()));
        }
        if let Some(broken) = &self.tale.broken {
            facts.push(("broken", broken.clone()));
            if let Some(source) = source(self.model, broken) {
                facts.push(("source", source.to_string()));
            }
        }
        facts.push(("steps", self.tale.steps.len().to_string()));
        let (title, about) = (self.title.as_str(), self.about.as_str());
        Account { title, about, facts: &facts, tale: self.tale, schedule: self.schedule.as_ref() }.page()
    }

    /// Writes what is wanted.
    pub(super) fn write(&self, wanted: &Wanted) -> Result<(), Failure> {
        if let Some(file) = &wanted.html {
            write(file, &self.page())?;
        }
        if let Some(file) = &wanted.svg {
            write(file, &picture::render(self.tale))?;
        }
        Ok(())
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schedule) = &self.schedule {
            let schedule = schedule.display();
            writeln!(f, "schedule: {schedule}, which `model-check replay` plays")?;
        }
        write!(f, "page: {}\npicture: {}", self.page.display(), self.picture.display())
    }
}

/// Where a claim of a model comes from.
fn source(model: &str, says: &str) -> Option<&'static str> {
    let model = registry::model(model)?;
    let claims = model.claims().into_iter().map(|claim| (claim.says, claim.source));
    let aims = model.aims().into_iter().map(|aim| (aim.says, aim.source));
    claims.chain(aims).find(|(claimed, _)| *claimed == says).map(|(_, source)| source)
}

/// Writes everything there is of a path to a folder, which is made if it does not exist.
pub(super) fn write_to(folder: &Path, name: &str, told: &Counterexample) -> Result<Files, Failure> {
    std::fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
    let file = |extension: &str| folder.join(format!("{name}.{extension}"));
    let files = Files {
        schedule: told.schedule.as_ref().map(|_| file("json")),
        page: file("html"),
        picture: file("svg"),
    };
    if let (Some(schedule), Some(file)) = (&told.schedule, &files.schedule) {
        write(file, &schedule.text()?)?;
    }
    told.write(&Wanted { html: Some(files.page.clone()), svg: Some(files.picture.clone()) })?;
    Ok(files)
}

/// Writes a file.
pub(super) fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|cause| failed(file, cause))
}

/// What went wrong with a file.
pub(super) fn failed(file: &Path, cause: std::io::Error) -> Failure {
    Failure::Io { what: file.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Setting;

    #[test]
    fn a_folder_gets_schedule_page_and_picture() {
        let folder = tempfile::tempdir().unwrap();
        let tale = registry::specimen("directory_lock").unwrap().fall().unwrap();
        let setting = Setting::Configuration("small".to_string());
        let told = Counterexample {
            title: "lease: small".to_string(),
            about: "what".to_string(),
            bounds: "two".to_string(),
            model: "lease",
            schedule: Some(Schedule::of("lease", setting, &tale)),
            tale: &tale,
        };
        let files = write_to(&folder.path().join("new"), "small", &told).unwrap();
        let read = |file: &Path| std::fs::read_to_string(file).unwrap();
        let schedule = Schedule::parse(&read(files.schedule.as_deref().unwrap())).unwrap();
        assert_eq!(schedule.steps.len(), tale.steps.len());
        assert!(read(&files.page).contains("<h1>lease: small</h1>"));
        assert!(read(&files.picture).starts_with("<svg "));
        assert!(files.to_string().contains("model-check replay"), "{files}");
    }
}
