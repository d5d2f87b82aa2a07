//! What the searches saw happen, held against what has to happen.

use super::super::Outcome;
use super::checked::Checked;
use crate::coverage::Difference;
use crate::registry;

/// What is missing, and what nobody listed.
pub(super) struct Findings(Vec<(&'static str, Difference)>);

impl Findings {
    /// Of the models that were searched as a whole. One with a search that was not complete has seen too little to
    /// be judged, and its outcome says so already.
    pub(super) fn of(checked: &[Checked], names: &[String]) -> Self {
        let whole = |name: &str| names.is_empty() || names.iter().any(|named| named == name);
        let complete = |name: &str| {
            let mut own = checked.iter().filter(|checked| checked.setup.model == name).peekable();
            own.peek().is_some() && own.all(|checked| checked.incomplete().is_none())
        };
        let models = registry::models();
        let judged = models.iter().filter(|model| whole(model.name()) && complete(model.name()));
        Findings(judged.map(|model| (model.name(), Difference::of(model.name(), model.marks()))).collect())
    }

    pub(super) fn outcome(&self) -> Outcome {
        let none = self.0.iter().all(|(_, difference)| difference.is_none());
        if none { Outcome::AsExpected } else { Outcome::Fell }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (_, Difference { missing, unknown }) in &self.0 {
            lines.extend(missing.iter().map(|mark| format!("NEVER HAPPENED: {mark}")));
            lines.extend(unknown.iter().map(|mark| format!("HAPPENED, AND IS IN NO LIST: {mark}")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named_and_fails_the_run() {
        let difference = Difference { missing: vec!["lease: crash"], unknown: vec!["lease: fly"] };
        let findings = Findings(vec![("lease", difference)]);
        assert_eq!(
            findings.lines(),
            ["NEVER HAPPENED: lease: crash", "HAPPENED, AND IS IN NO LIST: lease: fly"]
        );
        assert_eq!(findings.outcome(), Outcome::Fell);
        assert_eq!(Findings(vec![("lease", Difference::default())]).outcome(), Outcome::AsExpected);
    }

    #[test]
    fn a_model_that_was_not_searched_is_not_judged() {
        assert!(Findings::of(&[], &[]).lines().is_empty());
    }
}
