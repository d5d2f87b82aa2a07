//! The rules, from the chapters of the specification.

use std::fmt::Write as _;

use super::prose;
use crate::story::escaped;

/// A rule of a chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// Its number: `L3`.
    pub(super) id: &'a str,
    /// Its title.
    pub(super) title: &'a str,
    /// What stands below the title.
    text: &'a str,
}

/// Every rule, chapter by chapter.
pub(super) fn html() -> String {
    let mut html = String::from(
        "<h2 id=\"rules\">Rules</h2>\n<p>What the machines have to do, from the chapters beside them. A promise \
         below cites the rule that it checks.</p>\n",
    );
    for (name, chapter) in CHAPTERS {
        let title = chapter.lines().next().unwrap_or(name);
        let _ = writeln!(html, "<h3>{}</h3>", escaped(title));
        for Rule { id, title, text } in rules(chapter) {
            let _ = writeln!(
                html,
                "<details id=\"rule-{id}\"><summary><strong>{id}</strong> {}</summary>\n<div class=\"rule\">\n\
                 {}</div></details>",
                escaped(title),
                prose::html(text)
            );
        }
    }
    html
}

/// Whether there is a rule of this number.
pub(super) fn has(id: &str) -> bool {
    CHAPTERS.iter().any(|(_, chapter)| rules(chapter).iter().any(|rule| rule.id == id))
}

/// The rules of a chapter: `## L3 Title`, up to the next heading.
pub(super) fn rules(chapter: &str) -> Vec<Rule<'_>> {
    let sections = chapter.split("\n## ").skip(1);
    sections
        .filter_map(|section| {
            let (heading, text) = section.split_once('\n')?;
            let (id, title) = heading.split_once(' ')?;
            let (letter, number) = id.split_at_checked(1)?;
            let is_number =
                letter.chars().all(|letter| letter.is_ascii_uppercase()) && number.parse::<u8>().is_ok();
            is_number.then_some(Rule { id, title, text: text.trim() })
        })
        .collect()
}

/// The chapters with rules that a model checks, one line each.
const CHAPTERS: &[(&str, &str)] = &[
    ("lease", include_str!("../../../../spec/lease.md")),
    ("fence", include_str!("../../../../spec/fence.md")),
    ("slot", include_str!("../../../../spec/slot.md")),
    ("session", include_str!("../../../../spec/session.md")),
    ("holder", include_str!("../../../../spec/holder.md")),
    ("daemon", include_str!("../../../../spec/daemon.md")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_the_sections_that_begin_with_a_number() {
        let chapter = "The chapter.\n\n## L1 One\nMUST: a.\n\n## About\nx\n\n## L12 Twelve\nMUST: b.\n";
        let rules = rules(chapter);
        let told: Vec<_> = rules.iter().map(|rule| (rule.id, rule.title, rule.text)).collect();
        assert_eq!(told, [("L1", "One", "MUST: a."), ("L12", "Twelve", "MUST: b.")]);
    }

    #[test]
    fn every_chapter_with_rules_is_in_the_report() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let chapter = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_there = CHAPTERS.iter().any(|(chapter, _)| *chapter == name);
            assert!(is_there || rules(&chapter).is_empty(), "add {name} to CHAPTERS");
        }
    }
}
