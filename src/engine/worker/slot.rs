//! One session on its engine thread: its tape, its part of the KV cache, and the operation under way.
//!
//! What is under way feeds tokens into the cache first (a prefix, a suffix, a replay of the last token) and, for a decode,
//! generates behind them. After each evaluation the tape follows what the cache holds.

use std::time::Instant;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::operation::{Activity, Operation};
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{
    ContextReport, DecodeEnd, DecodeEvent, DecodeItem, PrefixStatus, Room, SuffixStatus,
};
use modeld_spec::session::stop::StopMatcher;
use modeld_spec::session::tape::{Plan, Reuse, Tape, TokenCount, TokenId};
use modeld_spec::session::text::TextAssembler;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Fate, Reply};
use crate::engine::backend::{Model, Sampler, Sequence};
use crate::engine::session::{Prompt, SessionId};
use crate::sync::{AtomicBool, Ordering};
use std::sync::Arc;

/// A session.
pub(super) struct Slot {
    pub(super) id: SessionId,
    pub(super) sequence: Sequence,
    pub(super) context_tokens: usize,
    pub(super) tape: Tape,
    /// Sampled and handed out, not in the cache yet: the next evaluation begins with it.
    pub(super) pending: Option<TokenId>,
    /// The logits behind the tape's last token, while they are those.
    pub(super) logits: Option<Vec<f32>>,
    pub(super) active: Option<Active>,
    pub(super) fatal: Option<String>,
    prefilled_total: u64,
    reused_total: u64,
    generated_total: u64,
}

/// An operation under way.
pub(super) struct Active {
    pub(super) feed: Option<Feed>,
    goal: Goal,
    started: Instant,
}

/// Tokens that go into the cache before anything else.
pub(super) struct Feed {
    tokens: Vec<TokenId>,
    fed: usize,
    end: usize,
    prefix: Option<usize>,
    /// How many may be evaluated together.
    together: usize,
}

enum Goal {
    Prefix { reuse: Reuse, reply: Reply<PrefixStatus> },
    Suffix { reuse: Reuse, before: usize, suffix: usize, reply: Reply<SuffixStatus> },
    Decode(Box<Decode>),
}

struct Decode {
    params: DecodeParams,
    items: mpsc::Sender<DecodeItem>,
    fate: Fate,
    cancel: Arc<AtomicBool>,
    sampler: Box<dyn Sampler>,
    seed: u32,
    text: TextAssembler,
    stop: StopMatcher,
    /// Text that is whole and certain, and tokens, since the last item.
    unsent: (String, Vec<TokenId>),
    prompt_tokens: usize,
    generated: u64,
    first_token: Option<Instant>,
}

impl Slot {
    pub(super) fn new(id: SessionId, sequence: Sequence, context_tokens: usize) -> Self {
        Slot {
            id,
            sequence,
            context_tokens,
            tape: Tape::new(),
            pending: None,
            logits: None,
            active: None,
            fatal: None,
            prefilled_total: 0,
            reused_total: 0,
            generated_total: 0,
        }
    }

    /// What it does, for the decision whether an operation may begin.
    pub(super) fn activity(&self) -> Activity {
        match &self.active {
            Some(active) if active.is_cancelled() => Activity::Cancelled(active.operation()),
            Some(active) => Activity::Running(active.operation()),
            None if self.fatal.is_some() => Activity::Fatal,
            None => Activity::Idle,
        }
    }

