//! The header of an adapter (LoRA), looked at before llama.cpp sees it: what it would end the process over is refused here.
//!
//! That is a header which is cut off or contradicts itself, a text that is a number, a tensor of a type that can't be multiplied,
//! and one with more than two dimensions. Whether the tensors fit the model llama.cpp checks itself.

use std::path::Path;

use super::gguf;
use super::head::{self, F32, Head, TEXT, Unreadable};

/// Why a file is no adapter for the model.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// It is no whole GGUF file.
    #[error(transparent)]
    File(#[from] gguf::Invalid),
    /// Its header can't be read.
    #[error(transparent)]
    Head(#[from] Unreadable),
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
    /// It is to be applied from certain tokens on (aLoRA), and here adapters are applied to all.
    #[error("it is applied from certain tokens on, which is not supported")]
    Activated,
    /// It has no tensors.
    #[error("it has no tensors")]
    Empty,
}

/// Checks the file of an adapter for a model of this architecture.
pub(super) fn check(path: &Path, architecture: &str) -> Result<(), Unfit> {
    gguf::check(path)?;
    let bytes = head::read(path, HEADER_BYTES_MAX)?;
    let (mut head, tensors, pairs) = Head::new(&bytes)?;
    let wanted =
        [("general.type", "adapter"), ("adapter.type", "lora"), ("general.architecture", architecture)];
    let mut found = [const { String::new() }; 3];
    for _ in 0..pairs {
        let key = head.text()?;
        let kind = head.number(4)?;
        match wanted.iter().position(|(wanted, _)| *wanted == key) {
            Some(index) if kind == TEXT => found[index] = head.text()?,
            Some(_) => return Err(Unfit::Kind(key)),
            None if key == "adapter.alora.invocation_tokens" => return Err(Unfit::Activated),
            None if key == "adapter.lora.alpha" && kind != F32 => return Err(Unfit::Kind(key)),
            None => head.skip(kind)?,
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
    (0..tensors).try_for_each(|_| tensor(&mut head))
}

fn tensor(head: &mut Head<'_>) -> Result<(), Unfit> {
    let tensor = head.text()?;
    let dimensions = head.number(4)?;
    head.bytes(dimensions.saturating_mul(8))?;
    let kind = head.number(4)?;
    let _offset = head.number(8)?;
    let problem = if dimensions != 2 && !tensor.ends_with("_norm.weight") {
        format!("has {dimensions} dimensions and not 2")
    } else if !TYPES.contains(&kind) {
        format!("is of the type {kind}, which no adapter has")
    } else {
        return Ok(());
    };
    Err(Unfit::Tensor { tensor, problem })
}

/// Types that ggml multiplies matrices of: f32, f16, the quantised ones of old, bf16.
const TYPES: [u64; 8] = [0, 1, 2, 3, 6, 7, 8, 30];

/// Bytes of a header at most: one of an adapter has some hundred names.
const HEADER_BYTES_MAX: u64 = 16 << 20;
