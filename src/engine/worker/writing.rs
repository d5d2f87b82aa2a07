//! A decode on its way to its reader: tokens become text, whole characters and certain ones, and text becomes items.

use std::time::Instant;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{DecodeEnd, DecodeEvent, DecodeItem, Logprobs, Room};
use modeld_spec::session::stop::StopMatcher;
use modeld_spec::session::tape::{TokenCount, TokenId};
use modeld_spec::session::text::TextAssembler;
use uuid::Uuid;

use super::Items;
use crate::engine::backend::{Model, Sampler};
use crate::engine::logprobs::logprobs;

/// The text of a decode, its sampler, and its reader.
pub(super) struct Writing {
    items: Items,
    sampler: Box<dyn Sampler>,
    seed: u32,
    text: TextAssembler,
    stop: StopMatcher,
    /// Text that is whole and certain, and tokens, since the last item.
    unsent: Unsent,
    /// How many of the likeliest tokens are told.
    told: Option<u8>,
    /// Tokens of the text when it began, those of the answer that it goes on with included.
    prompt_tokens: usize,
    started: Instant,
    first_token: Option<Instant>,
}

/// What waits for the next item.
#[derive(Default)]
struct Unsent {
    text: String,
    tokens: Vec<TokenId>,
    logprobs: Vec<Logprobs>,
}

impl Writing {
    /// Begins to write behind `text`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the answer that it goes on with is none; what the backend says of the parameters.
    pub(super) fn begin(
        model: &dyn Model,
        params: &DecodeParams,
        text: &[TokenId],
        items: Items,
    ) -> Result<Self, (Items, Error)> {
        let started = Instant::now();
        let (mut assembler, mut stop) = (TextAssembler::new(), StopMatcher::new(params.stop.clone()));
        let seed = params.seed.unwrap_or_else(random_seed);
        let sampler = read_again(model, &params.continues, &mut assembler, &mut stop)
            .and_then(|()| model.sampler(&params.sampling, seed));
        let mut sampler = match sampler {
            Ok(sampler) => sampler,
            Err(error) => return Err((items, error)),
        };
        if params.sampling.has_penalties() {
            let recent = &text[text.len().saturating_sub(params.sampling.penalty_window())..];
            recent.iter().for_each(|token| sampler.accept(*token));
        }
        if let Err(error) = params.continues.iter().try_for_each(|token| sampler.resume(*token)) {
            return Err((items, error));
        }
        Ok(Writing {
            items,
            sampler,
            seed,
            text: assembler,
            stop,
            unsent: Unsent::default(),
            told: params.logprobs,
            prompt_tokens: text.len() + params.continues.len(),
            started,
            first_token: None,
        })
    }

    /// Whether the reader has room for an item.
    pub(super) fn has_room(&self) -> bool {
        0 < self.items.room()
    }

    /// Whether the reader went away or asked for the end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.items.is_cancelled()
    }

    /// Chooses the next token; `None` if the model ends its text with it.
    pub(super) fn choose(&mut self, model: &dyn Model, logits: &[f32]) -> Result<Option<TokenId>, Error> {
        let token = self.sampler.sample(logits)?;
        self.first_token.get_or_insert_with(Instant::now);
        if let Some(count) = self.told.filter(|_| !model.is_end(token)) {
            self.unsent.logprobs.extend(logprobs(logits, token, count.into()));
        }
        Ok((!model.is_end(token)).then_some(token))
    }

    /// Takes a token: `true` if a stop string is complete.
    pub(super) fn take(&mut self, model: &dyn Model, token: TokenId, epoch: Epoch) -> Result<bool, Error> {
        let mut bytes = Vec::new();
        model.piece(token, &mut bytes)?;
        let mut whole = String::new();
        self.text.push(&bytes, &mut whole);
        let stopped = self.stop.push(&whole, &mut self.unsent.text);
        self.unsent.tokens.push(token);
        let is_due = !self.unsent.text.is_empty() || UNSENT_TOKENS_MAX <= self.unsent.tokens.len();
        if is_due && !stopped {
            let Unsent { text, tokens, logprobs } = std::mem::take(&mut self.unsent);
            // There is room: nobody else puts, and it was looked at before the token was chosen. A reader that went away is seen
            // at the next step.
            let _ = self.items.put(DecodeItem { epoch, event: DecodeEvent::Text { text, tokens, logprobs } });
        }
        Ok(stopped)
    }

    /// Ends it well, after so many tokens, and so many that went to make room.
    pub(super) fn end(mut self, finish: FinishReason, (generated, shifted): (u64, u64), room: Room) {
        let elapsed = self.started.elapsed();
        let Unsent { mut text, tokens, mut logprobs } = std::mem::take(&mut self.unsent);
        // A token that was chosen and dropped by a cancel has none.
        logprobs.truncate(tokens.len());
        if finish != FinishReason::StopString {
            let mut rest = String::new();
            self.text.finish(&mut rest);
            self.stop.push(&rest, &mut text);
            self.stop.finish(&mut text);
        }
        self.items.end(Ok(DecodeEnd {
            text,
            tokens,
            logprobs,
            finish,
            prompt_tokens: TokenCount::of(self.prompt_tokens),
            generated_tokens: TokenCount(generated),
            shifted: TokenCount(shifted),
            seed: self.seed,
            room,
            first_token: self.first_token.map(|at| at.duration_since(self.started)),
            elapsed,
        }));
    }

    /// Ends it with an error.
    pub(super) fn fail(self, error: Error) {
        self.items.end(Err(error));
    }
}

/// Brings text and stop strings to where they were behind the tokens of an answer whose text was given out.
///
/// # Errors
/// [`Error::InvalidArgument`] if a token is not in the vocabulary, or the answer has ended with a stop string.
fn read_again(
    model: &dyn Model,
    answer: &[TokenId],
    text: &mut TextAssembler,
    stop: &mut StopMatcher,
) -> Result<(), Error> {
    let invalid = |problem| Error::InvalidArgument { argument: "continues".to_string(), problem };
    let vocabulary = model.info().vocabulary;
    let mut bytes = Vec::new();
    for token in answer {
        if usize::try_from(token.0).map_or(true, |id| vocabulary <= id) {
            return Err(invalid(format!("has token {token}, and the vocabulary has {vocabulary}")));
        }
        model.piece(*token, &mut bytes)?;
    }
    let (mut whole, mut given_out) = (String::new(), String::new());
    text.push(&bytes, &mut whole);
    if stop.push(&whole, &mut given_out) {
        return Err(invalid("has a stop string: that answer has ended".to_string()));
    }
    Ok(())
}

fn random_seed() -> u32 {
    let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Tokens without text (control tokens, parts of a character) that wait for the next item at most.
const UNSENT_TOKENS_MAX: usize = 64;
