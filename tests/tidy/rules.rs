//! Rule numbers form a checked set.
//!
//! A rule is a heading `## L3 Title` in a chapter (`spec/*.md`). Each is cited in a comment of the code that
//! enforces it, and checked: by a test `l3_…` (or `loom_l3_…`) or a property of the model check whose name starts
//! with `L3:`. The chapter may say `Checked: not yet, because …`, and nothing else excuses. The other way round,
//! every citation, test and property belongs to a rule, and what a chapter says of its checks is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::words;
use crate::tree::{File, Tree};

/// Everything that is wrong with rules and citations.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let rules = rules(tree, &mut findings);
    if rules.is_empty() {
        findings.push("spec/: no chapter has a rule; write one as `## L1 Title`".to_string());
    }
    let letters: BTreeSet<char> = rules.keys().filter_map(|name| name.chars().next()).collect();
    let code = Code::read(tree, &letters);
    for (name, rule) in &rules {
        if !code.enforced.contains(name) {
            let place = &rule.place;
            findings.push(format!(
                "{place}: {name} is cited nowhere in spec/src or src: put `// {name}` where it is enforced"
            ));
        }
        let is_checked = code.tests.contains_key(name) || code.properties.contains_key(name);
        if !is_checked && !rule.is_excused {
            findings.push(format!(
                "{}: {name} is not checked: write a test `{}_…`, a property `{name}: …`, or `Checked: not yet, because …`",
                rule.place,
                name.to_lowercase(),
            ));
        }
        if is_checked && rule.is_excused {
            findings
                .push(format!("{}: {name} is said to be unchecked and is checked: say by what", rule.place));
        }
        findings.extend(rule.claims.iter().filter_map(|claim| code.refute(name, rule, claim)));
    }
    for (name, place) in code.cited.iter().chain(&code.tests).chain(&code.properties) {
        if !rules.contains_key(name) {
            findings.push(format!("{place}: {name} is not a rule of any chapter"));
        }
    }
    findings
}

/// A rule as its chapter has it.
struct Rule {
    /// File and line of its heading.
    place: String,
    /// Whether the chapter says why it is not checked.
    is_excused: bool,
    /// What the chapter says that checks it.
    claims: Vec<Claim>,
}

enum Claim {
    /// A test or another item, by name.
    Item(String),
    /// A property of the model check.
    Property,
}

fn rules(tree: &Tree, findings: &mut Vec<String>) -> BTreeMap<String, Rule> {
    let mut rules = BTreeMap::new();
    for file in tree.files.iter().filter(|file| is_chapter(file)) {
        let mut current: Option<String> = None;
        for (row, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, row + 1);
            if let Some(heading) = line.strip_prefix("## ") {
                current = heading.split(' ').next().filter(|word| is_rule_name(word)).map(String::from);
                if let Some(name) = &current {
                    let rule = Rule { place: place.clone(), is_excused: false, claims: Vec::new() };
                    if let Some(first) = rules.insert(name.clone(), rule) {
                        findings.push(format!("{place}: {name} is a rule already, at {}", first.place));
                    }
                }
            }
            let rule = current.as_ref().and_then(|name| rules.get_mut(name));
            if let (Some(rule), Some((_, said))) = (rule, line.split_once("Checked:")) {
                rule.is_excused =
                    said.split_once("not yet, because ").is_some_and(|(_, why)| !why.trim().is_empty());
                if !rule.is_excused {
                    rule.claims = claims(said);
                }
            }
        }
    }
    rules
}

fn is_chapter(file: &File) -> bool {
    file.path.starts_with("spec/") && file.path.ends_with(".md")
}

/// One capital letter and a number without leading zeros.
fn is_rule_name(word: &str) -> bool {
    let mut characters = word.chars();
    let (letter, number) = (characters.next(), characters.as_str());
    letter.is_some_and(|c| c.is_ascii_uppercase())
        && !number.is_empty()
        && !number.starts_with('0')
        && number.chars().all(|c| c.is_ascii_digit())
}

fn claims(said: &str) -> Vec<Claim> {
    let items = said.split('`').skip(1).step_by(2).map(|item| Claim::Item(item.to_string()));
    let property = words(said).any(|word| word == "property").then_some(Claim::Property);
    items.chain(property).collect()
}

