//! `list`: names every configuration, mutant and specimen.

use std::io::Write;

use super::{Failure, Outcome};
use crate::configuration::Profile;
use crate::registry;

/// Prints the names.
///
/// # Errors
/// [`Failure`] if the output can't be written.
pub fn run(out: &mut impl Write) -> Result<Outcome, Failure> {
    for model in registry::models() {
        writeln!(out, "{}: {}", model.name(), model.about())?;
        for setup in model.setups() {
            let profile = match setup.profile {
                Profile::Quick => "quick",
                Profile::Deep => "deep",
            };
            writeln!(
                out,
                "  {:<28} {profile:<5} {:>11}  {}; {}",
                setup.id,
                setup.pinned.unique,
                setup.bounds,
                setup.faults.join(", ")
            )?;
        }
        for mutant in model.mutants() {
            writeln!(out, "  mutant {:<32} {}", mutant.id, mutant.change)?;
        }
    }
    for specimen in registry::specimens() {
        writeln!(out, "specimen {}: {}", specimen.id(), specimen.about())?;
    }
    Ok(Outcome::AsExpected)
}
