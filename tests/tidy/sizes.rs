//! Short functions and files stay short; what is long already may only shrink.

use crate::tree::Tree;

/// Files beyond [`FILE_LINES`], with their size. An entry says the exact size, so that it follows each cut.
pub(crate) const LONG_FILES: &[(&str, usize)] = &[];
/// Functions beyond [`FUNCTION_LINES`]: file, name, size.
pub(crate) const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Everything that is too long and not listed, or listed with another size.
pub(crate) fn check(tree: &Tree, files: &[(&str, usize)], functions: &[(&str, &str, usize)]) -> Vec<String> {
    let mut findings = Vec::new();
    let (mut seen_files, mut seen_functions) = (Vec::new(), Vec::new());
    for (file, source) in tree.rust() {
        let lines = file.text.lines().count();
        let listed = files.iter().find(|(path, _)| *path == file.path).map(|(_, size)| *size);
        seen_files.extend(listed.map(|_| file.path.as_str()));
        let remedy = "look for the second idea in it";
        findings.extend(judge(&file.path, "the file", lines, FILE_LINES, listed, remedy));
        for function in source.functions() {
            let entry = functions.iter().find(|(path, name, _)| *path == file.path && *name == function.name);
            seen_functions.extend(entry.map(|(path, name, _)| (*path, *name)));
            let listed = entry.map(|(_, _, size)| *size);
            let place = format!("{}:{}", file.path, function.line);
            let remedy = "cut it where a thought ends";
            findings.extend(judge(&place, &function.name, function.lines, FUNCTION_LINES, listed, remedy));
        }
    }
    for (path, _) in files.iter().filter(|(path, _)| !seen_files.contains(path)) {
        findings.push(format!("{path}: listed as a long file and not there: remove the entry"));
    }
    for (path, name, _) in
        functions.iter().filter(|(path, name, _)| !seen_functions.contains(&(*path, *name)))
    {
        findings.push(format!("{path}: {name} is listed as a long function and not there: remove the entry"));
    }
    findings
}

fn judge(
    place: &str,
    what: &str,
    lines: usize,
    limit: usize,
    listed: Option<usize>,
    remedy: &str,
) -> Option<String> {
    match listed {
        None if lines <= limit => None,
        None => Some(format!("{place}: {what} has {lines} lines, {limit} are the limit: {remedy}")),
        Some(size) if lines == size && limit < size => None,
        Some(size) if lines <= limit => {
            Some(format!("{place}: {what} is listed with {size} lines and has {lines}: remove the entry"))
        }
        Some(size) if lines < size => {
            Some(format!("{place}: {what} is listed with {size} lines and has {lines}: lower the entry"))
        }
        Some(size) => {
            Some(format!("{place}: {what} may only shrink from {size} lines and has {lines}: {remedy}"))
        }
    }
}

/// Past this, a file has a second idea in it.
const FILE_LINES: usize = 600;
/// A screen.
const FUNCTION_LINES: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of so many lines with one function of so many.
    fn tree(file_lines: usize, function_lines: usize) -> Tree {
        let body = "  x();\n".repeat(function_lines - 2);
        let rest = "// x\n".repeat(file_lines - function_lines);
        Tree::of(&[("src/a.rs", &format!("fn long() {{\n{body}}}\n{rest}"))])
    }

    fn one(findings: Vec<String>, expected: &str) {
        assert!(findings.len() == 1 && findings[0].contains(expected), "{expected:?}: {findings:?}");
    }

    #[test]
    fn what_is_at_its_limit_passes() {
        assert_eq!(check(&tree(600, 70), &[], &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_beyond_its_limit_is_found() {
        one(check(&tree(601, 70), &[], &[]), "src/a.rs: the file has 601 lines, 600 are the limit");
        one(check(&tree(600, 71), &[], &[]), "src/a.rs:1: long has 71 lines, 70 are the limit");
    }

    #[test]
    fn a_listed_size_may_only_shrink() {
        let files = &[("src/a.rs", 700)];
        let functions = &[("src/a.rs", "long", 80)];
        assert_eq!(check(&tree(700, 80), files, functions), Vec::<String>::new());
        one(check(&tree(701, 80), files, functions), "may only shrink from 700 lines and has 701");
        one(check(&tree(700, 81), files, functions), "long may only shrink from 80 lines and has 81");
        one(check(&tree(699, 80), files, functions), "has 699: lower the entry");
        one(check(&tree(700, 79), files, functions), "has 79: lower the entry");
        one(check(&tree(600, 80), files, functions), "has 600: remove the entry");
        one(check(&tree(700, 70), files, functions), "has 70: remove the entry");
    }

    #[test]
    fn an_entry_for_nothing_is_found() {
        one(check(&tree(10, 10), &[("src/b.rs", 700)], &[]), "src/b.rs: listed as a long file and not there");
        one(
            check(&tree(10, 10), &[], &[("src/a.rs", "other", 80)]),
            "other is listed as a long function and not there",
        );
    }
}
