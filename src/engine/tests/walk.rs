//! Random lives of sessions, and what each should have written in them.
//!
//! A walk notes behind which tokens its session wrote which. Afterwards a model without an engine around it is fed the same tokens one
//! by one in an empty sequence ([`Cold`]): had a cache held anything else than the session's own tokens, its answer would be another.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use modeld_spec::error::Error;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{DecodeEvent, Logprobs};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;
use proptest::prelude::*;

use super::{PATIENCE, gate, greedy};
use crate::engine::backend::{Backend, Batch, LoadRequest, Model, Row, Sequence, Settings};
use crate::engine::logprobs::logprobs;
use crate::engine::{DecodeStream, Engine, OpenRequest, Prompt, Session};
use crate::owner::gate::Gate;

/// Something that a client does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Prefix(String),
    Suffix(String),
    /// Generates so many tokens, with or without guesses.
    Decode(u64, bool),
    /// As a reader that looks away so often between two items.
    Slowly(u64, usize),
    /// Asks for the end after so many items, and reads to it.
    Cancel(usize),
    /// Is gone after so many items.
    Leave(usize),
    /// Is gone before it is answered, perhaps before anything has begun.
    LeavePrefix(String),
    /// Writes the session to disk.
    Snapshot,
    /// Restores the last snapshot of any session.
    Restore,
    Reopen,
}

/// Lives in which every text begins as one of `heads` does.
pub(super) fn acts(heads: &'static [&'static str], tokens: u64) -> impl Strategy<Value = Act> {
    let prefix = move || {
        let head = proptest::sample::select(heads);
        (head, 0usize..64, "[ab ]{0,6}").prop_map(|(head, cut, tail)| {
            let kept: String = head.chars().take(head.len().saturating_sub(cut / 4)).collect();
            kept + &tail
        })
    };
    prop_oneof![
        5 => prefix().prop_map(Act::Prefix),
        3 => "[ab ]{1,8}".prop_map(Act::Suffix),
        5 => (0..tokens, any::<bool>()).prop_map(|(count, guesses)| Act::Decode(count, guesses)),
        2 => (1..tokens, 1usize..6).prop_map(|(count, looks)| Act::Slowly(count, looks)),
        2 => (0usize..4).prop_map(Act::Cancel),
        2 => (0usize..4).prop_map(Act::Leave),
        1 => prefix().prop_map(Act::LeavePrefix),
        2 => Just(Act::Snapshot),
        2 => Just(Act::Restore),
        1 => Just(Act::Reopen),
    ]
}

/// A part of what a session's text is made of.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// At the beginning of the text or behind something.
    Text(String, bool),
    Tokens(Vec<TokenId>),
}

/// What must be in front of the next token; `None` where the engine alone knows how far it came, until the next prefix.
pub(super) type History = Option<Vec<Part>>;

/// The last snapshot, and what it holds.
pub(super) type Saved = Arc<Mutex<Option<(Digest, History)>>>;

/// What a session wrote, and behind what.
pub(super) struct Written {
    behind: Vec<Part>,
    tokens: Vec<TokenId>,
    /// Of the first token, if it was told.
    first: Option<Logprobs>,
    finish: FinishReason,
}

/// A session, and what it has been through.
pub(super) struct Walk {
    engine: Arc<Engine>,
    request: OpenRequest,
    session: Session,
    history: History,
    saved: Saved,
    written: Vec<Written>,
    warm: u64,
}

/// What a walk has come to.
pub(super) struct Walked {
    pub(super) session: Session,
    pub(super) written: Vec<Written>,
    /// Tokens that were in the cache already when a prompt wanted them.
    pub(super) warm: u64,
}

