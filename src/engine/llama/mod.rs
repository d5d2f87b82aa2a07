//! The llama.cpp backend: GGUF models on the CPU, and on GPUs with the features `cuda`, `vulkan` and `metal`.
//!
//! ```text
//!     Llama --load--> LlamaModel = { Context for text, Context for embeddings -> ThreadPool, Weights }     freed in this order
//! ```
//!
//! llama.cpp is used through its C interface, in the files of this folder and nowhere else; they alone have `unsafe`. What the safe
//! layer over it does not offer is why: an evaluation that can be stopped, a thread pool of our own, a load that can be broken off.
//!
//! One context holds the sequences of all sessions in one unified cache of `sessions_max` times the context of a session: a batch of
//! several sessions is then one evaluation, sequences can share cells, and no session can take another's room, as each is held to its own
//! length. A model that only encodes has no such context; one for embeddings is made when the first is asked for. There is no OpenMP: its spinning collapses when a core is taken away, and it can't be configured from inside the process.
//!
//! A file is looked at before llama.cpp sees it, so that what is no model or is cut off has a clear error; what llama.cpp logs
//! while it loads becomes part of the error and is not printed.

mod adapter;
#[doc(hidden)]
pub mod bare;
mod cache;
mod context;
mod cpu;
mod device;
mod expects;
mod head;
mod heap;
mod log;
mod rows;
mod sampler;
mod threadpool;
mod weights;

use std::cell::OnceCell;
use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;
use std::thread::available_parallelism;

use modeld_spec::error::Error;
use modeld_spec::session::params::SamplingParams;
use modeld_spec::session::tape::TokenId;
use modeld_spec::slot::footprint::{self, Footprint, Terms};

pub use cpu::{CpuReport, cpu_report};

use self::context::{Context, Purpose, Sizes};
use self::sampler::LlamaSampler;
use self::threadpool::ThreadPool;
use self::weights::Weights;
use super::backend::{
    Backend, Batch, Capabilities, Device, Embedding, EvalError, FlashAttention, LoadRequest, Model,
    ModelFacts, ModelInfo, ModelKey, Pooling, Sampler, Sequence, Settings,
};
use super::gguf;
use super::grammar::Pieces;
use super::manifest::CacheSettings;
use crate::owner::gate::ResidentPermit;

/// The backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Llama;

impl Backend for Llama {
    fn name(&self) -> &'static str {
        "llama"
    }

    fn build(&self) -> String {
        format!("llama.cpp of llama-cpp-sys-2 {BINDINGS}, ggml {}", weights::ggml_version())
    }

    fn identify(&self, path: &Path) -> Result<ModelKey, Error> {
        let file = regular_file(path)?;
        // The content counts, not the name; a file that was replaced is another model.
        let (device, inode, seconds, nanos) = (file.dev(), file.ino(), file.mtime(), file.mtime_nsec());
        Ok(ModelKey(format!("{device}:{inode}:{}:{seconds}.{nanos}", file.len())))
    }

    fn describe(&self, path: &Path) -> Result<ModelFacts, Error> {
        let size_bytes = regular_file(path)?.len();
        let header = gguf::read(path).map_err(|error| failed(path, error))?;
        let file_name = || path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(ModelFacts {
            name: header.name.unwrap_or_else(file_name),
            architecture: header.architecture,
            size_bytes,
            context_train: header.context_length,
            has_chat_template: header.has_chat_template,
        })
    }

    fn load(
        &self,
        permit: ResidentPermit<'_>,
        request: &LoadRequest,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Box<dyn Model>, Error> {
        let path = &request.path;
        let report = cpu_report().map_err(|error| failed(path, error))?;
        if !report.cpu_lacks.is_empty() {
            return Err(failed(path, report));
        }
        heap::give_back_what_is_freed();
        let settings = &request.settings;
        check(settings)?;
        let facts = self.describe(path)?;
        expects::check(path, &facts.architecture).map_err(|cause| failed(path, cause))?;
        for adapter in &settings.adapters {
            adapter::check(&adapter.path, &facts.architecture)
                .map_err(|cause| failed(&adapter.path, cause))?;
        }
        let weights = Weights::load(&permit, path, settings.gpu_layers, progress);
        let Some(mut weights) = weights.map_err(|cause| failed(path, cause))? else {
            return Err(Error::Cancelled);
        };
        for adapter in &settings.adapters {
            weights.add_adapter(adapter).map_err(|cause| failed(&adapter.path, cause))?;
        }
        LlamaModel::new(permit, weights, request, facts)
            .map(|model| Box::new(model) as Box<dyn Model>)
            .map_err(|cause| failed(path, cause))
    }

    fn devices(&self) -> Vec<Device> {
        device::devices()
    }

    fn footprint(&self, request: &LoadRequest) -> Result<Footprint, Error> {
        let path = &request.path;
        regular_file(path)?;
        let header = gguf::read(path).map_err(|error| failed(path, error))?;
        let trained = header.context_length.unwrap_or(u64::MAX).max(1);
        // The sequence that is no session's has cells of its own only where each has, and a state where there are states.
        let has_state = header.shape.layers.iter().any(|layer| 0 < layer.state);
        let spare = usize::from(request.settings.reproducible || has_state);
        let sessions = request.sessions_max.clamp(1, context::SEQUENCES_MAX - 1);
        let terms = Terms {
            context: (request.context_tokens as u64).clamp(1, trained),
            sequences: (sessions + spare) as u64,
            batch: request.batch_tokens.max(1) as u64,
            keys: request.settings.cache_type,
            values: request.settings.cache_type,
            full_windows: true,
            // llama.cpp turns it on where the machine can, and a CPU can; one family can't.
            flash: request.settings.flash_attention != FlashAttention::Off && header.architecture != "grok",
        };
        footprint::footprint(&header.shape, &terms)
            .ok_or_else(|| failed(path, "it takes more memory than can be counted"))
    }
}

