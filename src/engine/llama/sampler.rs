//! llama.cpp's own chain of samplers, in the order of its tools: penalties, top-k, top-p, min-p, temperature, choice.
#![expect(unsafe_code, reason = "llama.cpp's samplers are C")]

use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;
use modeld_spec::session::params::{PENALTY_WINDOW, SamplingParams};
use modeld_spec::session::tape::TokenId;

use super::backend_failed;
use crate::engine::backend::Sampler;

/// A chain of samplers.
pub(super) struct LlamaSampler {
    chain: NonNull<sys::llama_sampler>,
    vocabulary: usize,
    /// The candidates, kept for the next token.
    candidates: Vec<sys::llama_token_data>,
}

impl LlamaSampler {
    /// The chain for these parameters.
    pub(super) fn new(params: &SamplingParams, seed: u32, vocabulary: usize) -> Result<Self, Error> {
        // SAFETY: only fills a struct, then makes an empty chain of it.
        let chain = unsafe { sys::llama_sampler_chain_init(sys::llama_sampler_chain_default_params()) };
        let chain =
            NonNull::new(chain).ok_or_else(|| backend_failed("no chain of samplers could be made"))?;
        let sampler = LlamaSampler { chain, vocabulary, candidates: Vec::with_capacity(vocabulary) };
        let values = params.get();
        if params.has_penalties() {
            let (vocabulary, window) = (vocabulary as i32, PENALTY_WINDOW as i32);
            // SAFETY: makes a sampler; `add` takes it over.
            sampler.add(unsafe {
                sys::llama_sampler_init_penalties(
                    vocabulary,
                    window,
                    values.repeat_penalty,
                    values.frequency_penalty,
                    values.presence_penalty,
                )
            })?;
        }
        if params.is_greedy() {
            // SAFETY: as above.
            sampler.add(unsafe { sys::llama_sampler_init_greedy() })?;
            return Ok(sampler);
        }
        if 0 < values.top_k {
            // SAFETY: as above; the value was checked to be far below the range of the type.
            sampler.add(unsafe { sys::llama_sampler_init_top_k(values.top_k as i32) })?;
        }
        if values.top_p < 1.0 {
            // SAFETY: as above.
            sampler.add(unsafe { sys::llama_sampler_init_top_p(values.top_p, 1) })?;
        }
        if 0.0 < values.min_p {
            // SAFETY: as above.
            sampler.add(unsafe { sys::llama_sampler_init_min_p(values.min_p, 1) })?;
        }
        // SAFETY: as above.
        sampler.add(unsafe { sys::llama_sampler_init_temp(values.temperature) })?;
        // To llama.cpp the largest number means "a random seed"; here it is a seed like every other.
        // SAFETY: as above.
        sampler.add(unsafe { sys::llama_sampler_init_dist(seed.min(u32::MAX - 1)) })?;
        Ok(sampler)
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
        self.candidates.clear();
        let candidate = |(id, &logit): (usize, &f32)| sys::llama_token_data { id: id as i32, logit, p: 0.0 };
        self.candidates.extend(logits.iter().enumerate().map(candidate));
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
        self.accept(token);
        Ok(token)
    }

    fn accept(&mut self, token: TokenId) {
        if self.is_token(token) {
            // SAFETY: the chain is alive, and the token is one of the vocabulary.
            unsafe { sys::llama_sampler_accept(self.chain.as_ptr(), token.0) };
        }
    }
}

impl Drop for LlamaSampler {
    fn drop(&mut self) {
        // SAFETY: made by llama.cpp and freed once; it frees the samplers that it took over.
        unsafe { sys::llama_sampler_free(self.chain.as_ptr()) };
    }
}
