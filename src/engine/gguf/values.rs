//! The keys of a header with their values, as far as they are needed.
//!
//! Numbers, short texts and lists with a number for each layer are kept; long lists are passed over, and the vocabulary has a reader of
//! its own. A key that is there twice is refused, as llama.cpp does.

use std::collections::BTreeMap;
use std::io::Read;

use super::reader::Reader;
use super::vocabulary::{self, Vocabulary};
use super::{Invalid, damaged};

/// What is kept of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A whole number or a truth value; negative ones are not known where they would count.
    Number(i128),
    /// A number with a fraction.
    Float(f64),
    /// A short text.
    Text(String),
    /// Whole numbers or truth values: at most one for each layer that llama.cpp knows.
    Numbers(Vec<i128>),
    /// Something else that is there.
    Other,
}

/// The keys.
pub(super) struct Values {
    by_key: BTreeMap<String, Value>,
    pub(super) vocabulary: Vocabulary,
}

impl Values {
    /// Reads this many pairs.
    pub(super) fn read<R: Read>(reader: &mut Reader<R>, pairs: u64) -> Result<Self, Invalid> {
        let mut values = Values { by_key: BTreeMap::new(), vocabulary: Vocabulary::default() };
        for _ in 0..pairs {
            let key = reader.text(KEY_BYTES_MAX)?;
            let kind = reader.u32()?;
            let value = if key == "tokenizer.ggml.tokens" && kind == LIST {
                values.vocabulary = vocabulary::read(reader)?;
                Value::Other
            } else {
                value(reader, kind)?
            };
            if key.is_empty() || values.by_key.insert(key.clone(), value).is_some() {
                return Err(damaged(format!("the key {key:?} is empty or there twice")));
            }
        }
        Ok(values)
    }

    /// The family.
    pub(super) fn architecture(&self) -> Result<&str, Invalid> {
        self.text("general.architecture").ok_or_else(|| damaged("it names no architecture"))
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Any value.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.by_key.get(key)
    }

    /// Every key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.by_key.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.by_key.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of the key that is the architecture and then `end`.
    pub(super) fn of(&self, end: &str) -> Option<&Value> {
        let architecture = self.text("general.architecture")?;
        self.by_key.get(&format!("{architecture}{end}"))
    }

    /// A number of the architecture; `None` also if it is negative.
    pub(super) fn number(&self, end: &str) -> Option<u64> {
        match self.of(end) {
            Some(Value::Number(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A number for each layer; one that is given for all counts for each.
    pub(super) fn of_layers(&self, end: &str, layers: usize) -> Option<Vec<u64>> {
        match self.of(end)? {
            Value::Number(number) => u64::try_from(*number).ok().map(|number| vec![number; layers]),
            Value::Numbers(numbers) => {
                let numbers: Option<Vec<u64>> =
                    numbers.iter().take(layers).map(|number| u64::try_from(*number).ok()).collect();
                numbers.filter(|numbers| numbers.len() == layers)
            }
            _ => None,
        }
    }

    /// The largest number of a layer.
    pub(super) fn largest(&self, end: &str) -> Option<u64> {
        match self.of(end)? {
            Value::Number(number) => u64::try_from(*number).ok(),
            Value::Numbers(numbers) => numbers.iter().filter_map(|number| u64::try_from(*number).ok()).max(),
            _ => None,
        }
    }
}

fn value<R: Read>(reader: &mut Reader<R>, kind: u32) -> Result<Value, Invalid> {
    match kind {
        TEXT => text(reader),
        LIST => list(reader),
        _ => scalar(reader, kind),
    }
}

/// A text, if it is short.
fn text<R: Read>(reader: &mut Reader<R>) -> Result<Value, Invalid> {
    let length = reader.u64()?;
    if TEXT_BYTES_MAX < length {
        return reader.skip(length).map(|()| Value::Other);
    }
    let mut bytes = Vec::new();
    for _ in 0..length {
        bytes.extend(reader.array::<1>()?);
    }
    Ok(Value::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

fn list<R: Read>(reader: &mut Reader<R>) -> Result<Value, Invalid> {
    let (kind, count) = (reader.u32()?, reader.u64()?);
    // Each element has at least a byte.
    if reader.length() < count {
        return Err(Invalid::CutHeader { length: reader.length() });
    }
    if kind == TEXT {
        for _ in 0..count {
            let length = reader.u64()?;
            reader.skip(length)?;
        }
        return Ok(Value::Other);
    }
    let size = size_of_kind(kind)?;
    if NUMBERS_MAX < count || FLOATS.contains(&kind) {
        let bytes = count.checked_mul(size).ok_or_else(|| damaged("it has a list that is too long"))?;
        return reader.skip(bytes).map(|()| Value::Other);
    }
    let numbers: Result<Vec<i128>, Invalid> = (0..count)
        .map(|_| match scalar(reader, kind)? {
            Value::Number(number) => Ok(number),
            _ => Err(damaged("it has a list of a kind that is not known")),
        })
        .collect();
    Ok(Value::Numbers(numbers?))
}

fn scalar<R: Read>(reader: &mut Reader<R>, kind: u32) -> Result<Value, Invalid> {
    Ok(match kind {
        0 => Value::Number(u8::from_le_bytes(reader.array()?).into()),
        1 => Value::Number(i8::from_le_bytes(reader.array()?).into()),
        2 => Value::Number(u16::from_le_bytes(reader.array()?).into()),
        3 => Value::Number(i16::from_le_bytes(reader.array()?).into()),
        4 => Value::Number(reader.u32()?.into()),
        5 => Value::Number(i32::from_le_bytes(reader.array()?).into()),
        6 => Value::Float(f32::from_le_bytes(reader.array()?).into()),
        7 => Value::Number(i128::from(reader.array::<1>()?[0] != 0)),
        10 => Value::Number(reader.u64()?.into()),
        11 => Value::Number(i64::from_le_bytes(reader.array()?).into()),
        12 => Value::Float(f64::from_le_bytes(reader.array()?)),
        _ => return Err(unknown(kind)),
    })
}

fn size_of_kind(kind: u32) -> Result<u64, Invalid> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(unknown(kind)),
    }
}

fn unknown(kind: u32) -> Invalid {
    damaged(format!("it has a value of the unknown type {kind}"))
}

pub(super) const TEXT: u32 = 8;
const LIST: u32 = 9;
const FLOATS: [u32; 2] = [6, 12];

/// As many as llama.cpp has layers at most (`LLAMA_MAX_LAYERS`).
const NUMBERS_MAX: u64 = 512;

/// The format's own bound.
const KEY_BYTES_MAX: u64 = 65_535;

/// Names; longer texts (templates, licences) are not kept.
const TEXT_BYTES_MAX: u64 = 4096;
