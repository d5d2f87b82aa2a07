//! Mutants and specimens, each with the picture of how it falls.

use std::fmt::Write as _;

use super::super::mutants;
use super::Reported;
use crate::registry;
use crate::story::{Tale, escaped, picture};
use crate::study::Expected;
use crate::subject::{Fate, Mutant};

/// The mutants of a model.
pub(super) fn mutants(reported: &Reported) -> String {
    let mut html = String::from("<h3>Mutants</h3>\n");
    for (mutant, fate) in &reported.mutants {
        let status = mutants::status(mutant, fate);
        let class = match status {
            "killed" | "equivalent" => "good",
            _ => "bad",
        };
        let _ = writeln!(
            html,
            "<details id=\"{}\"><summary><strong>{}</strong> <span class=\"{class}\">{status}</span>\
             <span class=\"soft\">{}</span></summary>\n<p>{}</p>\n{}</details>",
            anchor(mutant),
            escaped(mutant.id),
            escaped(&shown(mutant, fate)),
            escaped(mutant.change),
            drawn(mutant, fate)
        );
    }
    html
}

/// A link to a mutant.
pub(super) fn link(mutant: &Mutant) -> String {
    format!("<a href=\"#{}\">{}</a>", anchor(mutant), escaped(mutant.id))
}

/// The specimens, given how each falls.
pub(super) fn specimens(falls: &[Option<Tale>]) -> String {
    let mut html = String::from(
        "<h2 id=\"specimens\">Specimens</h2>\n<p>Protocols of others as they stand, which have to fall: the checker \
         finds what is wrong with them.</p>\n",
    );
    for (specimen, tale) in registry::specimens().iter().zip(falls) {
        let _ = writeln!(
            html,
            "<h3>{}</h3>\n<p>{}</p>\n<p>Falls: {}</p>",
            escaped(specimen.id()),
            escaped(specimen.about()),
            escaped(specimen.falls())
        );
        match tale {
            Some(tale) => {
                let _ = writeln!(
                    html,
                    "<details><summary>In {} steps, and in no fewer</summary>\n{}</details>",
                    tale.steps.len(),
                    figure(tale)
                );
            }
            None => html += "<p class=\"bad\">It did not fall.</p>\n",
        }
    }
    html
}

fn shown(mutant: &Mutant, fate: &Fate) -> String {
    match (fate, mutant.expected) {
        (Fate::Killed(tale), _) => {
            let broken = tale.broken.as_deref().unwrap_or_default();
            format!("after {} steps, by {broken}", tale.steps.len())
        }
        (Fate::Survived { states }, Expected::Equivalent { .. }) => format!("in {states} states"),
        (Fate::Survived { states }, Expected::Killed { by, .. }) => {
            format!("{states} states, and {by} holds")
        }
        (Fate::Unknown(why), _) => why.clone(),
    }
}

fn drawn(mutant: &Mutant, fate: &Fate) -> String {
    let setting = escaped(&mutant.setting);
    match (fate, mutant.expected) {
        (Fate::Killed(tale), _) => format!("<p class=\"soft\">{setting}</p>\n{}", figure(tale)),
        (_, Expected::Equivalent { reason }) => format!("<p>{}</p>\n", escaped(reason)),
        (_, Expected::Killed { .. }) => String::new(),
    }
}

fn figure(tale: &Tale) -> String {
    format!("<figure>\n{}</figure>\n", picture::render(tale))
}

fn anchor(mutant: &Mutant) -> String {
    format!("{}-{}", escaped(mutant.model), escaped(mutant.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_that_survived_stands_out_and_an_equivalent_one_has_its_reason() {
        let mutant =
            |expected| Mutant { model: "lease", id: "m", change: "c", setting: String::new(), expected };
        let html = mutants(&Reported {
            model: registry::model("lease").unwrap(),
            mutants: vec![
                (mutant(Expected::Killed { by: "L1: one", steps: 3 }), Fate::Survived { states: 5 }),
                (mutant(Expected::Equivalent { reason: "two checks" }), Fate::Survived { states: 5 }),
            ],
        });
        assert!(html.contains("<span class=\"bad\">survived</span>"), "{html}");
        assert!(html.contains("<p>two checks</p>"), "{html}");
    }
}
