//! llama.cpp's own chain of samplers, in the order of its tools: penalties, top-k, typical, top-p, min-p, temperature, choice.
//!
//! Bias and constraint come before it and are not llama.cpp's (`choice.rs`). What it asserts of its input is made true
//! here: there is a candidate, and every logit is a finite number.
#![expect(unsafe_code, reason = "llama.cpp's samplers are C")]

use std::ptr::NonNull;
use std::rc::Rc;

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;
use modeld_spec::session::params::{Mirostat, MirostatVersion, SamplingParams};
use modeld_spec::session::tape::TokenId;

use super::backend_failed;
use crate::engine::backend::Sampler;
use crate::engine::choice::Choice;
use crate::engine::grammar::Pieces;

/// A chain of samplers.
pub(super) struct LlamaSampler {
    chain: NonNull<sys::llama_sampler>,
    vocabulary: usize,
    choice: Choice,
    /// The candidates, kept for the next token.
    candidates: Vec<sys::llama_token_data>,
}

impl LlamaSampler {
    /// The chain for these parameters.
    pub(super) fn new(
        params: &SamplingParams,
        seed: u32,
        vocabulary: usize,
        pieces: impl FnOnce() -> Result<Rc<Pieces>, Error>,
    ) -> Result<Self, Error> {
        let choice = Choice::new(params, vocabulary, pieces)?;
        // SAFETY: only fills a struct, then makes an empty chain of it.
        let chain = unsafe { sys::llama_sampler_chain_init(sys::llama_sampler_chain_default_params()) };
        let chain =
            NonNull::new(chain).ok_or_else(|| backend_failed("no chain of samplers could be made"))?;
        let candidates = Vec::with_capacity(vocabulary);
        let sampler = LlamaSampler { chain, vocabulary, choice, candidates };
        sampler.add_penalties(params)?;
        // To llama.cpp the largest number means "a random seed"; here it is a seed like every other.
        let seed = seed.min(u32::MAX - 1);
        if params.is_greedy() {
            // SAFETY: makes a sampler; `add` takes it over.
            sampler.add(unsafe { sys::llama_sampler_init_greedy() })?;
        } else if let Some(mirostat) = params.get().mirostat {
            sampler.add_mirostat(mirostat, params.get().temperature, seed)?;
        } else {
            sampler.add_cuts(params)?;
            // SAFETY: as above.
            sampler.add(unsafe { sys::llama_sampler_init_temp(params.get().temperature) })?;
            // SAFETY: as above.
            sampler.add(unsafe { sys::llama_sampler_init_dist(seed) })?;
        }
        Ok(sampler)
    }

    fn add_penalties(&self, params: &SamplingParams) -> Result<(), Error> {
        if !params.has_penalties() {
            return Ok(());
        }
        let (vocabulary, window) = (self.vocabulary as i32, params.penalty_window() as i32);
        let values = params.get();
        // SAFETY: makes a sampler; `add` takes it over. The window was checked to be above 0, which its ring buffer needs.
        self.add(unsafe {
            sys::llama_sampler_init_penalties(
                vocabulary,
                window,
                values.repeat_penalty,
                values.frequency_penalty,
                values.presence_penalty,
            )
        })
    }

    fn add_cuts(&self, params: &SamplingParams) -> Result<(), Error> {
        let values = params.get();
        if 0 < values.top_k {
            // SAFETY: makes a sampler; `add` takes it over. The value was checked to be far below the range of the type.
            self.add(unsafe { sys::llama_sampler_init_top_k(values.top_k as i32) })?;
        }
        if values.typical_p < 1.0 {
            // SAFETY: as above.
            self.add(unsafe { sys::llama_sampler_init_typical(values.typical_p, 1) })?;
        }
        if values.top_p < 1.0 {
            // SAFETY: as above.
            self.add(unsafe { sys::llama_sampler_init_top_p(values.top_p, 1) })?;
        }
        if 0.0 < values.min_p {
            // SAFETY: as above.
            self.add(unsafe { sys::llama_sampler_init_min_p(values.min_p, 1) })?;
        }
        Ok(())
    }

    fn add_mirostat(&self, mirostat: Mirostat, temperature: f32, seed: u32) -> Result<(), Error> {
        // SAFETY: makes a sampler; `add` takes it over.
        self.add(unsafe { sys::llama_sampler_init_temp(temperature) })?;
        let Mirostat { version, tau, eta } = mirostat;
        // SAFETY: as above.
        self.add(unsafe {
            match version {
                MirostatVersion::V1 => {
                    sys::llama_sampler_init_mirostat(self.vocabulary as i32, seed, tau, eta, MIROSTAT_TOKENS)
                }
                MirostatVersion::V2 => sys::llama_sampler_init_mirostat_v2(seed, tau, eta),
            }
        })
    }

    fn add(&self, sampler: *mut sys::llama_sampler) -> Result<(), Error> {
        if sampler.is_null() {
            return Err(backend_failed("a sampler could not be made"));
        }
        // SAFETY: both are alive; the chain takes the sampler over and frees it.
        unsafe { sys::llama_sampler_chain_add(self.chain.as_ptr(), sampler) };
        Ok(())
    }

    fn is_token(&self, token: TokenId) -> bool {
        usize::try_from(token.0).is_ok_and(|number| number < self.vocabulary)
    }
}

impl Sampler for LlamaSampler {
    fn sample(&mut self, logits: &[f32]) -> Result<TokenId, Error> {
        let candidate = |id, logit| sys::llama_token_data { id, logit, p: 0.0 };
        self.choice.candidates(logits, &mut self.candidates, candidate)?;
        if let [only] = &self.candidates[..] {
            // Nothing to choose: the samplers' estimates of how likely tokens are would only be spoiled by it.
            let token = TokenId(only.id);
            self.resume(token)?;
            return Ok(token);
        }
        let mut array = sys::llama_token_data_array {
            data: self.candidates.as_mut_ptr(),
            size: self.candidates.len(),
            selected: -1,
            sorted: false,
        };
        // SAFETY: the chain is alive; the array points to `size` candidates, which the samplers reorder and cut in place.
        unsafe { sys::llama_sampler_apply(self.chain.as_ptr(), &raw mut array) };
        let selected = usize::try_from(array.selected).ok().filter(|&index| index < array.size);
        // A sampler may have put other data there than was passed in; it is valid until the chain is used again.
        // SAFETY: the index is below the size.
        let token = selected.map(|index| TokenId(unsafe { (*array.data.add(index)).id }));
        let token = token.ok_or_else(|| backend_failed("no token was chosen"))?;
        self.resume(token)?;
        Ok(token)
    }

    fn accept(&mut self, token: TokenId) {
        if self.is_token(token) {
            // SAFETY: the chain is alive, and the token is one of the vocabulary.
            unsafe { sys::llama_sampler_accept(self.chain.as_ptr(), token.0) };
        }
    }

    fn resume(&mut self, token: TokenId) -> Result<(), Error> {
        self.choice.take(token)?;
        self.accept(token);
        Ok(())
    }
}

impl Drop for LlamaSampler {
    fn drop(&mut self) {
        // SAFETY: made by llama.cpp and freed once; it frees the samplers that it took over.
        unsafe { sys::llama_sampler_free(self.chain.as_ptr()) };
    }
}

/// How many of the likeliest tokens mirostat's first form estimates the fall of probabilities from: as its authors did.
const MIROSTAT_TOKENS: i32 = 100;
