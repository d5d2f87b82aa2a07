//! The head of a GGUF file, version 3: metadata, and where each tensor lies.
//!
//! The head says every tensor's place, so that the tensors can be written in any order and by several threads.
//! Writes little-endian files only, and only the value types that a llama model needs.

use crate::quantize::Storage;

/// A metadata value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A count or an identifier.
    U32(u32),
    /// A real number.
    F32(f32),
    /// A switch.
    Bool(bool),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Small numbers, such as token types.
    Numbers(Vec<i32>),
}

/// A matrix or, with one row, a vector.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// As llama.cpp knows it.
    pub name: String,
    /// Numbers a row; a multiple of the block size.
    pub columns: u64,
    /// Rows; `None` for a vector.
    pub rows: Option<u64>,
    /// How the numbers are stored.
    pub storage: Storage,
}

impl Tensor {
    /// Bytes of the numbers, without padding.
    pub fn bytes(&self) -> u64 {
        self.storage.row_bytes(self.columns) * self.rows.unwrap_or(1)
    }
}

/// A file's head and the places of its tensors.
pub struct Layout {
    /// Everything before the first tensor, padding included.
    pub head: Vec<u8>,
    /// Where each tensor begins, in bytes from the start of the file.
    pub offsets: Vec<u64>,
    /// The length of the file in bytes.
    pub length: u64,
}

/// Lays out a file with this metadata and these tensors, in the order given.
pub fn layout(metadata: &[(&str, Value)], tensors: &[Tensor]) -> Layout {
    let mut head = Vec::new();
    head.extend(b"GGUF");
    head.extend(VERSION.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut head, key);
        append(&mut head, value);
    }
    let mut relative = Vec::with_capacity(tensors.len());
    let mut end = 0_u64;
    for tensor in tensors {
        relative.push(end);
        text(&mut head, &tensor.name);
        let dimensions: Vec<u64> = [tensor.columns].into_iter().chain(tensor.rows).collect();
        head.extend((dimensions.len() as u32).to_le_bytes());
        dimensions.iter().for_each(|dimension| head.extend(dimension.to_le_bytes()));
        head.extend(tensor.storage.number().to_le_bytes());
        head.extend(end.to_le_bytes());
        end += tensor.bytes().next_multiple_of(ALIGNMENT);
    }
    head.resize(head.len().next_multiple_of(ALIGNMENT as usize), 0);
    let data = head.len() as u64;
    Layout { offsets: relative.into_iter().map(|offset| data + offset).collect(), length: data + end, head }
}

fn append(head: &mut Vec<u8>, value: &Value) {
    head.extend(kind(value).to_le_bytes());
    match value {
        Value::U32(number) => head.extend(number.to_le_bytes()),
        Value::F32(number) => head.extend(number.to_le_bytes()),
        Value::Bool(switch) => head.push(u8::from(*switch)),
        Value::Text(value) => text(head, value),
        Value::Texts(values) => {
            head.extend(TEXT.to_le_bytes());
            head.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| text(head, value));
        }
        Value::Numbers(values) => {
            head.extend(I32.to_le_bytes());
            head.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| head.extend(value.to_le_bytes()));
        }
    }
}

fn kind(value: &Value) -> u32 {
    match value {
        Value::U32(_) => 4,
        Value::F32(_) => 6,
        Value::Bool(_) => 7,
        Value::Text(_) => TEXT,
        Value::Texts(_) | Value::Numbers(_) => 9,
    }
}

fn text(head: &mut Vec<u8>, value: &str) {
    head.extend((value.len() as u64).to_le_bytes());
    head.extend(value.as_bytes());
}

const VERSION: u32 = 3;
/// The format's number for a text.
const TEXT: u32 = 8;
/// The format's number for a signed 32-bit integer.
const I32: u32 = 5;
/// Bytes; what the format prescribes where the metadata says nothing else.
const ALIGNMENT: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_head_is_the_one_written_by_hand() {
        let metadata = [("a", Value::U32(7)), ("b", Value::Texts(vec!["x".into()]))];
        let tensor = Tensor { name: "t".into(), columns: 32, rows: Some(3), storage: Storage::Q8_0 };
        let layout = layout(&metadata, &[tensor]);

        let mut expected = Vec::new();
        expected.extend(b"GGUF");
        expected.extend([3, 0, 0, 0]);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0, b'a', 4, 0, 0, 0, 7, 0, 0, 0]);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0, b'b', 9, 0, 0, 0]);
        expected.extend([8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, b'x']);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0, b't', 2, 0, 0, 0]);
        expected.extend([32, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0]);
        expected.extend([0; 8]);
        expected.resize(expected.len().next_multiple_of(32), 0);
        assert_eq!(layout.head, expected);
        assert_eq!(layout.offsets, [expected.len() as u64]);
        assert_eq!(layout.length, expected.len() as u64 + 128, "3 blocks of 34 bytes, padded");
    }

    #[test]
    fn tensors_begin_at_multiples_of_the_alignment() {
        let tensor =
            |name: &str, rows| Tensor { name: name.into(), columns: 32, rows, storage: Storage::Q4_0 };
        let layout = layout(&[], &[tensor("a", Some(5)), tensor("b", None), tensor("c", None)]);
        let first = layout.head.len() as u64;
        assert_eq!(layout.offsets, [first, first + 96, first + 128]);
        assert!(first.is_multiple_of(ALIGNMENT));
    }
}
