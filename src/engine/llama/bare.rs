//! llama.cpp without an engine around it: what a benchmark holds the engine against, and a test its tokens.
//!
//! Not for anything else: it asks no gate.
#![expect(unsafe_code, reason = "the loop that it measures is C's own")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use llama_cpp_sys_2 as sys;

use super::log;
use super::threadpool::ThreadPool;

/// A model, a context, and a greedy sampler. Dropped in this order: what uses before what is used.
pub struct Bare {
    sampler: NonNull<sys::llama_sampler>,
    context: NonNull<sys::llama_context>,
    pool: Option<ThreadPool>,
    model: NonNull<sys::llama_model>,
}

/// What a run gave and took.
#[derive(Clone, Debug)]
pub struct Run {
    /// The greedy tokens.
    pub tokens: Vec<i32>,
    /// The evaluation of the prompt.
    pub prefill: Duration,
    /// The tokens after the first one, each evaluated and sampled.
    pub generation: Duration,
}

impl Bare {
    /// Loads a model, with one sequence of `context` tokens.
    ///
    /// # Errors
    /// What failed.
    pub fn load(path: &Path, context: u32, batch: u32, threads: usize) -> Result<Self, String> {
        log::init();
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: fills a struct; `name` ends with a zero byte.
        let model =
            unsafe { sys::llama_model_load_from_file(name.as_ptr(), sys::llama_model_default_params()) };
        let model = NonNull::new(model).ok_or("no model")?;
        let pool = ThreadPool::new(threads)?;
        // SAFETY: only fills a struct.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = context;
        params.n_batch = batch;
        params.n_ubatch = batch;
        params.n_threads = threads as i32;
        params.n_threads_batch = threads as i32;
        params.no_perf = true;
        // SAFETY: the model is alive.
        let context = unsafe { sys::llama_init_from_model(model.as_ptr(), params) };
        let context = NonNull::new(context).ok_or("no context")?;
        // SAFETY: both are alive and freed in `drop`, the context first.
        unsafe { sys::llama_attach_threadpool(context.as_ptr(), pool.as_ptr(), pool.as_ptr()) };
        // SAFETY: makes a chain and a sampler, which the chain takes over.
        let sampler = unsafe {
            let chain = sys::llama_sampler_chain_init(sys::llama_sampler_chain_default_params());
            sys::llama_sampler_chain_add(chain, sys::llama_sampler_init_greedy());
            chain
        };
        let sampler = NonNull::new(sampler).ok_or("no sampler")?;
        Ok(Bare { sampler, context, pool: Some(pool), model })
    }

    /// The tokens of a text, with the one that begins a text if the model wants it.
    ///
    /// # Errors
    /// If it can't be tokenized.
    pub fn tokenize(&self, text: &str) -> Result<Vec<i32>, String> {
        let mut tokens = vec![0; text.len() + 8];
        let (bytes, room) = (text.as_ptr().cast(), tokens.len() as i32);
        // SAFETY: the model is alive; the text has the length that is passed, and the tokens have the room.
        let count = unsafe {
            let vocab = sys::llama_model_get_vocab(self.model.as_ptr());
            sys::llama_tokenize(vocab, bytes, text.len() as i32, tokens.as_mut_ptr(), room, true, false)
        };
        tokens.truncate(usize::try_from(count).map_err(|_| format!("llama_tokenize: {count}"))?);
        Ok(tokens)
    }

    /// Evaluates `prompt` from an empty cache and generates `count` tokens greedily, past an end of text too if it comes.
    ///
    /// # Errors
    /// The code of llama.cpp's failure.
    pub fn run(&mut self, prompt: &[i32], count: usize) -> Result<Run, String> {
        let (context, sampler) = (self.context.as_ptr(), self.sampler.as_ptr());
        // SAFETY: the context is alive.
        unsafe { sys::llama_memory_clear(sys::llama_get_memory(context), true) };
        let mut prompt = prompt.to_vec();
        let started = Instant::now();
        // SAFETY: as above.
        let most = unsafe { sys::llama_n_batch(context) } as usize;
        for chunk in prompt.chunks_mut(most) {
            self.decode(chunk)?;
        }
        // SAFETY: both are alive, and the last row of the evaluation has logits.
        let mut token = unsafe { sys::llama_sampler_sample(sampler, context, -1) };
        let prefill = started.elapsed();
        let mut tokens = vec![token];
        let started = Instant::now();
        while tokens.len() < count {
            self.decode(&mut [token])?;
            // SAFETY: as above.
            token = unsafe { sys::llama_sampler_sample(sampler, context, -1) };
            tokens.push(token);
        }
        Ok(Run { tokens, prefill, generation: started.elapsed() })
    }

    fn decode(&mut self, tokens: &mut [i32]) -> Result<(), String> {
        // SAFETY: the context is alive; the batch points to `tokens`, which outlives the call.
        let code = unsafe {
            let batch = sys::llama_batch_get_one(tokens.as_mut_ptr(), tokens.len() as i32);
            sys::llama_decode(self.context.as_ptr(), batch)
        };
        if code == 0 { Ok(()) } else { Err(format!("llama_decode: {code}")) }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // SAFETY: each was made by llama.cpp and is freed once, what uses before what is used.
        unsafe {
            sys::llama_sampler_free(self.sampler.as_ptr());
            sys::llama_free(self.context.as_ptr());
        }
        self.pool = None;
        // SAFETY: as above; the context is gone.
        unsafe { sys::llama_model_free(self.model.as_ptr()) };
    }
}
