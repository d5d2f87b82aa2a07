//! Tests of the engine that need a gate of their own: only the owner can make one outside of tests.

mod basics;
mod choosing;
mod continuing;
#[cfg(feature = "llama")]
mod damage;
mod door;
mod ends;
mod fenced;
#[cfg(feature = "llama")]
mod llama;
mod random;
mod sharing;
mod sixteen;
mod slots;
mod stored;
mod upstream;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::report::{DecodeEnd, DecodeEvent};
use modeld_spec::session::tape::TokenId;
use modeld_spec::time::BootTime;

use tempfile::TempDir;

use super::{DecodeStream, Engine, Limits, OpenRequest, Session, Stores};
use crate::data_root::DataRoot;
use crate::engine::backend::Backend;
use crate::engine::manifest::FileDigests;
use crate::engine::snapshots::{SnapshotLimits, SnapshotStore};
use crate::os::Clock;
use crate::owner::gate::Gate;
use crate::owner::{Config, Owner, join};
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

/// An owner of a data root of its own, and the engine that it guards, with snapshots. The owner goes last.
pub(super) struct Stored {
    pub(super) engine: Arc<Engine>,
    pub(super) owner: Owner,
    pub(super) root: DataRoot,
    _directory: Option<TempDir>,
}

/// An engine with a lease and a disk.
pub(super) fn stored(backend: impl Backend + 'static, limits: Limits) -> Stored {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    Stored { _directory: Some(directory), ..stored_in(&root, backend, limits) }
}

/// The same in a data root that is there.
pub(super) fn stored_in(root: &DataRoot, backend: impl Backend + 'static, limits: Limits) -> Stored {
    let owner = join(Config::new(root.clone())).unwrap();
    let gate = owner.gate().expect("nobody else owns");
    let committer = owner.committer().expect("nobody else owns");
    let store =
        SnapshotStore::open(root, committer, &gate.pass().unwrap(), SnapshotLimits::default()).unwrap();
    let snapshots = Some((Arc::new(store), Arc::new(FileDigests::of(root))));
    let engine = Engine::new(gate, Box::new(backend), limits).with_stores(Stores { snapshots });
    Stored { engine: Arc::new(engine), owner, root: root.clone(), _directory: None }
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
            DecodeEvent::Text { text: more, tokens: ids, .. } => {
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
