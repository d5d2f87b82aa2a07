//! The header of a GGUF file: what the model says of itself, and whether the file is whole.
//!
//! Everything in it is input from outside: every length is held against the file's before anything is read, and nothing is kept but a
//! few short texts. It does not check what the tensors are for; llama.cpp does.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The family.
    pub(super) architecture: String,
    /// What the model calls itself.
    pub(super) name: Option<String>,
    /// Tokens that it was trained on at once.
    pub(super) context_length: Option<u64>,
    /// Whether it brings a chat template.
    pub(super) has_chat_template: bool,
}

/// Why a file is no model that could be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
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
        /// Where it ends, or begins if its type is not known.
        end: u64,
        /// The bytes of the file.
        length: u64,
    },
    /// The header contradicts itself.
    #[error("its header is damaged: {0}")]
    Damaged(String),
    /// It could not be read.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the header.
pub(super) fn read(path: &Path) -> Result<Header, Invalid> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = Reader { source: BufReader::new(file), position: 0, length };
    reader.header().map_err(|error| match error {
        Invalid::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Invalid::CutHeader { length },
        other => other,
    })
}

struct Reader<R> {
    source: R,
    position: u64,
    length: u64,
}

impl<R: Read> Reader<R> {
    fn header(&mut self) -> Result<Header, Invalid> {
        let mut magic = [0; 4];
        match self.source.read_exact(&mut magic) {
            Ok(()) if magic == *b"GGUF" => self.position = 4,
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => return Err(Invalid::Magic),
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Invalid::Version(version));
        }
        let (tensors, pairs) = (self.u64()?, self.u64()?);
        if TENSORS_MAX < tensors || PAIRS_MAX < pairs {
            return Err(Invalid::Damaged(format!("it announces {tensors} tensors and {pairs} values")));
        }
        let mut found = Found::default();
        for _ in 0..pairs {
            self.pair(&mut found)?;
        }
        self.tensors(tensors, found.alignment.unwrap_or(ALIGNMENT))?;
        let architecture =
            found.architecture.ok_or_else(|| Invalid::Damaged("it names no architecture".to_string()))?;
        let number = |end: &str| {
            let key = format!("{architecture}{end}");
            found.numbers.iter().find(|(name, _)| *name == key).map(|(_, number)| *number)
        };
        // A model without attention says that it has no heads.
        let recurrent = ["mamba", "rwkv"].iter().any(|name| architecture.contains(name));
        for (end, least, most) in NUMBERS {
            let least = if recurrent && *end == ".attention.head_count" { &0 } else { least };
            if let Some(number) = number(end).filter(|number| number < least || most < number) {
                return Err(Invalid::Damaged(format!("{architecture}{end} is {number}")));
            }
        }
        let context_length = number(".context_length");
        let has_chat_template = found.has_chat_template;
        Ok(Header { architecture, name: found.name, context_length, has_chat_template })
    }

    fn pair(&mut self, found: &mut Found) -> Result<(), Invalid> {
        let key = self.text(KEY_BYTES_MAX)?;
        let kind = self.u32()?;
        match (key.as_str(), kind) {
            ("general.architecture", TEXT) => found.architecture = Some(self.text(NAME_BYTES_MAX)?),
            ("general.name", TEXT) => found.name = Some(self.text(NAME_BYTES_MAX)?),
            ("general.alignment", 4) => {
                let alignment = u64::from(self.u32()?);
                if !alignment.is_power_of_two() {
                    return Err(Invalid::Damaged(format!("its alignment is {alignment}")));
                }
                found.alignment = Some(alignment);
            }
            ("tokenizer.chat_template", TEXT) => {
                found.has_chat_template = true;
                self.value(kind, 0)?;
            }
            ("tokenizer.ggml.tokens", LIST) => self.vocabulary()?,
            (name, 4) if NUMBERS.iter().any(|(end, ..)| name.ends_with(end)) => {
                let number = u64::from(self.u32()?);
                found.numbers.push((key, number));
            }
            _ => self.value(kind, 0)?,
        }
        Ok(())
    }

    /// Passes over the vocabulary. llama.cpp ends the process if a token is there twice; one without a text has none to it.
    fn vocabulary(&mut self) -> Result<(), Invalid> {
        let (kind, count) = (self.u32()?, self.u64()?);
        if kind != TEXT {
            return Err(Invalid::Damaged("its vocabulary is no list of texts".to_string()));
        }
        let mut seen = HashSet::new();
        for _ in 0..count {
            let token = self.bytes(KEY_BYTES_MAX)?;
            if !token.is_empty() && !seen.insert(token) {
                return Err(Invalid::Damaged("its vocabulary has a token twice".to_string()));
            }
        }
        Ok(())
    }

    /// Passes over a value.
    fn value(&mut self, kind: u32, depth: u32) -> Result<(), Invalid> {
        match kind {
            0 | 1 | 7 => self.skip(1),
            2 | 3 => self.skip(2),
            4..=6 => self.skip(4),
            10..=12 => self.skip(8),
            TEXT => {
                let length = self.u64()?;
                self.skip(length)
            }
            LIST if depth < DEPTH_MAX => {
                let (kind, count) = (self.u32()?, self.u64()?);
                // Each element has at least a byte.
                if self.length < count {
                    return Err(Invalid::CutHeader { length: self.length });
                }
                (0..count).try_for_each(|_| self.value(kind, depth + 1))
            }
            _ => Err(Invalid::Damaged(format!("it has a value of the unknown type {kind}"))),
        }
    }

    fn tensors(&mut self, count: u64, alignment: u64) -> Result<(), Invalid> {
        let mut ends = Vec::new();
        for _ in 0..count {
            let name = self.text(KEY_BYTES_MAX)?;
            let dimensions = self.u32()?;
            if DIMENSIONS_MAX < dimensions {
                return Err(Invalid::Damaged(format!("the tensor {name} has {dimensions} dimensions")));
            }
            let mut elements = 1u64;
            for _ in 0..dimensions {
                let size = self.u64()?;
                elements = elements
                    .checked_mul(size)
                    .ok_or_else(|| Invalid::Damaged(format!("the tensor {name} is too large")))?;
            }
            let (kind, offset) = (self.u32()?, self.u64()?);
            ends.push((name, offset.saturating_add(bytes_of(kind, elements))));
        }
        let start = self.position.next_multiple_of(alignment);
        let last = ends.into_iter().max_by_key(|(_, end)| *end);
        match last {
            Some((tensor, end)) if self.length < start.saturating_add(end) => {
                Err(Invalid::CutTensor { tensor, end: start.saturating_add(end), length: self.length })
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, bytes_max: u64) -> Result<String, Invalid> {
        self.bytes(bytes_max).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes(&mut self, bytes_max: u64) -> Result<Vec<u8>, Invalid> {
        let length = self.u64()?;
        if bytes_max < length {
            return Err(Invalid::Damaged(format!("it has a name of {length} bytes")));
        }
        let mut bytes = vec![0; length as usize];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Invalid> {
        let mut bytes = [0; 4];
        self.exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, Invalid> {
        let mut bytes = [0; 8];
        self.exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), Invalid> {
        self.source.read_exact(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn skip(&mut self, count: u64) -> Result<(), Invalid> {
        if self.length - self.position.min(self.length) < count {
            return Err(Invalid::CutHeader { length: self.length });
        }
        let skipped = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
        self.position += skipped;
        if skipped == count { Ok(()) } else { Err(Invalid::CutHeader { length: self.length }) }
    }
}

#[derive(Default)]
struct Found {
    architecture: Option<String>,
    name: Option<String>,
    alignment: Option<u64>,
    /// By key: the architecture, which the key begins with, may come later.
    numbers: Vec<(String, u64)>,
    has_chat_template: bool,
}

/// Bytes of this many elements; 0 for a type that is not known here, so that only its beginning is held against the file.
fn bytes_of(kind: u32, elements: u64) -> u64 {
    match TYPES.iter().find(|(known, ..)| *known == kind) {
        Some((_, elements_per_block, bytes_per_block)) => {
            elements.div_ceil(*elements_per_block).saturating_mul(*bytes_per_block)
        }
        None => 0,
    }
}

/// Number, elements and bytes of a block: the types that are stored in files.
const TYPES: &[(u32, u64, u64)] = &[
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
    (24, 1, 1),
    (25, 1, 2),
    (26, 1, 4),
    (27, 1, 8),
    (28, 1, 8),
    (30, 1, 2),
];

/// Numbers that llama.cpp takes as they are and ends the process over, or divides by, when they are out of their range: the end of
/// the key, the least and the most.
const NUMBERS: &[(&str, u64, u64)] = &[
    (".context_length", 1, 1 << 30),
    (".block_count", 1, 512),
    (".embedding_length", 1, 1 << 20),
    (".attention.head_count", 1, 1 << 16),
];

const TEXT: u32 = 8;
const LIST: u32 = 9;

/// What data is aligned to where the file does not say.
const ALIGNMENT: u64 = 32;

/// Lists in lists: none are known.
const DEPTH_MAX: u32 = 2;

/// llama.cpp knows four.
const DIMENSIONS_MAX: u32 = 4;

/// The largest known models have some thousands.
const TENSORS_MAX: u64 = 1 << 20;

/// The largest known headers have about a hundred.
const PAIRS_MAX: u64 = 1 << 16;

/// The format's own bound.
const KEY_BYTES_MAX: u64 = 65_535;

const NAME_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::{Header, Invalid, Reader};

    /// A file of one text value, one number, and one tensor of 4 floats.
    fn file() -> Vec<u8> {
        file_with(["a", "b"])
    }

    fn file_with(tokens: [&str; 2]) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        bytes.extend(3u32.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(3u64.to_le_bytes());
        text(&mut bytes, "llama.context_length");
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(512u32.to_le_bytes());
        text(&mut bytes, "general.architecture");
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, "llama");
        text(&mut bytes, "tokenizer.ggml.tokens");
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(8u32.to_le_bytes());
        bytes.extend(2u64.to_le_bytes());
        tokens.into_iter().for_each(|token| text(&mut bytes, token));
        text(&mut bytes, "output.weight");
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(4u64.to_le_bytes());
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend([0; 16]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Header, Invalid> {
        let length = bytes.len() as u64;
        let mut reader = Reader { source: bytes, position: 0, length };
        reader.header()
    }

    #[test]
    fn a_whole_file_is_read() {
        let header = read(&file()).unwrap();
        let expected = Header {
            architecture: "llama".to_string(),
            name: None,
            context_length: Some(512),
            has_chat_template: false,
        };
        assert_eq!(header, expected);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let whole = file();
        for length in 0..whole.len() {
            let error = read(&whole[..length]).unwrap_err();
            let is_cut =
                matches!(error, Invalid::CutHeader { .. } | Invalid::CutTensor { .. } | Invalid::Io(_));
            assert!(is_cut || length < 4 && matches!(error, Invalid::Magic), "{length}: {error}");
        }
    }

    #[test]
    fn a_number_out_of_its_range_is_refused() {
        let mut bytes = file();
        let at = bytes.windows(4).position(|window| window == 512u32.to_le_bytes()).unwrap();
        bytes[at..at + 4].fill(0);
        let error = read(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "its header is damaged: llama.context_length is 0");
    }

    #[test]
    fn a_token_that_is_there_twice_is_refused() {
        let error = read(&file_with(["a", "a"])).unwrap_err();
        assert_eq!(error.to_string(), "its header is damaged: its vocabulary has a token twice");
        assert!(read(&file_with(["", ""])).is_ok());
    }

    #[test]
    fn a_text_is_no_model() {
        assert!(matches!(read(b"once upon a time"), Err(Invalid::Magic)));
    }

    proptest::proptest! {
        #[test]
        fn damage_is_never_a_panic(at in 0usize..300, byte in 0u8..) {
            let mut bytes = file();
            let length = bytes.len();
            bytes[at % length] = byte;
            // Whatever it says: it came back.
            proptest::prop_assert!(read(&bytes).is_ok() || read(&bytes).is_err());
        }
    }
}
