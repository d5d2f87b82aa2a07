//! The header of an adapter (LoRA), looked at before llama.cpp sees it: what it would end the process over is refused here.
//!
//! That is a header which is cut off or contradicts itself, a text that is a number, a tensor of a type that can't be multiplied,
//! and one with more than two dimensions. Whether the tensors fit the model llama.cpp checks itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::gguf;

/// Why a file is no adapter for the model.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// It is no whole GGUF file.
    #[error(transparent)]
    File(#[from] gguf::Invalid),
    /// It could not be read.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
    /// Its header is larger than one of an adapter.
    #[error("its header has more than {HEADER_BYTES_MAX} bytes")]
    Header,
    /// It is something else.
    #[error("its {key} is {found} and not {wanted}")]
    Other {
        /// Which value of the header.
        key: &'static str,
        /// What it says.
        found: String,
        /// What it has to say.
        wanted: String,
    },
    /// A value is of the wrong kind.
    #[error("its {0} is of the wrong kind")]
    Kind(String),
    /// A tensor that can't be used.
    #[error("its tensor {tensor} {problem}")]
    Tensor {
        /// Which.
        tensor: String,
        /// Why not.
        problem: String,
    },
    /// It has no tensors.
    #[error("it has no tensors")]
    Empty,
}

/// Checks the file of an adapter for a model of this architecture.
pub(super) fn check(path: &Path, architecture: &str) -> Result<(), Unfit> {
    gguf::read(path)?;
    let mut head = Vec::new();
    File::open(path)?.take(HEADER_BYTES_MAX).read_to_end(&mut head)?;
    let mut head = Head { rest: &head };
    let _magic_and_version = head.number(8)?;
    let (tensors, pairs) = (head.number(8)?, head.number(8)?);
    let wanted =
        [("general.type", "adapter"), ("adapter.type", "lora"), ("general.architecture", architecture)];
    let mut found = [const { String::new() }; 3];
    for _ in 0..pairs {
        let key = head.text()?;
        let kind = head.number(4)?;
        match wanted.iter().position(|(wanted, _)| *wanted == key) {
            Some(index) if kind == TEXT => found[index] = head.text()?,
            Some(_) => return Err(Unfit::Kind(key)),
            None if key == "adapter.lora.alpha" && kind != F32 => return Err(Unfit::Kind(key)),
            None => head.value(kind)?,
        }
    }
    for ((key, wanted), found) in wanted.into_iter().zip(found) {
        if found != wanted {
            return Err(Unfit::Other { key, found, wanted: wanted.to_string() });
        }
    }
    if tensors == 0 {
        return Err(Unfit::Empty);
    }
    (0..tensors).try_for_each(|_| head.tensor())
}

/// What is left of a header; it was found to be whole before, as far as it is here.
struct Head<'a> {
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn tensor(&mut self) -> Result<(), Unfit> {
        let tensor = self.text()?;
        let dimensions = self.number(4)?;
        self.bytes(dimensions.saturating_mul(8))?;
        let kind = self.number(4)?;
        let _offset = self.number(8)?;
        let problem = if dimensions != 2 && !tensor.ends_with("_norm.weight") {
            format!("has {dimensions} dimensions and not 2")
        } else if !TYPES.contains(&kind) {
            format!("is of the type {kind}, which no adapter has")
        } else {
            return Ok(());
        };
        Err(Unfit::Tensor { tensor, problem })
    }

    /// Passes over a value; lists are not in lists.
    fn value(&mut self, kind: u64) -> Result<(), Unfit> {
        let length = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            TEXT => self.number(8)?,
            LIST => {
                let (kind, count) = (self.number(4)?, self.number(8)?);
                if kind == LIST {
                    return Err(Unfit::Kind("list".to_string()));
                }
                return (0..count).try_for_each(|_| self.value(kind));
            }
            _ => return Err(Unfit::Kind("value".to_string())),
        };
        self.bytes(length).map(|_| ())
    }

    fn text(&mut self) -> Result<String, Unfit> {
        let length = self.number(8)?;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    fn number(&mut self, length: u64) -> Result<u64, Unfit> {
        let mut number = [0; 8];
        let bytes = self.bytes(length)?;
        number[..bytes.len()].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(number))
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Unfit> {
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = split.ok_or(Unfit::Header)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// Types that ggml multiplies matrices of: f32, f16, the quantised ones of old, bf16.
const TYPES: [u64; 8] = [0, 1, 2, 3, 6, 7, 8, 30];

const TEXT: u64 = 8;
const LIST: u64 = 9;
const F32: u64 = 6;

/// Bytes of a header at most: one of an adapter has some hundred names.
const HEADER_BYTES_MAX: u64 = 16 << 20;
