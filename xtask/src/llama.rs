//! A model of the llama architecture: its metadata and its tensors.

use crate::gguf::{Tensor, Value};
use crate::quantize::Storage;
use crate::vocabulary::{CHAT_TEMPLATE, Vocabulary};

/// Layers and widths of a llama model.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What the model calls itself.
    pub name: &'static str,
    /// Tokens at once.
    pub context: u32,
    /// Layers.
    pub layers: u32,
    /// Numbers of a token.
    pub width: u32,
    /// Numbers within a layer.
    pub feed_forward: u32,
    /// Heads of attention.
    pub heads: u32,
    /// Heads of keys and values.
    pub kv_heads: u32,
    /// Tokens in the vocabulary.
    pub vocabulary: u32,
}

/// The tensors, the matrices and the last of them stored like this.
pub fn tensors(shape: &Shape, storage: Storage, output: Storage) -> Vec<Tensor> {
    let width = u64::from(shape.width);
    let matrix = |name: String, columns: u64, rows: u64| Tensor { name, columns, rows: Some(rows), storage };
    let norm = |name: String| Tensor { name, columns: width, rows: None, storage: Storage::F32 };
    let vocabulary = u64::from(shape.vocabulary);
    let feed_forward = u64::from(shape.feed_forward);
    let kv_width = width / u64::from(shape.heads) * u64::from(shape.kv_heads);
    let mut tensors = vec![matrix("token_embd.weight".into(), width, vocabulary)];
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        tensors.extend([
            norm(name("attn_norm")),
            matrix(name("attn_q"), width, width),
            matrix(name("attn_k"), width, kv_width),
            matrix(name("attn_v"), width, kv_width),
            matrix(name("attn_output"), width, width),
            norm(name("ffn_norm")),
            matrix(name("ffn_gate"), width, feed_forward),
            matrix(name("ffn_up"), width, feed_forward),
            matrix(name("ffn_down"), feed_forward, width),
        ]);
    }
    tensors.push(norm("output_norm.weight".into()));
    tensors.push(Tensor { storage: output, ..matrix("output.weight".into(), width, vocabulary) });
    tensors
}

/// The metadata. `file_type`: what llama.cpp calls a file of mostly this type.
pub fn metadata(shape: &Shape, file_type: u32, seed: u64) -> Vec<(&'static str, Value)> {
    let vocabulary = Vocabulary::new(shape.vocabulary);
    let (end_of_text, end_of_turn) = (vocabulary.end_of_text(), vocabulary.end_of_turn());
    let about = format!("random weights, seed {}; what it writes means nothing", seed);
    vec![
        ("general.architecture", Value::Text("llama".into())),
        ("general.name", Value::Text(shape.name.into())),
        ("general.description", Value::Text(about)),
        ("general.file_type", Value::U32(file_type)),
        ("general.quantization_version", Value::U32(2)),
        ("llama.context_length", Value::U32(shape.context)),
        ("llama.block_count", Value::U32(shape.layers)),
        ("llama.embedding_length", Value::U32(shape.width)),
        ("llama.feed_forward_length", Value::U32(shape.feed_forward)),
        ("llama.attention.head_count", Value::U32(shape.heads)),
        ("llama.attention.head_count_kv", Value::U32(shape.kv_heads)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.dimension_count", Value::U32(shape.width / shape.heads)),
        ("llama.rope.freq_base", Value::F32(10_000.0)),
        ("llama.vocab_size", Value::U32(shape.vocabulary)),
        ("tokenizer.ggml.model", Value::Text("gpt2".into())),
        ("tokenizer.ggml.pre", Value::Text("gpt-2".into())),
        ("tokenizer.ggml.tokens", Value::Texts(vocabulary.tokens)),
        ("tokenizer.ggml.token_type", Value::Numbers(vocabulary.types)),
        ("tokenizer.ggml.merges", Value::Texts(vocabulary.merges)),
        ("tokenizer.ggml.bos_token_id", Value::U32(end_of_text)),
        ("tokenizer.ggml.eos_token_id", Value::U32(end_of_turn)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.chat_template", Value::Text(CHAT_TEMPLATE.into())),
    ]
}
