//! A session on disk: what a snapshot says about itself, and whether it may be restored here.
//!
//! ```text
//!     read -- unreadable, absent ----------------> refused
//!       `--> digest, identity, shape, room hold --> load into a spare sequence --> compare --> adopt
//!            one does not ------------------------> refused
//! ```
//!
//! A snapshot is named by the digest of all of its bytes. Whoever reads it computes the digest of what was read and
//! loads that, so nothing that was not verified reaches the cache (T11). The decision is made here and changes nothing.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::session::tape::{Tape, TokenCount, TokenId};

/// A SHA-256 digest: of a snapshot's bytes, or of the manifest that says what a cache was computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    /// The digest with this name: 64 small hexadecimal digits and nothing else, so that each has one name.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let parse = || {
            let (pairs, rest) = text.as_bytes().as_chunks::<2>();
            let pairs: &[[u8; 2]; 32] = pairs.try_into().ok().filter(|_| rest.is_empty())?;
            let mut bytes = [0; 32];
            for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
                *byte = value(*high)? << 4 | value(*low)?;
            }
            Some(Digest(bytes))
        };
        parse().ok_or_else(|| InvalidDigest { given: text.chars().take(GIVEN_CHARS).collect() })
    }
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits in small letters, and {given:?} is not")]
pub struct InvalidDigest {
    /// The beginning of the text.
    pub given: String,
}

/// As much of a text that is no digest is shown: one digit more than a digest has.
const GIVEN_CHARS: usize = 65;

/// What a snapshot says besides the contents of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// What the cache was computed with: model, tokenizer, adapters, settings of the cache, build of the engine.
    pub identity: Digest,
    /// All resident tokens, the tail included.
    pub tokens: Vec<TokenId>,
    /// Tokens of the stable prefix.
    pub prefix: usize,
    /// Where the next token goes.
    pub end: usize,
    /// A token that was handed out and is not in the cache.
    pub pending: Option<TokenId>,
}

impl Head {
    /// T11: whether the snapshot that was asked for as `asked`, and whose bytes have the digest `found`, can stand for a session
    /// of a model with `identity` and room for `limit` tokens.
    ///
    /// # Errors
    /// [`Refused`]; nothing was changed.
    pub fn verify(
        &self,
        asked: Digest,
        found: Digest,
        identity: Digest,
        limit: usize,
    ) -> Result<Tape, Refused> {
        if asked != found {
            return Err(Refused::Digest);
        }
        if self.identity != identity {
            return Err(Refused::Identity);
        }
        if limit < self.tokens.len() {
            let (resident, limit) = (TokenCount::of(self.tokens.len()), TokenCount::of(limit));
            return Err(Refused::Overflow { resident, limit });
        }
        // A sampled token goes behind everything: with a tail there is none.
        let shape_holds = self.pending.is_none() || self.end == self.tokens.len();
        let tape = Tape::restored(self.tokens.clone(), self.prefix, self.end);
        tape.filter(|_| shape_holds).ok_or(Refused::Malformed)
    }
}

/// Why a snapshot is not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// There is none of this name.
    #[error("there is no such snapshot")]
    Absent,
    /// It could not be read, or ends too early.
    #[error("the snapshot could not be read")]
    Unreadable,
    /// Its bytes are not those that it is named after.
    #[error("the snapshot's bytes are not those that it is named after")]
    Digest,
    /// It was computed with another model or other settings.
    #[error("the snapshot was computed with another model or other settings")]
    Identity,
    /// It holds more tokens than this session has room for.
    #[error("the snapshot holds {resident} tokens, and {limit} fit")]
    Overflow {
        /// Tokens that it holds.
        resident: TokenCount,
        /// Tokens that the session has room for.
        limit: TokenCount,
    },
    /// Its numbers contradict each other.
    #[error("the snapshot's numbers contradict each other")]
    Malformed,
    /// The cache does not hold after the load what the snapshot says.
    #[error("the cache held something else after the load than the snapshot says")]
    Unproven,
}