struct LlamaModel {
    /// For text; `None` if the model only encodes.
    generation: Option<Context>,
    /// For embeddings, once one was asked for.
    embedding: Option<Context>,
    pool: Rc<ThreadPool>,
    weights: Rc<Weights>,
    settings: Settings,
    info: ModelInfo,
    /// The texts of the tokens, once a constraint has asked for them.
    pieces: OnceCell<Rc<Pieces>>,
}

impl LlamaModel {
    fn new(
        permit: ResidentPermit<'_>,
        weights: Weights,
        request: &LoadRequest,
        facts: ModelFacts,
    ) -> Result<Self, String> {
        let weights = Rc::new(weights);
        let context_train = weights.context_train();
        // One sequence more than sessions: a snapshot is loaded into it.
        let sessions_max = request.sessions_max.clamp(1, context::SEQUENCES_MAX - 1);
        let sizes = Sizes {
            context_tokens: request.context_tokens.min(context_train).max(1),
            sessions_max,
            sequences: sessions_max + 1,
            batch_tokens: request.batch_tokens,
            threads: request.threads.unwrap_or_else(cores).max(1),
        };
        let pool = Rc::new(ThreadPool::new(sizes.threads)?);
        let settings = request.settings.clone();
        let generation = if weights.is_encoder() {
            None
        } else {
            let context =
                Context::new(&permit, weights.clone(), pool.clone(), sizes, &settings, Purpose::Generate)?;
            Some(context).filter(Context::has_cache)
        };
        let (recurrent, on_gpu) =
            (weights.is_recurrent(), device::can_offload() && settings.gpu_layers != Some(0));
        let capabilities = Capabilities {
            generates: generation.is_some(),
            embeds: weights.pooling(&facts.architecture).is_ok(),
            trims: !recurrent,
            shares: !recurrent && !settings.reproducible,
            shifts: generation.as_ref().is_some_and(Context::shifts),
            window: weights.window(),
            reproducible: settings.reproducible && !on_gpu,
        };
        if !capabilities.generates && !capabilities.embeds {
            return Err("it neither generates text nor embeds it".to_string());
        }
        let info = ModelInfo {
            path: request.path.clone(),
            vocabulary: weights.vocabulary(),
            context_tokens: sizes.context_tokens,
            sessions_max: sizes.sessions_max,
            batch_tokens: generation.as_ref().map_or(sizes.batch_tokens, Context::batch_tokens),
            threads: sizes.threads,
            chat_template: weights.chat_template(None),
            tool_template: weights.chat_template(Some(c"tool_use")),
            bos_text: weights.bos_text(),
            eos_text: weights.eos_text(),
            facts: ModelFacts { context_train: Some(context_train as u64), ..facts },
            capabilities,
        };
        let (embedding, pieces) = (None, OnceCell::new());
        Ok(LlamaModel { generation, embedding, pool, weights, settings, info, pieces })
    }

    /// The context for embeddings, and how it makes one of those of all tokens.
    fn embedding(&mut self, permit: &ResidentPermit<'_>, pooling: Pooling) -> Result<&mut Context, String> {
        let embedding = match self.embedding.take() {
            Some(embedding) => embedding,
            None => {
                // A text is evaluated at once: the memory to compute in grows with this.
                let tokens = self.info.context_tokens.min(EMBEDDED_TOKENS_MAX);
                let sizes = Sizes {
                    context_tokens: tokens,
                    sessions_max: 1,
                    sequences: 1,
                    batch_tokens: tokens,
                    threads: self.info.threads,
                };
                let (weights, pool) = (self.weights.clone(), self.pool.clone());
                Context::new(permit, weights, pool, sizes, &self.settings, Purpose::Embed(pooling))?
            }
        };
        Ok(self.embedding.insert(embedding))
    }

    fn text(&mut self) -> Result<&mut Context, Error> {
        self.generation.as_mut().ok_or_else(|| backend_failed("the model does not generate text"))
    }
}

