//! A model: its promises, configurations, marks and mutants.

use std::fmt::Write as _;

use super::super::table::{duration, thousands};
use super::measured::Measured;
use super::{Reported, chapters, exhibits};
use crate::configuration::Profile;
use crate::story::escaped;
use crate::study::{Expected, Kind};
use crate::subject::{Aim, Mutant, Setup};

/// The section of a model.
pub(super) fn html(reported: &Reported, measured: &[Measured]) -> String {
    let model = &reported.model;
    let name = escaped(model.name());
    let mut html =
        format!("<h2 id=\"{name}\">Model: {name}</h2>\n<p class=\"about\">{}</p>\n", escaped(model.about()));
    html += &promises(reported);
    html += &goals(reported);
    html += &configurations(&model.setups(), measured);
    html += &exhibits::mutants(reported);
    let marks = model.marks();
    let _ = writeln!(
        html,
        "<h3>What is seen to happen</h3>\n<p>Each of these {} marks, actions and guards in both directions, has to be \
         left by the searches of a profile, and no other.</p>\n<details><summary>The marks</summary>\n<ul>",
        marks.len()
    );
    for mark in marks {
        let _ = writeln!(html, "<li>{}</li>", escaped(mark));
    }
    html + "</ul></details>\n"
}

/// The mutants that this claim has to notice.
fn noticed(reported: &Reported, says: &str) -> String {
    let by = |mutant: &Mutant| matches!(mutant.expected, Expected::Killed { by, .. } if by == says);
    let links =
        reported.mutants.iter().filter(|(mutant, _)| by(mutant)).map(|(mutant, _)| exhibits::link(mutant));
    links.collect::<Vec<_>>().join(", ")
}

/// What has to come at last; nothing where nothing has to.
fn goals(reported: &Reported) -> String {
    let aims = reported.model.aims();
    if aims.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<h3>What comes at last</h3>\n<p>Once faults have stopped, and under the assumptions at the end of this \
         page, there is no fair circle on which one of these never comes.</p>\n<div class=\"scroll\"><table>\n\
         <tr><th>rule</th><th>at last</th><th>source</th><th>noticed</th></tr>\n",
    );
    for Aim { id, says, source } in aims {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"wide\">{}</td><td>{}</td><td>{}</td></tr>",
            rule(id),
            escaped(claimed(id, says)),
            escaped(source),
            noticed(reported, says)
        );
    }
    let lasting = reported.model.lasting(Profile::Deep).join(", ");
    let _ = writeln!(html, "</table></div>\n<p class=\"soft\">Looked for in {}.</p>", escaped(&lasting));
    html
}

fn promises(reported: &Reported) -> String {
    let claims = reported.model.claims();
    let of = |kind| claims.iter().filter(move |claim| claim.kind == kind);
    let mut html = String::from(
        "<h3>Promises</h3>\n<div class=\"scroll\"><table>\n<tr><th>rule</th><th>in every state</th><th>source</th>\
         <th>noticed</th></tr>\n",
    );
    for claim in of(Kind::Always) {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"wide\">{}</td><td>{}</td><td>{}</td></tr>",
            rule(claim.id),
            escaped(claimed(claim.id, claim.says)),
            escaped(claim.source),
            noticed(reported, claim.says)
        );
    }
    html += "</table></div>\n<p>And these are reached:</p>\n<ul>\n";
    for claim in of(Kind::Sometimes) {
        let _ = writeln!(html, "<li>{}</li>", escaped(claimed(claim.id, claim.says)));
    }
    html + "</ul>\n"
}

/// What is claimed, without the rule's number, which stands beside it.
fn claimed<'a>(id: &str, says: &'a str) -> &'a str {
    says.strip_prefix(id).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(says)
}

fn rule(id: &str) -> String {
    let known = chapters::has(id);
    let id = escaped(id);
    if known { format!("<a href=\"#rule-{id}\">{id}</a>") } else { id }
}

fn configurations(setups: &[Setup], measured: &[Measured]) -> String {
    let mut html = String::from(
        "<h3>Configurations</h3>\n<div class=\"scroll\"><table>\n<tr><th>configuration</th><th>profile</th>\
         <th>bounds</th><th>faults</th><th class=\"n\">distinct states</th><th class=\"n\">generated</th>\
         <th class=\"n\">depth</th>",
    );
    if !measured.is_empty() {
        html += "<th>measured</th>";
    }
    html += "</tr>\n";
    for setup in setups {
        let profile = match setup.profile {
            Profile::Quick => "quick",
            Profile::Deep => "deep",
        };
        let symmetric = if setup.symmetric { "; up to names" } else { "" };
        let _ = write!(
            html,
            "<tr><td class=\"name\">{}</td><td>{profile}</td><td>{}{symmetric}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td>",
            escaped(&setup.id),
            escaped(&setup.bounds),
            escaped(&setup.faults.join(", ")),
            thousands(setup.pinned.unique),
            thousands(setup.pinned.generated),
            setup.pinned.depth
        );
        if !measured.is_empty() {
            let own = measured.iter().find(|each| each.model == setup.model && each.config == setup.id);
            html +=
                &format!("<td>{}</td>", own.map_or("not measured".to_string(), |own| compared(setup, own)));
        }
        html += "</tr>\n";
    }
    html + "</table></div>\n"
}

fn compared(setup: &Setup, measured: &Measured) -> String {
    let pinned = (setup.pinned.unique, setup.pinned.generated, setup.pinned.depth);
    let counts = (measured.unique, measured.generated, measured.depth);
    match counts {
        (Some(unique), Some(generated), Some(depth)) if measured.complete => {
            let took = duration(measured.seconds);
            if (unique, generated, depth) == pinned {
                format!("<span class=\"good\">as pinned</span>, {took}")
            } else {
                let counts = [unique, generated, depth].map(thousands).join(" / ");
                format!("<span class=\"bad\">{counts}</span>, {took}")
            }
        }
        _ => "<span class=\"bad\">not complete</span>".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn measured_counts_are_held_against_the_pinned_ones() {
        let setup = registry::model("lease").unwrap().setups().remove(0);
        let measured = |unique: Option<usize>, complete| Measured {
            model: setup.model.to_string(),
            config: setup.id.clone(),
            unique,
            generated: Some(setup.pinned.generated),
            depth: Some(setup.pinned.depth),
            seconds: 1.0,
            complete,
        };
        assert!(compared(&setup, &measured(Some(setup.pinned.unique), true)).contains("as pinned"));
        assert!(compared(&setup, &measured(Some(7), true)).contains("7 / "));
        assert!(compared(&setup, &measured(None, false)).contains("not complete"));
    }
}
