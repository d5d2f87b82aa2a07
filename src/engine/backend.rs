//! What the engine asks of a backend: to load a model, and of the model to evaluate tokens.
//!
//! A [`Model`] is made on its engine thread and never leaves it. It holds the KV cache of several sequences, each a list of
//! positions from 0 without gaps. Rules for an implementation:
//! 1. `eval` appends exactly the rows it was given, or, if it fails or is stopped, a head of them for each sequence;
//!    [`Model::kv_len`] tells the truth about it afterwards.
//! 2. A sequence's outputs depend on nothing but that sequence's tokens.
//! 3. Bad input is an error, never an abort of the process.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use modeld_spec::error::Error;
use modeld_spec::session::params::SamplingParams;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;
pub use modeld_spec::slot::footprint::CacheType;
use modeld_spec::slot::footprint::Footprint;
use serde::{Deserialize, Serialize};

use super::manifest::{CacheSettings, FileDigests};
use crate::owner::gate::ResidentPermit;

/// A kind of model that can be served.
pub trait Backend: Send + Sync {
    /// The stable name: `llama`, `toy`, `none`.
    fn name(&self) -> &'static str;

    /// What tells the model at `path` from every other, so that it is loaded once however it is named.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`], and what [`Backend::describe`] says.
    fn identify(&self, path: &Path) -> Result<ModelKey, Error>;

    /// What the model's header says; loads nothing.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::ModelLoadFailed`] if it is no model of this backend.
    fn describe(&self, path: &Path) -> Result<ModelFacts, Error>;

    /// Loads a model. `progress` hears fractions from 0 to 1 and can break the load off.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`], [`Error::ModelLoadFailed`], [`Error::Cancelled`] if `progress` broke it off.
    fn load(
        &self,
        permit: ResidentPermit<'_>,
        request: &LoadRequest,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Box<dyn Model>, Error>;

    /// The build of what evaluates: another one may compute another cache for the same tokens.
    fn build(&self) -> String {
        format!("{} {}", self.name(), env!("CARGO_PKG_VERSION"))
    }

    /// The digest of the content of the model at `path`.
    ///
    /// # Errors
    /// As [`FileDigests::digest`].
    fn digest(
        &self,
        path: &Path,
        files: &FileDigests,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Digest, Error> {
        files.digest(path, progress)
    }

    /// What it could evaluate models with.
    fn devices(&self) -> Vec<Device> {
        Vec::new()
    }

    /// What a load takes, as far as the header tells. Reads nothing but that.
    ///
    /// # Errors
    /// As [`Backend::describe`].
    fn footprint(&self, request: &LoadRequest) -> Result<Footprint, Error>;
}

/// The identity of a model's content, as text: two that are equal need one load.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey(pub String);

impl fmt::Display for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to load, and for how many.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// Where the model is.
    pub path: PathBuf,
    /// Tokens of context of each session; the model may have been trained on less.
    pub context_tokens: usize,
    /// Sessions at once.
    pub sessions_max: usize,
    /// Rows of a batch at most.
    pub batch_tokens: usize,
    /// Threads that evaluate; `None`: the cores that this process may use.
    pub threads: Option<usize>,
    /// How it is evaluated.
    pub settings: Settings,
}

/// How a model is evaluated: everything here changes what is in its cache.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Applied to the weights, all of them, each times its scale.
    pub adapters: Vec<Adapter>,
    /// How the cache keeps its numbers.
    pub cache_type: CacheType,
    /// Whether attention is computed in one pass over the cache.
    pub flash_attention: FlashAttention,
    /// Whether what a session computes is the same bit by bit whatever else is computed: see [`Capabilities::reproducible`].
    pub reproducible: bool,
    /// Layers whose weights and cache are on a GPU; `None`: all of them, if the build has a GPU backend. 0: none.
    pub gpu_layers: Option<u32>,
}

impl fmt::Display for Settings {
    /// What tells these settings from others, as text; nothing for the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Settings::default() { Ok(()) } else { write!(f, " {self:?}") }
    }
}

/// A change of a model's weights (LoRA).
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    /// Where it is.
    pub path: PathBuf,
    /// How much of it is added; finite.
    pub scale: f32,
}

