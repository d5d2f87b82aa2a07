//! Where what is allowed: no standard library in the specification, `unsafe` in one folder, a first line that says
//! what a file is.

use crate::source::words;
use crate::tree::Tree;

/// Every file that breaks one of these.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        let says_what_it_is = first.strip_prefix("//! ").is_some_and(|said| !said.trim().is_empty())
            // A chapter beside the file says it.
            || first.starts_with("#![doc = include_str!(");
        if !says_what_it_is {
            findings.push(format!("{}:1: the first line says what the file is, after `//! `", file.path));
        }
        for (row, line) in source.lines.iter().enumerate() {
            if !file.path.starts_with(UNSAFE) && words(&line.code).any(|word| word == "unsafe") {
                findings.push(format!("{}:{}: `unsafe` belongs into {UNSAFE}", file.path, row + 1));
            }
        }
    }
    findings.extend(specification(tree));
    findings
}

fn specification(tree: &Tree) -> Vec<String> {
    let Some((file, source)) = tree.rust().find(|(file, _)| file.path == SPECIFICATION) else {
        return vec![format!("{SPECIFICATION}: is not there")];
    };
    let has = |attribute: &&str| source.lines.iter().any(|line| line.code.trim() == *attribute);
    ["#![no_std]", "#![forbid(unsafe_code)]"]
        .iter()
        .filter(|attribute| !has(attribute))
        .map(|attribute| format!("{}: `{attribute}` is missing", file.path))
        .collect()
}

/// The only folder that may be unsafe: what touches llama.cpp.
const UNSAFE: &str = "src/engine/llama/";
const SPECIFICATION: &str = "spec/src/lib.rs";

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "//! The specification.\n#![no_std]\n#![forbid(unsafe_code)]\n";

    fn found(spec: &str, path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(SPECIFICATION, spec), (path, text)]))
    }

    fn one(findings: Vec<String>, expected: &str) {
        assert!(findings.len() == 1 && findings[0].contains(expected), "{expected:?}: {findings:?}");
    }

    #[test]
    fn a_pure_tree_passes() {
        let text = "//! A file.\n#![forbid(unsafe_code)]\n// unsafe in a comment\nlet a = \"unsafe\";\n";
        assert_eq!(found(SPEC, "src/a.rs", text), Vec::<String>::new());
        assert_eq!(
            found(SPEC, "src/engine/llama/raw.rs", "//! Raw.\nunsafe { x() }\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn unsafe_code_in_another_place_is_found() {
        one(
            found(SPEC, "src/engine/mod.rs", "//! E.\nunsafe { x() }\n"),
            "src/engine/mod.rs:2: `unsafe` belongs",
        );
        one(found(SPEC, "tests/a.rs", "//! T.\nunsafe fn a() {}\n"), "tests/a.rs:2");
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        for text in ["", "fn a() {}\n//! Late.\n", "// A comment.\n", "//!\n", "#![no_main]\n//! Late.\n"] {
            one(found(SPEC, "fuzz/fuzz_targets/a.rs", text), "a.rs:1: the first line says what the file is");
        }
    }

    #[test]
    fn a_specification_that_could_reach_out_is_found() {
        one(found("//! S.\n#![no_std]\n", "src/a.rs", "//! A.\n"), "`#![forbid(unsafe_code)]` is missing");
        let commented = "//! S.\n// #![no_std]\n#![forbid(unsafe_code)]\n";
        one(found(commented, "src/a.rs", "//! A.\n"), "`#![no_std]` is missing");
        one(check(&Tree::of(&[("src/a.rs", "//! A.\n")])), "spec/src/lib.rs: is not there");
    }
}
