//! Bytes in, whole characters out: a token may end in the middle of a character, a text never does.
//!
//! Whatever the split, the texts put together are what `String::from_utf8_lossy` makes of all the bytes: what can't become
//! a character any more is U+FFFD at once, what still can is held back, and becomes U+FFFD only at the end.

use alloc::string::String;
use alloc::vec::Vec;

/// Joins byte pieces to characters.
#[derive(Clone, Debug, Default)]
pub struct TextAssembler {
    /// The beginning of one character: at most three bytes.
    partial: Vec<u8>,
}

impl TextAssembler {
    /// Nothing held back.
    pub fn new() -> Self {
        TextAssembler::default()
    }

    /// Takes the next bytes and appends to `text` what is whole.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) {
        self.partial.extend_from_slice(bytes);
        let mut taken = 0;
        let mut chunks = self.partial.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            let may_grow = chunks.peek().is_none() && is_incomplete(invalid);
            if !invalid.is_empty() && !may_grow {
                text.push(char::REPLACEMENT_CHARACTER);
                taken += invalid.len();
            }
        }
        drop(chunks);
        self.partial.drain(..taken);
    }

    /// Ends the text: bytes that wait for the rest of their character become U+FFFD.
    pub fn finish(&mut self, text: &mut String) {
        if !self.partial.is_empty() {
            self.partial.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Whether more bytes could make this a character.
fn is_incomplete(bytes: &[u8]) -> bool {
    // A decoder that reports an error without a length has run out of input inside a character.
    matches!(core::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}
