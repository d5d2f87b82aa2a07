//! Patterns that are not used here, each with what to use.

use crate::source::{Line, words};
use crate::tree::Tree;

/// Every use of a banned pattern, and every exception that excuses nothing.
pub(crate) fn check(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut is_needed = vec![false; exceptions.len()];
    let mut found = |path: &str, row: usize, ban: &Ban| {
        let excuse = exceptions.iter().position(|e| e.path == path && e.pattern == ban.pattern);
        match excuse {
            Some(index) => is_needed[index] = true,
            None => findings.push(format!("{path}:{}: `{}`: {}", row + 1, ban.pattern, ban.instead)),
        }
    };
    for (file, source) in tree.rust() {
        for (row, line) in source.lines.iter().enumerate() {
            for ban in BANS.iter().filter(|ban| (ban.applies)(&file.path, line) && ban.is_in(line)) {
                found(&file.path, row, ban);
            }
        }
    }
    // Fuzzing's inputs are what others might have written.
    for file in tree.files.iter().filter(|file| !file.path.starts_with("fuzz/corpus/")) {
        for (row, line) in file.text.lines().enumerate() {
            for ban in PATHS.iter().filter(|ban| line.contains(ban.pattern)) {
                found(&file.path, row, ban);
            }
        }
    }
    for (exception, _) in exceptions.iter().zip(is_needed).filter(|(_, is_needed)| !is_needed) {
        findings.push(format!(
            "{}: the exception for `{}` excuses nothing: remove it",
            exception.path, exception.pattern
        ));
    }
    findings
}

/// A file in which a pattern is used all the same.
pub(crate) struct Exception {
    pub(crate) path: &'static str,
    pub(crate) pattern: &'static str,
    /// For whoever reads the table.
    #[expect(dead_code, reason = "an exception without a reason can't be written down")]
    pub(crate) reason: &'static str,
}

/// Who may use what is banned.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

struct Ban {
    pattern: &'static str,
    part: Part,
    /// Whether the line, of the file with this path, is one that the ban is about.
    applies: fn(&str, &Line) -> bool,
    instead: &'static str,
}

enum Part {
    /// As it stands in code.
    Code,
    /// As words of a comment, in small letters.
    Comment,
    /// As a word of either.
    Word,
}

impl Ban {
    fn is_in(&self, line: &Line) -> bool {
        match self.part {
            Part::Code => line.code.contains(self.pattern),
            Part::Comment => {
                let comment = line.comment.to_lowercase();
                format!(" {} ", words(&comment).collect::<Vec<_>>().join(" "))
                    .contains(&format!(" {} ", self.pattern))
            }
            Part::Word => words(&line.code).chain(words(&line.comment)).any(|word| word == self.pattern),
        }
    }
}

const EVERYWHERE: fn(&str, &Line) -> bool = |_, _| true;
const SPEC: fn(&str, &Line) -> bool = |path, _| path.starts_with("spec/");
/// A benchmark may wait between its looks at a process: nothing is asserted of the time.
const TESTS: fn(&str, &Line) -> bool = |path, line| line.is_test && !path.starts_with("benches/");

const BANS: &[Ban] = &[
    Ban {
        pattern: "Instant::now",
        part: Part::Code,
        applies: SPEC,
        instead: "time comes in with an observation",
    },
    Ban {
        pattern: "SystemTime::now",
        part: Part::Code,
        applies: SPEC,
        instead: "time comes in with an observation",
    },
    Ban {
        pattern: "HashMap",
        part: Part::Word,
        applies: SPEC,
        instead: "its order depends on a seed: use BTreeMap",
    },
    Ban {
        pattern: "HashSet",
        part: Part::Word,
        applies: SPEC,
        instead: "its order depends on a seed: use BTreeSet",
    },
    Ban {
        pattern: "thread::sleep",
        part: Part::Code,
        applies: TESTS,
        instead: "wait for a state, with a bound",
    },
    Ban {
        pattern: "time::sleep(",
        part: Part::Code,
        applies: TESTS,
        instead: "wait for a state, with a bound",
    },
    Ban {
        pattern: "#[ignore",
        part: Part::Code,
        applies: EVERYWHERE,
        instead: "a test that is not run is not kept",
    },
    Ban {
        pattern: "[allow(",
        part: Part::Code,
        applies: EVERYWHERE,
        instead: "use #[expect(…, reason = \"…\")]",
    },
    Ban { pattern: "todo!", part: Part::Code, applies: EVERYWHERE, instead: "write it, or leave it out" },
    Ban {
        pattern: "unimplemented!",
        part: Part::Code,
        applies: EVERYWHERE,
        instead: "write it, or leave it out",
    },
    Ban {
        pattern: "TODO",
        part: Part::Word,
        applies: EVERYWHERE,
        instead: "do it, or say what is not done and why",
    },
    Ban { pattern: "FIXME", part: Part::Word, applies: EVERYWHERE, instead: "repair it" },
    Ban { pattern: "XXX", part: Part::Word, applies: EVERYWHERE, instead: "say what is meant" },
    Ban { pattern: "HACK", part: Part::Word, applies: EVERYWHERE, instead: "say what it does and why" },
    Ban {
        pattern: "for now",
        part: Part::Comment,
        applies: EVERYWHERE,
        instead: "say what it does, and what it does not",
    },
    Ban { pattern: "at the moment", part: Part::Comment, applies: EVERYWHERE, instead: "say what it does" },
    Ban {
        pattern: "used to be",
        part: Part::Comment,
        applies: EVERYWHERE,
        instead: "history is in the commits",
    },
];

