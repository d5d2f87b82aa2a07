//! The table of faults found elsewhere stays complete, and every test that it names is there.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// Rows that are missing, doubled or empty, and names that are no tests.
pub(crate) fn check(tree: &Tree, entries: &[(&str, usize)]) -> Vec<String> {
    let Some(file) = tree.files.iter().find(|file| file.path == TABLE) else {
        return vec![format!("{TABLE}: is not there")];
    };
    let tests: BTreeSet<String> = tree
        .rust()
        .flat_map(|(_, source)| source.functions())
        // Tests under loom are compiled for nothing else, and named so.
        .filter(|function| function.is_test || function.name.starts_with("loom_"))
        .map(|function| function.name)
        .collect();
    let wanted = entries.iter().flat_map(|(kind, count)| (1..=*count).map(move |n| format!("{kind} {n}")));
    let mut missing: BTreeSet<String> = wanted.collect();
    let mut findings = Vec::new();
    let rows = file.text.lines().enumerate().filter(|(_, line)| line.starts_with("| "));
    for (row, line) in rows.filter(|(_, line)| !line.starts_with("| entry")) {
        let place = format!("{TABLE}:{}", row + 1);
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let &["", entry, there, here, shown, ""] = cells.as_slice() else {
            findings.push(format!("{place}: a row has four cells"));
            continue;
        };
        if !missing.remove(entry) {
            findings.push(format!("{place}: {entry:?} is no entry, or there twice"));
        }
        if there.is_empty() || here.is_empty() {
            findings.push(format!("{place}: {entry} does not say what goes wrong or what is done"));
        }
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !here.starts_with("not built: ") {
            findings.push(format!(
                "{place}: {entry} is shown by no test: name one, or say `not built: `, and why"
            ));
        }
        for name in named.into_iter().filter(|name| !tests.contains(*name)) {
            findings.push(format!("{place}: {entry} is shown by `{name}`, which is no test"));
        }
    }
    findings.extend(missing.iter().map(|entry| format!("{TABLE}: {entry} is missing")));
    findings
}

/// The entries, by kind.
pub(crate) const ENTRIES: &[(&str, usize)] =
    &[("fencing", 13), ("correctness", 21), ("security", 5), ("speed", 8)];

const TABLE: &str = "spec/upstream-bugs.md";

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Faults.\n\n| entry | there | here | shown by |\n|---|---|---|---|\n";

    fn found(rows: &str) -> Vec<String> {
        let code = ("tests/a.rs", "//! Tests.\n#[test]\nfn it_holds() {}\n");
        let product = ("src/a.rs", "//! Code.\nfn no_test() {}\n");
        check(&Tree::of(&[(TABLE, &format!("{HEAD}{rows}")), code, product]), &[("speed", 2)])
    }

    fn one(findings: Vec<String>, expected: &str) {
        assert!(findings.len() == 1 && findings[0].contains(expected), "{expected:?}: {findings:?}");
    }

    const FIRST: &str = "| speed 1 | slow | fast | `it_holds` |\n";

    const SECOND: &str = "| speed 2 | slow | not built: nothing is fast. | |\n";

    #[test]
    fn a_whole_table_passes() {
        assert_eq!(found(&format!("{FIRST}{SECOND}")), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_doubled_or_not_true_is_found() {
        one(found(FIRST), "speed 2 is missing");
        one(found(&format!("{FIRST}{FIRST}{SECOND}")), "\"speed 1\" is no entry, or there twice");
        one(found(&format!("{FIRST}{}", SECOND.replace("not built: ", ""))), "shown by no test");
        one(found(&format!("{FIRST}{}", SECOND.replace("slow", ""))), "does not say");
        let cut = found(&format!("{FIRST}{SECOND}| speed 2 |\n"));
        one(cut, "a row has four cells");
        for name in ["no_test", "it_was_removed"] {
            one(found(&format!("{}{SECOND}", FIRST.replace("it_holds", name))), "which is no test");
        }
        one(check(&Tree::of(&[("src/a.rs", "//! A.\n")]), &[]), "is not there");
    }
}
