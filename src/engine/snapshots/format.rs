//! The bytes of a snapshot: a head of fixed length, the tokens, and the contents of the sequence as the backend gave them.
//!
//! ```text
//!     magic 8 | version 4 | tokens 4 | prefix 4 | end 4 | pending? 4 | pending 4 | identity 32 | contents 8 | digest 32
//!     token 4, token 4, ... | contents ...
//! ```
//!
//! Numbers are little-endian. The digest is of all before it and of the tokens, so that a head can be trusted without reading
//! gigabytes; the name of the file is the digest of all of its bytes, that digest included.
//!
//! A file is an outside input: every length is compared with the length of the file before anything is allocated by it, and
//! whatever does not add up is [`Refused`].

use std::io::{self, Read, Write};

use modeld_spec::session::snapshot::{Digest, Head, Refused};
use modeld_spec::session::tape::TokenId;
use sha2::{Digest as _, Sha256};

use super::Snapshot;

/// What is written before the contents; `None` if a number does not fit its field.
pub(super) fn encode_head(head: &Head, contents: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(FIXED + head.tokens.len() * TOKEN);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    for number in [head.tokens.len(), head.prefix, head.end] {
        bytes.extend(u32::try_from(number).ok()?.to_le_bytes());
    }
    bytes.extend(u32::from(head.pending.is_some()).to_le_bytes());
    bytes.extend(head.pending.unwrap_or(TokenId(0)).0.to_le_bytes());
    bytes.extend(head.identity.0);
    bytes.extend(u64::try_from(contents).ok()?.to_le_bytes());
    let tokens: Vec<u8> = head.tokens.iter().flat_map(|token| token.0.to_le_bytes()).collect();
    bytes.extend(head_digest(&bytes, &tokens));
    bytes.extend(tokens);
    Some(bytes)
}

/// Writes all of `parts`, in order, and says the digest of their bytes.
///
/// # Errors
/// What the system says.
pub(super) fn write_hashed(to: &mut dyn Write, parts: &[&[u8]]) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK)) {
        hash.update(chunk);
        to.write_all(chunk)?;
    }
    to.flush()?;
    Ok(Digest(hash.finalize().into()))
}

/// What a file of `length` bytes says, and the digest of those bytes.
///
/// # Errors
/// [`Refused::Unreadable`] if it can't be read, ends too early or is no snapshot; [`Refused::Digest`] if its head was damaged.
pub(super) fn read(from: &mut dyn Read, length: u64) -> Result<Snapshot, Refused> {
    let unreadable = |_| Refused::Unreadable;
    let mut fixed = [0; FIXED];
    from.read_exact(&mut fixed).map_err(unreadable)?;
    let fixed = Fixed::parse(&fixed, length)?;
    let mut hash = Sha256::new();
    hash.update(fixed.bytes);
    let tokens = read_exactly(from, fixed.tokens * TOKEN, &mut hash)?;
    if head_digest(&fixed.bytes[..CHECKED], &tokens) != fixed.bytes[CHECKED..] {
        return Err(Refused::Digest);
    }
    let (tokens, _) = tokens.as_chunks::<TOKEN>();
    let tokens = tokens.iter().map(|bytes| TokenId(i32::from_le_bytes(*bytes))).collect();
    let Fixed { identity, prefix, end, pending, .. } = fixed;
    let head = Head { identity, tokens, prefix, end, pending };
    let contents = read_exactly(from, fixed.contents, &mut hash)?;
    Ok(Snapshot { head, contents, digest: Digest(hash.finalize().into()) })
}

/// The part of fixed length, whose numbers agree with the length of the file.
struct Fixed<'a> {
    bytes: &'a [u8; FIXED],
    tokens: usize,
    prefix: usize,
    end: usize,
    pending: Option<TokenId>,
    identity: Digest,
    contents: usize,
}

impl<'a> Fixed<'a> {
    fn parse(bytes: &'a [u8; FIXED], length: u64) -> Result<Self, Refused> {
        let mut rest = Fields(bytes);
        let (magic, version) = (rest.take::<8>(), rest.number());
        let numbers = [rest.number(), rest.number(), rest.number()];
        let is_pending = rest.number();
        let pending = TokenId(i32::from_le_bytes(rest.take()));
        let identity = Digest(rest.take());
        let contents = u64::from_le_bytes(rest.take());
        let [tokens, prefix, end] = numbers.map(|number| number as usize);
        let adds_up = (FIXED as u64)
            .checked_add(tokens as u64 * TOKEN as u64)
            .and_then(|head| head.checked_add(contents))
            == Some(length);
        if magic != MAGIC || version != VERSION || 1 < is_pending || !adds_up {
            return Err(Refused::Unreadable);
        }
        let contents = usize::try_from(contents).map_err(|_| Refused::Unreadable)?;
        let pending = (is_pending == 1).then_some(pending);
        Ok(Fixed { bytes, tokens, prefix, end, pending, identity, contents })
    }
}

/// What is left of a head of fixed length; past its end everything is zero.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

/// The next `length` bytes, which are known to be in the file.
fn read_exactly(from: &mut dyn Read, length: usize, hash: &mut Sha256) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Refused::Unreadable)?;
    while bytes.len() < length {
        let before = bytes.len();
        let chunk = (length - before).min(CHUNK) as u64;
        from.take(chunk).read_to_end(&mut bytes).map_err(|_| Refused::Unreadable)?;
        if bytes.len() == before {
            return Err(Refused::Unreadable);
        }
        hash.update(&bytes[before..]);
    }
    Ok(bytes)
}

fn head_digest(fixed: &[u8], tokens: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(fixed);
    hash.update(tokens);
    hash.finalize().into()
}

/// Says what the file is, and by its last byte that it is not a text.
const MAGIC: [u8; 8] = *b"modelKV\0";

/// Changes with every change of the layout; a file of another version is unreadable.
const VERSION: u32 = 1;

/// Bytes of a token.
const TOKEN: usize = 4;

/// Bytes of the fixed part that its digest is of.
const CHECKED: usize = 8 + 6 * 4 + 32 + 8;

/// Bytes of the fixed part.
pub(super) const FIXED: usize = CHECKED + 32;

/// What is hashed and written at once: small enough to be in the processor's cache for both.
const CHUNK: usize = 1 << 18;
