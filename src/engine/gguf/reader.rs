//! Bytes of a header, with a bound for each length.

use std::io::{self, Read};

use super::{Invalid, damaged};

/// Reads what a header is made of.
pub(super) struct Reader<R> {
    source: R,
    position: u64,
    length: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(source: R, length: u64) -> Self {
        Reader { source, position: 0, length }
    }

    /// Where it is.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn magic(&mut self) -> Result<(), Invalid> {
        let mut magic = [0; 4];
        match self.source.read_exact(&mut magic) {
            Ok(()) if magic == *b"GGUF" => self.position = 4,
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => return Err(Invalid::Magic),
        }
        Ok(())
    }

    /// A text of at most `bytes_max` bytes; what is no UTF-8 is replaced.
    pub(super) fn text(&mut self, bytes_max: u64) -> Result<String, Invalid> {
        self.bytes(bytes_max).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self, bytes_max: u64) -> Result<Vec<u8>, Invalid> {
        let length = self.u64()?;
        if bytes_max < length {
            return Err(damaged(format!("it has a text of {length} bytes where {bytes_max} are allowed")));
        }
        let mut bytes = vec![0; length as usize];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Invalid> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Invalid> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next few bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Passes over this many bytes.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Invalid> {
        if self.length.saturating_sub(self.position) < count {
            return Err(Invalid::CutHeader { length: self.length });
        }
        let skipped = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
        self.advance(skipped)?;
        if skipped == count { Ok(()) } else { Err(Invalid::CutHeader { length: self.length }) }
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), Invalid> {
        self.source.read_exact(bytes)?;
        self.advance(bytes.len() as u64)
    }

    fn advance(&mut self, count: u64) -> Result<(), Invalid> {
        self.position += count;
        if HEADER_BYTES_MAX < self.position {
            return Err(damaged(format!("it has more than {HEADER_BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

/// llama.cpp reads all of it into memory; the largest known vocabularies take some tens of MiB.
const HEADER_BYTES_MAX: u64 = 512 << 20;
