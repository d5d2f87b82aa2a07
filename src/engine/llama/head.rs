//! The header of a GGUF file as bytes in memory, read value by value: for checks that go further than `gguf.rs`, which has found
//! the file to be whole before.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a header can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// The file can't.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
    /// It is longer than what was read.
    #[error("its header ends later than it may")]
    Long,
    /// It has a value of a kind that is not known.
    #[error("its header has a value of the unknown kind {0}")]
    Kind(u64),
}

/// The beginning of a file, as much as a header may have.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is left of a header.
pub(super) struct Head<'a> {
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    /// The values of a header, the number of tensors, and the number of values.
    pub(super) fn new(bytes: &'a [u8]) -> Result<(Self, u64, u64), Unreadable> {
        let mut head = Head { rest: bytes };
        let _magic_and_version = head.number(8)?;
        let (tensors, pairs) = (head.number(8)?, head.number(8)?);
        Ok((head, tensors, pairs))
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, kind: u64) -> Result<(), Unreadable> {
        match kind {
            TEXT => {
                let length = self.number(8)?;
                self.bytes(length).map(|_| ())
            }
            LIST => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind))
            }
            _ => self.bytes(size_of(kind)?).map(|_| ()),
        }
    }

    /// A whole number, or the whole numbers of a list; `None` for anything else. Negative ones are the large ones of their bits.
    pub(super) fn numbers(&mut self, kind: u64) -> Result<Option<Vec<u64>>, Unreadable> {
        let is_whole = |kind| matches!(kind, 0..=5 | 7 | 10 | 11);
        match kind {
            LIST => {
                let (kind, count) = self.list()?;
                if is_whole(kind) && count <= NUMBERS_MAX {
                    let size = size_of(kind)?;
                    return (0..count).map(|_| self.number(size)).collect::<Result<_, _>>().map(Some);
                }
                (0..count).try_for_each(|_| self.skip(kind))?;
                Ok(None)
            }
            _ if is_whole(kind) => Ok(Some(vec![self.number(size_of(kind)?)?])),
            _ => self.skip(kind).map(|()| None),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Unreadable> {
        let length = self.number(8)?;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    /// A number of up to eight bytes.
    pub(super) fn number(&mut self, size: u64) -> Result<u64, Unreadable> {
        let mut number = [0; 8];
        let bytes = self.bytes(size)?;
        number[..bytes.len()].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(number))
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = split.ok_or(Unreadable::Long)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The kind and the number of a list's elements; lists are not in lists.
    fn list(&mut self) -> Result<(u64, u64), Unreadable> {
        match (self.number(4)?, self.number(8)?) {
            (LIST, _) => Err(Unreadable::Kind(LIST)),
            list => Ok(list),
        }
    }
}

/// Bytes of a value of one of the kinds that always have as many.
fn size_of(kind: u64) -> Result<u64, Unreadable> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        other => Err(Unreadable::Kind(other)),
    }
}

/// The format's number for a text.
pub(super) const TEXT: u64 = 8;

/// The format's number for a real number of 32 bits.
pub(super) const F32: u64 = 6;

const LIST: u64 = 9;

/// The longest list of numbers that is looked at: one for each layer.
const NUMBERS_MAX: u64 = 4096;
