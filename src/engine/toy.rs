//! A deterministic model without weights, for tests of everything around a model.
//!
//! A token is a byte, or the beginning or the end of a text. The logits behind a tape are a pure function (a hash) of
//! the whole tape: if a cache held anything else than the session's own tokens, in order and without gaps, the output would be
//! another one. The cache itself refuses a position that does not follow on the last one.
//!
//! It is named `toy` or `toy:ANYTHING`; each name is a model of its own and no file is read.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use modeld_spec::error::Error;
use modeld_spec::session::params::SamplingParams;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;
use modeld_spec::slot::footprint::Footprint;

use super::backend::{
    Backend, Batch, Capabilities, Embedding, EvalError, LoadRequest, Model, ModelFacts, ModelInfo, ModelKey,
    Pooling, Sampler, Sequence,
};
use super::choice::Choice;
use super::grammar::Pieces;
use super::manifest::{FileDigests, digest_of};
use crate::owner::gate::ResidentPermit;

/// Called with a batch before it is evaluated: a test can wait in it.
pub type EvalHook = Arc<dyn Fn(&Batch) + Send + Sync>;

/// Says of a batch whether it fails.
pub type BatchTest = Arc<dyn Fn(&Batch) -> bool + Send + Sync>;

/// Called with each fraction of a load: a test can wait in it.
pub type LoadHook = Arc<dyn Fn(f32) + Send + Sync>;

/// Says whether the load of the model with this name fails.
pub type FailHook = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The backend.
#[derive(Clone)]
pub struct Toy {
    /// Whether a sequence can be cut elsewhere than at 0: caches of recurrent models can't.
    pub trims: bool,
    /// Whether the model may end its text by itself.
    pub ends: bool,
    /// Called before each evaluation.
    pub before_eval: Option<EvalHook>,
    /// Whether a batch fails.
    pub refuses: Option<BatchTest>,
    /// Called during a load.
    pub during_load: Option<LoadHook>,
    /// Bytes that a load is planned with.
    pub bytes: u64,
    /// Bytes that a load says it took; `None`: as many as were planned.
    pub took: Option<u64>,
    /// Whether a load fails in the end.
    pub fails: Option<FailHook>,
}

impl Default for Toy {
    fn default() -> Self {
        Toy {
            trims: true,
            ends: true,
            before_eval: None,
            refuses: None,
            during_load: None,
            bytes: 0,
            took: None,
            fails: None,
        }
    }
}

