//! A Rust file with code, comments and strings apart, line by line, and its functions.
//!
//! Knows just enough of the language: comments (nested ones too), strings of all kinds, characters and lifetimes,
//! braces. Does not expand macros.

use std::mem;

/// A Rust file, taken apart.
pub(crate) struct Source {
    pub(crate) lines: Vec<Line>,
}

/// A line, taken apart.
#[derive(Default)]
pub(crate) struct Line {
    /// What is compiled, with every string and character emptied.
    pub(crate) code: String,
    /// What is not.
    pub(crate) comment: String,
    /// Strings that begin on this line, as written.
    pub(crate) strings: Vec<String>,
    /// Whether it is compiled for tests only.
    pub(crate) is_test: bool,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Of its name, from 1.
    pub(crate) line: usize,
    /// From its name to its closing brace.
    pub(crate) lines: usize,
    pub(crate) is_test: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let mut source = Source { lines: Scanner::new(text).scan() };
        if is_test_file(path) {
            source.lines.iter_mut().for_each(|line| line.is_test = true);
        } else {
            source.mark_tests();
        }
        source
    }

    /// All functions with a body, in order, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (row, line) in self.lines.iter().enumerate() {
            for (column, _) in line.code.match_indices("fn ") {
                let starts_word = !line.code[..column].ends_with(is_word);
                let name: String = line.code[column + 3..].chars().take_while(|c| is_word(*c)).collect();
                if !starts_word || name.is_empty() {
                    continue;
                }
                if let Some(end) = self.item_end(row, column) {
                    found.push(Function { name, line: row + 1, lines: end - row + 1, is_test: line.is_test });
                }
            }
        }
        found
    }

    /// Marks what stands behind `#[cfg(test)]` and its like.
    fn mark_tests(&mut self) {
        for row in 0..self.lines.len() {
            let code = &self.lines[row].code;
            let Some(column) = code.find("#[cfg(") else {
                continue;
            };
            let condition = &code[column..];
            if !words(condition).any(|word| word == "test") || condition.contains("not(test") {
                continue;
            }
            let after = column + condition.find(']').unwrap_or(condition.len());
            // An item without a body, such as a module in a file of its own, is one line.
            let end = self.item_end(row, after).unwrap_or(row + 1).min(self.lines.len() - 1);
            self.lines[row..=end].iter_mut().for_each(|line| line.is_test = true);
        }
    }

    /// The row on which the first block after this place ends; `None` if a `;` comes first.
    fn item_end(&self, row: usize, column: usize) -> Option<usize> {
        let (mut braces, mut brackets) = (0_usize, 0_usize);
        for (offset, line) in self.lines[row..].iter().enumerate() {
            let code = if offset == 0 { &line.code[column..] } else { line.code.as_str() };
            for character in code.chars() {
                match character {
                    '(' | '[' => brackets += 1,
                    ')' | ']' => brackets = brackets.saturating_sub(1),
                    '{' => braces += 1,
                    '}' => {
                        braces = braces.saturating_sub(1);
                        if braces == 0 {
                            return Some(row + offset);
                        }
                    }
                    ';' if braces == 0 && brackets == 0 => return None,
                    _ => {}
                }
            }
        }
        None
    }
}

/// The words of a text: letters, digits and underscores.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_test_file(path: &str) -> bool {
    let folders = ["tests/", "benches/", "fuzz/"];
    folders.iter().any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
        || path.ends_with("/tests.rs")
}

struct Scanner {
    text: Vec<char>,
    at: usize,
    line: Line,
    done: Vec<Line>,
}

impl Scanner {
    fn new(text: &str) -> Scanner {
        Scanner { text: text.chars().collect(), at: 0, line: Line::default(), done: Vec::new() }
    }

    fn scan(mut self) -> Vec<Line> {
        while let Some(character) = self.peek(0) {
            match (character, self.peek(1)) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(0, true),
                ('r', _) if !self.follows_word() => self.raw_string_or_word(),
                ('\'', _) => self.character_or_lifetime(),
                _ => self.code(),
            }
        }
        self.done.push(mem::take(&mut self.line));
        self.done
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    /// Takes a character that is neither code nor comment, and the end of the line where it is one.
    fn skip(&mut self) -> Option<char> {
        let character = self.peek(0)?;
        self.at += 1;
        if character == '\n' {
            self.done.push(mem::take(&mut self.line));
        }
        Some(character)
    }

    fn code(&mut self) {
        if let Some(character) = self.skip().filter(|c| *c != '\n') {
            self.line.code.push(character);
        }
    }

