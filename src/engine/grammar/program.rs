//! A grammar as a flat list of symbols over bytes: what the machine runs on.
//!
//! Every item becomes a byte out of a set, or a rule; groups, repetitions and characters of several bytes become rules of their own.
//! Repetitions without end are written with the rule itself in the last place, where it needs no return.

use super::Invalid;
use super::gbnf::{Item, Rules, Sequence};

/// A set of bytes.
pub(super) type ByteSet = [u64; 4];

/// One place in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A byte of this set.
    Byte(u32),
    /// This rule.
    Rule(u32),
    /// The end of an alternative.
    End,
}

/// The flat grammar.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// The alternatives of all rules, each ended by [`Symbol::End`].
    pub(super) symbols: Vec<Symbol>,
    /// By rule: where its alternatives begin.
    pub(super) rules: Vec<Vec<u32>>,
    /// The sets of bytes.
    pub(super) sets: Vec<ByteSet>,
    /// The rule that a text is.
    pub(super) root: u32,
    /// The class of each byte: those of a class are in the same sets.
    pub(super) classes: Vec<u8>,
    /// How many classes there are.
    pub(super) class_count: usize,
}

/// Flattens the rules.
pub(super) fn compile(rules: &Rules) -> Result<Program, Invalid> {
    let mut compiler = Compiler { program: Program::default(), size: 0 };
    for _ in &rules.rules {
        compiler.new_rule()?;
    }
    for (number, (_, alternatives)) in rules.rules.iter().enumerate() {
        for sequence in alternatives {
            compiler.alternative(number as u32, sequence)?;
        }
    }
    let mut program = compiler.program;
    program.root = rules.root as u32;
    program.sort_bytes();
    match program.left_recursion() {
        Some(rule) => {
            let name =
                rules.rules.get(rule).map_or_else(|| "of a repetition".to_string(), |(name, _)| name.clone());
            Err(Invalid::LeftRecursion(name))
        }
        None => Ok(program),
    }
}

struct Compiler {
    program: Program,
    /// Symbols so far, those of rules that are not written down yet included.
    size: usize,
}

impl Compiler {
    fn new_rule(&mut self) -> Result<u32, Invalid> {
        self.count(1)?;
        self.program.rules.push(Vec::new());
        Ok(self.program.rules.len() as u32 - 1)
    }

    fn alternative(&mut self, rule: u32, sequence: &Sequence) -> Result<(), Invalid> {
        let mut symbols = Vec::new();
        for item in sequence {
            self.item(item, &mut symbols)?;
        }
        self.write(rule, symbols)
    }

    fn write(&mut self, rule: u32, symbols: Vec<Symbol>) -> Result<(), Invalid> {
        self.count(symbols.len() + 1)?;
        let start = self.program.symbols.len() as u32;
        self.program.symbols.extend(symbols);
        self.program.symbols.push(Symbol::End);
        self.program.rules[rule as usize].push(start);
        Ok(())
    }

    fn item(&mut self, item: &Item, out: &mut Vec<Symbol>) -> Result<(), Invalid> {
        match item {
            Item::Text(bytes) => {
                for byte in bytes {
                    out.push(self.set(*byte, *byte));
                }
            }
            Item::Class(ranges) => out.push(self.class(ranges)?),
            Item::Rule(number) => out.push(Symbol::Rule(*number as u32)),
            Item::Group(alternatives) => {
                let rule = self.new_rule()?;
                for sequence in alternatives {
                    self.alternative(rule, sequence)?;
                }
                out.push(Symbol::Rule(rule));
            }
            Item::Repeat(item, least, most) => {
                let mut once = Vec::new();
                self.item(item, &mut once)?;
                self.repeat(&once, *least, *most, out)?;
            }
        }
        self.count(0)
    }

