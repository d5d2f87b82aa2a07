//! The llama.cpp backend: GGUF models on the CPU.
//!
//! ```text
//!     Llama --load--> LlamaModel = { Context -> ThreadPool -> Weights }     freed in this order
//! ```
//!
//! llama.cpp is used through its C interface, in the files of this folder and nowhere else; they alone have `unsafe`. What the safe
//! layer over it does not offer is why: an evaluation that can be stopped, a thread pool of our own, a load that can be broken off.
//!
//! One context holds the sequences of all sessions in one unified cache of `sessions_max` times the context of a session: a batch of
//! several sessions is then one evaluation, sequences can share cells, and no session can take another's room, as each is held to its own
//! length. There is no OpenMP: its spinning collapses when a core is taken away, and it can't be configured from inside the process.
//!
//! A file is looked at before llama.cpp sees it, so that what is no model or is cut off has a clear error; what llama.cpp logs
//! while it loads becomes part of the error and is not printed.

#[doc(hidden)]
pub mod bare;
mod context;
mod cpu;
mod log;
mod sampler;
mod threadpool;
mod weights;

use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::available_parallelism;

use modeld_spec::error::Error;
use modeld_spec::session::params::SamplingParams;
use modeld_spec::session::tape::TokenId;
use modeld_spec::slot::footprint::{self, CacheType, Footprint, Terms};

pub use cpu::{CpuReport, cpu_report};

use self::context::Context;
use self::sampler::LlamaSampler;
use self::weights::Weights;
use super::backend::{
    Backend, Batch, EvalError, LoadRequest, Model, ModelFacts, ModelInfo, ModelKey, Sampler, Sequence,
};
use super::gguf;
use crate::owner::gate::ResidentPermit;

/// The backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Llama;

impl Backend for Llama {
    fn name(&self) -> &'static str {
        "llama"
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
        let facts = self.describe(path)?;
        let weights = Weights::load(&permit, path, progress).map_err(|cause| failed(path, cause))?;
        let Some(weights) = weights else { return Err(Error::Cancelled) };
        let context_train = weights.context_train();
        let context_tokens = request.context_tokens.min(context_train).max(1);
        let threads = request.threads.unwrap_or_else(cores).max(1);
        let sessions_max = request.sessions_max.clamp(1, context::SEQUENCES_MAX);
        let sizes =
            context::Sizes { context_tokens, sessions_max, batch_tokens: request.batch_tokens, threads };
        let context = Context::new(&permit, weights, sizes).map_err(|cause| failed(path, cause))?;
        let weights = context.weights();
        let info = ModelInfo {
            path: path.clone(),
            vocabulary: weights.vocabulary(),
            context_tokens,
            sessions_max,
            batch_tokens: context.batch_tokens(),
            threads,
            chat_template: weights.chat_template(),
            bos_text: weights.bos_text(),
            eos_text: weights.eos_text(),
            facts: ModelFacts { context_train: Some(context_train as u64), ..facts },
        };
        Ok(Box::new(LlamaModel { context, info }))
    }

    fn footprint(&self, request: &LoadRequest) -> Result<Footprint, Error> {
        let path = &request.path;
        regular_file(path)?;
        let header = gguf::read(path).map_err(|error| failed(path, error))?;
        let trained = header.context_length.unwrap_or(u64::MAX).max(1);
        let terms = Terms {
            context: (request.context_tokens as u64).clamp(1, trained),
            sequences: request.sessions_max.clamp(1, context::SEQUENCES_MAX) as u64,
            batch: request.batch_tokens.max(1) as u64,
            keys: CacheType::F16,
            values: CacheType::F16,
            full_windows: true,
            // llama.cpp turns it on where the machine can, and a CPU can; one family can't.
            flash: header.architecture != "grok",
        };
        footprint::footprint(&header.shape, &terms)
            .ok_or_else(|| failed(path, "it takes more memory than can be counted"))
    }
}

struct LlamaModel {
    context: Context,
    info: ModelInfo,
}

impl Model for LlamaModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn tokenize(&self, text: &str, beginning: bool, control: bool) -> Result<Vec<TokenId>, Error> {
        self.context.weights().tokenize(text, beginning, control)
    }

    fn piece(&self, token: TokenId, bytes: &mut Vec<u8>) -> Result<(), Error> {
        self.context.weights().piece(token, bytes)
    }

    fn is_end(&self, token: TokenId) -> bool {
        self.context.weights().is_end(token)
    }

    fn eval(
        &mut self,
        permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError> {
        self.context.eval(permit, batch, stop)
    }

    fn logits(&self, row: usize) -> Result<&[f32], Error> {
        self.context.logits(row)
    }

    fn sampler(&self, params: &SamplingParams, seed: u32) -> Result<Box<dyn Sampler>, Error> {
        Ok(Box::new(LlamaSampler::new(params, seed, self.info.vocabulary)?))
    }

    fn kv_len(&self, sequence: Sequence) -> usize {
        self.context.kv_len(sequence)
    }

    fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool {
        self.context.kv_truncate(sequence, length)
    }

    fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool {
        self.context.kv_share(from, to, range)
    }

    fn kv_save(
        &mut self,
        permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.context.kv_save(permit, sequence, bytes)
    }

    fn kv_load(
        &mut self,
        permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<usize, Error> {
        self.context.kv_load(permit, sequence, bytes)
    }
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
