//! A context of llama.cpp: the evaluation of batches, and of texts to embed. What it does with its cache is in `cache.rs`.
//!
//! By default one cache holds all sequences, which can then share cells. With `reproducible` each sequence has cells of its own,
//! from the first on in the order of the positions: where a sequence's numbers lie, and so in which order they are added up, depends
//! on nothing but the sequence.
#![expect(unsafe_code, reason = "llama.cpp's context is C")]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;
use std::slice;
use std::sync::{Mutex, PoisonError};

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;

use super::rows::Rows;
use super::threadpool::ThreadPool;
use super::weights::{Weights, or};
use super::{backend_failed, log};
use crate::engine::backend::{Batch, CacheType, EvalError, FlashAttention, Pooling, Row, Sequence, Settings};
use crate::owner::gate::ResidentPermit;

/// How large a context is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Positions of each sequence.
    pub(super) context_tokens: usize,
    /// Sessions at once: there are as many times the positions of one.
    pub(super) sessions_max: usize,
    /// Sequences; one that no session has is for a snapshot.
    pub(super) sequences: usize,
    /// Rows of a batch at most.
    pub(super) batch_tokens: usize,
    /// Threads that evaluate.
    pub(super) threads: usize,
}

/// What a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Text, token by token.
    Generate,
    /// The embedding of one text at a time.
    Embed(Pooling),
}

/// A context with the model and the threads that it uses. The fields are dropped in this order: what uses before what is used.
pub(super) struct Context {
    pub(super) inner: Inner,
    /// Kept for the context, which uses it.
    _pool: Rc<ThreadPool>,
    pub(super) weights: Rc<Weights>,
    pub(super) sizes: Sizes,
    /// Whether all sequences are in one cache.
    pub(super) unified: bool,
    /// By sequence: whether it may have cells in common with another.
    pub(super) shared: Vec<bool>,
    /// Whether positions were moved since the last evaluation, which is when llama.cpp turns the keys.
    pub(super) shifted: bool,
    /// Bytes of the cache and of the memory that it computes in.
    bytes: u64,
    rows: Rows,
    /// Which rows of the last batch have logits.
    outputs: Vec<bool>,
    /// What the abort callback asks; its address is the callback's data, so it is not moved.
    stop: Rc<StopCell>,
}

