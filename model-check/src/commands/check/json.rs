//! A configuration's searches as JSON.

use serde_json::{Value, json};

use super::checked::Checked;
use crate::search::exhaustive::Incomplete;

/// One element of the array: counts are those of the first search, and null where it was not complete.
pub(super) fn value(checked: &Checked) -> Value {
    let setup = &checked.setup;
    let found = checked.found();
    let counts = found.map(|found| found.counts);
    let seconds: f64 = checked
        .searches
        .iter()
        .filter_map(|searched| searched.found.as_ref().ok())
        .map(|found| found.took.as_secs_f64())
        .sum();
    let schedule = checked.counterexample().and_then(|counterexample| counterexample.schedule);
    json!({
        "model": setup.model,
        "config": setup.id,
        "bounds": setup.bounds,
        "faults": setup.faults,
        "symmetric": setup.symmetric,
        "unique": counts.map(|counts| counts.unique),
        "generated": counts.map(|counts| counts.generated),
        "depth": counts.map(|counts| counts.depth),
        "seconds": seconds,
        "complete": checked.incomplete().is_none() && found.is_some(),
        "reason": checked.incomplete().map(ToString::to_string),
        "as_pinned": counts == Some(setup.pinned),
        "salts": checked.searches.len(),
        "salts_agree": checked.salts_agree(),
        "collisions_expected": counts.map(|counts| counts.collisions_expected()),
        "properties": properties(checked),
        "counterexample": schedule,
    })
}

fn properties(checked: &Checked) -> Vec<Value> {
    let property = |says: &str, kind: &str, status: &str| json!({"id": says, "kind": kind, "status": status});
    match (checked.found(), checked.incomplete()) {
        (_, Some(Incomplete::Fell(says))) => vec![property(says, "always", "falls")],
        (Some(found), _) => {
            let verdicts = found.verdicts.iter();
            let status = |holds| if holds { "holds" } else { "falls" };
            verdicts.map(|each| property(each.says, each.kind.name(), status(each.holds))).collect()
        }
        (None, _) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn every_field_is_there_whatever_happened() {
        let setup = registry::model("lease").unwrap().setups().remove(0);
        let pinned = setup.pinned;
        for counts in [vec![Some(pinned)], vec![None], vec![Some(pinned), None]] {
            let value = value(&Checked::with(setup.clone(), &counts));
            for field in
                ["model", "config", "unique", "generated", "depth", "seconds", "complete", "properties"]
            {
                assert!(value.get(field).is_some(), "{field} in {value}");
            }
            assert_eq!(value["complete"], Value::Bool(counts == [Some(pinned)]));
        }
    }
}
