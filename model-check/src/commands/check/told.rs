//! The searches as a table, with what is not as it should be below it.

use std::time::Duration;

use super::super::Outcome;
use super::super::account::Files;
use super::super::table::{Side, Table, duration, thousands};
use super::checked::Checked;
use crate::configuration::Counts;
use crate::search::Memory;
use crate::search::exhaustive::Incomplete;
use crate::story::lanes;

/// One row a configuration.
pub(super) fn table(checked: &[Checked]) -> String {
    let mut table = Table::of(&[
        ("model", Side::Left),
        ("configuration", Side::Left),
        ("unique", Side::Right),
        ("generated", Side::Right),
        ("depth", Side::Right),
        ("time", Side::Right),
        ("odds", Side::Right),
        ("verdict", Side::Left),
    ]);
    for each in checked {
        let name = [each.setup.model.to_string(), each.setup.id.clone()];
        let counts = match each.found() {
            None => [const { String::new() }; 5],
            Some(found) => [
                thousands(found.counts.unique),
                thousands(found.counts.generated),
                found.counts.depth.to_string(),
                duration(found.took.as_secs_f64()),
                format!("{:.0e}", found.counts.collisions_expected()),
            ],
        };
        table.push(name.into_iter().chain(counts).chain([verdict(each)]).collect());
    }
    table.render()
}

fn verdict(checked: &Checked) -> String {
    let told = match (checked.incomplete(), checked.found()) {
        (Some(Incomplete::Fell(_)), _) => "FELL",
        (Some(Incomplete::Memory(_)), _) => "NO MEMORY",
        (Some(_), _) | (None, None) => "INCOMPLETE",
        (None, Some(_)) if !checked.salts_agree() => "SALTS DIFFER",
        (None, Some(found)) if !found.holds() => "NOT REACHED",
        (None, Some(found)) if found.counts != checked.setup.pinned => "OTHER COUNTS",
        (None, Some(_)) => "holds",
    };
    told.to_string()
}

/// Everything that is not as it should be; `files` are those of the counterexamples, configuration by configuration.
pub(super) fn details(checked: &[Checked], files: &[Option<Files>]) -> String {
    let mut text = String::new();
    for (each, files) in checked.iter().zip(files) {
        for line in findings(each) {
            text += &format!("\n{}: {line}", each.setup.id);
        }
        if let Some(counterexample) = each.counterexample() {
            text += &format!("\n\n{}\n", lanes::render(counterexample.tale));
            text += &match files {
                Some(files) => format!("{files}\n"),
                None => "hint: `--counterexamples DIR` writes it as schedule, page and picture\n".to_string(),
            };
        }
    }
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
}

/// What is wrong with one configuration.
fn findings(checked: &Checked) -> Vec<String> {
    let mut lines: Vec<String> = checked.incomplete().map(ToString::to_string).into_iter().collect();
    if matches!(checked.incomplete(), Some(Incomplete::Fell(_))) && checked.counterexample().is_none() {
        lines.push("the shortest way there is beyond what is searched for one".to_string());
    }
    let Some(found) = checked.found() else { return lines };
    let missing = found.verdicts.iter().filter(|verdict| !verdict.holds);
    lines.extend(missing.map(|verdict| format!("never reached: {}", verdict.says)));
    let pinned = checked.setup.pinned;
    if found.counts != pinned {
        lines.push(format!("found {}, pinned {}", counted(found.counts), counted(pinned)));
    }
    if checked.incomplete().is_none() && !checked.salts_agree() {
        let complete =
            checked.searches.iter().filter_map(|each| Some((each.salt, each.found.as_ref().ok()?)));
        lines.extend(complete.map(|(salt, found)| format!("salt {salt} found {}", counted(found.counts))));
    }
    lines
}

fn counted(counts: Counts) -> String {
    format!("({}, {}, {})", counts.unique, counts.generated, counts.depth)
}

/// The sums, and what the run says as a whole.
pub(super) fn closing(checked: &[Checked], outcome: Outcome, took: Duration) -> String {
    let complete: Vec<_> = checked
        .iter()
        .filter(|each| each.incomplete().is_none())
        .filter_map(|each| each.found().map(|found| found.counts))
        .collect();
    let unique: usize = complete.iter().map(|counts| counts.unique).sum();
    let odds: f64 = complete.iter().map(Counts::collisions_expected).sum();
    let salts = checked.iter().map(|each| each.searches.len()).max().unwrap_or(0);
    let verdict = match outcome {
        Outcome::AsExpected => "all as expected",
        Outcome::Fell => "NOT as expected",
        Outcome::Incomplete => "NOT complete",
    };
    let mut text = format!(
        "\n{verdict}: {} of {} configurations complete, {} distinct states, {}\n",
        complete.len(),
        checked.len(),
        thousands(unique),
        duration(took.as_secs_f64())
    );
    text += &format!("{odds:.0e} pairs of states are expected to have been taken for one in a search");
    if 1 < salts {
        text += &format!("; each was made with {salts} salts");
    }
    if let Some(peak) = Memory::peak() {
        text += &format!("; {peak} of memory at most");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Counts;
    use crate::registry;

    fn checked(counts: fn(Counts) -> Vec<Option<Counts>>) -> Vec<Checked> {
        let setup = registry::model("lease").unwrap().setups().remove(0);
        vec![Checked::with(setup.clone(), &counts(setup.pinned))]
    }

    #[test]
    fn a_table_fits_and_says_what_holds() {
        let checked = checked(|pinned| vec![Some(pinned); 2]);
        let text = table(&checked);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.ends_with(" holds\n"), "{text}");
        assert_eq!(details(&checked, &[None]), "");
        let closing = closing(&checked, Outcome::AsExpected, Duration::from_secs(3));
        assert!(closing.starts_with("\nall as expected: 1 of 1 configurations complete, "), "{closing}");
        assert!(closing.contains("each was made with 2 salts"), "{closing}");
    }

    #[test]
    fn salts_that_differ_are_told_with_their_counts() {
        let checked = checked(|pinned| vec![Some(pinned), Some(Counts { unique: 7, ..pinned })]);
        assert!(table(&checked).ends_with(" SALTS DIFFER\n"));
        let text = details(&checked, &[None]);
        assert!(text.contains("salt 0 found (") && text.contains("salt 1 found (7, "), "{text}");
    }

    #[test]
    fn a_promise_that_fell_is_told_with_its_path_and_how_to_keep_it() {
        let setup = registry::model("lease").unwrap().setups().remove(0);
        let tale = registry::specimen("directory_lock").unwrap().fall().unwrap();
        let checked = vec![Checked::fallen(setup.clone(), "L1: one", tale.clone())];
        assert!(table(&checked).ends_with(" FELL\n"));
        let text = details(&checked, &[None]);
        assert!(text.contains(&format!("{}: L1: one fell\n", setup.id)), "{text}");
        assert!(text.contains(&lanes::render(&tale)), "{text}");
        assert!(
            text.ends_with("hint: `--counterexamples DIR` writes it as schedule, page and picture\n"),
            "{text}"
        );
    }

    #[test]
    fn a_search_without_memory_has_no_counts_and_a_reason() {
        let checked = checked(|_| vec![None]);
        assert!(table(&checked).ends_with(" NO MEMORY\n"));
        assert!(details(&checked, &[None]).contains("1.0 GiB of memory are not enough"));
        assert!(closing(&checked, Outcome::Incomplete, Duration::ZERO).contains("0 of 1 configurations"));
    }
}