    fn comment(&mut self) {
        if let Some(character) = self.skip().filter(|c| *c != '\n') {
            self.line.comment.push(character);
        }
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.comment();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(character) = self.peek(0) {
            let change = match (character, self.peek(1)) {
                ('/', Some('*')) => 1,
                ('*', Some('/')) => -1,
                _ => 0,
            };
            self.comment();
            if change != 0 {
                self.comment();
                depth = depth.saturating_add_signed(change);
                if depth == 0 {
                    return;
                }
            }
        }
    }

    /// A string that begins here, with so many `#` behind its closing quote.
    fn string(&mut self, hashes: usize, has_escapes: bool) {
        self.code();
        let begun = self.done.len();
        let mut content = String::new();
        while let Some(character) = self.peek(0) {
            let closes = character == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            if closes {
                break;
            }
            content.extend(self.skip());
            if has_escapes && character == '\\' {
                content.extend(self.skip());
            }
        }
        let line = self.done.get_mut(begun).unwrap_or(&mut self.line);
        line.strings.push(content);
        for _ in 0..=hashes {
            self.code();
        }
    }

    fn raw_string_or_word(&mut self) {
        let hashes = self.text[self.at + 1..].iter().take_while(|c| **c == '#').count();
        if self.peek(1 + hashes) != Some('"') {
            return self.code();
        }
        for _ in 0..=hashes {
            self.code();
        }
        self.string(hashes, false);
    }

    fn character_or_lifetime(&mut self) {
        let length = match self.peek(1) {
            // The escaped character may be a quote; what follows it, such as `{1F600}`, may not.
            Some('\\') => (3..).find(|ahead| matches!(self.peek(*ahead), Some('\'') | None)),
            _ => Some(2).filter(|ahead| self.peek(*ahead) == Some('\'')),
        };
        self.code();
        if let Some(length) = length {
            for _ in 1..length {
                self.skip();
            }
            self.code();
        }
    }

    /// Whether what stands before belongs to the same word; `b` and `c` may stand before a raw string.
    fn follows_word(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).map(|at| self.text[at]);
        let is_prefix = matches!(before(1), Some('b' | 'c')) && !before(2).is_some_and(is_word);
        before(1).is_some_and(is_word) && !is_prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        Source::new("src/a.rs", text).lines.into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn code_comments_and_strings_are_apart() {
        let source = Source::new("src/a.rs", "let a = \"x // y\"; // z \"w\"\nb /* c /* d */ \n e */ f");
        assert_eq!(source.lines[0].code, "let a = \"\"; ");
        assert_eq!(source.lines[0].strings, ["x // y"]);
        assert_eq!(source.lines[0].comment, "// z \"w\"");
        assert_eq!(source.lines[1].code, "b ");
        assert_eq!(source.lines[2].code, " f");
        assert_eq!(source.lines[2].comment, " e */");
    }

    #[test]
    fn strings_of_all_kinds_end_where_they_end() {
        assert_eq!(codes(r##"a("\"", r"\", br#"""#, c"x") b"##), [r##"a("", r"", br#""#, c"") b"##]);
        assert_eq!(codes("a(\"x\ny\") b\nc"), ["a(\"", "\") b", "c"]);
        assert_eq!(codes("let r#fn = var\"\";"), ["let r#fn = var\"\";"]);
        assert_eq!(codes("for\"x\""), ["for\"\""]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(codes(r#"f<'a>('"', '\'', '\u{1F600}', b'{', &'a x)"#), ["f<'a>('', '', '', b'', &'a x)"]);
        assert_eq!(codes("'\\n' '\\\\' x"), ["'' '' x"]);
    }

    #[test]
    fn functions_are_measured_from_name_to_brace() {
        let text = "fn a(x: [u8; 2]) -> u8 {\n  fn b() {}\n}\ntrait T {\n  fn c();\n}\nlet f: fn (u8) = d;\n";
        let found: Vec<_> = Source::new("src/a.rs", text).functions();
        let function = |name: &str, line, lines| Function { name: name.into(), line, lines, is_test: false };
        assert_eq!(found, [function("a", 1, 3), function("b", 2, 1)]);
    }

    #[test]
    fn what_is_compiled_for_tests_is_marked() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(not(test))]\nfn d() {}\n\
                    #[cfg(test)]\nmod other;\nfn e() {}\n#[cfg(all(test, loom))]\nmod f {\n  fn g() {}\n}\n";
        let source = Source::new("src/a.rs", text);
        let tests: Vec<_> = source.functions().into_iter().filter(|f| f.is_test).map(|f| f.name).collect();
        assert_eq!(tests, ["b", "g"]);
        for path in
            ["tests/a.rs", "spec/src/lease/tests.rs", "src/engine/tests/b.rs", "fuzz/fuzz_targets/c.rs"]
        {
            assert!(Source::new(path, "fn a() {}").lines[0].is_test, "{path}");
        }
    }
}
