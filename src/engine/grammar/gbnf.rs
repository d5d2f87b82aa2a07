//! GBNF, llama.cpp's notation for grammars, as a tree.
//!
//! `name ::= alternatives`, each a list of `"text"`, `[a-z]`, `[^"]`, `.`, `name`, `( alternatives )`, and any of these with `*`,
//! `+`, `?` or `{m,n}` behind it; `#` begins a comment. A rule ends with its line, except within parentheses and behind `|` and
//! `::=`. llama.cpp's elements for whole tokens (`<name>`, `<[7]>`, `!`) are refused: what counts here is the text.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

use super::Invalid;

/// The rules of a grammar; [`Rules::root`] is where a text begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// By number: the name and the alternatives.
    pub(super) rules: Vec<(String, Vec<Sequence>)>,
    /// The number of the rule `root`.
    pub(super) root: usize,
}

/// What stands one behind the other.
pub(super) type Sequence = Vec<Item>;

/// A part of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// These bytes.
    Text(Vec<u8>),
    /// One character out of these ranges, ordered and apart.
    Class(Vec<(u32, u32)>),
    /// Another rule.
    Rule(usize),
    /// One of these.
    Group(Vec<Sequence>),
    /// The item from so many to so many times; `None`: without end.
    Repeat(Box<Item>, u32, Option<u32>),
}

/// Reads a grammar.
pub(super) fn parse(text: &str) -> Result<Rules, Invalid> {
    let mut parser =
        Parser { rest: text.chars().peekable(), line: 1, names: HashMap::new(), rules: Vec::new() };
    parser.space(true);
    while parser.peek().is_some() {
        parser.rule()?;
    }
    for (name, alternatives) in &parser.rules {
        if alternatives.is_none() {
            return Err(parser.wrong(format!("the rule {name} is used and nowhere defined")));
        }
    }
    let root = parser.names.get("root").copied();
    let root = root.ok_or_else(|| parser.wrong("there is no rule root".to_string()))?;
    let rules = parser.rules.into_iter().map(|(name, rule)| (name, rule.unwrap_or_default())).collect();
    Ok(Rules { rules, root })
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    names: HashMap<String, usize>,
    /// `None`: used, and not defined so far.
    rules: Vec<(String, Option<Vec<Sequence>>)>,
}