    /// `once` from `least` to `most` times: `x{2,4}` is `x x (x (x)?)?`.
    fn repeat(
        &mut self,
        once: &[Symbol],
        least: u32,
        most: Option<u32>,
        out: &mut Vec<Symbol>,
    ) -> Result<(), Invalid> {
        let once = match once {
            [symbol] => *symbol,
            _ => {
                let rule = self.new_rule()?;
                self.write(rule, once.to_vec())?;
                Symbol::Rule(rule)
            }
        };
        self.count(least as usize)?;
        out.extend((0..least).map(|_| once));
        let Some(most) = most else {
            let again = self.new_rule()?;
            self.write(again, vec![once, Symbol::Rule(again)])?;
            self.write(again, Vec::new())?;
            out.push(Symbol::Rule(again));
            return Ok(());
        };
        let mut inner = None;
        for _ in least..most {
            let optional = self.new_rule()?;
            self.write(optional, [once].into_iter().chain(inner).collect())?;
            self.write(optional, Vec::new())?;
            inner = Some(Symbol::Rule(optional));
        }
        out.extend(inner);
        Ok(())
    }

    /// One character out of ranges: a byte if all of them are one byte long, else a rule with the ranges of bytes.
    fn class(&mut self, ranges: &[(u32, u32)]) -> Result<Symbol, Invalid> {
        let mut sequences = Vec::new();
        let mut ascii = [0; 4];
        for &(low, high) in ranges {
            for byte in low..=high.min(0x7F) {
                insert(&mut ascii, byte as u8);
            }
            byte_sequences(low.max(0x80), high, &mut sequences);
        }
        let ascii = (ascii != [0; 4]).then(|| self.symbol(ascii));
        if let (Some(ascii), []) = (ascii, &sequences[..]) {
            return Ok(ascii);
        }
        // It has no alternatives, and can never be read, where the class has nothing but surrogates.
        let rule = self.new_rule()?;
        if let Some(ascii) = ascii {
            self.write(rule, vec![ascii])?;
        }
        for sequence in sequences {
            let symbols = sequence.into_iter().map(|(low, high)| self.set(low, high)).collect();
            self.write(rule, symbols)?;
        }
        Ok(Symbol::Rule(rule))
    }

    fn set(&mut self, low: u8, high: u8) -> Symbol {
        let mut set = [0; 4];
        (low..=high).for_each(|byte| insert(&mut set, byte));
        self.symbol(set)
    }

    fn symbol(&mut self, set: ByteSet) -> Symbol {
        let known = self.program.sets.iter().position(|known| *known == set);
        let number = known.unwrap_or_else(|| {
            self.program.sets.push(set);
            self.program.sets.len() - 1
        });
        Symbol::Byte(number as u32)
    }

    fn count(&mut self, more: usize) -> Result<(), Invalid> {
        self.size += more;
        if SYMBOLS_MAX < self.size {
            return Err(Invalid::TooLarge { what: "symbols", most: SYMBOLS_MAX });
        }
        Ok(())
    }
}

impl Program {
    /// Puts bytes that no set tells apart into one class.
    fn sort_bytes(&mut self) {
        let mut known: Vec<Vec<bool>> = Vec::new();
        self.classes = (0..=255u8)
            .map(|byte| {
                let signature: Vec<bool> = self.sets.iter().map(|set| contains(set, byte)).collect();
                let class = known.iter().position(|other| *other == signature).unwrap_or_else(|| {
                    known.push(signature);
                    known.len() - 1
                });
                class as u8
            })
            .collect();
        self.class_count = known.len();
    }

    /// A rule that can come back to itself with no byte read and something left to do after it: there would be no end of that.
    fn left_recursion(&self) -> Option<usize> {
        let edges = self.left_edges(&self.nullable());
        let component = components(&edges);
        let turns = |rule: usize| {
            edges[rule].iter().any(|(other, returns)| *returns && component[*other] == component[rule])
        };
        (0..edges.len()).find(|rule| turns(*rule))
    }

    /// By rule: whether it can be nothing.
    fn nullable(&self) -> Vec<bool> {
        let mut nullable = vec![false; self.rules.len()];
        loop {
            let mut changed = false;
            for (rule, starts) in self.rules.iter().enumerate() {
                let is_nothing = |start: &u32| {
                    self.alternative(*start)
                        .all(|symbol| matches!(symbol, Symbol::Rule(other) if nullable[other as usize]))
                };
                if !nullable[rule] && starts.iter().any(is_nothing) {
                    nullable[rule] = true;
                    changed = true;
                }
            }
            if !changed {
                return nullable;
            }
        }
    }

