//! `report`: one page for a design review, generated from what is registered and what is found.
//!
//! Promises, rules, models, configurations with their counts, mutants and specimens with their diagrams, what was
//! seen to happen, and what all of it assumes. The counterexamples are looked for anew each time; the counts of
//! complete searches are the pinned ones, beside which measured ones stand where there are any.

mod assumed;
mod chapters;
mod exhibits;
mod measured;
mod models;
mod overview;
mod prose;

use std::io::Write;
use std::path::PathBuf;

use super::account::{failed, write};
use super::{Failure, Outcome, check, mutants, specimens};
use crate::registry;
use crate::story::{Tale, page};
use crate::subject::{Fate, Mutant, Subject};
use measured::Measured;

/// What goes into the report, and where it goes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The folder, which is made if it does not exist; the page is `index.html` in it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make the searches of the quick profile first, and report their counts beside the pinned ones
    #[arg(long, conflicts_with = "measured")]
    run: bool,
    /// Report the counts in this file beside the pinned ones: what `check --json` printed
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
}

/// Everything that is reported.
struct Material {
    models: Vec<Reported>,
    /// What became of each specimen, in their order.
    falls: Vec<Option<Tale>>,
    /// Empty where nothing was measured.
    measured: Vec<Measured>,
}

/// A model with what becomes of its mutants.
struct Reported {
    model: Box<dyn Subject>,
    mutants: Vec<(Mutant, Fate)>,
}

/// Writes the page.
///
/// # Errors
/// [`Failure`] if measured counts can't be read, or the page can't be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let measured = match (&arguments.measured, arguments.run) {
        (Some(file), _) => measured::read(file)?,
        (None, true) => measured::of("this run", check::measure()?)?,
        (None, false) => Vec::new(),
    };
    let material = Material::gather(measured);
    let folder = &arguments.out;
    std::fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
    let file = folder.join("index.html");
    write(&file, &material.page())?;
    writeln!(out, "{}", file.display())?;
    Ok(Outcome::AsExpected)
}

impl Material {
    fn gather(measured: Vec<Measured>) -> Self {
        let all: Vec<Mutant> = registry::models().iter().flat_map(|model| model.mutants()).collect();
        let fates = mutants::fates(&all);
        let mut judged: Vec<(Mutant, Fate)> = all.into_iter().zip(fates).collect();
        let models = registry::models().into_iter().map(|model| {
            let own = judged.extract_if(.., |(mutant, _)| mutant.model == model.name()).collect();
            Reported { model, mutants: own }
        });
        Material { models: models.collect(), falls: specimens::falls(), measured }
    }

    fn page(&self) -> String {
        let mut body = overview::html(self);
        body += &chapters::html();
        for reported in &self.models {
            body += &models::html(reported, &self.measured);
        }
        body += &exhibits::specimens(&self.falls);
        body += &assumed::html(self);
        page::page("modeld: what is checked of its protocols", &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_everything_that_is_registered_and_needs_nothing_else() {
        // Without mutants' paths, which take their time: the binary's test has them.
        let models = registry::models().into_iter().map(|model| Reported { model, mutants: Vec::new() });
        let material = Material { models: models.collect(), falls: specimens::falls(), measured: Vec::new() };
        let page = material.page();
        for model in registry::models() {
            assert!(page.contains(&format!("id=\"{}\"", model.name())), "{}", model.name());
            for claim in model.claims() {
                let (_, claimed) = claim.says.split_once(": ").unwrap_or(("", claim.says));
                assert!(page.contains(&crate::story::escaped(claimed)), "{}", claim.says);
            }
            for assumption in model.assumptions() {
                assert!(page.contains(&crate::story::escaped(&assumption.says)), "{}", assumption.says);
            }
            for setup in model.setups() {
                assert!(page.contains(&setup.id), "{}", setup.id);
            }
            for mark in model.marks() {
                assert!(page.contains(&crate::story::escaped(mark)), "{mark}");
            }
        }
        for specimen in registry::specimens() {
            assert!(page.contains(specimen.id()), "{}", specimen.id());
        }
        for foreign in ["<script", "src=", "@import", "url(", "href=\"http"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
