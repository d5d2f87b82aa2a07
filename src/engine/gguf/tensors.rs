//! The tensors that a header announces: where each is, how large, and of a kind that can be computed with.

use std::collections::HashSet;
use std::io::Read;

use super::reader::Reader;
use super::values::{Value, Values};
use super::{Invalid, damaged};

/// Reads this many announcements. Returns the bytes of all tensors.
///
/// They have to lie one after the other, as llama.cpp demands: none overlaps, and the last one ends within the file.
pub(super) fn read<R: Read>(reader: &mut Reader<R>, count: u64, values: &Values) -> Result<u64, Invalid> {
    let alignment = alignment(values)?;
    let mut names = HashSet::new();
    let (mut end, mut last) = (0_u64, None);
    for _ in 0..count {
        let tensor = tensor(reader)?;
        if !names.insert(tensor.name.clone()) {
            return Err(damaged(format!("the tensor {} is there twice", tensor.name)));
        }
        if tensor.offset != end {
            let (name, offset) = (&tensor.name, tensor.offset);
            return Err(damaged(format!(
                "the tensor {name} is at {offset}, and the one before it ends at {end}"
            )));
        }
        let padded =
            tensor.bytes.checked_next_multiple_of(alignment).and_then(|bytes| end.checked_add(bytes));
        let data_end = end.saturating_add(tensor.bytes);
        end = padded.ok_or_else(|| too_large(&tensor.name))?;
        last = Some((tensor.name, data_end));
    }
    let start = reader.position().next_multiple_of(alignment);
    match last {
        Some((tensor, data_end)) if reader.length() < start.saturating_add(data_end) => {
            let length = reader.length();
            Err(Invalid::CutTensor { tensor, end: start.saturating_add(data_end), length })
        }
        _ => Ok(end),
    }
}

struct Tensor {
    name: String,
    offset: u64,
    bytes: u64,
}

fn tensor<R: Read>(reader: &mut Reader<R>) -> Result<Tensor, Invalid> {
    let name = reader.text(NAME_BYTES_MAX)?;
    let dimensions = reader.u32()?;
    if dimensions == 0 || DIMENSIONS_MAX < dimensions {
        return Err(damaged(format!("the tensor {name} has {dimensions} dimensions")));
    }
    let (mut row, mut rows) = (1_u64, 1_u64);
    for dimension in 0..dimensions {
        let size = reader.u64()?;
        if size == 0 || ELEMENTS_MAX < size {
            return Err(damaged(format!("the tensor {name} has a dimension of {size}")));
        }
        if dimension == 0 {
            row = size;
        } else {
            rows = rows
                .checked_mul(size)
                .filter(|rows| *rows <= ELEMENTS_MAX)
                .ok_or_else(|| too_large(&name))?;
        }
    }
    let (kind, offset) = (reader.u32()?, reader.u64()?);
    let (per_block, block_bytes) = block_of(kind, &name)?;
    if !row.is_multiple_of(per_block) {
        return Err(damaged(format!("the tensor {name} has rows of {row} in blocks of {per_block}")));
    }
    // What is added or multiplied element by element is computed with whole numbers of 32 bits only.
    if dimensions == 1 && kind != F32 && !INTEGERS.contains(&kind) {
        return Err(damaged(format!("the tensor {name} is a single row of the type {kind}")));
    }
    let bytes = (row / per_block).checked_mul(block_bytes).and_then(|bytes| bytes.checked_mul(rows));
    let bytes = bytes.filter(|bytes| *bytes <= BYTES_MAX).ok_or_else(|| too_large(&name))?;
    Ok(Tensor { name, offset, bytes })
}

/// Elements and bytes of a block of this type.
fn block_of(kind: u32, name: &str) -> Result<(u64, u64), Invalid> {
    let known = TYPES.iter().find(|(known, ..)| *known == kind);
    let is_computed = !INTEGERS.contains(&kind) || INTEGER_TENSORS.iter().any(|part| name.contains(part));
    match known.filter(|_| is_computed) {
        Some((_, elements, bytes)) => Ok((*elements, *bytes)),
        None => {
            Err(damaged(format!("the tensor {name} is of the type {kind}, which nothing is computed with")))
        }
    }
}

fn alignment(values: &Values) -> Result<u64, Invalid> {
    match values.get("general.alignment") {
        None => Ok(ALIGNMENT),
        Some(Value::Number(number)) => u64::try_from(*number)
            .ok()
            .filter(|number| number.is_power_of_two() && *number <= ALIGNMENT_MAX)
            .ok_or_else(|| damaged(format!("its alignment is {number}"))),
        Some(_) => Err(damaged("its alignment is no number")),
    }
}

fn too_large(name: &str) -> Invalid {
    damaged(format!("the tensor {name} is too large"))
}

/// Number, elements and bytes of a block of every type that llama.cpp knows.
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
    (16, 256, 66),
    (17, 256, 74),
    (18, 256, 98),
    (19, 256, 50),
    (20, 32, 18),
    (21, 256, 110),
    (22, 256, 82),
    (23, 256, 136),
    (26, 1, 4),
    (27, 1, 8),
    (29, 256, 56),
    (30, 1, 2),
    (34, 256, 54),
    (35, 256, 66),
    (39, 32, 17),
    (40, 64, 36),
    (41, 128, 18),
    (42, 64, 18),
];

const F32: u32 = 0;

/// Whole numbers: tables that are looked up, and nothing else.
const INTEGERS: [u32; 2] = [26, 27];

/// What the names of such tables have in them.
const INTEGER_TENSORS: [&str; 3] = ["tid2eid", "d2t", "t2d"];

/// What data is aligned to where the file does not say.
const ALIGNMENT: u64 = 32;

/// A page of the largest size is 1 GiB; no file is aligned to more than one of the usual size.
const ALIGNMENT_MAX: u64 = 1 << 16;

/// llama.cpp knows four.
const DIMENSIONS_MAX: u32 = 4;

/// llama.cpp's own bound (`GGML_MAX_NAME`), with the zero byte at the end.
const NAME_BYTES_MAX: u64 = 63;

/// No dimension is near it, and the product of two still fits.
const ELEMENTS_MAX: u64 = 1 << 40;

/// No file is near it, and sums of a header's tensors still fit.
const BYTES_MAX: u64 = 1 << 46;