/// Whether attention is computed in one pass over the cache, without the whole matrix in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlashAttention {
    /// Where the devices can.
    #[default]
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// Something that can evaluate a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Short, for instance `CUDA0`.
    pub name: String,
    /// What it calls itself.
    pub description: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Bytes that are free, as far as its driver says; 0 if it doesn't.
    pub memory_free: u64,
    /// Bytes that it has; 0 if its driver doesn't say.
    pub memory_total: u64,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics card with memory of its own.
    Gpu,
    /// A graphics unit that uses the processor's memory.
    IntegratedGpu,
    /// A library or a unit that works for the processor, such as BLAS.
    Accelerator,
}

/// What a model's header says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// What the model calls itself, else its file name.
    pub name: String,
    /// The family, for instance `llama`.
    pub architecture: String,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Tokens that it was trained on at once; `None` if it doesn't say.
    pub context_train: Option<u64>,
    /// Whether it brings a chat template.
    pub has_chat_template: bool,
}

/// A loaded model, as its users see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// What its header says.
    pub facts: ModelFacts,
    /// Tokens in its vocabulary.
    pub vocabulary: usize,
    /// Tokens of context that each session can have.
    pub context_tokens: usize,
    /// Sessions at once.
    pub sessions_max: usize,
    /// Rows of a batch at most.
    pub batch_tokens: usize,
    /// Threads that evaluate it.
    pub threads: usize,
    /// Its chat template (Jinja).
    pub chat_template: Option<String>,
    /// The text of the token that begins a text; empty if it has none.
    pub bos_text: String,
    /// The text of the token that ends a text; empty if it has none.
    pub eos_text: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The chat template that it brings for chats with tools, if that is another one.
    pub tool_template: Option<String>,
}

/// What a loaded model and its cache can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether it writes text token by token; else it only embeds.
    pub generates: bool,
    /// Whether [`Model::embed`] works.
    pub embeds: bool,
    /// Whether a sequence can be cut at any position; else at 0 and where it ends.
    pub trims: bool,
    /// Whether [`Model::kv_share`] takes any range; else only the whole of a sequence, to an empty one.
    pub shares: bool,
    /// Whether [`Model::kv_shift`] works.
    pub shifts: bool,
    /// How many of the positions before it a token looks at in the layers that do not look at all of them (sliding window). The
    /// cache keeps the others as well, so that a sequence can be cut anywhere.
    pub window: Option<u32>,
    /// Whether the logits behind a sequence's tokens are the same bit by bit however they came there, if each was evaluated in a
    /// batch of one row: whatever other sequences do, whether positions were shared, saved, loaded, cut and evaluated again.
    /// Without it a batch of another size or with other rows rounds otherwise.
    pub reproducible: bool,
}

/// What [`Model::embed`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The numbers as the model gives them: of any length as a vector.
    pub values: Vec<f32>,
    /// How the embeddings of the tokens became one.
    pub pooling: Pooling,
    /// Whether the model's file names this pooling; else it is the usual one.
    pub declared: bool,
}

/// How the embeddings of tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first token.
    First,
    /// That of the last token.
    Last,
}

impl ModelInfo {
    /// Sequences of its cache: one more than sessions, so that a snapshot can be loaded while all are open.
    pub fn sequences(&self) -> usize {
        self.sessions_max + 1
    }
}

/// Names a sequence of the KV cache: below [`ModelInfo::sequences`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u32);

/// Tokens to evaluate together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The tokens; those of one sequence in the order of their positions.
    pub rows: Vec<Row>,
}

/// One token to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The token.
    pub token: TokenId,
    /// Its position in its sequence.
    pub position: usize,
    /// Its sequence.
    pub sequence: Sequence,
    /// Whether its logits are wanted.
    pub output: bool,
}

/// Why a batch was not evaluated whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// `stop` asked for the end.
    #[error("stopped")]
    Stopped,
    /// The backend failed.
    #[error("{0}")]
    Failed(String),
}

/// A loaded model and the KV cache of its sequences.
pub trait Model {
    /// What it is.
    fn info(&self) -> &ModelInfo;

    /// The tokens of `text`. `beginning`: put the token that begins a text in front, if the model wants one and the text does
    /// not begin with it; `control`: texts of control tokens in it become those tokens.
    ///
    /// # Errors
    /// [`Error::BackendFailed`].
    fn tokenize(&self, text: &str, beginning: bool, control: bool) -> Result<Vec<TokenId>, Error>;

