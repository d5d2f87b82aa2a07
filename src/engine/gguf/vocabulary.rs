//! The vocabulary of a header: counted, and what in it would end the process.
//!
//! llama.cpp gives each token the text up to its first zero byte, and an empty one a name with its number; it ends the process if two are
//! the same then.

use std::collections::HashSet;
use std::io::Read;

use super::reader::Reader;
use super::values::TEXT;
use super::{Invalid, damaged};

/// What was seen of the vocabulary.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    /// How many tokens there are.
    pub(super) tokens: u64,
    /// Which bytes have a token of their own, as `<0x0A>` or as themselves.
    bytes: [bool; 256],
    /// Whether a line end is a token.
    pub(super) has_line_end: bool,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Vocabulary { tokens: 0, bytes: [false; 256], has_line_end: false }
    }
}

impl Vocabulary {
    /// A byte that has no token.
    pub(super) fn missing_byte(&self) -> Option<u8> {
        let place = self.bytes.iter().position(|is_there| !is_there)?;
        u8::try_from(place).ok()
    }

    fn note(&mut self, token: &[u8]) {
        match token {
            // A byte above is no text by itself, and is not looked up as such.
            [byte] if byte.is_ascii() => self.bytes[usize::from(*byte)] = true,
            [b'<', b'0', b'x', digits @ .., b'>'] if digits.len() == 2 => {
                let is_upper = digits.iter().all(|digit| !digit.is_ascii_lowercase());
                let byte =
                    std::str::from_utf8(digits).ok().and_then(|text| u8::from_str_radix(text, 16).ok());
                if let Some(byte) = byte.filter(|_| is_upper) {
                    self.bytes[usize::from(byte)] = true;
                }
            }
            _ => {}
        }
        self.has_line_end |= token == b"\n" || token == b"\\n";
    }
}

/// Reads the list behind its kind.
pub(super) fn read<R: Read>(reader: &mut Reader<R>) -> Result<Vocabulary, Invalid> {
    let (kind, count) = (reader.u32()?, reader.u64()?);
    if kind != TEXT || TOKENS_MAX < count {
        return Err(damaged(format!("its vocabulary is no list of at most {TOKENS_MAX} texts")));
    }
    let mut vocabulary = Vocabulary { tokens: count, ..Vocabulary::default() };
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut bytes_left = BYTES_MAX;
    for number in 0..count {
        let mut token = reader.bytes(TOKEN_BYTES_MAX.min(bytes_left))?;
        bytes_left -= token.len() as u64;
        let length = token.iter().position(|byte| *byte == 0).unwrap_or(token.len());
        token.truncate(length);
        if token.is_empty() {
            token = format!("[EMPTY_{number}]").into_bytes();
        }
        vocabulary.note(&token);
        if !seen.insert(token) {
            return Err(damaged("its vocabulary has a token twice"));
        }
    }
    Ok(vocabulary)
}

/// The largest known vocabularies have some hundred thousand.
const TOKENS_MAX: u64 = 1 << 22;

/// A token of the largest known vocabularies has some hundred bytes.
const TOKEN_BYTES_MAX: u64 = 65_535;

/// All texts together are kept while they are compared.
const BYTES_MAX: u64 = 128 << 20;
