//! What llama.cpp answers by ending the process, or by dividing by zero, refused before it sees it.
//!
//! Each rule is one that was read in its source: `load_hparams`, the assertions with which families build their graphs, and the operations
//! that these graphs are made of. Numbers that it merely gets wrong tensors by are its own errors to report.

use super::values::{Value, Values};
use super::{Invalid, damaged};

/// Refuses what would end the process.
pub(super) fn check(values: &Values) -> Result<(), Invalid> {
    architecture(values)?;
    ranges(values)?;
    floats(values)?;
    heads(values)?;
    experts(values)?;
    windows(values)?;
    recurrence(values)?;
    vocabulary(values)
}

/// Families that are no language models: their sizes are checked by assertions of their own.
fn architecture(values: &Values) -> Result<(), Invalid> {
    let architecture = values.architecture()?;
    if OTHER_FAMILIES.contains(&architecture) {
        return Err(damaged(format!("{architecture} is no language model")));
    }
    let scaling = values.of(".rope.scaling.type");
    let is_known = |value: &Value| matches!(value, Value::Text(text) if SCALINGS.contains(&text.as_str()));
    if scaling.is_some_and(|value| !is_known(value)) {
        return Err(damaged("its positions are scaled in a way that is not known"));
    }
    Ok(())
}

fn ranges(values: &Values) -> Result<(), Invalid> {
    let architecture = values.architecture()?;
    for (end, least, most) in RANGES {
        let numbers: Vec<i128> = match values.of(end) {
            Some(Value::Number(number)) => vec![*number],
            Some(Value::Numbers(numbers)) => numbers.clone(),
            _ => continue,
        };
        if let Some(number) = numbers.iter().find(|number| **number < *least || *most < **number) {
            return Err(damaged(format!("{architecture}{end} is {number}")));
        }
    }
    for end in [".block_count", ".embedding_length", ".context_length"] {
        if values.number(end).is_none() {
            return Err(damaged(format!("it does not say {architecture}{end}")));
        }
    }
    Ok(())
}

/// A norm's epsilon has to be a number from 0 on.
fn floats(values: &Values) -> Result<(), Invalid> {
    for (key, value) in values.iter() {
        if let Value::Float(number) = value
            && key.ends_with("epsilon")
            && !(number.is_finite() && 0.0 <= *number)
        {
            return Err(damaged(format!("{key} is {number}")));
        }
    }
    Ok(())
}

/// Queries are shared out evenly among keys, and most families have heads of one size, of which they rotate all.
fn heads(values: &Values) -> Result<(), Invalid> {
    let architecture = values.architecture()?;
    let layers = usize::try_from(values.number(".block_count").unwrap_or(0)).unwrap_or(0);
    let Some(heads) = values.of_layers(".attention.head_count", layers) else { return Ok(()) };
    let kv = values.of_layers(".attention.head_count_kv", layers).unwrap_or_else(|| heads.clone());
    for (heads, kv) in heads.iter().zip(&kv) {
        if 0 < *kv && (*heads == 0 || !heads.is_multiple_of(*kv)) {
            return Err(damaged(format!("{heads} heads can't share {kv} keys")));
        }
    }
    let most = heads.iter().copied().max().unwrap_or(0);
    if most == 0 && !RECURRENT.contains(&architecture) {
        return Err(damaged(format!("{architecture}.attention.head_count is 0")));
    }
    let first = heads.first().copied().unwrap_or(0);
    let Some(head) = values.number(".embedding_length").and_then(|size| size.checked_div(first)) else {
        return Ok(());
    };
    let key = values.number(".attention.key_length").unwrap_or(head);
    let value = values.number(".attention.value_length").unwrap_or(head);
    let rotated = values.number(".rope.dimension_count").unwrap_or(key);
    if !rotated.is_multiple_of(2) || key.max(1) < rotated {
        return Err(damaged(format!("{rotated} of {key} elements of a head are rotated")));
    }
    let family: String = architecture.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    if EVEN_HEADS.contains(&family.as_str()) && key != value {
        return Err(damaged(format!("its heads have keys of {key} and values of {value} elements")));
    }
    if WHOLLY_ROTATED.contains(&family.as_str()) && rotated != value {
        return Err(damaged(format!("{rotated} of {value} elements of a head are rotated, and not all")));
    }
    Ok(())
}