    /// Appends the bytes that `token` stands for: none for a control token, perhaps a part of a character.
    ///
    /// # Errors
    /// [`Error::BackendFailed`].
    fn piece(&self, token: TokenId, bytes: &mut Vec<u8>) -> Result<(), Error>;

    /// Whether the model ends its text with this token.
    fn is_end(&self, token: TokenId) -> bool;

    /// Evaluates a batch. `stop` is asked as often as the backend can; once it says yes the evaluation may end early.
    ///
    /// # Errors
    /// [`EvalError`]; see rule 1 for what is in the cache then.
    fn eval(
        &mut self,
        permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError>;

    /// The logits of a row of the batch evaluated last that had `output`: one for each token of the vocabulary.
    ///
    /// # Errors
    /// [`Error::BackendFailed`] if that row had no output.
    fn logits(&self, row: usize) -> Result<&[f32], Error>;

    /// A chooser of tokens.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a grammar or schema that can't be used, or a bias on a token that is not there;
    /// [`Error::BackendFailed`].
    fn sampler(&self, params: &SamplingParams, seed: u32) -> Result<Box<dyn Sampler>, Error>;

    /// How many positions of `sequence` are in the cache, from 0 on.
    fn kv_len(&self, sequence: Sequence) -> usize;

    /// Removes all positions from `length` on. `false`, and nothing changed, if this cache can't be cut there; it can always be
    /// cut at 0.
    fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool;

    /// Makes the positions `range` of `from` those of `to` as well, which holds the positions before them and none from there on.
    /// `false`, and nothing changed, if this cache can't.
    fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool;

    /// Appends the contents of `sequence` as bytes that [`Model::kv_load`] of the same model with the same settings takes.
    ///
    /// # Errors
    /// [`Error::BackendFailed`], [`Error::UnsupportedFeature`].
    fn kv_save(
        &mut self,
        permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error>;

    /// Loads what [`Model::kv_save`] gave into the empty `sequence`; gives how many positions it holds then. After a failure nobody knows
    /// what it holds: it is to be emptied. The bytes are those that were saved: whoever reads them from outside has compared their digest.
    ///
    /// # Errors
    /// [`Error::BackendFailed`], [`Error::UnsupportedFeature`].
    fn kv_load(
        &mut self,
        permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<usize, Error>;

    /// The settings that change the contents of its cache.
    fn cache_settings(&self) -> CacheSettings {
        CacheSettings::default()
    }

    /// Takes the positions `discard` out of `sequence` and moves those behind them down, as if they had stood there: what the later ones
    /// saw of the discarded stays in them, so this is no cold run of the rest. `false`, and nothing changed, if this cache can't,
    /// or while the sequence shares positions with another.
    fn kv_shift(&mut self, sequence: Sequence, discard: Range<usize>) -> bool {
        let _ = (sequence, discard);
        false
    }

    /// The embedding of a text's tokens; nothing of it stays in the cache of any sequence.
    ///
    /// # Errors
    /// [`EvalError`]: stopped; or no token, more than it can embed at once, or not a model for that.
    fn embed(
        &mut self,
        permit: ResidentPermit<'_>,
        tokens: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Result<Embedding, EvalError>;

    /// Bytes of its caches and of the memory that it computes in; those for embeddings are taken at the first [`Model::embed`].
    fn context_bytes(&self) -> u64 {
        0
    }

    /// Bytes that it takes, where it knows better than the system; asked once, after the load.
    fn memory_bytes(&self) -> Option<u64> {
        None
    }
}

/// Chooses the next token; keeps what it needs of the tokens before.
pub trait Sampler {
    /// Chooses a token, and takes it as seen: the text goes on behind it.
    ///
    /// # Errors
    /// [`Error::BackendFailed`], also if nothing can be chosen; [`Error::InvalidArgument`] for a grammar that is too ambiguous.
    fn sample(&mut self, logits: &[f32]) -> Result<TokenId, Error>;

    /// Takes a token of the prompt as seen; constraints are not about it.
    fn accept(&mut self, token: TokenId);

    /// Takes a token of the answer as seen that was chosen elsewhere: the text goes on behind it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the constraint does not allow it there.
    fn resume(&mut self, token: TokenId) -> Result<(), Error>;
}
