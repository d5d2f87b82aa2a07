//! What a model is, how it is evaluated, and what it can do.

use std::path::PathBuf;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenCount;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::proto;
use super::{Malformed, epoch, nanos};
use crate::engine::Embedded;
use crate::engine::backend::{
    Adapter, Capabilities, Device, Embedding, FlashAttention, ModelFacts, Settings,
};
use crate::engine::chat::Features;

/// The settings that a client asks for.
pub(in crate::transport) fn settings(given: Option<proto::Settings>) -> Result<Settings, Error> {
    let given = given.unwrap_or_default();
    if ADAPTERS_MAX < given.adapters.len() {
        let count = given.adapters.len();
        return Err(invalid("adapters", format!("are {count}, and {ADAPTERS_MAX} are allowed")));
    }
    Ok(Settings {
        adapters: given.adapters.into_iter().map(adapter).collect::<Result<_, _>>()?,
        cache_type: given.cache_type.map_or(Ok(Default::default()), |text| asked("cache_type", &text))?,
        flash_attention: match given.flash_attention {
            Some(text) => asked("flash_attention", &text)?,
            None => FlashAttention::default(),
        },
        reproducible: given.reproducible,
        gpu_layers: given.gpu_layers,
    })
}

/// The same on its way to the owner; absent where nothing differs from the usual.
pub(crate) fn settings_message(settings: &Settings) -> Option<proto::Settings> {
    if *settings == Settings::default() {
        return None;
    }
    let Settings { adapters, cache_type, flash_attention, reproducible, gpu_layers } = settings;
    let adapter = |adapter: &Adapter| proto::Adapter {
        path: adapter.path.to_string_lossy().into_owned(),
        scale: Some(adapter.scale),
    };
    Some(proto::Settings {
        adapters: adapters.iter().map(adapter).collect(),
        cache_type: Some(word(cache_type)),
        flash_attention: Some(word(flash_attention)),
        reproducible: *reproducible,
        gpu_layers: *gpu_layers,
    })
}

fn adapter(given: proto::Adapter) -> Result<Adapter, Error> {
    let path = PathBuf::from(given.path);
    let scale = given.scale.unwrap_or(1.0);
    if !path.is_absolute() || PATH_BYTES_MAX < path.as_os_str().len() {
        let problem = format!("must be named by an absolute path of at most {PATH_BYTES_MAX} bytes");
        return Err(invalid("adapters", problem));
    }
    match scale.is_finite() {
        true => Ok(Adapter { path, scale }),
        false => Err(invalid("adapters", format!("must have a finite scale, and one has {scale}"))),
    }
}

/// The embedding in an answer.
pub(crate) fn embedded(answer: proto::EmbedResponse) -> Result<Embedded, Malformed> {
    let pooling = parsed(&answer.pooling).map_err(|_| Malformed("pooling"))?;
    Ok(Embedded {
        epoch: epoch(answer.epoch)?,
        embedding: Embedding { values: answer.values, pooling, declared: answer.declared },
        tokens: TokenCount(answer.tokens),
        elapsed: Duration::from_nanos(answer.elapsed_ns),
    })
}

impl From<Embedded> for proto::EmbedResponse {
    fn from(embedded: Embedded) -> Self {
        let Embedded { epoch, embedding, tokens, elapsed } = embedded;
        proto::EmbedResponse {
            epoch: epoch.get(),
            pooling: word(&embedding.pooling),
            values: embedding.values,
            declared: embedding.declared,
            tokens: tokens.0,
            elapsed_ns: nanos(elapsed),
        }
    }
}

impl From<ModelFacts> for proto::ModelFacts {
    fn from(facts: ModelFacts) -> Self {
        proto::ModelFacts {
            name: facts.name,
            architecture: facts.architecture,
            size_bytes: facts.size_bytes,
            context_train: facts.context_train,
            has_chat_template: facts.has_chat_template,
        }
    }
}

impl From<proto::ModelFacts> for ModelFacts {
    fn from(facts: proto::ModelFacts) -> Self {
        ModelFacts {
            name: facts.name,
            architecture: facts.architecture,
            size_bytes: facts.size_bytes,
            context_train: facts.context_train,
            has_chat_template: facts.has_chat_template,
        }
    }
}

impl From<Device> for proto::Device {
    fn from(device: Device) -> Self {
        proto::Device {
            kind: word(&device.kind),
            name: device.name,
            description: device.description,
            memory_free: device.memory_free,
            memory_total: device.memory_total,
        }
    }
}

impl TryFrom<proto::Device> for Device {
    type Error = Malformed;
    fn try_from(device: proto::Device) -> Result<Self, Malformed> {
        Ok(Device {
            kind: parsed(&device.kind).map_err(|_| Malformed("kind of device"))?,
            name: device.name,
            description: device.description,
            memory_free: device.memory_free,
            memory_total: device.memory_total,
        })
    }
}

impl From<Capabilities> for proto::Capabilities {
    fn from(capabilities: Capabilities) -> Self {
        let Capabilities { generates, embeds, trims, shares, shifts, window, reproducible } = capabilities;
        proto::Capabilities { generates, embeds, trims, shares, shifts, window, reproducible }
    }
}

impl From<proto::Capabilities> for Capabilities {
    fn from(message: proto::Capabilities) -> Self {
        let proto::Capabilities { generates, embeds, trims, shares, shifts, window, reproducible } = message;
        Capabilities { generates, embeds, trims, shares, shifts, window, reproducible }
    }
}

impl From<Features> for proto::ChatFeatures {
    fn from(features: Features) -> Self {
        proto::ChatFeatures {
            system: features.system,
            tools: features.tools,
            tool_calls: features.tool_calls,
            tool_results: features.tool_results,
            thinking: features.thinking,
            reasoning_effort: features.reasoning_effort,
        }
    }
}

impl From<proto::ChatFeatures> for Features {
    fn from(message: proto::ChatFeatures) -> Self {
        // How a template wants to see calls is the owner's business, and not on the wire.
        let mut features = Features::default();
        features.system = message.system;
        features.tools = message.tools;
        features.tool_calls = message.tool_calls;
        features.tool_results = message.tool_results;
        features.thinking = message.thinking;
        features.reasoning_effort = message.reasoning_effort;
        features
    }
}

/// The stable word for a value that has one.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        // None that is sent is anything else; whoever reads this refuses it.
        _ => String::new(),
    }
}

fn parsed<T: DeserializeOwned>(word: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::String(word.to_string()))
}

fn asked<T: DeserializeOwned>(argument: &str, word: &str) -> Result<T, Error> {
    parsed(word).map_err(|error| invalid(argument, format!("can't be used: {error}")))
}

fn invalid(argument: &str, problem: String) -> Error {
    Error::InvalidArgument { argument: argument.to_string(), problem }
}

/// More adapters than anybody mixes: each is read and applied at every load.
const ADAPTERS_MAX: usize = 64;

/// The longest path, in bytes: that of Linux.
const PATH_BYTES_MAX: usize = 4096;
