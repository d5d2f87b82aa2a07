//! Tests of the engine that need a gate of their own: only the owner can make one outside of tests.

mod basics;
mod continuing;
#[cfg(feature = "llama")]
mod damage;
mod door;
mod ends;
#[cfg(feature = "llama")]
mod llama;
mod random;
mod slots;

use std::sync::Arc;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::report::{DecodeEnd, DecodeEvent};
use modeld_spec::session::tape::TokenId;
use modeld_spec::time::BootTime;

use super::{DecodeStream, Engine, Limits, OpenRequest, Session};
use crate::engine::backend::Backend;
use crate::os::Clock;
use crate::owner::gate::Gate;
use crate::sync::{AtomicU64, Ordering};

/// A clock that stands until it is set.
#[derive(Default)]
pub(super) struct FakeClock(AtomicU64);

impl FakeClock {
    pub(super) fn set(&self, nanos: u64) {
        self.0.store(nanos, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// The instant at which the gates of these tests close.
pub(super) const DEADLINE: u64 = 1_000_000;

/// A gate that closes when the clock is set to [`DEADLINE`].
pub(super) fn gate() -> (Arc<Gate>, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::default());
    let gate = Gate::new(Epoch::FIRST, BootTime::from_nanos(DEADLINE), true, None, clock.clone());
    (Arc::new(gate), clock)
}

/// An engine with such a gate.
pub(super) fn engine(backend: impl Backend + 'static, limits: Limits) -> (Engine, Arc<FakeClock>) {
    let (gate, clock) = gate();
    (Engine::new(gate, Box::new(backend), limits), clock)
}

pub(super) async fn open(engine: &Engine) -> Session {
    engine.open_session(&OpenRequest::new("toy")).await.unwrap()
}

pub(super) fn greedy(max_tokens: u64) -> DecodeParams {
    DecodeParams {
        sampling: SamplingParams::new(Sampling::greedy()).unwrap(),
        max_tokens: Some(max_tokens),
        ..DecodeParams::default()
    }
}

/// What a stream gave, put together.
#[derive(Debug, PartialEq)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) tokens: Vec<TokenId>,
    pub(super) end: DecodeEnd,
}

pub(super) async fn collect(mut stream: DecodeStream) -> Result<Output, Error> {
    let (mut text, mut tokens) = (String::new(), Vec::new());
    loop {
        let item = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an item within the bound");
        match item.expect("an end before the end of the stream")?.event {
            DecodeEvent::Text { text: more, tokens: ids } => {
                text.push_str(&more);
                tokens.extend(ids);
            }
            DecodeEvent::End(end) => {
                text.push_str(&end.text);
                tokens.extend(&end.tokens);
                assert!(stream.next().await.is_none());
                return Ok(Output { text, tokens, end });
            }
        }
    }
}

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
