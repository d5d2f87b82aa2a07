//! A byte-level BPE vocabulary of any size, made up: every byte, merges of common letters, ChatML's markers.
//!
//! It splits real text into pieces of several letters and puts every text back together exactly; which pieces
//! these are means nothing.

use std::collections::BTreeSet;

/// Tokens, their types and the merges that lead to them.
pub struct Vocabulary {
    /// The text of each token, in the alphabet of byte-level BPE.
    pub tokens: Vec<String>,
    /// 1 for text, 3 for a marker, as llama.cpp counts.
    pub types: Vec<i32>,
    /// Pairs of tokens, the first merge first.
    pub merges: Vec<String>,
}

impl Vocabulary {
    /// A vocabulary of `size` tokens: at least the 256 bytes and the markers, at most a million.
    pub fn new(size: u32) -> Vocabulary {
        let mut tokens: Vec<String> = (0..=255).map(|byte| letter(byte).to_string()).collect();
        let wanted = (size as usize).saturating_sub(MARKERS.len());
        let mut merges = Vec::new();
        let mut known: BTreeSet<String> = tokens.iter().cloned().collect();
        for (left, right) in pairs() {
            if tokens.len() >= wanted {
                break;
            }
            let merged = format!("{left}{right}");
            if known.insert(merged.clone()) {
                merges.push(format!("{left} {right}"));
                tokens.push(merged);
            }
        }
        let mut types = vec![TEXT; tokens.len()];
        tokens.extend(MARKERS.map(String::from));
        types.resize(tokens.len(), MARKER);
        Vocabulary { tokens, types, merges }
    }

    /// The number of the token that ends a text.
    pub fn end_of_text(&self) -> u32 {
        (self.tokens.len() - MARKERS.len()) as u32
    }

    /// The number of the token that ends a turn of a conversation.
    pub fn end_of_turn(&self) -> u32 {
        (self.tokens.len() - 1) as u32
    }
}

/// The pairs to merge, those of frequent letters first: letters, then letters with pairs, then pairs.
fn pairs() -> impl Iterator<Item = (String, String)> {
    let letters: Vec<String> = FREQUENT.chars().map(String::from).collect();
    let doubles = cross(&letters, &letters);
    let double_texts: Vec<String> = doubles.iter().map(|(left, right)| format!("{left}{right}")).collect();
    let triples = cross(&double_texts, &letters);
    let quadruples = cross(&double_texts, &double_texts);
    doubles.into_iter().chain(triples).chain(quadruples)
}

fn cross(left: &[String], right: &[String]) -> Vec<(String, String)> {
    let pair = |l: &String| right.iter().map(move |r| (l.clone(), r.clone())).collect::<Vec<_>>();
    left.iter()
        .flat_map(pair)
        // A space begins a word, so it stands only at the front of a piece.
        .filter(|(_, right)| !right.contains(SPACE))
        .collect()
}

/// The letter that stands for a byte: itself if it can be printed, else the next free one from 256.
fn letter(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|other| !printable(*other)).count() as u32;
    char::from_u32(256 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// How to write a conversation: ChatML.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + \
     message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ \
     '<|im_start|>assistant\\n' }}{% endif %}";

/// The space in the alphabet of byte-level BPE.
const SPACE: char = 'Ġ';
/// Roughly by frequency in English, the space first.
const FREQUENT: &str = "Ġetaoinshrdlcumwfgypbvkjxqz";
const MARKERS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const TEXT: i32 = 1;
const MARKER: i32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_that_of_byte_level_bpe() {
        assert_eq!(letter(b'A'), 'A');
        assert_eq!(letter(b' '), SPACE);
        assert_eq!(letter(b'\n'), 'Ċ');
        assert_eq!(letter(0), 'Ā');
        assert_eq!(letter(0xAD), '\u{143}');
        let all: BTreeSet<char> = (0..=255).map(letter).collect();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn a_vocabulary_has_the_size_asked_for_and_each_token_once() {
        for size in [512, 32_000] {
            let vocabulary = Vocabulary::new(size);
            assert_eq!(vocabulary.tokens.len(), size as usize);
            assert_eq!(vocabulary.types.len(), size as usize);
            let unique: BTreeSet<&String> = vocabulary.tokens.iter().collect();
            assert_eq!(unique.len(), size as usize);
            assert_eq!(vocabulary.tokens[vocabulary.end_of_text() as usize], "<|endoftext|>");
            assert_eq!(vocabulary.tokens[vocabulary.end_of_turn() as usize], "<|im_end|>");
        }
    }

    #[test]
    fn every_merge_joins_tokens_made_before_into_the_next_one() {
        let vocabulary = Vocabulary::new(32_000);
        let mut known: BTreeSet<&str> = vocabulary.tokens[..256].iter().map(String::as_str).collect();
        for (merge, token) in vocabulary.merges.iter().zip(&vocabulary.tokens[256..]) {
            let (left, right) = merge.split_once(' ').expect("two tokens");
            assert!(known.contains(left) && known.contains(right), "{merge}");
            assert_eq!(format!("{left}{right}"), *token);
            known.insert(token);
        }
        assert_eq!(vocabulary.merges.len(), 32_000 - 256 - MARKERS.len());
    }
}
