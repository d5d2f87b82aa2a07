//! What has to come at last: the goals of the small configurations in which they are checked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::Outcome;
use super::super::pool::two_at_a_time;
use super::super::progress::Board;
use super::super::table::{Side, Table, duration, thousands};
use crate::configuration::Profile;
use crate::registry;
use crate::search::Memory;
use crate::story::lanes;
use crate::subject::{Came, Endurance};

/// A configuration whose goals are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lasting {
    pub(super) model: &'static str,
    pub(super) id: String,
}

/// What its goals came to.
pub(super) struct Endured {
    lasting: Lasting,
    took: Duration,
    /// `None` if it has more states than are looked at.
    found: Option<Endurance>,
}

/// Every one of this profile.
pub(super) fn all(profile: Profile) -> Vec<Lasting> {
    let models = registry::models();
    let of = models.iter().flat_map(|model| model.lasting(profile).into_iter().map(|id| (model.name(), id)));
    of.map(|(model, id)| Lasting { model, id }).collect()
}

/// Checks them, two at a time.
pub(super) fn check(lasting: &[Lasting]) -> Vec<Endured> {
    let board = Board::of(lasting.len(), 0);
    let endured = two_at_a_time(
        lasting,
        |_| Memory(0),
        Memory(0),
        |lasting| {
            let line = board.begin(format!("goals of {}", lasting.id), 0);
            let began = Instant::now();
            let found = registry::model(lasting.model).and_then(|model| model.endure(&lasting.id));
            let endured = Endured { lasting: lasting.clone(), took: began.elapsed(), found };
            line.end(endured.verdict(), 0);
            endured
        },
    );
    board.end();
    endured
}

impl Endured {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.found {
            None => Outcome::Incomplete,
            Some(found) if found.as_expected() => Outcome::AsExpected,
            Some(_) => Outcome::Fell,
        }
    }

    fn verdict(&self) -> &'static str {
        match &self.found {
            None => "TOO MANY STATES",
            Some(found) if found.goals.iter().any(|came| came.fallen.is_some()) => "FELL",
            Some(found) if found.states != found.states_pinned => "OTHER COUNTS",
            Some(found) if !found.as_expected() => "OTHER BOUNDS",
            Some(_) => "holds",
        }
    }

    pub(super) fn json(&self) -> Value {
        let goal = |came: &Came| {
            json!({
                "id": came.says,
                "kind": "leads to",
                "status": if came.fallen.is_none() { "holds" } else { "falls" },
                "beats": came.beats,
            })
        };
        let found = self.found.as_ref();
        json!({
            "model": self.lasting.model,
            "config": self.lasting.id,
            "unique": found.map(|found| found.states),
            "generated": null,
            "depth": null,
            "seconds": self.took.as_secs_f64(),
            "complete": found.is_some(),
            "as_pinned": found.is_some_and(Endurance::as_expected),
            "assumptions": found.map(|found| found.assumptions.iter().map(|each| &each.says).collect::<Vec<_>>()),
            "properties": found.map(|found| found.goals.iter().map(goal).collect::<Vec<_>>()).unwrap_or_default(),
        })
    }
}

/// The goals as a table, with the circles on which one never comes below it.
pub(super) fn told(endured: &[Endured]) -> String {
    if endured.is_empty() {
        return String::new();
    }
    let mut table = Table::of(&[
        ("model", Side::Left),
        ("configuration", Side::Left),
        ("states", Side::Right),
        ("time", Side::Right),
        ("verdict", Side::Left),
    ]);
    let mut details = String::new();
    for each in endured {
        let states = each.found.as_ref().map_or(String::new(), |found| thousands(found.states));
        let (model, id) = (each.lasting.model.to_string(), each.lasting.id.clone());
        let took = duration(each.took.as_secs_f64());
        table.push(vec![model, id, states, took, each.verdict().to_string()]);
        details += &each.found.as_ref().map_or(String::new(), goals);
    }
    format!("\nwhat comes at last, once faults stop\n{}{details}", table.render())
}

/// How each goal of a configuration comes, and the circle on which it does not.
fn goals(found: &Endurance) -> String {
    let mut text = format!("\n{}:\n", found.id);
    if found.states != found.states_pinned {
        text += &format!("  found {} states, pinned {}\n", found.states, found.states_pinned);
    }
    for came in &found.goals {
        let comes = match (&came.fallen, came.beats) {
            (Some(_), _) => "NEVER".to_string(),
            (None, Some(beats)) => format!("within {beats}"),
            (None, None) => "at last".to_string(),
        };
        text += &format!("  {comes:<10} {}\n", came.says);
        match (&came.fallen, came.pinned) {
            (Some(tale), _) => text += &format!("\n{}\n", lanes::render(tale)),
            (None, pinned) if pinned != Some(came.beats) => text += "             ANOTHER BOUND IS PINNED\n",
            (None, _) => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endured(goals: Vec<Came>) -> Endured {
        let found = Endurance {
            id: "small-n2".to_string(),
            assumptions: Vec::new(),
            states: 5,
            states_pinned: 5,
            goals,
        };
        let lasting = Lasting { model: "m", id: "small-n2".to_string() };
        Endured { lasting, took: Duration::from_secs(1), found: Some(found) }
    }

    fn came() -> Came {
        Came { says: "L11: at last", fallen: None, beats: Some(3), pinned: Some(Some(3)) }
    }

    #[test]
    fn a_goal_that_comes_as_pinned_holds() {
        let endured = endured(vec![came()]);
        assert_eq!((endured.outcome(), endured.verdict()), (Outcome::AsExpected, "holds"));
        let text = told(&[endured]);
        assert!(text.contains("  within 3   L11: at last\n"), "{text}");
    }

    #[test]
    fn a_goal_that_never_comes_is_told_with_its_circle() {
        let tale = registry::specimen("directory_lock").and_then(|specimen| specimen.fall());
        let endured = endured(vec![Came { fallen: tale, beats: None, ..came() }]);
        assert_eq!((endured.outcome(), endured.verdict()), (Outcome::Fell, "FELL"));
        assert_eq!(endured.json()["properties"][0]["status"], "falls");
        let text = told(&[endured]);
        assert!(text.contains("  NEVER      L11: at last\n") && text.contains("the world"), "{text}");
    }

    #[test]
    fn another_bound_and_too_many_states_are_not_as_expected() {
        let other = endured(vec![Came { beats: Some(4), ..came() }]);
        assert_eq!((other.outcome(), other.verdict()), (Outcome::Fell, "OTHER BOUNDS"));
        let none = Endured { found: None, ..endured(Vec::new()) };
        assert_eq!((none.outcome(), none.verdict()), (Outcome::Incomplete, "TOO MANY STATES"));
        assert_eq!(none.json()["complete"], false);
    }

    #[test]
    fn nothing_is_told_where_nothing_was_checked() {
        assert_eq!(told(&[]), "");
    }
}