/// What the code says of rules, each with a place where it does.
#[derive(Default)]
struct Code {
    /// Cited in a comment of code that is not a test.
    enforced: BTreeSet<String>,
    /// Cited in any comment or chapter.
    cited: BTreeMap<String, String>,
    tests: BTreeMap<String, String>,
    properties: BTreeMap<String, String>,
    /// Every word of code and strings: names of tests, mutants, types.
    words: BTreeSet<String>,
}

impl Code {
    fn read(tree: &Tree, letters: &BTreeSet<char>) -> Code {
        let mut code = Code::default();
        let is_rule = |word: &str| is_rule_name(word) && word.starts_with(|c| letters.contains(&c));
        for (file, source) in tree.rust() {
            let is_product = file.path.starts_with("spec/src/") || file.path.starts_with("src/");
            for (row, line) in source.lines.iter().enumerate() {
                let place = || format!("{}:{}", file.path, row + 1);
                for name in words(&line.comment).filter(|word| is_rule(word)) {
                    code.cited.entry(name.to_string()).or_insert_with(place);
                    if is_product && !line.is_test {
                        code.enforced.insert(name.to_string());
                    }
                }
                code.words.extend(words(&line.code).map(String::from));
                for string in &line.strings {
                    code.words.extend(words(string).map(String::from));
                    let name = string.split(':').next().filter(|_| string.contains(':')).unwrap_or("");
                    if file.path.starts_with("model-check/src/") && is_rule(name) {
                        code.properties.entry(name.to_string()).or_insert_with(place);
                    }
                }
            }
            for function in source.functions().into_iter().filter(|function| function.is_test) {
                let name = function.name.strip_prefix("loom_").unwrap_or(&function.name);
                let name = name.split('_').next().unwrap_or("").to_uppercase();
                if is_rule(&name) {
                    code.tests.entry(name).or_insert(format!("{}:{}", file.path, function.line));
                }
            }
        }
        for file in tree.files.iter().filter(|file| is_chapter(file)) {
            for (row, line) in file.text.lines().enumerate() {
                for name in words(line).filter(|word| is_rule(word)) {
                    code.cited
                        .entry(name.to_string())
                        .or_insert_with(|| format!("{}:{}", file.path, row + 1));
                }
            }
        }
        code
    }