impl Backend for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn identify(&self, path: &Path) -> Result<ModelKey, Error> {
        let name = path.to_string_lossy();
        if name == "toy" || name.starts_with("toy:") {
            Ok(ModelKey(name.into_owned()))
        } else {
            Err(Error::ModelNotFound { model: name.into_owned() })
        }
    }

    fn digest(
        &self,
        path: &Path,
        _files: &FileDigests,
        _progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Digest, Error> {
        self.identify(path).map(|key| digest_of(key.0.as_bytes()))
    }

    fn describe(&self, path: &Path) -> Result<ModelFacts, Error> {
        Ok(ModelFacts {
            name: self.identify(path)?.0,
            architecture: "toy".to_string(),
            size_bytes: 0,
            context_train: Some(CONTEXT_TRAIN as u64),
            has_chat_template: true,
        })
    }

    fn load(
        &self,
        _permit: ResidentPermit<'_>,
        request: &LoadRequest,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Box<dyn Model>, Error> {
        let facts = self.describe(&request.path)?;
        for quarter in 0..=4u8 {
            let fraction = f32::from(quarter) / 4.0;
            if let Some(hook) = &self.during_load {
                hook(fraction);
            }
            if progress(fraction).is_break() {
                return Err(Error::Cancelled);
            }
        }
        if self.fails.as_ref().is_some_and(|fails| fails(&facts.name)) {
            let cause = "it was told to fail".to_string();
            return Err(Error::ModelLoadFailed { model: facts.name, cause });
        }
        let info = ModelInfo {
            path: request.path.clone(),
            facts,
            vocabulary: VOCABULARY,
            context_tokens: request.context_tokens.min(CONTEXT_TRAIN),
            sessions_max: request.sessions_max,
            batch_tokens: request.batch_tokens,
            threads: 1,
            chat_template: Some(CHAT_TEMPLATE.to_string()),
            bos_text: String::new(),
            eos_text: String::new(),
            capabilities: Capabilities {
                generates: true,
                embeds: true,
                trims: self.trims,
                shares: self.trims,
                shifts: self.trims,
                window: None,
                reproducible: true,
            },
            tool_template: None,
        };
        let cache = vec![Vec::new(); info.sequences()];
        Ok(Box::new(ToyModel { toy: self.clone(), info, cache, outputs: Vec::new() }))
    }

    fn footprint(&self, request: &LoadRequest) -> Result<Footprint, Error> {
        self.identify(&request.path)?;
        Ok(Footprint { weights: self.bytes, ..Footprint::default() })
    }
}

struct ToyModel {
    toy: Toy,
    info: ModelInfo,
    /// By sequence: the tokens at positions 0, 1, ...
    cache: Vec<Vec<TokenId>>,
    /// By row of the last batch: its logits, if they were wanted.
    outputs: Vec<Option<Vec<f32>>>,
}

impl Model for ToyModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn tokenize(&self, text: &str, beginning: bool, _control: bool) -> Result<Vec<TokenId>, Error> {
        let bytes = text.bytes().map(|byte| TokenId(i32::from(byte)));
        Ok(beginning.then_some(BEGINNING).into_iter().chain(bytes).collect())
    }

    fn piece(&self, token: TokenId, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.extend(u8::try_from(token.0).ok());
        Ok(())
    }

    fn is_end(&self, token: TokenId) -> bool {
        token == END
    }

    fn eval(
        &mut self,
        _permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError> {
        if let Some(hook) = &self.toy.before_eval {
            hook(batch);
        }
        self.outputs = vec![None; batch.rows.len()];
        if self.toy.refuses.as_ref().is_some_and(|refuses| refuses(batch)) {
            return Err(EvalError::Failed("the test says so".to_string()));
        }
        if self.info.batch_tokens < batch.rows.len() {
            return Err(EvalError::Failed(format!("a batch of {} rows is too large", batch.rows.len())));
        }
        for (index, row) in batch.rows.iter().enumerate() {
            if stop() {
                return Err(EvalError::Stopped);
            }
            let Some(cache) = self.cache.get_mut(row.sequence.0 as usize) else {
                return Err(EvalError::Failed(format!("there is no sequence {}", row.sequence.0)));
            };
            if cache.len() != row.position {
                return Err(EvalError::Failed(format!(
                    "sequence {} holds {} positions and position {} was to be evaluated",
                    row.sequence.0,
                    cache.len(),
                    row.position
                )));
            }
            cache.push(row.token);
            self.outputs[index] = row.output.then(|| logits_after(cache, self.toy.ends));
        }
        Ok(())
    }

    fn logits(&self, row: usize) -> Result<&[f32], Error> {
        self.outputs
            .get(row)
            .and_then(Option::as_deref)
            .ok_or_else(|| Error::BackendFailed { cause: format!("row {row} has no output") })
    }

    fn sampler(&self, params: &SamplingParams, seed: u32) -> Result<Box<dyn Sampler>, Error> {
        let pieces = || {
            let piece =
                |token| (u8::try_from(token).ok().into_iter().collect(), TokenId(token as i32) == END);
            Ok(Rc::new(Pieces::new((0..VOCABULARY).map(piece))))
        };
        let choice = Choice::new(params, VOCABULARY, pieces)?;
        let (greedy, state) = (params.is_greedy(), u64::from(seed));
        Ok(Box::new(ToySampler { greedy, state, choice, candidates: Vec::new() }))
    }

    fn kv_len(&self, sequence: Sequence) -> usize {
        self.cache.get(sequence.0 as usize).map_or(0, Vec::len)
    }

    fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool {
        let Some(cache) = self.cache.get_mut(sequence.0 as usize) else { return false };
        let can = self.toy.trims || length == 0 || cache.len() <= length;
        if can {
            cache.truncate(length);
        }
        can
    }

    fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool {
        let Some(part) = self.cache.get(from.0 as usize).and_then(|cache| cache.get(range.clone())) else {
            return false;
        };
        let part = part.to_vec();
        match self.cache.get_mut(to.0 as usize) {
            Some(cache) if cache.len() == range.start && self.toy.trims => {
                cache.extend(part);
                true
            }
            _ => false,
        }
    }

    fn kv_save(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let Some(cache) = self.cache.get(sequence.0 as usize) else { return Err(no_sequence(sequence)) };
        bytes.extend(cache.iter().flat_map(|token| token.0.to_le_bytes()));
        Ok(())
    }

    fn kv_load(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<usize, Error> {
        let Some(cache) = self.cache.get_mut(sequence.0 as usize).filter(|cache| cache.is_empty()) else {
            return Err(no_sequence(sequence));
        };
        let (tokens, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Error::BackendFailed { cause: "the saved sequence ends in a token".to_string() });
        }
        cache.extend(tokens.iter().map(|bytes| TokenId(i32::from_le_bytes(*bytes))));
        Ok(cache.len())
    }

    fn kv_shift(&mut self, sequence: Sequence, discard: Range<usize>) -> bool {
        let Some(cache) = self.cache.get_mut(sequence.0 as usize) else { return false };
        let can = self.toy.trims && discard.end <= cache.len();
        if can {
            cache.drain(discard);
        }
        can
    }

    fn embed(
        &mut self,
        _permit: ResidentPermit<'_>,
        tokens: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Result<Embedding, EvalError> {
        if stop() {
            return Err(EvalError::Stopped);
        }
        if tokens.is_empty() || self.info.context_tokens < tokens.len() {
            let most = self.info.context_tokens;
            return Err(EvalError::Failed(format!(
                "1 to {most} tokens can be embedded and not {}",
                tokens.len()
            )));
        }
        let hash = tokens.iter().fold(0, |hash, token| mix(hash, token.0 as u64));
        let value = |index| (mix(hash, index) % 2001) as f32 / 1000.0 - 1.0;
        Ok(Embedding { values: (0..EMBEDDING).map(value).collect(), pooling: Pooling::Mean, declared: true })
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.toy.took.or(Some(self.toy.bytes))
    }
}

fn no_sequence(sequence: Sequence) -> Error {
    Error::BackendFailed { cause: format!("there is no empty sequence {}", sequence.0) }
}

struct ToySampler {
    greedy: bool,
    state: u64,
    choice: Choice,
    candidates: Vec<(TokenId, f32)>,
}

impl Sampler for ToySampler {
    fn sample(&mut self, logits: &[f32]) -> Result<TokenId, Error> {
        self.state = mix(self.state, 1);
        self.choice.candidates(logits, &mut self.candidates, |token, logit| (TokenId(token), logit))?;
        self.candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
        // Not greedy: one of the three likeliest, by the seed.
        let rank = if self.greedy { 0 } else { self.state as usize % 3 };
        let (token, _) = self.candidates[rank.min(self.candidates.len() - 1)];
        self.choice.take(token)?;
        Ok(token)
    }

    fn accept(&mut self, token: TokenId) {
        self.state = mix(self.state, token.0 as u64);
    }

    fn resume(&mut self, token: TokenId) -> Result<(), Error> {
        self.accept(token);
        self.choice.take(token)
    }
}

/// The logits behind `tape`: a hash of all of it decides which token is the likeliest.
///
/// The second byte of the two-byte character follows on its first one, so that texts are whole characters; everything else may
/// follow on everything.
fn logits_after(tape: &[TokenId], ends: bool) -> Vec<f32> {
    let hash = tape.iter().fold(tape.len() as u64, |hash, token| mix(hash, token.0 as u64));
    let likeliest = match tape.last() {
        Some(TokenId(0xC3)) => TokenId(0xA9),
        _ if ends && hash.is_multiple_of(61) => END,
        _ => TokenId(i32::from(ALPHABET[(hash % ALPHABET.len() as u64) as usize])),
    };
    let noise = |token: usize| (mix(hash, token as u64) % 1000) as f32 / 1000.0;
    let in_alphabet =
        |token: usize| u8::try_from(token).is_ok_and(|byte| byte.is_ascii() && ALPHABET.contains(&byte));
    (0..VOCABULARY)
        .map(|token| match token {
            _ if token as i32 == likeliest.0 => 2.0,
            _ if in_alphabet(token) => noise(token),
            _ => -10.0,
        })
        .collect()
}

/// One round of a multiplicative hash (the constants of splitmix64).
fn mix(state: u64, value: u64) -> u64 {
    let mut mixed = state.rotate_left(5) ^ value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// What the model writes: letters, a space, and the first byte of `é`.
const ALPHABET: &[u8] = b"abcdefghijklmnop  \xC3";

const BEGINNING: TokenId = TokenId(256);

const END: TokenId = TokenId(257);

/// Numbers of an embedding.
const EMBEDDING: u64 = 16;

const VOCABULARY: usize = 258;

/// As far as the model says that it was trained.
const CONTEXT_TRAIN: usize = 8192;

const CHAT_TEMPLATE: &str = "{% for message in messages %}<{{ message.role }}>{{ message.content }}</>{% endfor %}\
                             {% if add_generation_prompt %}<assistant>{% endif %}";
