//! The header of a GGUF file: what the model is, what it takes, and whether llama.cpp can be given it.
//!
//! ```text
//!     reader (bytes, bounds) -> values (keys) -+-> shape (sizes, for the plan)
//!                            -> vocabulary     +-> refusals (what ends the process, or divides by zero)
//!                            -> tensors -------'
//! ```
//!
//! Everything in it is input from outside: every length is held against the file's before anything is read, what is kept is bounded, and
//! what llama.cpp answers by ending the process is refused here. What llama.cpp checks itself, and answers by an error, is left to it.

mod reader;
mod refusals;
mod shape;
mod tensors;
#[cfg(test)]
mod tests;
mod values;
mod vocabulary;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use modeld_spec::slot::footprint::Shape;

use self::reader::Reader;
use self::values::{Value, Values};

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The family.
    pub architecture: String,
    /// What the model calls itself.
    pub name: Option<String>,
    /// Tokens that it was trained on at once.
    pub context_length: Option<u64>,
    /// Whether it brings a chat template.
    pub has_chat_template: bool,
    /// What it takes depends on this.
    pub shape: Shape,
}

/// Why a file is no model that could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// It does not begin as a GGUF file.
    #[error("it is no GGUF file: it does not begin with \"GGUF\"")]
    Magic,
    /// Of a version that is not known here.
    #[error("it is a GGUF file of version {0}, and 2 and 3 are known")]
    Version(u32),
    /// It ends within its header.
    #[error("it is cut off: it ends within its header, after {length} bytes")]
    CutHeader {
        /// The bytes of the file.
        length: u64,
    },
    /// It ends within its tensors.
    #[error("it is cut off: the tensor {tensor} ends at byte {end}, and the file has {length}")]
    CutTensor {
        /// Which.
        tensor: String,
        /// Where it ends.
        end: u64,
        /// The bytes of the file.
        length: u64,
    },
    /// The header contradicts itself, or says what no model says.
    #[error("its header is damaged: {0}")]
    Damaged(String),
    /// It could not be read.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the header of the file at `path`.
///
/// # Errors
/// [`Invalid`].
pub fn read(path: &Path) -> Result<Header, Invalid> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    read_from(BufReader::new(file), length)
}

/// Reads the header of a file of `length` bytes.
///
/// # Errors
/// [`Invalid`].
pub fn read_from(source: impl Read, length: u64) -> Result<Header, Invalid> {
    header(&mut Reader::new(source, length)).map_err(|error| cut_off(error, length))
}

/// Whether the file at `path` is whole, whatever it is: adapters are of the same format and no models.
///
/// # Errors
/// [`Invalid`].
pub fn check(path: &Path) -> Result<(), Invalid> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let whole = parts(&mut Reader::new(BufReader::new(file), length));
    whole.map(drop).map_err(|error| cut_off(error, length))
}

fn cut_off(error: Invalid, length: u64) -> Invalid {
    match error {
        Invalid::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Invalid::CutHeader { length },
        other => other,
    }
}

fn header<R: Read>(reader: &mut Reader<R>) -> Result<Header, Invalid> {
    let (values, weights) = parts(reader)?;
    let architecture = values.architecture()?.to_string();
    if let Some(Value::Number(parts)) = values.get("split.count")
        && 1 < *parts
    {
        return Err(damaged(format!("it is one of {parts} parts, and models are loaded from one file")));
    }
    refusals::check(&values)?;
    Ok(Header {
        name: values.text("general.name").map(str::to_string),
        context_length: values.number(".context_length"),
        has_chat_template: values.has("tokenizer.chat_template"),
        shape: shape::of(&values, weights)?,
        architecture,
    })
}

/// What every file of this format has: values, and the bytes of its tensors, which are all there.
fn parts<R: Read>(reader: &mut Reader<R>) -> Result<(Values, u64), Invalid> {
    reader.magic()?;
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(Invalid::Version(version));
    }
    let (tensors, pairs) = (reader.u64()?, reader.u64()?);
    if TENSORS_MAX < tensors || PAIRS_MAX < pairs {
        return Err(damaged(format!("it announces {tensors} tensors and {pairs} values")));
    }
    let values = Values::read(reader, pairs)?;
    let weights = tensors::read(reader, tensors, &values)?;
    Ok((values, weights))
}

fn damaged(problem: impl Into<String>) -> Invalid {
    Invalid::Damaged(problem.into())
}

/// The largest known models have some thousands.
const TENSORS_MAX: u64 = 1 << 17;

/// The largest known headers have about a hundred.
const PAIRS_MAX: u64 = 1 << 14;