impl Walk {
    /// Opens a session, takes a prompt twice, which is warm the second time, and does all this in it.
    pub(super) async fn through(
        engine: Arc<Engine>,
        request: OpenRequest,
        saved: Saved,
        acts: Vec<Act>,
    ) -> Walked {
        let session = engine.open_session(&request).await.unwrap();
        let mut walk = Walk { engine, request, session, history: None, saved, written: Vec::new(), warm: 0 };
        let twice = || Act::Prefix("the same prompt, which is asked for twice".to_string());
        for act in [twice(), twice()].into_iter().chain(acts) {
            walk.act(act).await;
        }
        Walked { session: walk.session, written: walk.written, warm: walk.warm }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Prefix(text) => {
                let status = self.session.ensure_prefix(Prompt::literal(&text)).await.unwrap();
                self.warm += status.reuse.reused.0 + status.reuse.shared.0;
                self.history = Some(vec![Part::Text(text, true)]);
            }
            Act::Suffix(text) => match self.session.prefill_suffix(Prompt::literal(&text)).await {
                Ok(status) => {
                    self.warm += status.reuse.reused.0 + status.reuse.shared.0;
                    self.goes_on(Part::Text(text, false));
                }
                // Nothing was changed.
                Err(Error::ContextOverflow { .. }) => {}
                Err(error) => panic!("{error}"),
            },
            Act::Decode(count, guesses) => {
                let drafts = if guesses { Drafts { most: 3, alike: 1 } } else { Drafts::NONE };
                self.decode(DecodeParams { drafts, ..greedy(count) }, Reading::ToTheEnd).await;
            }
            Act::Slowly(count, looks) => self.decode(greedy(count), Reading::Slowly(looks)).await,
            Act::Cancel(items) => self.decode(greedy(AT_MOST), Reading::Cancels(items)).await,
            Act::Leave(items) => self.decode(greedy(AT_MOST), Reading::Leaves(items)).await,
            Act::LeavePrefix(text) => {
                let operation = self.session.ensure_prefix(Prompt::literal(text));
                tokio::select! {
                    biased;
                    result = operation => result.map(drop).unwrap(),
                    () = tokio::task::yield_now() => {}
                }
                self.history = None;
            }
            Act::Snapshot => match self.session.snapshot().await {
                Ok(status) => *self.saved.lock().unwrap() = Some((status.id, self.history.clone())),
                // Such a cache can't be written reproducibly once it is longer than its window; the session is as it was.
                Err(Error::SnapshotFailed { .. }) if self.session.info().capabilities.window.is_some() => {}
                Err(error) => panic!("{error}"),
            },
            Act::Restore => {
                let saved = self.saved.lock().unwrap().clone();
                let Some((id, held)) = saved else { return };
                self.session.restore(id).await.unwrap();
                self.history = held;
            }
            Act::Reopen => {
                self.session.close().await.unwrap();
                self.session = self.engine.open_session(&self.request).await.unwrap();
                self.history = None;
            }
        }
    }

    fn goes_on(&mut self, part: Part) {
        if let Some(history) = &mut self.history {
            history.push(part);
        }
    }

    async fn decode(&mut self, params: DecodeParams, reading: Reading) {
        let stream = match self.session.decode(DecodeParams { logprobs: Some(1), ..params }).await {
            Ok(stream) => stream,
            // Nothing is on the tape.
            Err(Error::InvalidArgument { .. }) if self.history.is_none() => return,
            Err(error) => panic!("{error}"),
        };
        match (read(stream, reading).await, self.history.clone()) {
            (Some((tokens, first, finish)), Some(behind)) => {
                self.goes_on(Part::Tokens(tokens.clone()));
                self.written.push(Written { behind, tokens, first, finish });
            }
            _ => self.history = None,
        }
    }
}

/// How a stream is read.
#[derive(Clone, Copy)]
enum Reading {
    ToTheEnd,
    Slowly(usize),
    Cancels(usize),
    Leaves(usize),
}