impl Model for LlamaModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn cache_settings(&self) -> CacheSettings {
        CacheSettings::from(&self.settings)
    }

    fn tokenize(&self, text: &str, beginning: bool, control: bool) -> Result<Vec<TokenId>, Error> {
        self.weights.tokenize(text, beginning, control)
    }

    fn piece(&self, token: TokenId, bytes: &mut Vec<u8>) -> Result<(), Error> {
        self.weights.piece(token, bytes)
    }

    fn is_end(&self, token: TokenId) -> bool {
        self.weights.is_end(token)
    }

    fn eval(
        &mut self,
        permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError> {
        let context = self.text().map_err(|error| EvalError::Failed(error.to_string()))?;
        context.eval(permit, batch, stop)
    }

    fn logits(&self, row: usize) -> Result<&[f32], Error> {
        let context = self.generation.as_ref();
        context.ok_or_else(|| backend_failed("the model does not generate text"))?.logits(row)
    }

    fn sampler(&self, params: &SamplingParams, seed: u32) -> Result<Box<dyn Sampler>, Error> {
        let pieces = || match self.pieces.get() {
            Some(pieces) => Ok(pieces.clone()),
            None => {
                let pieces = Rc::new(self.weights.pieces()?);
                Ok(self.pieces.get_or_init(|| pieces).clone())
            }
        };
        Ok(Box::new(LlamaSampler::new(params, seed, self.info.vocabulary, pieces)?))
    }

    fn kv_len(&self, sequence: Sequence) -> usize {
        self.generation.as_ref().map_or(0, |context| context.kv_len(sequence))
    }

    fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool {
        self.generation.as_mut().is_none_or(|context| context.kv_truncate(sequence, length))
    }

    fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool {
        self.generation.as_mut().is_some_and(|context| context.kv_share(from, to, range))
    }

    fn kv_save(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.text()?.kv_save(sequence, bytes)
    }

    fn kv_load(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<usize, Error> {
        self.text()?.kv_load(sequence, bytes)
    }

    fn kv_shift(&mut self, sequence: Sequence, discard: Range<usize>) -> bool {
        self.generation.as_mut().is_some_and(|context| context.kv_shift(sequence, discard))
    }

    fn embed(
        &mut self,
        permit: ResidentPermit<'_>,
        tokens: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Result<Embedding, EvalError> {
        let named = self.weights.pooling(&self.info.facts.architecture).map_err(EvalError::Failed)?;
        let pooling = named.unwrap_or(Pooling::Mean);
        let context = self.embedding(&permit, pooling).map_err(EvalError::Failed)?;
        let values = context.embed(permit, tokens, stop)?;
        Ok(Embedding { values, pooling, declared: named.is_some() })
    }

    fn context_bytes(&self) -> u64 {
        [&self.generation, &self.embedding].into_iter().flatten().map(Context::bytes).sum()
    }
}

/// What llama.cpp would find out late, or not at all.
fn check(settings: &Settings) -> Result<(), Error> {
    let invalid = |argument: &str, problem: &str| {
        Err(Error::InvalidArgument { argument: argument.to_string(), problem: problem.to_string() })
    };
    if settings.cache_type.is_quantised() && settings.flash_attention == FlashAttention::Off {
        return invalid("cache_type", "is quantised, which needs flash attention");
    }
    if settings.adapters.iter().any(|adapter| !adapter.scale.is_finite()) {
        return invalid("adapters", "must have finite scales");
    }
    if ADAPTERS_MAX < settings.adapters.len() {
        return invalid("adapters", &format!("must be at most {ADAPTERS_MAX}"));
    }
    Ok(())
}

fn regular_file(path: &Path) -> Result<fs::Metadata, Error> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(file),
        Ok(file) if file.is_dir() => Err(failed(path, "it is a directory")),
        Ok(_) => Err(failed(path, "it is no regular file")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Error::ModelNotFound { model: path.display().to_string() })
        }
        Err(error) => Err(failed(path, error)),
    }
}

fn failed(path: &Path, cause: impl ToString) -> Error {
    Error::ModelLoadFailed { model: path.display().to_string(), cause: cause.to_string() }
}

fn backend_failed(cause: impl ToString) -> Error {
    Error::BackendFailed { cause: cause.to_string() }
}

/// The cores that this process may use; affinity and cgroups are looked at.
fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Tokens of a text to embed at most: they are evaluated at once, and the memory for it grows with them.
const EMBEDDED_TOKENS_MAX: usize = 2048;

/// Adapters of a model at most.
const ADAPTERS_MAX: usize = 16;

/// The version of the bindings, which pins the one of llama.cpp: it says more than llama.cpp says of itself.
const BINDINGS: &str = "0.1.161";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_names_the_bindings_that_are_built() {
        let pinned = format!("llama-cpp-sys-2 = {{ version = \"={BINDINGS}\"");
        assert!(include_str!("../../../Cargo.toml").contains(&pinned), "{pinned}");
        assert!(Llama.build().contains(", ggml 0."), "{}", Llama.build());
    }
}