    /// What is wrong with what a chapter says of a rule's checks, if it is wrong.
    fn refute(&self, name: &str, rule: &Rule, claim: &Claim) -> Option<String> {
        match claim {
            Claim::Property if !self.properties.contains_key(name) => {
                Some(format!("{}: no property of the model check is named `{name}: …`", rule.place))
            }
            Claim::Item(item) if !words(item).all(|word| self.words.contains(word)) => {
                Some(format!("{}: {name} is said to be checked by `{item}`, which is not there", rule.place))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTER: &str = "# The lease\n\n## Words\n\n## L1 One owner\nMUST: x (see L2).\nChecked: `l1_one`.\n\n\
                           ## L2 One epoch\nChecked: property L2, mutant `skips_fsync`.\n";
    const CODE: &str = "//! Rules L1 and L2.\n";
    const TEST: &str = "//! Tests.\n#[test]\nfn l1_one() {}\n";
    const MODEL: &str = "//! Model.\nfn all() { p(\"L2: an epoch is granted once\"); m(\"skips_fsync\") }\n";

    fn found(chapter: &str, code: &str, test: &str, model: &str) -> Vec<String> {
        check(&Tree::of(&[
            ("spec/lease.md", chapter),
            ("spec/src/lease.rs", code),
            ("tests/lease.rs", test),
            ("model-check/src/main.rs", model),
        ]))
    }

    fn one(findings: Vec<String>, expected: &str) {
        assert!(findings.len() == 1 && findings[0].contains(expected), "{expected:?}: {findings:#?}");
    }

    #[test]
    fn a_closed_set_passes() {
        assert_eq!(found(CHAPTER, CODE, TEST, MODEL), Vec::<String>::new());
        let loom = "//! Tests.\nfn loom_l1_one() {}\nfn l1_one() {}\n";
        assert_eq!(found(CHAPTER, CODE, loom, MODEL), Vec::<String>::new());
    }

    #[test]
    fn a_rule_that_nobody_cites_is_found() {
        one(found(CHAPTER, "//! Rule L1.\n", TEST, MODEL), "L2 is cited nowhere");
        let in_tests = "//! Rule L1.\n#[cfg(test)]\nmod tests {\n  // L2\n}\n";
        one(found(CHAPTER, in_tests, TEST, MODEL), "L2 is cited nowhere");
        let in_a_string = "//! Rule L1.\nconst A: &str = \"L2\";\n";
        one(found(CHAPTER, in_a_string, TEST, MODEL), "L2 is cited nowhere");
    }

    #[test]
    fn a_rule_that_nothing_checks_is_found() {
        let silent = CHAPTER.replace("Checked: `l1_one`.", "");
        one(found(&silent, CODE, "//! Tests.\nfn other() {}\n", MODEL), "L1 is not checked");
        let outside = "//! Tests.\n#[test]\nfn l12_one() {}\n";
        assert!(
            found(&silent, CODE, outside, MODEL).iter().any(|finding| finding.contains("L1 is not checked"))
        );
        // A function of that name in the product is no test.
        let product = "//! Rules L1 and L2.\nfn l1_one() {}\n";
        one(found(&silent, product, "//! Tests.\n", MODEL), "L1 is not checked");
    }

    #[test]
    fn only_a_reason_excuses() {
        let excused = |why: &str| CHAPTER.replace("`l1_one`.", why);
        let none = "//! Tests.\n";
        assert_eq!(
            found(&excused("not yet, because the store is missing."), CODE, none, MODEL),
            Vec::<String>::new()
        );
        one(found(&excused("not yet, because "), CODE, none, MODEL), "L1 is not checked");
        one(found(&excused("not yet."), CODE, none, MODEL), "L1 is not checked");
        one(
            found(&excused("not yet, because of x."), CODE, TEST, MODEL),
            "said to be unchecked and is checked",
        );
    }

    #[test]
    fn a_claim_that_is_not_true_is_found() {
        one(
            found(&CHAPTER.replace("`l1_one`", "`l1_two`"), CODE, TEST, MODEL),
            "by `l1_two`, which is not there",
        );
        one(
            found(CHAPTER, CODE, TEST, &MODEL.replace("skips_fsync", "x")),
            "by `skips_fsync`, which is not there",
        );
        let tested = "//! Tests.\nfn l1_one() {}\nfn l2_one() {}\n";
        one(
            found(CHAPTER, CODE, tested, &MODEL.replace("L2:", "")),
            "no property of the model check is named `L2: …`",
        );
    }

    #[test]
    fn a_number_without_a_rule_is_found() {
        one(
            found(CHAPTER, "//! Rules L1, L2 and L9.\n", TEST, MODEL),
            "spec/src/lease.rs:1: L9 is not a rule",
        );
        one(
            found(CHAPTER, CODE, "//! Tests.\nfn l1_one() {}\nfn l9_x() {}\n", MODEL),
            "tests/lease.rs:3: L9",
        );
        let model = MODEL.replace("m(", "p(\"L9: x\"); m(");
        one(found(CHAPTER, CODE, TEST, &model), "model-check/src/main.rs:2: L9");
        one(found(&CHAPTER.replace("see L2", "see L9"), CODE, TEST, MODEL), "spec/lease.md:6: L9");
    }

    #[test]
    fn a_number_of_another_letter_is_no_citation() {
        let code = "//! Rules L1 and L2, blocks of Q4_0, in F16, on H200 and C3.\n";
        assert_eq!(found(CHAPTER, code, TEST, MODEL), Vec::<String>::new());
    }

    #[test]
    fn a_rule_given_twice_is_found() {
        let twice = format!("{CHAPTER}\n## L1 Again\nChecked: `l1_one`.\n");
        one(found(&twice, CODE, TEST, MODEL), "L1 is a rule already, at spec/lease.md:5");
    }

    #[test]
    fn a_specification_without_rules_is_found() {
        one(found("# Nothing\n", CODE, TEST, MODEL), "no chapter has a rule");
    }
}