/// Reads a stream; `None` if it is left before its end.
async fn read(
    mut stream: DecodeStream,
    reading: Reading,
) -> Option<(Vec<TokenId>, Option<Logprobs>, FinishReason)> {
    let (mut tokens, mut first, mut items) = (Vec::new(), None, 0);
    loop {
        match reading {
            Reading::Slowly(looks) => {
                for _ in 0..looks {
                    tokio::task::yield_now().await;
                }
            }
            Reading::Cancels(after) if after == items => stream.cancel(),
            Reading::Leaves(after) if after == items => return None,
            _ => {}
        }
        let item = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an item within the bound");
        match item.expect("an end before the end of the stream").unwrap().event {
            DecodeEvent::Text { tokens: more, logprobs, .. } => {
                tokens.extend(more);
                first = first.or(logprobs.into_iter().next());
            }
            DecodeEvent::End(end) => {
                tokens.extend(end.tokens);
                assert_eq!(end.generated_tokens.0, tokens.len() as u64);
                return Some((tokens, first.or(end.logprobs.into_iter().next()), end.finish));
            }
        }
        items += 1;
    }
}

/// A model without an engine around it.
pub(super) struct Cold {
    model: Box<dyn Model>,
    gate: Arc<Gate>,
}

impl Cold {
    pub(super) fn load(backend: &dyn Backend, path: &Path, settings: Settings) -> Self {
        let (gate, _) = gate();
        let request = LoadRequest {
            path: path.to_path_buf(),
            context_tokens: CONTEXT,
            sessions_max: 1,
            batch_tokens: 1,
            threads: Some(1),
            settings,
        };
        let permit = gate.pass_resident().unwrap();
        let model = backend.load(permit, &request, &mut |_| ControlFlow::Continue(())).unwrap();
        Cold { model, gate }
    }

    /// Whether the same is written behind the same, token for token.
    pub(super) fn writes_the_same(&mut self, written: &Written) -> bool {
        let behind = self.tokens(&written.behind);
        let mut logits = self.feed_from_empty(&behind);
        let mut sampler = self.model.sampler(&greedy(1).sampling, 0).unwrap();
        for (index, token) in written.tokens.iter().enumerate() {
            if sampler.sample(&logits).unwrap() != *token {
                return false;
            }
            logits = self.feed(*token, behind.len() + index);
        }
        let next = sampler.sample(&logits).unwrap();
        (written.finish == FinishReason::EndOfGeneration) == self.model.is_end(next)
            || written.finish != FinishReason::EndOfGeneration
    }

    /// How far the probability of the first token is from what it is here: the difference of the logarithms.
    pub(super) fn first_differs_by(&mut self, written: &Written) -> Option<f32> {
        let (token, first) = (*written.tokens.first()?, written.first.as_ref()?);
        let behind = self.tokens(&written.behind);
        let logits = self.feed_from_empty(&behind);
        let cold = logprobs(&logits, token, 1)?;
        Some((cold.chosen.logprob - first.chosen.logprob).abs())
    }

    fn tokens(&self, parts: &[Part]) -> Vec<TokenId> {
        let tokens = parts.iter().map(|part| match part {
            Part::Text(text, beginning) => self.model.tokenize(text, *beginning, false).unwrap(),
            Part::Tokens(tokens) => tokens.clone(),
        });
        tokens.flatten().collect()
    }

    fn feed_from_empty(&mut self, tokens: &[TokenId]) -> Vec<f32> {
        assert!(self.model.kv_truncate(Sequence(0), 0));
        let mut logits = Vec::new();
        for (position, token) in tokens.iter().enumerate() {
            logits = self.feed(*token, position);
        }
        logits
    }

    fn feed(&mut self, token: TokenId, position: usize) -> Vec<f32> {
        let row = Row { token, position, sequence: Sequence(0), output: true };
        let permit = self.gate.pass_resident().unwrap();
        self.model.eval(permit, &Batch { rows: vec![row] }, &|| false).unwrap();
        self.model.logits(0).unwrap().to_vec()
    }
}

/// Tokens of a session's context in these tests.
pub(super) const CONTEXT: usize = 512;

/// Tokens of a decode that is ended from outside, or by itself.
const AT_MOST: u64 = 24;
