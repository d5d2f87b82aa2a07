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
use modeld_spec::session::tape::TokenId;
use modeld_spec::slot::footprint::Footprint;
use serde::{Deserialize, Serialize};

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
}

/// Names a sequence of the KV cache: below the `sessions_max` of the load.
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

    /// Bytes that it takes, where it knows better than the system; asked once, after the load.
    fn memory_bytes(&self) -> Option<u64> {
        None
    }
}

/// Chooses the next token; keeps what it needs of the tokens before.
pub trait Sampler {
    /// Chooses a token, and takes it as seen.
    ///
    /// # Errors
    /// [`Error::BackendFailed`].
    fn sample(&mut self, logits: &[f32]) -> Result<TokenId, Error>;

    /// Takes a token of the prompt as seen.
    fn accept(&mut self, token: TokenId);
}
