//! The head of the report: what it is, and everything in a table.

use std::fmt::Write as _;

use super::super::mutants;
use super::super::table::thousands;
use super::{Material, Reported};
use crate::configuration::Profile;
use crate::registry;
use crate::story::escaped;
use crate::study::Kind;

/// Title, contents and a row for each model.
pub(super) fn html(material: &Material) -> String {
    let mut html = format!(
        "<h1>What is checked of modeld's protocols</h1>\n<p class=\"about\">The machines of \
         <code>modeld-spec</code> {}, in every history within the bounds below: the machines that are searched \
         are the ones that run.</p>\n",
        env!("CARGO_PKG_VERSION")
    );
    html += &contents(material);
    html += "<h2 id=\"overview\">Overview</h2>\n<div class=\"scroll\"><table>\n<tr><th>model</th><th>of</th>\
             <th>promises</th><th>reached</th><th class=\"n\">quick: states</th><th class=\"n\">deep adds</th>\
             <th>mutants</th></tr>\n";
    for reported in &material.models {
        html += &row(reported);
    }
    html += "</table></div>\n";
    html += READING;
    html
}

fn contents(material: &Material) -> String {
    let mut html = String::from(
        "<nav><ul>\n<li><a href=\"#overview\">Overview</a></li>\n<li><a href=\"#rules\">Rules</a></li>\n",
    );
    for reported in &material.models {
        let name = escaped(reported.model.name());
        let _ = writeln!(html, "<li><a href=\"#{name}\">Model: {name}</a></li>");
    }
    if !registry::specimens().is_empty() {
        html += "<li><a href=\"#specimens\">Specimens</a></li>\n";
    }
    html + "<li><a href=\"#assumed\">What is assumed</a></li>\n</ul></nav>\n"
}

fn row(Reported { model, mutants }: &Reported) -> String {
    let claims = model.claims();
    let count = |kind| claims.iter().filter(|claim| claim.kind == kind).count();
    let states = |profile| {
        let setups = model.setups().into_iter().filter(|setup| setup.profile == profile);
        let (configurations, states) =
            setups.fold((0, 0), |(number, sum), setup| (number + 1, sum + setup.pinned.unique));
        format!("{} in {configurations}", thousands(states))
    };
    let status =
        |name: &str| mutants.iter().filter(|(mutant, fate)| mutants::status(mutant, fate) == name).count();
    let survived = status("survived");
    let bad = if 0 < survived {
        format!(", <span class=\"bad\">{survived} survived</span>")
    } else {
        String::new()
    };
    format!(
        "<tr><td><a href=\"#{name}\">{name}</a></td><td class=\"wide\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{} killed, {} equivalent{bad}</td></tr>\n",
        escaped(model.about()),
        count(Kind::Always),
        count(Kind::Sometimes),
        states(Profile::Quick),
        states(Profile::Deep),
        status("killed"),
        status("equivalent"),
        name = escaped(model.name()),
    )
}

const READING: &str = "\
<p>A <em>promise</em> holds in every state of every configuration. What is <em>reached</em> holds in some state: it \
shows that the search got to where something could go wrong. A search counts only if every distinct state was \
expanded, and its three counts have to be the pinned ones: a guard that became stricter or a fault that no longer \
happens changes them. A <em>mutant</em> is our protocol with one guard taken away, and the promise named has to \
notice; an <em>equivalent</em> one carries the reason why nothing can.</p>
";
