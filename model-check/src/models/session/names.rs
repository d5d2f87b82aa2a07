//! What things are called in the session model: tokens are bits, digests are short hashes.

use std::hash::{DefaultHasher, Hash, Hasher};

use modeld_spec::ids::Epoch;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;

/// At most eight tokens of an alphabet of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text {
    len: u8,
    bits: u8,
}

impl Text {
    /// The text of these tokens.
    pub fn of(tokens: impl IntoIterator<Item = TokenId>) -> Self {
        let mut text = Text::default();
        tokens.into_iter().for_each(|token| text.push(token));
        text
    }

    /// How many tokens.
    pub fn len(self) -> usize {
        usize::from(self.len)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The tokens.
    pub fn tokens(self) -> impl Iterator<Item = TokenId> {
        (0..self.len).map(move |at| TokenId(i32::from(self.bits >> at & 1)))
    }

    /// Puts a token behind the last one.
    pub fn push(&mut self, token: TokenId) {
        self.bits |= u8::from(token.0 != 0) << self.len;
        self.len += 1;
    }

    /// This text and another one behind it.
    #[must_use]
    pub fn and(self, other: Text) -> Text {
        Text::of(self.tokens().chain(other.tokens()))
    }

    /// Its first tokens.
    #[must_use]
    pub fn head(self, len: usize) -> Text {
        Text::of(self.tokens().take(len))
    }

    /// Whether `other` is its beginning, or all of it.
    pub fn begins_with(self, other: Text) -> bool {
        other.len <= self.len && self.head(other.len()) == other
    }

    /// How many tokens both begin with.
    pub fn common(self, other: Text) -> usize {
        self.tokens().zip(other.tokens()).take_while(|(a, b)| a == b).count()
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        self.tokens().try_for_each(|token| f.write_str(if token.0 == 0 { "a" } else { "b" }))
    }
}

/// The epoch with this number.
pub fn epoch(number: usize) -> Epoch {
    Epoch::new(number as u64).unwrap_or(Epoch::FIRST)
}

/// The digest of something.
pub fn digest(of: &impl Hash) -> Digest {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    Digest(bytes)
}

/// What the caches of the modelled owners are computed with.
pub const IDENTITY: Digest = Digest([1; 32]);

/// What the cache of another model is computed with.
pub const FOREIGN: Digest = Digest([2; 32]);

/// The tokens of a text of `a` and `b`.
pub fn tokens(text: &str) -> Vec<TokenId> {
    text.bytes().map(|letter| TokenId(i32::from(letter == b'b'))).collect()
}
