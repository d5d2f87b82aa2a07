//! Small models of different architectures, written in milliseconds: for tests of what depends on the architecture.
//!
//! What they write means nothing. The same seed gives the same file.

use std::fs;
use std::io;
use std::path::Path;

use crate::gguf::{self, Tensor, Value};
use crate::llama::{self, Shape};
use crate::quantize::Storage;
use crate::random::Random;
use crate::vocabulary::Vocabulary;

/// What kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Llama, the matrices stored like this.
    Llama(Storage),
    /// Llama with one layer: what a position keeps depends on its own token only.
    Shallow,
    /// Gemma 3: every other layer looks at the last [`WINDOW`] positions only.
    SlidingWindow,
    /// Mamba: a state instead of a cache.
    Recurrent,
    /// Jamba: a layer with a state, and one with attention.
    Hybrid,
    /// BERT: encodes a text at once, and writes none.
    Encoder,
}

/// Writes a model.
///
/// # Errors
/// What the system says of writing the file.
pub fn write(path: &Path, kind: Kind, seed: u64) -> io::Result<()> {
    write_with(path, kind, seed, &[])
}

/// Writes a model whose metadata is changed: these values are put in, or in the place of those with their names.
///
/// # Errors
/// What the system says of writing the file.
pub fn write_with(path: &Path, kind: Kind, seed: u64, changes: &[(&'static str, Value)]) -> io::Result<()> {
    let (mut metadata, tensors) = match kind {
        Kind::Llama(storage) => model_of(&SHAPE, storage, seed),
        Kind::Shallow => model_of(&Shape { layers: 1, ..SHAPE }, Storage::F32, seed),
        Kind::SlidingWindow => gemma(),
        Kind::Recurrent => mamba(),
        Kind::Hybrid => jamba(),
        Kind::Encoder => bert(),
    };
    metadata.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    metadata.extend(changes.iter().cloned());
    write_file(path, &metadata, tensors, seed)
}

/// Writes an adapter (LoRA) of rank 32 for the queries and the second feed-forward matrix of [`Kind::Llama`].
///
/// # Errors
/// What the system says of writing the file.
pub fn write_adapter(path: &Path, seed: u64) -> io::Result<()> {
    write_adapter_with(path, seed, &[])
}

/// Writes such an adapter with more metadata.
///
/// # Errors
/// What the system says of writing the file.
pub fn write_adapter_with(path: &Path, seed: u64, more: &[(&'static str, Value)]) -> io::Result<()> {
    let mut metadata = vec![
        ("general.architecture", Value::Text("llama".into())),
        ("general.type", Value::Text("adapter".into())),
        ("adapter.type", Value::Text("lora".into())),
        ("adapter.lora.alpha", Value::F32(32.0)),
    ];
    metadata.extend(more.iter().cloned());
    let (width, wide) = (u64::from(SHAPE.width), u64::from(SHAPE.feed_forward));
    let mut tensors = Vec::new();
    for layer in 0..SHAPE.layers {
        for (part, columns, rows) in [("attn_q", width, width), ("ffn_down", wide, width)] {
            let name = |end: &str| format!("blk.{layer}.{part}.weight.{end}");
            tensors.push(usual(matrix(name("lora_a"), columns, 32)));
            tensors.push(usual(matrix(name("lora_b"), 32, rows)));
        }
    }
    write_file(path, &metadata, tensors, seed)
}

fn model_of(shape: &Shape, storage: Storage, seed: u64) -> Model {
    let tensors = llama::tensors(shape, storage, storage).into_iter().map(usual).collect();
    (llama::metadata(shape, file_type(storage), seed), tensors)
}

/// What llama.cpp calls a file of mostly this type.
fn file_type(storage: Storage) -> u32 {
    match storage {
        Storage::F32 => 0,
        Storage::F16 => 1,
        Storage::Q4_0 => 2,
        Storage::Q8_0 => 7,
    }
}

fn write_file(
    path: &Path,
    metadata: &[(&str, Value)],
    tensors: Vec<(Tensor, Fill)>,
    seed: u64,
) -> io::Result<()> {
    let (tensors, fills): (Vec<Tensor>, Vec<Fill>) = tensors.into_iter().unzip();
    let layout = gguf::layout(metadata, &tensors);
    let mut file = layout.head;
    for (index, (tensor, fill)) in tensors.iter().zip(fills).enumerate() {
        file.resize(layout.offsets[index] as usize, 0);
        let mut numbers = vec![0.0; (tensor.columns * tensor.rows.unwrap_or(1)) as usize];
        match fill {
            Fill::Ones => numbers.fill(1.0),
            Fill::Zeros => {}
            Fill::Decay => numbers
                .iter_mut()
                .enumerate()
                .for_each(|(index, number)| *number = -1.0 - (index % 16) as f32),
            Fill::Normal => {
                let deviation = 1.0 / (tensor.columns as f32).sqrt();
                Random::new(seed, [index as u64, 0]).fill_normal(&mut numbers, deviation);
            }
        }
        tensor.storage.append(&numbers, &mut file);
    }
    file.resize(layout.length as usize, 0);
    fs::write(path, file)
}

/// What a tensor is filled with.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// Weights of a normalisation.
    Ones,
    /// A bias.
    Zeros,
    /// How fast a state is forgotten: below 0.
    Decay,
    /// Random numbers that keep the size of what they are multiplied with.
    Normal,
}

/// A matrix is random; a vector is a normalisation.
fn usual(tensor: Tensor) -> (Tensor, Fill) {
    let fill = if tensor.rows.is_some() { Fill::Normal } else { Fill::Ones };
    (tensor, fill)
}

fn matrix(name: String, columns: u64, rows: u64) -> Tensor {
    Tensor { name, columns, rows: Some(rows), storage: Storage::F32 }
}

fn vector(name: String, columns: u64) -> Tensor {
    Tensor { name, columns, rows: None, storage: Storage::F32 }
}

type Model = (Vec<(&'static str, Value)>, Vec<(Tensor, Fill)>);

fn gemma() -> Model {
    let mut metadata = vec![
        ("general.architecture", Value::Text("gemma3".into())),
        ("gemma3.context_length", Value::U32(CONTEXT)),
        ("gemma3.block_count", Value::U32(2)),
        ("gemma3.embedding_length", Value::U32(64)),
        ("gemma3.feed_forward_length", Value::U32(128)),
        ("gemma3.attention.head_count", Value::U32(2)),
        ("gemma3.attention.head_count_kv", Value::U32(1)),
        ("gemma3.attention.key_length", Value::U32(32)),
        ("gemma3.attention.value_length", Value::U32(32)),
        ("gemma3.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("gemma3.attention.sliding_window", Value::U32(WINDOW)),
        ("gemma3.attention.sliding_window_pattern", Value::U32(2)),
        ("gemma3.rope.freq_base", Value::F32(10_000.0)),
    ];
    metadata.extend(tokenizer());
    let mut tensors =
        vec![matrix("token_embd.weight".into(), 64, VOCABULARY), vector("output_norm.weight".into(), 64)];
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        tensors.extend([
            vector(name("attn_norm"), 64),
            matrix(name("attn_q"), 64, 64),
            matrix(name("attn_k"), 64, 32),
            matrix(name("attn_v"), 64, 32),
            matrix(name("attn_output"), 64, 64),
            vector(name("attn_q_norm"), 32),
            vector(name("attn_k_norm"), 32),
            vector(name("post_attention_norm"), 64),
            vector(name("ffn_norm"), 64),
            matrix(name("ffn_gate"), 64, 128),
            matrix(name("ffn_up"), 64, 128),
            matrix(name("ffn_down"), 128, 64),
            vector(name("post_ffw_norm"), 64),
        ]);
    }
    (metadata, tensors.into_iter().map(usual).collect())
}

fn mamba() -> Model {
    let mut metadata = vec![
        ("general.architecture", Value::Text("mamba".into())),
        ("mamba.context_length", Value::U32(CONTEXT)),
        ("mamba.block_count", Value::U32(2)),
        ("mamba.embedding_length", Value::U32(64)),
        ("mamba.feed_forward_length", Value::U32(0)),
        ("mamba.attention.head_count", Value::U32(0)),
        ("mamba.ssm.conv_kernel", Value::U32(4)),
        ("mamba.ssm.inner_size", Value::U32(128)),
        ("mamba.ssm.state_size", Value::U32(32)),
        ("mamba.ssm.time_step_rank", Value::U32(32)),
        ("mamba.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
    ];
    metadata.extend(tokenizer());
    let mut tensors = vec![
        usual(matrix("token_embd.weight".into(), 64, VOCABULARY)),
        usual(vector("output_norm.weight".into(), 64)),
    ];
    for layer in 0..2 {
        tensors.push(usual(vector(format!("blk.{layer}.attn_norm.weight"), 64)));
        tensors.extend(state_layer(layer));
    }
    (metadata, tensors)
}

/// The part of a layer that keeps a state: 32 numbers for each of 128 channels.
fn state_layer(layer: u32) -> [(Tensor, Fill); 9] {
    let name = |part: &str| format!("blk.{layer}.{part}");
    [
        usual(matrix(name("ssm_in.weight"), 64, 256)),
        usual(matrix(name("ssm_conv1d.weight"), 4, 128)),
        (vector(name("ssm_conv1d.bias"), 128), Fill::Zeros),
        usual(matrix(name("ssm_x.weight"), 128, 96)),
        usual(matrix(name("ssm_dt.weight"), 32, 128)),
        (vector(name("ssm_dt.bias"), 128), Fill::Zeros),
        (matrix(name("ssm_a"), 32, 128), Fill::Decay),
        usual(vector(name("ssm_d"), 128)),
        usual(matrix(name("ssm_out.weight"), 128, 64)),
    ]
}

fn jamba() -> Model {
    let mut metadata = vec![
        ("general.architecture", Value::Text("jamba".into())),
        ("jamba.context_length", Value::U32(CONTEXT)),
        ("jamba.block_count", Value::U32(2)),
        ("jamba.embedding_length", Value::U32(64)),
        ("jamba.feed_forward_length", Value::U32(128)),
        ("jamba.attention.head_count", Value::U32(2)),
        // No heads of keys: a layer with a state.
        ("jamba.attention.head_count_kv", Value::Numbers(vec![0, 1])),
        ("jamba.ssm.conv_kernel", Value::U32(4)),
        ("jamba.ssm.inner_size", Value::U32(128)),
        ("jamba.ssm.state_size", Value::U32(32)),
        ("jamba.ssm.time_step_rank", Value::U32(32)),
        ("jamba.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
    ];
    metadata.extend(tokenizer());
    let mut tensors = vec![
        usual(matrix("token_embd.weight".into(), 64, VOCABULARY)),
        usual(vector("output_norm.weight".into(), 64)),
    ];
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        tensors.extend(["attn_norm", "ffn_norm"].map(|part| usual(vector(name(part), 64))));
        for (part, columns, rows) in [("ffn_gate", 64, 128), ("ffn_up", 64, 128), ("ffn_down", 128, 64)] {
            tensors.push(usual(matrix(name(part), columns, rows)));
        }
    }
    tensors.extend(state_layer(0));
    tensors.extend(
        ["ssm_dt_norm", "ssm_b_norm", "ssm_c_norm"]
            .map(|part| usual(vector(format!("blk.0.{part}.weight"), 32))),
    );
    for (part, rows) in [("attn_q", 64), ("attn_k", 32), ("attn_v", 32), ("attn_output", 64)] {
        tensors.push(usual(matrix(format!("blk.1.{part}.weight"), 64, rows)));
    }
    (metadata, tensors)
}

fn bert() -> Model {
    let mut metadata = vec![
        ("general.architecture", Value::Text("bert".into())),
        ("bert.context_length", Value::U32(CONTEXT)),
        ("bert.block_count", Value::U32(2)),
        ("bert.embedding_length", Value::U32(64)),
        ("bert.feed_forward_length", Value::U32(128)),
        ("bert.attention.head_count", Value::U32(2)),
        ("bert.attention.layer_norm_epsilon", Value::F32(1e-6)),
        ("bert.attention.causal", Value::Bool(false)),
        // The embedding of the first token is the text's.
        ("bert.pooling_type", Value::U32(2)),
        ("tokenizer.ggml.token_type_count", Value::U32(2)),
    ];
    metadata.extend(tokenizer());
    let mut tensors = vec![
        usual(matrix("token_embd.weight".into(), 64, VOCABULARY)),
        usual(matrix("token_types.weight".into(), 64, 2)),
        usual(matrix("position_embd.weight".into(), 64, u64::from(CONTEXT))),
        usual(vector("token_embd_norm.weight".into(), 64)),
        (vector("token_embd_norm.bias".into(), 64), Fill::Zeros),
    ];
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for (part, columns, rows) in [
            ("attn_q", 64, 64),
            ("attn_k", 64, 64),
            ("attn_v", 64, 64),
            ("attn_output", 64, 64),
            ("ffn_up", 64, 128),
            ("ffn_down", 128, 64),
        ] {
            tensors.push(usual(matrix(name(part) + ".weight", columns, rows)));
            tensors.push((vector(name(part) + ".bias", rows), Fill::Zeros));
        }
        for part in ["attn_output_norm", "layer_output_norm"] {
            tensors.push(usual(vector(name(part) + ".weight", 64)));
            tensors.push((vector(name(part) + ".bias", 64), Fill::Zeros));
        }
    }
    (metadata, tensors)
}

fn tokenizer() -> Vec<(&'static str, Value)> {
    let vocabulary = Vocabulary::new(VOCABULARY as u32);
    let (end_of_text, end_of_turn) = (vocabulary.end_of_text(), vocabulary.end_of_turn());
    vec![
        ("tokenizer.ggml.model", Value::Text("gpt2".into())),
        ("tokenizer.ggml.pre", Value::Text("gpt-2".into())),
        ("tokenizer.ggml.tokens", Value::Texts(vocabulary.tokens)),
        ("tokenizer.ggml.token_type", Value::Numbers(vocabulary.types)),
        ("tokenizer.ggml.merges", Value::Texts(vocabulary.merges)),
        ("tokenizer.ggml.bos_token_id", Value::U32(end_of_text)),
        ("tokenizer.ggml.eos_token_id", Value::U32(end_of_turn)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
    ]
}

/// Positions that the layers with a sliding window look at.
pub const WINDOW: u32 = 16;

const SHAPE: Shape = Shape {
    name: "random-tiny",
    context: CONTEXT,
    layers: 2,
    width: 64,
    feed_forward: 192,
    heads: 2,
    kv_heads: 1,
    vocabulary: VOCABULARY as u32,
};

const CONTEXT: u32 = 512;
const VOCABULARY: u64 = 320;