/// The `stop` of the evaluation under way.
type StopCell = Cell<Option<*const (dyn Fn() -> bool + 'static)>>;

pub(super) struct Inner(pub(super) NonNull<sys::llama_context>);

impl Context {
    /// Makes a context of a model.
    pub(super) fn new(
        _permit: &ResidentPermit<'_>,
        weights: Rc<Weights>,
        pool: Rc<ThreadPool>,
        sizes: Sizes,
        settings: &Settings,
        purpose: Purpose,
    ) -> Result<Self, String> {
        // llama.cpp writes to the model while it makes a context, and shares tables between models.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let stop: Rc<StopCell> = Rc::default();
        let mut params = params(sizes, settings, purpose)?;
        params.abort_callback = Some(asked);
        params.abort_callback_data = (&raw const *stop).cast_mut().cast::<c_void>();
        let make = || {
            // SAFETY: the model is alive, and so is the data of the callback: both are fields beside the context.
            unsafe { sys::llama_init_from_model(weights.as_ptr(), params) }
        };
        let ((context, said), bytes) = log::counted(|| log::captured(make));
        let Some(context) = NonNull::new(context) else {
            let for_whom = format!("no context of {} tokens could be made", params.n_ctx);
            return Err(or(said, &for_whom));
        };
        let inner = Inner(context);
        // SAFETY: both are alive; the pool is freed after the context (field order).
        unsafe { sys::llama_attach_threadpool(context.as_ptr(), pool.as_ptr(), pool.as_ptr()) };
        weights.apply_adapters(context);
        // SAFETY: a read of a live context.
        let batch_tokens = unsafe { sys::llama_n_batch(context.as_ptr()) } as usize;
        let sizes = Sizes { batch_tokens, ..sizes };
        Ok(Context {
            inner,
            _pool: pool,
            weights,
            sizes,
            unified: params.kv_unified,
            shared: vec![false; sizes.sequences],
            shifted: false,
            bytes,
            rows: Rows::new(batch_tokens),
            outputs: Vec::new(),
            stop,
        })
    }

    /// Whether it keeps what was evaluated: those of encoders do not.
    pub(super) fn has_cache(&self) -> bool {
        !self.memory().is_null()
    }

    /// Bytes of the cache and of the memory that it computes in.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Rows of a batch at most.
    pub(super) fn batch_tokens(&self) -> usize {
        self.sizes.batch_tokens
    }

    /// Evaluates a batch. If it fails or is stopped, the positions of the failed part are taken back.
    pub(super) fn eval(
        &mut self,
        _permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError> {
        self.outputs.clear();
        self.check(batch)?;
        match self.evaluate(batch, stop) {
            Ok(()) => {
                self.outputs.extend(batch.rows.iter().map(|row| row.output));
                self.shifted = false;
                Ok(())
            }
            Err(error) => {
                self.take_back(batch);
                Err(error)
            }
        }
    }

    /// The embedding of a text, in a context for that.
    pub(super) fn embed(
        &mut self,
        _permit: ResidentPermit<'_>,
        tokens: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, EvalError> {
        let row = |(position, token): (usize, &TokenId)| Row {
            token: *token,
            position,
            sequence: Sequence(0),
            output: true,
        };
        let batch = Batch { rows: tokens.iter().enumerate().map(row).collect() };
        self.outputs.clear();
        self.check(&batch)?;
        let result = self.evaluate(&batch, stop);
        // SAFETY: the context is alive; without a memory this does nothing.
        unsafe { sys::llama_memory_clear(self.memory(), false) };
        result?;
        // SAFETY: the context is alive and has just evaluated a text as sequence 0.
        let values = unsafe { sys::llama_get_embeddings_seq(self.inner.0.as_ptr(), 0) };
        if values.is_null() {
            return Err(EvalError::Failed("llama.cpp gave no embedding".to_string()));
        }
        // SAFETY: with the poolings that a context is made for, llama.cpp keeps as many numbers there as an output of the model has.
        Ok(unsafe { slice::from_raw_parts(values, self.weights.embedding_length()) }.to_vec())
    }

    fn evaluate(&mut self, batch: &Batch, stop: &dyn Fn() -> bool) -> Result<(), EvalError> {
        let rows = self.rows.fill(batch);
        // SAFETY: the lifetime is erased only for the call below, at whose end the cell is emptied again.
        let stop = unsafe {
            std::mem::transmute::<*const (dyn Fn() -> bool + '_), *const (dyn Fn() -> bool + 'static)>(stop)
        };
        self.stop.set(Some(stop));
        let context = self.inner.0.as_ptr();
        // SAFETY: the context is alive, and the rows point to `self.rows`, filled with `n_tokens` entries each. An encoder is
        // given no more rows than its batch and evaluates them at once (`n_ubatch` is `n_batch`).
        let code = unsafe {
            if self.weights.is_encoder() {
                sys::llama_encode(context, rows)
            } else {
                sys::llama_decode(context, rows)
            }
        };
        self.stop.set(None);
        match code {
            0 => Ok(()),
            1 => Err(EvalError::Failed("the cache has no room for the batch".to_string())),
            2 => Err(EvalError::Stopped),
            code => Err(EvalError::Failed(format!(
                "llama.cpp could not evaluate {} tokens (code {code})",
                batch.rows.len()
            ))),
        }
    }

    /// After a failure: llama.cpp took back what it had put in, except from a recurrent state, which holds what can't be told apart
    /// any more. Those sequences are emptied.
    fn take_back(&mut self, batch: &Batch) {
        if self.weights.is_recurrent() {
            for row in &batch.rows {
                self.kv_truncate(row.sequence, 0);
            }
        }
    }

    /// What llama.cpp does not check, or answers by ending the process.
    fn check(&self, batch: &Batch) -> Result<(), EvalError> {
        if batch.rows.is_empty() || self.sizes.batch_tokens < batch.rows.len() {
            let most = self.sizes.batch_tokens;
            return Err(EvalError::Failed(format!(
                "a batch has 1 to {most} rows and not {}",
                batch.rows.len()
            )));
        }
        for row in &batch.rows {
            self.weights.check_token(row.token).map_err(|error| EvalError::Failed(error.to_string()))?;
            if self.sizes.sequences <= row.sequence.0 as usize || self.sizes.context_tokens <= row.position {
                let (sequence, position) = (row.sequence.0, row.position);
                return Err(EvalError::Failed(format!(
                    "there is no position {position} in sequence {sequence}"
                )));
            }
        }
        Ok(())
    }

    /// The logits of a row of the last batch.
    pub(super) fn logits(&self, row: usize) -> Result<&[f32], Error> {
        let none = || backend_failed(format!("row {row} has no output"));
        let index = match self.outputs.get(row) {
            Some(true) => i32::try_from(row).map_err(|_| none())?,
            _ => return Err(none()),
        };
        // SAFETY: the context is alive and the row of its last evaluation has an output (checked above).
        let logits = unsafe { sys::llama_get_logits_ith(self.inner.0.as_ptr(), index) };
        if logits.is_null() {
            return Err(none());
        }
        // SAFETY: llama.cpp keeps one number for each token of the vocabulary there, until the next evaluation, which needs `&mut self`.
        Ok(unsafe { slice::from_raw_parts(logits, self.weights.vocabulary()) })
    }
}

/// The parameters of a context.
fn params(sizes: Sizes, settings: &Settings, purpose: Purpose) -> Result<sys::llama_context_params, String> {
    let number = |value: usize| u32::try_from(value).map_err(|error| error.to_string());
    let batch = number(sizes.batch_tokens.max(1))?;
    let threads = i32::try_from(sizes.threads).map_err(|error| error.to_string())?;
    // SAFETY: only fills a struct.
    let mut params = unsafe { sys::llama_context_default_params() };
    // Cells of all, or where each sequence has its own as many for each.
    let users = if settings.reproducible { sizes.sequences } else { sizes.sessions_max };
    params.n_ctx = number(sizes.context_tokens.saturating_mul(users))?;
    params.n_batch = batch;
    // One evaluation a batch: a stopped one leaves nothing of the batch behind.
    params.n_ubatch = batch;
    params.n_seq_max = number(sizes.sequences)?;
    // It makes room for a row of each sequence, also where a batch has fewer, and ends the process if it may not.
    params.n_outputs_max = params.n_seq_max.max(batch);
    params.n_threads = threads;
    params.n_threads_batch = threads;
    params.kv_unified = !settings.reproducible;
    // Layers with a sliding window keep all positions too: a sequence can be cut anywhere.
    params.swa_full = true;
    params.no_perf = true;
    params.type_k = ggml_type(settings.cache_type);
    params.type_v = params.type_k;
    params.flash_attn_type = match settings.flash_attention {
        FlashAttention::Auto => sys::LLAMA_FLASH_ATTN_TYPE_AUTO,
        FlashAttention::On => sys::LLAMA_FLASH_ATTN_TYPE_ENABLED,
        FlashAttention::Off => sys::LLAMA_FLASH_ATTN_TYPE_DISABLED,
    };
    if let Purpose::Embed(pooling) = purpose {
        params.embeddings = true;
        params.pooling_type = match pooling {
            Pooling::Mean => sys::LLAMA_POOLING_TYPE_MEAN,
            Pooling::First => sys::LLAMA_POOLING_TYPE_CLS,
            Pooling::Last => sys::LLAMA_POOLING_TYPE_LAST,
        };
    }
    Ok(params)
}

fn ggml_type(of: CacheType) -> sys::ggml_type {
    match of {
        CacheType::F32 => sys::GGML_TYPE_F32,
        CacheType::F16 => sys::GGML_TYPE_F16,
        CacheType::Bf16 => sys::GGML_TYPE_BF16,
        CacheType::Q8_0 => sys::GGML_TYPE_Q8_0,
        CacheType::Q5_1 => sys::GGML_TYPE_Q5_1,
        CacheType::Q5_0 => sys::GGML_TYPE_Q5_0,
        CacheType::Q4_1 => sys::GGML_TYPE_Q4_1,
        CacheType::Q4_0 => sys::GGML_TYPE_Q4_0,
        CacheType::Iq4Nl => sys::GGML_TYPE_IQ4_NL,
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: made by llama.cpp, freed once, before the pool and the model (field order of `Context`).
        unsafe { sys::llama_free(self.0.as_ptr()) };
    }
}

/// llama.cpp asks on the thread that evaluates, between two nodes of the graph.
unsafe extern "C" fn asked(data: *mut c_void) -> bool {
    // SAFETY: `data` is the cell of the context that evaluates.
    let cell = unsafe { &*data.cast_const().cast::<StopCell>() };
    // SAFETY: the cell holds a reference that is alive, or nothing: `eval` empties it before the reference ends.
    cell.get().is_some_and(|stop| unsafe { (*stop)() })
}

/// The most sequences that llama.cpp keeps apart (`LLAMA_MAX_SEQ`).
pub(super) const SEQUENCES_MAX: usize = 256;