    /// By rule: the rules that it can begin with, and whether something of the rule comes behind.
    fn left_edges(&self, nullable: &[bool]) -> Vec<Vec<(usize, bool)>> {
        let edges_of = |starts: &Vec<u32>| {
            let mut edges = Vec::new();
            for start in starts {
                let mut symbols = self.alternative(*start).peekable();
                while let Some(Symbol::Rule(other)) = symbols.next() {
                    edges.push((other as usize, symbols.peek().is_some()));
                    if !nullable[other as usize] {
                        break;
                    }
                }
            }
            edges
        };
        self.rules.iter().map(edges_of).collect()
    }

    fn alternative(&self, start: u32) -> impl Iterator<Item = Symbol> + '_ {
        self.symbols[start as usize..].iter().copied().take_while(|symbol| *symbol != Symbol::End)
    }
}

/// By node: the number of its strongly connected component (Kosaraju's algorithm).
fn components(edges: &[Vec<(usize, bool)>]) -> Vec<usize> {
    let forward: Vec<Vec<usize>> =
        edges.iter().map(|ends| ends.iter().map(|(end, _)| *end).collect()).collect();
    let mut backward = vec![Vec::new(); edges.len()];
    for (from, ends) in forward.iter().enumerate() {
        ends.iter().for_each(|end| backward[*end].push(from));
    }
    let mut order = Vec::new();
    let mut seen = vec![false; edges.len()];
    (0..edges.len()).for_each(|node| visit(node, &forward, &mut seen, &mut order));
    let mut component = vec![0; edges.len()];
    let mut seen = vec![false; edges.len()];
    for node in order.into_iter().rev() {
        let mut members = Vec::new();
        visit(node, &backward, &mut seen, &mut members);
        members.into_iter().for_each(|member| component[member] = node);
    }
    component
}

/// Appends what can be reached and was not seen, each behind everything that it leads to.
fn visit(start: usize, edges: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut path = vec![(start, 0)];
    while let Some((node, next)) = path.last_mut() {
        match edges[*node].get(*next) {
            Some(end) => {
                *next += 1;
                if !std::mem::replace(&mut seen[*end], true) {
                    path.push((*end, 0));
                }
            }
            None => {
                order.push(*node);
                path.pop();
            }
        }
    }
}

/// The characters of a range, none of them ASCII, as sequences of ranges of bytes (their UTF-8). Surrogates are left out.
fn byte_sequences(low: u32, high: u32, out: &mut Vec<Vec<(u8, u8)>>) {
    let lengths = [(0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x1_0000, 0x10_FFFF)];
    for (first, last) in lengths {
        split(low.max(first), high.min(last), out);
    }
}

/// Splits a range of characters of one length until each part is every combination of one range a byte.
fn split(low: u32, high: u32, out: &mut Vec<Vec<(u8, u8)>>) {
    if high < low {
        return;
    }
    for bits in [6, 12, 18] {
        let mask = (1 << bits) - 1;
        if low & !mask != high & !mask {
            if low & mask != 0 {
                split(low, low | mask, out);
                return split((low | mask) + 1, high, out);
            }
            if high & mask != mask {
                split(low, (high & !mask) - 1, out);
                return split(high & !mask, high, out);
            }
        }
    }
    let (mut first, mut last) = ([0; 4], [0; 4]);
    // Both are characters: surrogates and what is beyond Unicode were left out before.
    let [low, high] = [low, high].map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    let (first, last) = (low.encode_utf8(&mut first), high.encode_utf8(&mut last));
    out.push(first.bytes().zip(last.bytes()).collect());
}

fn insert(set: &mut ByteSet, byte: u8) {
    set[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

/// Whether the byte is in the set.
pub(super) fn contains(set: &ByteSet, byte: u8) -> bool {
    set[usize::from(byte >> 6)] & 1 << (byte & 63) != 0
}

/// Symbols of a grammar: some megabytes, with all that is made of them.
const SYMBOLS_MAX: usize = 1 << 17;