impl Parser<'_> {
    fn rule(&mut self) -> Result<(), Invalid> {
        let name = self.name()?;
        self.space(false);
        for wanted in "::=".chars() {
            self.expect(wanted, "::= behind the rule's name")?;
        }
        self.space(true);
        let number = self.number_of(&name)?;
        let alternatives = self.alternatives(0)?;
        match self.peek() {
            None | Some('\n' | '\r') => self.space(true),
            Some(other) => return Err(self.wrong(format!("{other:?} is unexpected"))),
        }
        if self.rules[number].1.replace(alternatives).is_some() {
            return Err(self.wrong(format!("the rule {name} is defined twice")));
        }
        Ok(())
    }

    /// `depth`: how many parentheses are open.
    fn alternatives(&mut self, depth: usize) -> Result<Vec<Sequence>, Invalid> {
        let mut alternatives = vec![self.sequence(depth)?];
        while self.peek() == Some('|') {
            self.next();
            self.space(true);
            alternatives.push(self.sequence(depth)?);
        }
        Ok(alternatives)
    }

    fn sequence(&mut self, depth: usize) -> Result<Sequence, Invalid> {
        let mut sequence = Vec::new();
        while let Some(next) = self.peek() {
            let item = match next {
                '"' => self.text()?,
                '[' => self.class()?,
                '.' => {
                    self.next();
                    Item::Class(vec![(0, CHARACTER_MAX)])
                }
                '(' => self.group(depth)?,
                '*' | '+' | '?' | '{' => {
                    let item = sequence.pop();
                    let item = item.ok_or_else(|| self.wrong(format!("there is nothing before {next:?}")))?;
                    self.repeat(item)?
                }
                '<' | '!' => {
                    return Err(self.wrong("elements for whole tokens are not supported".to_string()));
                }
                _ if is_word(next) => {
                    let name = self.name()?;
                    Item::Rule(self.number_of(&name)?)
                }
                _ => break,
            };
            sequence.push(item);
            self.space(0 < depth);
        }
        Ok(sequence)
    }

    fn text(&mut self) -> Result<Item, Invalid> {
        self.next();
        let mut bytes = Vec::new();
        loop {
            let escaped = self.peek() == Some('\\');
            match self.character()? {
                '"' if !escaped => return Ok(Item::Text(bytes)),
                character => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
    }

    fn class(&mut self) -> Result<Item, Invalid> {
        self.next();
        let negated = self.peek() == Some('^');
        if negated {
            self.next();
        }
        let mut ranges = Vec::new();
        loop {
            let escaped = self.peek() == Some('\\');
            let first = self.character()?;
            if first == ']' && !escaped {
                break;
            }
            let mut last = first;
            if self.peek() == Some('-') {
                self.next();
                if self.peek() == Some(']') {
                    ranges.push((u32::from('-'), u32::from('-')));
                } else {
                    last = self.character()?;
                }
            }
            if last < first {
                return Err(self.wrong(format!("the range {first:?} to {last:?} is empty")));
            }
            ranges.push((u32::from(first), u32::from(last)));
        }
        let ranges = if negated { complement(merged(ranges)) } else { merged(ranges) };
        if ranges.is_empty() {
            return Err(self.wrong("the character class is empty".to_string()));
        }
        Ok(Item::Class(ranges))
    }

    fn group(&mut self, depth: usize) -> Result<Item, Invalid> {
        if DEPTH_MAX <= depth {
            return Err(Invalid::TooLarge { what: "open parentheses", most: DEPTH_MAX });
        }
        self.next();
        self.space(true);
        let alternatives = self.alternatives(depth + 1)?;
        self.expect(')', "a closing parenthesis")?;
        Ok(Item::Group(alternatives))
    }

    fn repeat(&mut self, item: Item) -> Result<Item, Invalid> {
        let (least, most) = match self.next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            _ => self.bounds()?,
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.wrong(format!("{least} times is more often than {}", most.unwrap_or(0))));
        }
        Ok(Item::Repeat(Box::new(item), least, most))
    }

    /// What follows on `{`.
    fn bounds(&mut self) -> Result<(u32, Option<u32>), Invalid> {
        self.space(false);
        let least = self.count()?.ok_or_else(|| self.wrong("a number is missing behind {".to_string()))?;
        self.space(false);
        let most = if self.peek() == Some(',') {
            self.next();
            self.space(false);
            self.count()?
        } else {
            Some(least)
        };
        self.space(false);
        self.expect('}', "a closing brace")?;
        Ok((least, most))
    }

    fn count(&mut self) -> Result<Option<u32>, Invalid> {
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.next();
        }
        if digits.is_empty() {
            return Ok(None);
        }
        let count = digits.parse().ok().filter(|count| *count <= REPEAT_MAX);
        count.map(Some).ok_or(Invalid::TooLarge { what: "repetitions", most: REPEAT_MAX as usize })
    }

    /// A character of a text or a class, an escape included.
    fn character(&mut self) -> Result<char, Invalid> {
        let next = self.next().ok_or_else(|| self.wrong("it ends within a text or a class".to_string()))?;
        if next != '\\' {
            return Ok(next);
        }
        match self.next() {
            Some('x') => self.code(2),
            Some('u') => self.code(4),
            Some('U') => self.code(8),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('n') => Ok('\n'),
            Some(same @ ('\\' | '"' | '[' | ']' | '-' | '^' | '/')) => Ok(same),
            other => Err(self.wrong(format!("there is no escape \\{}", other.unwrap_or(' ')))),
        }
    }

    fn code(&mut self, digits: usize) -> Result<char, Invalid> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = self.next().and_then(|digit| digit.to_digit(16));
            let digit =
                digit.ok_or_else(|| self.wrong(format!("an escape needs {digits} hexadecimal digits")))?;
            code = code << 4 | digit;
        }
        char::from_u32(code)
            .ok_or_else(|| self.wrong(format!("there is no character with the code {code:x}")))
    }

    fn name(&mut self) -> Result<String, Invalid> {
        let mut name = String::new();
        while let Some(next) = self.peek().filter(|next| is_word(*next)) {
            name.push(next);
            self.next();
        }
        if name.is_empty() { Err(self.wrong("the name of a rule is missing".to_string())) } else { Ok(name) }
    }

    fn number_of(&mut self, name: &str) -> Result<usize, Invalid> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let number = self.rules.len();
        if RULES_MAX <= number {
            return Err(Invalid::TooLarge { what: "rules", most: RULES_MAX });
        }
        self.names.insert(name.to_string(), number);
        self.rules.push((name.to_string(), None));
        Ok(number)
    }

    fn space(&mut self, lines: bool) {
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' => {}
                '\n' | '\r' if lines => {}
                '#' => {
                    while self.peek().is_some_and(|next| next != '\n') {
                        self.next();
                    }
                    continue;
                }
                _ => break,
            }
            self.next();
        }
    }

    fn expect(&mut self, wanted: char, what: &str) -> Result<(), Invalid> {
        match self.next() {
            Some(next) if next == wanted => Ok(()),
            _ => Err(self.wrong(format!("{what} is missing"))),
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn wrong(&self, problem: String) -> Invalid {
        Invalid::Syntax { line: self.line, problem }
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// The ranges in order, those that meet or overlap as one.
fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (low, high) in ranges {
        match merged.last_mut() {
            Some((_, end)) if low <= end.saturating_add(1) => *end = high.max(*end),
            _ => merged.push((low, high)),
        }
    }
    merged
}

/// Every character that is not in the ranges, which are in order.
fn complement(ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut rest = Vec::new();
    let mut low = 0;
    for (first, last) in ranges {
        if low < first {
            rest.push((low, first - 1));
        }
        low = last + 1;
    }
    if low <= CHARACTER_MAX {
        rest.push((low, CHARACTER_MAX));
    }
    rest
}

/// The last character of Unicode.
pub(super) const CHARACTER_MAX: u32 = char::MAX as u32;

/// Parentheses open at once: each is a call within a call here.
const DEPTH_MAX: usize = 64;

/// The largest number of repetitions: each is a copy of what is repeated.
const REPEAT_MAX: u32 = 10_000;

/// Rules that a text can name.
const RULES_MAX: usize = 8192;
