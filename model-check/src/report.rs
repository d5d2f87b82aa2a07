//! What a run found, as tables for people and as JSON for scripts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::exhaustive::{Exhaustive, Incomplete, Kind};

/// The result of one configuration.
pub(crate) struct Checked {
    /// The model.
    pub(crate) model: &'static str,
    /// Its configuration: a word and the bounds.
    pub(crate) config: String,
    /// The bounds in words.
    pub(crate) bounds: String,
    /// The faults in play.
    pub(crate) faults: String,
    /// Distinct and generated states as they have to be.
    pub(crate) pinned: (usize, usize),
    /// What the search found.
    pub(crate) found: Result<Exhaustive, Incomplete>,
}

impl Checked {
    /// Whether everything is as it should be.
    pub(crate) fn as_expected(&self) -> bool {
        self.verdict() == "holds"
    }

    fn verdict(&self) -> &'static str {
        match &self.found {
            Err(_) => "INCOMPLETE",
            Ok(found) if !found.holds() => "FALLS",
            Ok(found) if self.pinned != (found.unique, found.generated) => "OTHER COUNTS",
            Ok(_) => "holds",
        }
    }

    fn json(&self) -> Value {
        let name =
            json!({"model": self.model, "config": self.config, "bounds": self.bounds, "faults": self.faults});
        let rest = match &self.found {
            Err(_) => json!({"complete": false}),
            Ok(found) => json!({
                "unique": found.unique,
                "generated": found.generated,
                "depth": found.depth,
                "seconds": found.took.as_secs_f64(),
                "collisions_expected": found.collisions_expected(),
                "complete": true,
                "pinned": {"unique": self.pinned.0, "generated": self.pinned.1},
                "properties": found.verdicts.iter().map(|verdict| json!({
                    "id": verdict.property,
                    "kind": kind(verdict.kind),
                    "status": if verdict.holds() { "holds" } else { "falls" },
                })).collect::<Vec<_>>(),
            }),
        };
        merged(name, rest)
    }
}

/// The result of a mutant or a specimen.
pub(crate) struct Fallen {
    /// Its name.
    pub(crate) id: &'static str,
    /// The configuration in which it was to fall.
    pub(crate) config: String,
    /// The property that had to fall.
    pub(crate) property: &'static str,
    /// In how many steps it had to fall.
    pub(crate) pinned: usize,
    /// In how many it fell; `None` if it survived.
    pub(crate) steps: Option<usize>,
}

impl Fallen {
    /// Whether everything is as it should be.
    pub(crate) fn as_expected(&self) -> bool {
        self.steps == Some(self.pinned)
    }

    fn status(&self) -> &'static str {
        match self.steps {
            None => "survived",
            Some(_) => "killed",
        }
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "config": self.config,
            "status": self.status(),
            "property": self.property,
            "steps": self.steps,
            "pinned": self.pinned,
        })
    }
}

/// The header and one row for each configuration.
pub(crate) fn check_header() -> String {
    format!(
        "{:<28} {:>10} {:>11} {:>6} {:>7} {:>9} {:>11}  {:<12} {}\n",
        "model and configuration",
        "unique",
        "generated",
        "depth",
        "seconds",
        "collision",
        "properties",
        "verdict",
        "faults"
    )
}

/// One row of the table of checks.
pub(crate) fn check_row(checked: &Checked) -> String {
    let name = format!("{} {}", checked.model, checked.config);
    match &checked.found {
        Err(reason) => format!("{name:<28} {reason:?}: {}\n", checked.verdict()),
        Ok(found) => {
            let held = found.verdicts.iter().filter(|verdict| verdict.holds()).count();
            let mut row = format!(
                "{name:<28} {:>10} {:>11} {:>6} {:>7.1} {:>9.0e} {:>11}  {:<12} {}\n",
                found.unique,
                found.generated,
                found.depth,
                found.took.as_secs_f64(),
                found.collisions_expected(),
                format!("{held}/{}", found.verdicts.len()),
                checked.verdict(),
                checked.faults
            );
            for fallen in found.verdicts.iter().filter(|verdict| !verdict.holds()) {
                let how = match fallen.kind {
                    Kind::Always => "falls",
                    Kind::Sometimes => "is never reached",
                };
                let _ = writeln!(row, "    {how}: {}", fallen.property);
            }
            if !checked.as_expected() {
                let (unique, generated) = checked.pinned;
                let _ = writeln!(row, "    pinned: {unique} unique, {generated} generated");
            }
            row
        }
    }
}

/// One row of the table of mutants or of specimens.
pub(crate) fn fallen_row(fallen: &Fallen) -> String {
    let steps = match fallen.steps {
        None => "SURVIVED".to_string(),
        Some(steps) if steps == fallen.pinned => format!("{steps} steps"),
        Some(steps) => format!("{steps} STEPS, {} PINNED", fallen.pinned),
    };
    format!("{:<28} {steps:<12} {}\n", fallen.id, fallen.property)
}

/// Everything as one value.
pub(crate) fn json(checks: &[Checked], mutants: &[Fallen], specimens: &[Fallen]) -> Value {
    json!({
        "check": checks.iter().map(Checked::json).collect::<Vec<_>>(),
        "mutants": mutants.iter().map(Fallen::json).collect::<Vec<_>>(),
        "specimens": specimens.iter().map(Fallen::json).collect::<Vec<_>>(),
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Always => "always",
        Kind::Sometimes => "sometimes",
    }
}

fn merged(mut first: Value, second: Value) -> Value {
    if let (Some(first), Value::Object(second)) = (first.as_object_mut(), second) {
        first.extend(second);
    }
    first
}
