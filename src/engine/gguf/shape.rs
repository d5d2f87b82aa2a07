//! The sizes in a header that decide what a model takes.
//!
//! Where a header leaves open which layers are windowed or recurrent, as families do that know it themselves, each counts as what takes
//! most: the plan is an upper estimate then, and what the load took is seen in the end (S8).

use modeld_spec::slot::footprint::{Layer, Shape};

use super::values::{Value, Values};
use super::{Invalid, damaged};

/// The shape of a model whose tensors have `weights` bytes.
pub(super) fn of(values: &Values, weights: u64) -> Result<Shape, Invalid> {
    let count = usize::try_from(values.number(".block_count").unwrap_or(0)).unwrap_or(0);
    let embedding = values.number(".embedding_length").unwrap_or(0);
    let heads = values.largest(".attention.head_count").unwrap_or(0);
    let feed_forward = feed_forward(values).ok_or_else(|| damaged("its layers are too wide"))?;
    let layers = layers(values, count, embedding, heads).ok_or_else(|| damaged("its layers are too wide"))?;
    Ok(Shape {
        weights,
        vocabulary: values.vocabulary.tokens.max(values.number(".vocab_size").unwrap_or(0)),
        embedding,
        heads,
        feed_forward,
        window: values.number(".attention.sliding_window").unwrap_or(0),
        layers,
    })
}

fn layers(values: &Values, count: usize, embedding: u64, heads: u64) -> Option<Vec<Layer>> {
    let head = embedding.checked_div(heads).unwrap_or(0);
    let larger = |end: &str| {
        let of_all = values.number(end).unwrap_or(head);
        of_all.max(values.number(&format!("{end}_swa")).unwrap_or(0))
    };
    let (key, value) = (larger(".attention.key_length"), larger(".attention.value_length"));
    let each = |end: &str| values.of_layers(end, count);
    let kv_heads = each(".attention.head_count_kv").or_else(|| each(".attention.head_count"));
    let kv_heads = kv_heads.unwrap_or_else(|| vec![heads; count]);
    let windowed = each(".attention.sliding_window_pattern").filter(|_| is_list(values));
    let state = state(values, embedding, heads)?;
    // A list of heads with zeros in it says which layers have no attention; one number says nothing of that.
    let says_which = kv_heads.contains(&0) && kv_heads.iter().any(|heads| 0 < *heads);
    let layer = |index: usize| {
        let heads = kv_heads.get(index).copied()?;
        Some(Layer {
            key: key.checked_mul(heads)?,
            value: value.checked_mul(heads)?,
            is_windowed: windowed.as_ref().is_some_and(|windowed| windowed.get(index) == Some(&1)),
            state: if says_which && 0 < heads { 0 } else { state },
        })
    };
    (0..count).map(layer).collect()
}

/// Whether the pattern names the layers; a number is a period, which families count in their own ways.
fn is_list(values: &Values) -> bool {
    matches!(values.of(".attention.sliding_window_pattern"), Some(Value::Numbers(_)))
}

/// Elements of recurrent state of a layer, by the kind of recurrence that the header has sizes for.
fn state(values: &Values, embedding: u64, heads: u64) -> Option<u64> {
    let number = |end: &str| values.number(end).unwrap_or(0);
    let head_size = number(".wkv.head_size");
    if 0 < head_size {
        let shifts = number(".token_shift_count").max(2);
        return embedding.checked_mul(head_size.checked_add(shifts)?);
    }
    let short = number(".shortconv.l_cache");
    if 0 < short {
        return embedding.checked_mul(short);
    }
    let delta = number(".kda.head_dim");
    if 0 < delta {
        let inner = delta.checked_mul(heads)?;
        let convolution = inner.checked_mul(3)?.checked_mul(number(".ssm.conv_kernel").max(4))?;
        return inner.checked_mul(delta)?.checked_add(convolution);
    }
    let (inner, size) = (number(".ssm.inner_size"), number(".ssm.state_size"));
    let groups = number(".ssm.group_count").checked_mul(size)?.checked_mul(2)?;
    let convolution = number(".ssm.conv_kernel").checked_mul(inner.checked_add(groups)?)?;
    inner.checked_mul(size)?.checked_add(convolution)
}

/// The width of the widest feed-forward layer, all experts that work on one token together.
fn feed_forward(values: &Values) -> Option<u64> {
    let dense = values.largest(".feed_forward_length").unwrap_or(0);
    let of_expert = values.largest(".expert_feed_forward_length").unwrap_or(dense);
    let shared = values.largest(".expert_shared_feed_forward_length").unwrap_or(0);
    let used = values.largest(".expert_used_count").unwrap_or(0);
    Some(dense.max(of_expert.checked_mul(used)?.checked_add(shared)?))
}