/// Places on somebody's machine, written here in halves so that this file passes.
const PATHS: &[Ban] = &[
    Ban { pattern: concat!("/wo", "rk/"), part: Part::Code, applies: EVERYWHERE, instead: HOME },
    Ban { pattern: concat!("/ro", "ot/"), part: Part::Code, applies: EVERYWHERE, instead: HOME },
    Ban { pattern: concat!("/ho", "me/"), part: Part::Code, applies: EVERYWHERE, instead: HOME },
    Ban { pattern: concat!("/Us", "ers/"), part: Part::Code, applies: EVERYWHERE, instead: HOME },
];
const HOME: &str = "name paths from the repository's root, or from ~";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]), &[])
    }

    #[test]
    fn each_ban_finds_what_it_bans_where_it_bans_it() {
        for ban in BANS {
            let text = match ban.part {
                Part::Code => format!("a.{} b", ban.pattern),
                Part::Comment => format!("// So, {}.", ban.pattern.to_uppercase()),
                Part::Word => format!("// {}: later", ban.pattern),
            };
            let path = ["spec/src/a.rs", "tests/a.rs"].into_iter().find(|path| {
                let line = Line { is_test: path.starts_with("tests"), ..Line::default() };
                (ban.applies)(path, &line)
            });
            let findings = found(path.expect("a place"), &text);
            let expected = format!(":1: `{}`: {}", ban.pattern, ban.instead);
            assert!(findings.len() == 1 && findings[0].ends_with(&expected), "{text}: {findings:?}");
            assert_eq!(
                found(path.expect("a place"), &format!("a(\"{}\")", ban.pattern)),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn bans_of_a_place_hold_there_only() {
        assert_eq!(
            found("src/a.rs", "Instant::now(); HashMap::new(); thread::sleep(x);"),
            Vec::<String>::new()
        );
        assert_eq!(found("benches/a.rs", "thread::sleep(x);"), Vec::<String>::new());
        assert_eq!(found("src/a.rs", "#[cfg(test)]\nmod tests {\n  thread::sleep(x);\n}\n").len(), 1);
        assert_eq!(
            found("src/a.rs", "// What is known for nowhere; expected TODOs; FIXMES"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn places_of_a_machine_are_found_in_every_file() {
        for ban in PATHS {
            assert_eq!(found("README.md", &format!("see {}x", ban.pattern)).len(), 1);
            assert_eq!(found("src/a.rs", &format!("a(\"{}x\")", ban.pattern)).len(), 1);
            assert_eq!(found("README.md", ban.pattern.trim_end_matches('/')), Vec::<String>::new());
            assert_eq!(found("fuzz/corpus/a.json", ban.pattern), Vec::<String>::new());
        }
    }

    #[test]
    fn an_exception_excuses_its_file_and_must_be_needed() {
        let exceptions = [Exception { path: "tests/a.rs", pattern: "thread::sleep", reason: "a test" }];
        let files = |path| Tree::of(&[(path, "thread::sleep(x)")]);
        assert_eq!(check(&files("tests/a.rs"), &exceptions), Vec::<String>::new());
        let other = check(&files("tests/b.rs"), &exceptions);
        assert!(other.len() == 2 && other[1].contains("excuses nothing"), "{other:?}");
    }
}