fn experts(values: &Values) -> Result<(), Invalid> {
    let number = |end: &str| values.largest(end).unwrap_or(0);
    let (count, used) = (number(".expert_count"), number(".expert_used_count"));
    // These count a layer without a choice as one expert.
    let is_dense = values.architecture()?.starts_with("hunyuan") && count <= 1;
    let (groups, groups_used) = (number(".expert_group_count"), number(".expert_group_used_count"));
    let fits = if count == 0 || is_dense {
        (used == 0 || is_dense) && groups == 0
    } else {
        let shared_out =
            groups <= 1 || count.is_multiple_of(groups) && 0 < groups_used && groups_used < groups;
        0 < used && used <= count && groups < count && shared_out
    };
    if fits {
        return Ok(());
    }
    Err(damaged(format!("{used} of {count} experts work, in {groups_used} of {groups} groups")))
}

/// A family with windows has to have a layer with one.
fn windows(values: &Values) -> Result<(), Invalid> {
    let architecture = values.architecture()?;
    if values.number(".attention.sliding_window").is_none_or(|window| window == 0) {
        return Ok(());
    }
    let has_none = match values.of(".attention.sliding_window_pattern") {
        Some(Value::Number(period)) => *period == 1,
        Some(Value::Numbers(layers)) => layers.iter().all(|is_windowed| *is_windowed == 0),
        _ => FULL_FIRST.contains(&architecture) && values.number(".block_count") == Some(1),
    };
    if has_none {
        return Err(damaged("it has a window and no layer that looks through it"));
    }
    Ok(())
}

fn recurrence(values: &Values) -> Result<(), Invalid> {
    let architecture = values.architecture()?;
    let (inner, rank) = (values.number(".ssm.inner_size"), values.number(".ssm.time_step_rank"));
    if let (Some(inner), Some(rank), Some(groups)) = (inner, rank, values.number(".ssm.group_count"))
        && !(inner.is_multiple_of(rank) && inner.is_multiple_of(groups) && rank.is_multiple_of(groups))
    {
        return Err(damaged(format!(
            "{inner} recurrent elements can't be shared out to {rank} heads in {groups} groups"
        )));
    }
    if let (Some(size), Some(embedding)) =
        (values.number(".wkv.head_size"), values.number(".embedding_length"))
        && !embedding.is_multiple_of(size)
    {
        return Err(damaged(format!("heads of {size} recurrent elements can't share {embedding}")));
    }
    let shifts = values.number(".token_shift_count");
    let expected = SHIFTS.iter().find(|(family, _)| *family == architecture).map(|(_, shifts)| *shifts);
    if shifts.is_some() && expected.is_some() && shifts != expected {
        return Err(damaged(format!("{architecture}.token_shift_count is {}", shifts.unwrap_or(0))));
    }
    Ok(())
}

/// A text that has a byte without a token would end the process when it is tokenized, and so would the look for a line end.
fn vocabulary(values: &Values) -> Result<(), Invalid> {
    match values.text("tokenizer.ggml.model") {
        Some("llama") => match values.vocabulary.missing_byte() {
            Some(byte) => Err(damaged(format!("its vocabulary has no token for the byte {byte:#04x}"))),
            None => Ok(()),
        },
        Some("rwkv") if !values.vocabulary.has_line_end => {
            Err(damaged("its vocabulary has no token for a line end"))
        }
        _ => Ok(()),
    }
}

/// Numbers that llama.cpp takes as they are: the end of the key, the least and the most.
const RANGES: &[(&str, i128, i128)] = &[
    (".context_length", 1, 1 << 30),
    (".block_count", 1, 512),
    (".nextn_predict_layers", 0, 16),
    (".embedding_length", 1, 1 << 20),
    (".embedding_length_out", 0, 1 << 20),
    (".vocab_size", 0, 1 << 24),
    (".feed_forward_length", 0, 1 << 24),
    (".expert_feed_forward_length", 0, 1 << 24),
    (".expert_count", 0, 1024),
    (".expert_used_count", 0, 1024),
    (".experts_per_group", 1, 1024),
    (".interleave_moe_layer_step", 0, 512),
    (".attention.head_count", 0, 1 << 16),
    (".attention.head_count_kv", 0, 1 << 16),
    (".attention.key_length", 1, 1 << 14),
    (".attention.value_length", 1, 1 << 14),
    (".attention.key_length_swa", 1, 1 << 14),
    (".attention.value_length_swa", 1, 1 << 14),
    (".attention.group_norm_groups", 1, 1 << 16),
    (".attention.sliding_window", 0, 1 << 30),
    (".rope.dimension_count", 0, 1 << 14),
    (".pooling_type", 0, 4),
    (".ssm.conv_kernel", 1, 1 << 10),
    (".ssm.inner_size", 1, 1 << 20),
    (".ssm.state_size", 1, 1 << 16),
    (".ssm.time_step_rank", 1, 1 << 20),
    (".ssm.group_count", 1, 1 << 16),
    (".wkv.head_size", 1, 1 << 14),
    (".token_shift_count", 1, 2),
    (".shortconv.l_cache", 1, 1 << 10),
    (".kda.head_dim", 1, 1 << 14),
];

