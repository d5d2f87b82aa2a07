//! What llama.cpp expects of a model's header so firmly that it ends the process where it is otherwise: refused here first.
//!
//! These are the assertions of its loader (`llama-model.cpp`, `models/*.cpp`) that depend on the header alone: the numbers of
//! experts, the kind of rope scaling, the inner size of hybrids, and architectures that can't be loaded by themselves. Those of
//! architectures with parameters that only they have (`glm5-next`, `hrm-text`, `hy-v4`, `laguna`, `minimax-m3`, `nanbeige`) are
//! not in it.

use std::collections::HashMap;
use std::path::Path;

use super::head::{self, Head, TEXT, Unreadable};

/// Checks a model's header, which was found to be whole before.
pub(super) fn check(path: &Path, architecture: &str) -> Result<(), String> {
    let values = Values::read(path, architecture).map_err(|error| error.to_string())?;
    if ALONE.contains(&architecture) {
        return Err(format!("a model of the architecture {architecture} can't be used by itself"));
    }
    if let Some(kind) = values.rope_scaling.as_ref().filter(|kind| !ROPE_SCALINGS.contains(&kind.as_str())) {
        return Err(format!("its rope scaling {kind:?} is not known"));
    }
    if values.most("nextn_predict_layers") > values.most("block_count") {
        return Err("it predicts with more layers than it has".to_string());
    }
    if DOUBLE.contains(&architecture) && 2 * values.most("embedding_length") != values.most("ssm.inner_size")
    {
        return Err("its inner size is not twice its width".to_string());
    }
    experts(&values, architecture)
}

fn experts(values: &Values, architecture: &str) -> Result<(), String> {
    let experts = values.most("expert_count");
    let (used, groups) = (values.most("expert_used_count"), values.most("expert_group_count"));
    let groups_used = values.most("expert_group_used_count");
    if architecture.starts_with("hunyuan") && experts <= 1 {
        return Ok(());
    }
    let wrong = if EXPERTS_MAX < experts || experts < used {
        Some(format!("it uses {used} of {experts} experts"))
    } else if experts == 0 {
        if MIXED.contains(&architecture) {
            Some("it has no experts".to_string())
        } else {
            (0 < groups).then(|| format!("it has {groups} groups and no experts"))
        }
    } else if used == 0 {
        Some(format!("it uses none of its {experts} experts"))
    } else if experts <= groups
        || 1 < groups && (!experts.is_multiple_of(groups) || groups_used == 0 || groups <= groups_used)
    {
        Some(format!("it uses {groups_used} of {groups} groups of {experts} experts"))
    } else {
        None
    };
    wrong.map_or(Ok(()), Err)
}

/// The numbers of the header that are about the architecture.
struct Values {
    numbers: HashMap<String, Vec<u64>>,
    rope_scaling: Option<String>,
}

impl Values {
    fn read(path: &Path, architecture: &str) -> Result<Self, Unreadable> {
        let bytes = head::read(path, HEADER_BYTES_MAX)?;
        let (mut head, _tensors, pairs) = Head::new(&bytes)?;
        let mut values = Values { numbers: HashMap::new(), rope_scaling: None };
        for _ in 0..pairs {
            let key = head.text()?;
            let kind = head.number(4)?;
            match key.strip_prefix(architecture).and_then(|key| key.strip_prefix('.')) {
                Some("rope.scaling.type") if kind == TEXT => values.rope_scaling = Some(head.text()?),
                Some(name) => {
                    if let Some(numbers) = head.numbers(kind)? {
                        values.numbers.insert(name.to_string(), numbers);
                    }
                }
                None => head.skip(kind)?,
            }
        }
        Ok(values)
    }

    /// The number, or the largest of a list; 0 if it is not there.
    fn most(&self, name: &str) -> u64 {
        self.numbers.get(name).and_then(|numbers| numbers.iter().max()).copied().unwrap_or(0)
    }
}

/// Architectures that llama.cpp loads for its own tools, or beside another model.
const ALONE: [&str; 4] = ["clip", "dflash", "eagle3", "wavtokenizer-dec"];

/// Architectures whose state is twice as wide as the model.
const DOUBLE: [&str; 2] = ["granitehybrid", "jamba"];

/// Architectures that have experts.
const MIXED: [&str; 6] = ["bailingmoe2", "glm4moe", "grovemoe", "lfm2moe", "llada-moe", "smallthinker"];

const ROPE_SCALINGS: [&str; 4] = ["none", "linear", "yarn", "longrope"];

/// llama.cpp's bound (`LLAMA_MAX_EXPERTS`).
const EXPERTS_MAX: u64 = 1024;

/// Bytes of a header at most: the largest vocabularies and their merges have some twenty million.
const HEADER_BYTES_MAX: u64 = 256 << 20;
