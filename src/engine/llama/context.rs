//! A context of llama.cpp: the cache of all sequences, and the evaluation of batches.
#![expect(unsafe_code, reason = "llama.cpp's context is C")]

use std::cell::Cell;
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::NonNull;
use std::rc::Rc;
use std::slice;
use std::sync::{Mutex, PoisonError};

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;

use super::threadpool::ThreadPool;
use super::weights::{Weights, or};
use super::{backend_failed, log};
use crate::engine::backend::{Batch, EvalError, Sequence};
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

/// A context with the model and the threads that it uses. The fields are dropped in this order: what uses before what is used.
pub(super) struct Context {
    inner: Inner,
    /// Kept for the context, which uses it.
    _pool: ThreadPool,
    weights: Weights,
    sizes: Sizes,
    rows: Rows,
    /// Which rows of the last batch have logits.
    outputs: Vec<bool>,
    /// What the abort callback asks; its address is the callback's data, so it is not moved.
    stop: Rc<StopCell>,
}

/// The `stop` of the evaluation under way.
type StopCell = Cell<Option<*const (dyn Fn() -> bool + 'static)>>;

struct Inner(NonNull<sys::llama_context>);

impl Context {
    /// Makes the context of a model.
    pub(super) fn new(_permit: &ResidentPermit<'_>, weights: Weights, sizes: Sizes) -> Result<Self, String> {
        // llama.cpp writes to the model while it makes a context, and shares tables between models.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = ThreadPool::new(sizes.threads)?;
        let cells =
            u32::try_from(sizes.context_tokens * sizes.sessions_max).map_err(|error| error.to_string())?;
        let batch = u32::try_from(sizes.batch_tokens.max(1)).map_err(|error| error.to_string())?;
        let threads = i32::try_from(sizes.threads).map_err(|error| error.to_string())?;
        let stop: Rc<StopCell> = Rc::default();
        // SAFETY: only fills a struct.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = cells;
        params.n_batch = batch;
        // One evaluation a batch: a stopped one leaves nothing of the batch behind.
        params.n_ubatch = batch;
        params.n_seq_max = u32::try_from(sizes.sequences).map_err(|error| error.to_string())?;
        params.n_threads = threads;
        params.n_threads_batch = threads;
        params.kv_unified = true;
        params.no_perf = true;
        params.abort_callback = Some(asked);
        params.abort_callback_data = (&raw const *stop).cast_mut().cast::<c_void>();
        // SAFETY: the model is alive, and so is the data of the callback: both are fields beside the context.
        let (context, said) =
            log::captured(|| unsafe { sys::llama_init_from_model(weights.as_ptr(), params) });
        let Some(context) = NonNull::new(context) else {
            let for_whom = format!("no context of {cells} tokens could be made");
            return Err(or(said, &for_whom));
        };
        let inner = Inner(context);
        // SAFETY: both are alive; the pool is freed after the context (field order).
        unsafe { sys::llama_attach_threadpool(context.as_ptr(), pool.as_ptr(), pool.as_ptr()) };
        // SAFETY: a read of a live context.
        let batch_tokens = unsafe { sys::llama_n_batch(context.as_ptr()) } as usize;
        let sizes = Sizes { batch_tokens, ..sizes };
        let rows = Rows::new(batch_tokens);
        Ok(Context { inner, _pool: pool, weights, sizes, rows, outputs: Vec::new(), stop })
    }

    pub(super) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Rows of a batch at most.
    pub(super) fn batch_tokens(&self) -> usize {
        self.sizes.batch_tokens
    }

    /// Evaluates a batch. If it fails or is stopped, llama.cpp takes the positions of the failed part back.
    pub(super) fn eval(
        &mut self,
        _permit: ResidentPermit<'_>,
        batch: &Batch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EvalError> {
        self.outputs.clear();
        self.check(batch)?;
        let rows = self.rows.fill(batch);
        // SAFETY: the lifetime is erased only for the call below, at whose end the cell is emptied again.
        let stop = unsafe {
            std::mem::transmute::<*const (dyn Fn() -> bool + '_), *const (dyn Fn() -> bool + 'static)>(stop)
        };
        self.stop.set(Some(stop));
        // SAFETY: the context is alive, and the rows point to `self.rows`, filled with `n_tokens` entries each.
        let code = unsafe { sys::llama_decode(self.inner.0.as_ptr(), rows) };
        self.stop.set(None);
        match code {
            0 => {
                self.outputs.extend(batch.rows.iter().map(|row| row.output));
                Ok(())
            }
            1 => Err(EvalError::Failed("the cache has no room for the batch".to_string())),
            2 => Err(EvalError::Stopped),
            code => Err(EvalError::Failed(format!(
                "llama.cpp could not evaluate {} tokens (code {code})",
                batch.rows.len()
            ))),
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

    /// How many positions of the sequence are in the cache.
    pub(super) fn kv_len(&self, sequence: Sequence) -> usize {
        let Some(id) = self.id(sequence) else { return 0 };
        // SAFETY: the context is alive; the sequence is one of it.
        let last = unsafe { sys::llama_memory_seq_pos_max(self.memory(), id) };
        usize::try_from(last + 1).unwrap_or(0)
    }

    /// Removes the positions from `length` on.
    pub(super) fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool {
        let (Some(id), Ok(from)) = (self.id(sequence), i32::try_from(length)) else { return false };
        // SAFETY: the context is alive; the sequence is one of it; -1 is "to the end".
        unsafe { sys::llama_memory_seq_rm(self.memory(), id, from, -1) }
    }

    /// Makes the cells of `from` in `range` cells of `to` as well: nothing is copied.
    pub(super) fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool {
        let holds = range.end <= self.kv_len(from) && self.kv_len(to) == range.start;
        if self.weights.is_recurrent() || !holds {
            return false;
        }
        let (Some(from), Some(to)) = (self.id(from), self.id(to)) else { return false };
        let (Ok(start), Ok(end)) = (i32::try_from(range.start), i32::try_from(range.end)) else {
            return false;
        };
        // SAFETY: the context is alive; both sequences are of it.
        unsafe { sys::llama_memory_seq_cp(self.memory(), from, to, start, end) };
        true
    }

    /// Appends the state of a sequence.
    pub(super) fn kv_save(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let id = self.id(sequence).ok_or_else(|| backend_failed("there is no such sequence"))?;
        // SAFETY: the context is alive; the sequence is one of it.
        let size = unsafe { sys::llama_state_seq_get_size(self.inner.0.as_ptr(), id) };
        let start = bytes.len();
        bytes.resize(start + size, 0);
        // SAFETY: as above; the pointer is to `size` bytes.
        let written = unsafe {
            sys::llama_state_seq_get_data(self.inner.0.as_ptr(), bytes[start..].as_mut_ptr(), size, id)
        };
        if size == 0 || written != size {
            bytes.truncate(start);
            return Err(backend_failed("llama.cpp could not write the sequence's state"));
        }
        Ok(())
    }

    /// Loads the state of a sequence.
    pub(super) fn kv_load(
        &mut self,
        _permit: ResidentPermit<'_>,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<usize, Error> {
        let id = self.id(sequence).ok_or_else(|| backend_failed("there is no such sequence"))?;
        // SAFETY: the context is alive, the sequence is one of it, and the pointer is to that many bytes, which were written by
        // `kv_save` (their digest was compared).
        let read =
            unsafe { sys::llama_state_seq_set_data(self.inner.0.as_ptr(), bytes.as_ptr(), bytes.len(), id) };
        if read != bytes.len() {
            return Err(backend_failed("llama.cpp could not read the sequence's state"));
        }
        Ok(self.kv_len(sequence))
    }

    fn id(&self, sequence: Sequence) -> Option<sys::llama_seq_id> {
        i32::try_from(sequence.0).ok().filter(|_| (sequence.0 as usize) < self.sizes.sequences)
    }

    fn memory(&self) -> sys::llama_memory_t {
        // SAFETY: a read of a live context; it has a memory, as it was made for a model that generates.
        unsafe { sys::llama_get_memory(self.inner.0.as_ptr()) }
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

/// The columns that a batch of llama.cpp points to.
struct Rows {
    tokens: Vec<sys::llama_token>,
    positions: Vec<sys::llama_pos>,
    sequence_counts: Vec<i32>,
    sequences: Vec<sys::llama_seq_id>,
    sequence_pointers: Vec<*mut sys::llama_seq_id>,
    outputs: Vec<i8>,
}

impl Rows {
    fn new(most: usize) -> Self {
        Rows {
            tokens: Vec::with_capacity(most),
            positions: Vec::with_capacity(most),
            sequence_counts: Vec::with_capacity(most),
            sequences: Vec::with_capacity(most),
            sequence_pointers: Vec::with_capacity(most),
            outputs: Vec::with_capacity(most),
        }
    }

    /// The batch in llama.cpp's form; it points into `self`. The numbers were checked to be in their ranges.
    fn fill(&mut self, batch: &Batch) -> sys::llama_batch {
        let Rows { tokens, positions, sequence_counts, sequences, sequence_pointers, outputs } = self;
        tokens.clear();
        positions.clear();
        sequences.clear();
        outputs.clear();
        for row in &batch.rows {
            tokens.push(row.token.0);
            positions.push(row.position as sys::llama_pos);
            sequences.push(row.sequence.0 as sys::llama_seq_id);
            outputs.push(i8::from(row.output));
        }
        sequence_counts.clear();
        sequence_counts.resize(batch.rows.len(), 1);
        // Taken after the last push: a push may move what is pointed to.
        sequence_pointers.clear();
        sequence_pointers.extend(sequences.iter_mut().map(std::ptr::from_mut));
        sys::llama_batch {
            n_tokens: tokens.len() as i32,
            token: tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: positions.as_mut_ptr(),
            n_seq_id: sequence_counts.as_mut_ptr(),
            seq_id: sequence_pointers.as_mut_ptr(),
            logits: outputs.as_mut_ptr(),
        }
    }
}

/// The most sequences that llama.cpp keeps apart (`LLAMA_MAX_SEQ`).
pub(super) const SEQUENCES_MAX: usize = 256;