    /// Begins EnsurePrefix. Refused before anything is changed if it does not fit.
    pub(super) fn ensure_prefix(
        &mut self,
        model: &mut dyn Model,
        prompt: &Prompt,
        reply: Reply<PrefixStatus>,
    ) {
        let started = Instant::now();
        let plan = model
            .tokenize(&prompt.text, true, prompt.control)
            .and_then(|tokens| self.tape.plan_prefix(&tokens, self.context_tokens));
        match plan {
            Ok(plan) => {
                let (feed, reuse) = self.perform(model, plan);
                self.begin(Some(feed), Goal::Prefix { reuse, reply }, started);
            }
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Begins PrefillSuffix. Refused before anything is changed if it does not fit.
    pub(super) fn prefill_suffix(
        &mut self,
        model: &mut dyn Model,
        prompt: &Prompt,
        reply: Reply<SuffixStatus>,
    ) {
        let started = Instant::now();
        let before = self.tape.end();
        let at_start = before == 0 && self.pending.is_none();
        let plan = model.tokenize(&prompt.text, at_start, prompt.control).and_then(|suffix| {
            let count = suffix.len();
            let tokens: Vec<TokenId> = self.pending.into_iter().chain(suffix).collect();
            Ok((count, self.tape.plan_suffix(&tokens, self.context_tokens)?))
        });
        match plan {
            Ok((suffix, plan)) => {
                let (feed, reuse) = self.perform(model, plan);
                self.begin(Some(feed), Goal::Suffix { reuse, before, suffix, reply }, started);
            }
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Begins Decode.
    pub(super) fn decode(
        &mut self,
        model: &mut dyn Model,
        params: DecodeParams,
        (items, fate, cancel): (mpsc::Sender<DecodeItem>, Fate, Arc<AtomicBool>),
        reply: Reply<()>,
    ) {
        let started = Instant::now();
        if self.tape.end() == 0 && self.pending.is_none() {
            let problem = "needs a prompt: nothing is on the session's tape".to_string();
            return answer(reply, Err(Error::InvalidArgument { argument: "decode".to_string(), problem }));
        }
        let seed = params.seed.unwrap_or_else(random_seed);
        let mut sampler = match model.sampler(&params.sampling, seed) {
            Ok(sampler) => sampler,
            Err(error) => return answer(reply, Err(error)),
        };
        if params.sampling.has_penalties() {
            let seen = &self.tape.tokens()[..self.tape.end()];
            let seen: Vec<&TokenId> = seen.iter().chain(&self.pending).collect();
            let recent = &seen[seen.len().saturating_sub(params.sampling.penalty_window())..];
            recent.iter().for_each(|token| sampler.accept(**token));
        }
        if let Err(error) = params.continues.iter().try_for_each(|token| sampler.resume(*token)) {
            return answer(reply, Err(error));
        }
        let (mut text, mut stop) = (TextAssembler::new(), StopMatcher::new(params.stop.clone()));
        let feed = read_again(model, &params.continues, &mut text, &mut stop)
            .and_then(|()| self.feed_decode(model, &params.continues, params.exact));
        let feed = match feed {
            Ok(feed) => feed,
            Err(error) => return answer(reply, Err(error)),
        };
        let decode = Decode {
            params,
            items,
            fate,
            cancel,
            sampler,
            seed,
            text,
            stop,
            unsent: (String::new(), Vec::new()),
            prompt_tokens: self.tape.end().max(feed.as_ref().map_or(0, |feed| feed.end)),
            generated: 0,
            first_token: None,
        };
        self.begin(feed, Goal::Decode(Box::new(decode)), started);
        answer(reply, Ok(()));
    }

    /// What goes into the cache before a decode samples: the answer that it goes on with, or the last token again where its
    /// logits are gone.
    fn feed_decode(
        &mut self,
        model: &mut dyn Model,
        continues: &[TokenId],
        exact: bool,
    ) -> Result<Option<Feed>, Error> {
        if !continues.is_empty() {
            let tokens: Vec<TokenId> = self.pending.iter().chain(continues).copied().collect();
            let plan = self.tape.plan_suffix(&tokens, self.context_tokens)?;
            let (mut feed, _) = self.perform(model, plan);
            if !feed.tokens.is_empty() {
                feed.together = if exact { 1 } else { usize::MAX };
                return Ok(Some(feed));
            }
            self.tape.commit(feed.end, None);
        }
        let known =
            self.pending.is_some() || self.logits.is_some() && self.tape.end() == self.tape.resident();
        let replay = if known { None } else { self.tape.plan_replay() };
        Ok(replay.map(|plan| self.perform(model, plan).0))
    }

    /// What ExplainContext answers.
    pub(super) fn explain(&self, epoch: Epoch) -> ContextReport {
        ContextReport {
            epoch,
            room: self.room(),
            prefix: TokenCount::of(self.tape.prefix()),
            end: TokenCount::of(self.tape.end()),
            operation: self.active.as_ref().map(Active::operation),
            prefilled_total: TokenCount(self.prefilled_total),
            reused_total: TokenCount(self.reused_total),
            generated_total: TokenCount(self.generated_total),
        }
    }

    /// The tokens to feed next, at most `most`, and whether they are the last ones.
    pub(super) fn chunk(&self, most: usize) -> Option<(&[TokenId], bool)> {
        let feed = self.active.as_ref()?.feed.as_ref()?;
        let rest = &feed.tokens[feed.fed..];
        let chunk = &rest[..rest.len().min(most).min(feed.together)];
        Some((chunk, chunk.len() == rest.len()))
    }

    /// Whether it has tokens to feed.
    pub(super) fn is_feeding(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.feed.is_some())
    }

    /// Whether it generates, and its reader has room for an item.
    pub(super) fn can_generate(&self) -> bool {
        let Some(Active { feed: None, goal: Goal::Decode(decode), .. }) = &self.active else { return false };
        0 < decode.items.capacity()
    }

    /// Notes that `count` tokens of the feed came into the cache.
    pub(super) fn fed(&mut self, count: usize) {
        if let Some(feed) = self.active.as_mut().and_then(|active| active.feed.as_mut()) {
            feed.fed += count;
            self.prefilled_total += count as u64;
        }
    }

    /// If all is fed: sets the tape's end, and answers an operation that was nothing but a prefill.
    pub(super) fn finish_feed(&mut self, epoch: Epoch) {
        let is_done =
            |active: &Active| active.feed.as_ref().is_some_and(|feed| feed.fed == feed.tokens.len());
        if !self.active.as_ref().is_some_and(is_done) {
            return;
        }
        let Some(mut active) = self.active.take() else { return };
        if let Some(feed) = active.feed.take() {
            self.tape.commit(feed.end, feed.prefix);
        }
        let (room, elapsed) = (self.room(), active.started.elapsed());
        match active.goal {
            Goal::Prefix { reuse, reply } => {
                self.reused_total += reuse.reused.0;
                let prefix = TokenCount::of(self.tape.prefix());
                answer(reply, Ok(PrefixStatus { epoch, reuse, prefix, room, elapsed }));
            }
            Goal::Suffix { reuse, before, suffix, reply } => {
                self.reused_total += reuse.reused.0;
                let (suffix, before) = (TokenCount::of(suffix), TokenCount::of(before));
                answer(reply, Ok(SuffixStatus { epoch, reuse, suffix, before, room, elapsed }));
            }
            Goal::Decode(decode) => {
                self.active =
                    Some(Active { feed: None, goal: Goal::Decode(decode), started: active.started });
            }
        }
    }

    /// Chooses the next token from `logits` and takes it: hands out what text is certain, and ends the decode if it ends here.
    pub(super) fn take_next(&mut self, model: &dyn Model, logits: &[f32], epoch: Epoch) {
        let Some(Active { goal: Goal::Decode(decode), .. }) = &mut self.active else { return };
        let token = match decode.sampler.sample(logits) {
            Ok(token) => token,
            Err(error) => return self.fail(error),
        };
        decode.first_token.get_or_insert_with(Instant::now);
        if model.is_end(token) {
            // The cache ends before it, and what follows on the tape is known.
            self.logits = Some(logits.to_vec());
            return self.end_decode(FinishReason::EndOfGeneration);
        }
        let stopped = match decode.take(model, token, epoch) {
            Ok(stopped) => stopped,
            Err(error) => return self.fail(error),
        };
        self.generated_total += 1;
        self.pending = Some(token);
        self.logits = None;
        if stopped {
            return self.end_decode(FinishReason::StopString);
        }
        self.end_if_due();
    }

    /// Ends the decode if it ends before another token.
    pub(super) fn end_if_due(&mut self) {
        let Some(Active { feed: None, goal: Goal::Decode(decode), .. }) = &self.active else { return };
        let (generated, max, pending) =
            (decode.generated, decode.params.max_tokens, usize::from(self.pending.is_some()));
        let due =
            FinishReason::before_next(generated, max, self.tape.resident(), pending, self.context_tokens);
        if let Some(reason) = due {
            self.end_decode(reason);
        }
    }

    /// Ends an operation that nobody waits for, or that asked for its end. What the cache holds stays.
    pub(super) fn settle_cancel(&mut self) {
        if self.active.as_ref().is_some_and(Active::is_cancelled) {
            match &self.active {
                Some(Active { goal: Goal::Decode(_), .. }) => self.end_decode(FinishReason::Cancelled),
                _ => self.active = None,
            }
        }
    }

    /// Ends the operation under way with an error.
    pub(super) fn fail(&mut self, error: Error) {
        match self.active.take().map(|active| active.goal) {
            Some(Goal::Prefix { reply, .. }) => answer(reply, Err(error)),
            Some(Goal::Suffix { reply, .. }) => answer(reply, Err(error)),
            // The sender is dropped after the fate is set: the reader finds it.
            Some(Goal::Decode(decode)) => decode.fate.set(Err(error)),
            None => {}
        }
    }

    /// Lets the tape follow the cache after an evaluation of `attempted`, whole or not; gives how many came into it.
    pub(super) fn follow(&mut self, model: &dyn Model, attempted: &[TokenId]) -> usize {
        let before = self.tape.resident();
        match self.tape.follow(model.kv_len(self.sequence), attempted) {
            Ok(()) => self.tape.resident() - before,
            Err(mismatch) => {
                let cause = mismatch.to_string();
                self.fail(Error::SessionFatal { session: self.id.to_string(), cause: cause.clone() });
                self.fatal = Some(cause);
                self.pending = None;
                self.logits = None;
                0
            }
        }
    }

    fn begin(&mut self, feed: Option<Feed>, goal: Goal, started: Instant) {
        self.active = Some(Active { feed, goal, started });
    }

    /// Removes from the cache what the plan does not keep.
    fn perform(&mut self, model: &mut dyn Model, plan: Plan) -> (Feed, Reuse) {
        let mut plan = plan;
        self.pending = None;
        if plan.keep < self.tape.resident() {
            if !model.kv_truncate(self.sequence, plan.keep) {
                plan = self.tape.without_trim(plan);
                model.kv_truncate(self.sequence, 0);
            }
            self.logits = None;
        }
        self.tape.keep(plan.keep);
        if !plan.feed.is_empty() {
            self.logits = None;
        }
        let feed =
            Feed { tokens: plan.feed, fed: 0, end: plan.end, prefix: plan.prefix, together: usize::MAX };
        (feed, plan.reuse)
    }

    fn end_decode(&mut self, finish: FinishReason) {
        let room = self.room();
        let Some(Active { goal: Goal::Decode(mut decode), started, .. }) = self.active.take() else { return };
        let elapsed = started.elapsed();
        let (mut text, tokens) = std::mem::take(&mut decode.unsent);
        if finish != FinishReason::StopString {
            let mut rest = String::new();
            decode.text.finish(&mut rest);
            decode.stop.push(&rest, &mut text);
            decode.stop.finish(&mut text);
        }
        let end = DecodeEnd {
            text,
            tokens,
            finish,
            prompt_tokens: TokenCount::of(decode.prompt_tokens),
            generated_tokens: TokenCount(decode.generated),
            seed: decode.seed,
            room,
            first_token: decode.first_token.map(|at| at.duration_since(started)),
            elapsed,
        };
        // The sender is dropped after the fate is set: the reader finds it.
        decode.fate.set(Ok(end));
    }

    fn room(&self) -> Room {
        let (end, resident) = (self.tape.end(), self.tape.resident());
        let waiting = usize::from(self.pending.is_some());
        Room {
            resident: TokenCount::of(resident),
            available: TokenCount::of(self.context_tokens.saturating_sub(end + waiting)),
            limit: TokenCount::of(self.context_tokens),
        }
    }
}

impl Active {
    fn operation(&self) -> Operation {
        match self.goal {
            Goal::Prefix { .. } => Operation::EnsurePrefix,
            Goal::Suffix { .. } => Operation::PrefillSuffix,
            Goal::Decode(_) => Operation::Decode,
        }
    }

    /// Whether its caller went away or asked for its end.
    pub(super) fn is_cancelled(&self) -> bool {
        match &self.goal {
            Goal::Prefix { reply, .. } => reply.is_closed(),
            Goal::Suffix { reply, .. } => reply.is_closed(),
            // Acquire pairs with the Release of `DecodeStream::cancel`.
            Goal::Decode(decode) => decode.items.is_closed() || decode.cancel.load(Ordering::Acquire),
        }
    }
}

impl Decode {
    /// Takes a token: `true` if a stop string is complete.
    fn take(&mut self, model: &dyn Model, token: TokenId, epoch: Epoch) -> Result<bool, Error> {
        let mut bytes = Vec::new();
        model.piece(token, &mut bytes)?;
        self.generated += 1;
        let mut whole = String::new();
        self.text.push(&bytes, &mut whole);
        let stopped = self.stop.push(&whole, &mut self.unsent.0);
        self.unsent.1.push(token);
        let is_due = !self.unsent.0.is_empty() || UNSENT_TOKENS_MAX <= self.unsent.1.len();
        if is_due && !stopped {
            let (text, tokens) = std::mem::take(&mut self.unsent);
            // There is room: nobody else sends, and it was looked at before the evaluation. A reader that went away is seen
            // at the next step.
            let _ = self.items.try_send(DecodeItem { epoch, event: DecodeEvent::Text { text, tokens } });
        }
        Ok(stopped)
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

/// Answers a call; a caller that went away has cancelled it.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}

fn random_seed() -> u32 {
    let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Tokens without text (control tokens, parts of a character) that wait for the next item at most.
const UNSENT_TOKENS_MAX: usize = 64;