const SCALINGS: [&str; 4] = ["none", "linear", "yarn", "longrope"];

const OTHER_FAMILIES: [&str; 2] = ["clip", "wavtokenizer-dec"];

/// Families without attention, which say that they have no heads.
const RECURRENT: [&str; 6] = ["mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"];

/// Families whose first layer of a period has no window.
const FULL_FIRST: [&str; 4] = ["cohere2moe", "laguna", "modern-bert", "smallthinker"];

/// How many tokens a family shifts.
const SHIFTS: [(&str, u64); 4] = [("rwkv6", 2), ("rwkv7", 2), ("rwkv6qwen2", 1), ("arwkv7", 1)];

/// Families that assert that keys are as large as values; letters and digits of their names only.
const EVEN_HEADS: &[&str] = &[
    "afmoe",
    "apertus",
    "arcee",
    "arctic",
    "baichuan",
    "bailingmoe2",
    "bert",
    "bitnet",
    "bloom",
    "chameleon",
    "chatglm",
    "codeshell",
    "cogvlm",
    "cohere2",
    "cohere2moe",
    "commandr",
    "dbrx",
    "deci",
    "deepseek",
    "dots1",
    "dream",
    "ernie45",
    "ernie45moe",
    "eurobert",
    "exaone",
    "falcon",
    "glm4",
    "glm4moe",
    "gpt2",
    "gptneox",
    "granite",
    "granitehybrid",
    "granitemoe",
    "graniteswa",
    "graniteswitch",
    "grok",
    "grovemoe",
    "hunyuandense",
    "hunyuanmoe",
    "hunyuanvl",
    "hyv3",
    "internlm2",
    "jais",
    "jais2",
    "laguna",
    "llada",
    "lladamoe",
    "llama",
    "llama4",
    "maincoder",
    "mellum",
    "minimaxm2",
    "mistral3",
    "modernbert",
    "mpt",
    "nemotron",
    "nemotronh",
    "nemotronhmoe",
    "neobert",
    "olmo",
    "olmo2",
    "olmoe",
    "openelm",
    "orion",
    "paddleocr",
    "phi2",
    "phi3",
    "phimoe",
    "plamo",
    "qwen",
    "qwen2",
    "qwen2moe",
    "qwen2vl",
    "qwen3",
    "qwen35",
    "qwen35moe",
    "qwen3moe",
    "qwen3next",
    "qwen3vl",
    "qwen3vlmoe",
    "refact",
    "rnd1",
    "seedoss",
    "smallthinker",
    "smollm3",
    "stablelm",
    "starcoder",
    "starcoder2",
    "t5",
    "xverse",
];

/// Families that assert that all of a head is rotated.
const WHOLLY_ROTATED: &[&str] = &[
    "apertus",
    "arcee",
    "arctic",
    "baichuan",
    "chameleon",
    "codeshell",
    "cogvlm",
    "cohere2moe",
    "dbrx",
    "deci",
    "deepseek",
    "dots1",
    "dream",
    "ernie45",
    "ernie45moe",
    "exaone",
    "exaone4",
    "exaonemoe",
    "falcon",
    "granite",
    "granitemoe",
    "graniteswa",
    "graniteswitch",
    "grok",
    "grovemoe",
    "hunyuanmoe",
    "hunyuanvl",
    "hunyuandense",
    "hyv3",
    "internlm2",
    "jais2",
    "llada",
    "lladamoe",
    "llama",
    "llama4",
    "maincoder",
    "mellum",
    "mistral3",
    "nemotron",
    "olmo",
    "olmo2",
    "olmoe",
    "orion",
    "paddleocr",
    "plamo",
    "qwen2",
    "qwen2moe",
    "qwen2vl",
    "qwen3",
    "qwen3moe",
    "qwen3vl",
    "qwen3vlmoe",
    "rnd1",
    "seedoss",
    "smallthinker",
    "smollm3",
    "starcoder2",
    "xverse",
];
