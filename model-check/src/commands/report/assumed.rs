//! What the results assume.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Material;
use crate::configuration::Counts;
use crate::liveness::Assumption;
use crate::story::escaped;

/// Bounds, faults, and what the search itself takes for granted.
pub(super) fn html(material: &Material) -> String {
    let mut html = String::from(
        "<h2 id=\"assumed\">What is assumed</h2>\n<ul>\n<li>Bounds. Every history within the bounds of a configuration \
         was looked at, and none beyond. That nothing new comes with more processes, epochs or ticks is not \
         shown.</li>\n<li>Faults. Those that a configuration names are in play, in every order and at every point; \
         others are not:<ul>\n",
    );
    for reported in &material.models {
        let setups = reported.model.setups();
        let faults: BTreeSet<&str> = setups.iter().flat_map(|setup| setup.faults.iter().copied()).collect();
        let faults: Vec<String> = faults.into_iter().map(escaped).collect();
        let _ = writeln!(html, "<li>{}: {}</li>", escaped(reported.model.name()), faults.join(", "));
    }
    html += "</ul></li>\n";
    let counts =
        material.models.iter().flat_map(|reported| reported.model.setups()).map(|setup| setup.pinned);
    let odds: f64 = counts.map(|counts: Counts| counts.collisions_expected()).sum();
    let _ = writeln!(
        html,
        "<li>Fingerprints. A state is remembered by 64 bits, and two states with the same ones are taken for one: \
         {odds:.0e} such pairs are expected in all searches together. The deep profile searches each configuration \
         twice, with other fingerprints, and the counts have to agree.</li>"
    );
    html += &fairness(material);
    html += "<li>The driver. A model steps the machines as the daemon does; that the daemon's files, locks and clocks \
             behave as the modelled ones is tested elsewhere, not shown here.</li>\n</ul>\n";
    html
}

/// What is assumed to be done at last, for everything that is promised to come at last.
fn fairness(material: &Material) -> String {
    let mut html = String::from(
        "<li>Fairness. What comes at last comes if faults have stopped and what stays possible is done at last, as far \
         as it is named here:<ul>\n",
    );
    for reported in &material.models {
        for Assumption { class, says } in reported.model.assumptions() {
            let name = escaped(reported.model.name());
            let _ = writeln!(html, "<li>{name}, {}: {}</li>", escaped(&class), escaped(&says));
        }
    }
    html + "</ul></li>\n"
}
