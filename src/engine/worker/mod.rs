//! The thread of one model, seen from outside: commands in, replies and items out.
//!
//! ```text
//!     Worker -- mailbox --> thread: Table decides, Scheduler picks, the model evaluates
//!       ^  '--- bell -------'  |  '-- desk: one thread that writes and reads snapshots
//!       '---- reply, handoff --'
//! ```
//!
//! Shared with the thread, and who may touch what:
//! 1. The mailbox is bounded; a sender waits for room. Whoever brings something rings the bell.
//! 2. `orphans` are sessions whose opener went away before it got them; the thread closes them.
//! 3. `draining` goes from false to true once and is set by the engine alone.

mod batch;
mod desk;
mod outputs;
mod perform;
mod seat;
mod thread;
mod writing;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{
    ContextReport, DecodeEnd, DecodeItem, PrefixStatus, RestoreStatus, SnapshotStatus, SuffixStatus,
};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::{TokenCount, TokenId};

use super::backend::{Embedding, ModelInfo};
use super::bell::Bell;
use super::handoff::Writer;
use super::limits::Limits;
use super::mailbox::{Receiver, Sender, mailbox};
use super::manifest::Manifest;
use super::reply::{self, reply};
use super::session::{Prompt, SessionId};
use super::snapshots::SnapshotStore;
use crate::owner::gate::Gate;
use crate::sync::{AtomicBool, Mutex, Ordering};

pub(super) use thread::serve;

/// Where an answer goes. Dropped by the caller: the operation is cancelled.
pub(super) type Reply<T> = reply::Reply<Result<T, Error>>;

/// Where the items of a decode go, and how it ended.
pub(super) type Items = Writer<DecodeItem, Result<DecodeEnd, Error>>;

/// What the thread is asked to do.
pub(super) enum Command {
    /// Open a session with this much context; `None`: as much as the model was loaded for.
    Open { context_tokens: Option<usize>, reply: Reply<Opened> },
    /// Embed a text, beside the sessions.
    Embed { prompt: Prompt, reply: Reply<Embedded> },
    /// Do something in a session.
    Operate { session: SessionId, what: Operate },
}

/// What can be done in a session.
pub(super) enum Operate {
    EnsurePrefix { prompt: Prompt, reply: Reply<PrefixStatus> },
    PrefillSuffix { prompt: Prompt, reply: Reply<SuffixStatus> },
    Decode { params: DecodeParams, items: Items, reply: Reply<()> },
    Snapshot { reply: Reply<SnapshotStatus> },
    Restore { id: Digest, reply: Reply<RestoreStatus> },
    Explain { reply: Reply<ContextReport> },
    Text { reply: Reply<Vec<TokenId>> },
    Close { reply: Reply<()> },
}

/// The embedding of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// The epoch in which it was made.
    pub epoch: Epoch,
    /// The numbers, and how they were made.
    pub embedding: Embedding,
    /// Tokens of the text.
    pub tokens: TokenCount,
    /// From the start of the operation to its end.
    pub elapsed: Duration,
}

/// A session on its way to its opener: closed again if it never gets there.
pub(super) struct Opened {
    id: SessionId,
    pub(super) context_tokens: usize,
    control: Arc<Control>,
    delivered: bool,
}

impl Opened {
    pub(super) fn deliver(mut self) -> SessionId {
        self.delivered = true;
        self.id.clone()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.delivered {
            self.control.orphans.lock().push(self.id.clone());
            self.control.wake();
        }
    }
}

/// What the thread and its users share.
pub(super) struct Control {
    pub(super) gate: Arc<Gate>,
    draining: Arc<AtomicBool>,
    bell: Bell,
    orphans: Mutex<Vec<SessionId>>,
}

impl Control {
    pub(super) fn new(gate: Arc<Gate>, draining: Arc<AtomicBool>) -> Self {
        Control { gate, draining, bell: Bell::new(), orphans: Mutex::default() }
    }

    /// Lets the thread look around.
    pub(super) fn wake(&self) {
        self.bell.ring();
    }

    /// What rings when something is brought.
    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Why nothing may be begun; `Ok` while it may.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_gate(&self.gate)?;
        if self.is_draining() { Err(Error::Draining) } else { Ok(()) }
    }

    /// Whether the engine shuts down.
    pub(super) fn is_draining(&self) -> bool {
        // Acquire pairs with the Release of the engine's shutdown.
        self.draining.load(Ordering::Acquire)
    }
}

/// What a model's thread works with besides the model.
pub(super) struct Workshop {
    pub(super) limits: Arc<Limits>,
    /// Where snapshots are kept; `None`: nowhere.
    pub(super) snapshots: Option<Arc<SnapshotStore>>,
    /// What the cache is computed with.
    pub(super) identity: Digest,
    /// Whether what a session gets must depend on nothing but its own tokens, to the last bit.
    pub(super) reproducible: bool,
}

/// A model's thread, for those who use it.
#[derive(Clone)]
pub(super) struct Worker {
    commands: Sender<Command>,
    control: Arc<Control>,
    info: Arc<ModelInfo>,
    manifest: Option<Arc<Manifest>>,
    limits: Arc<Limits>,
}

impl Worker {
    /// The two ends of a thread's mailbox.
    pub(super) fn new(
        control: Arc<Control>,
        info: Arc<ModelInfo>,
        limits: Arc<Limits>,
    ) -> (Self, Receiver<Command>) {
        let (commands, receiver) = mailbox(limits.commands, control.bell().clone());
        (Worker { commands, control, info, manifest: None, limits }, receiver)
    }

    pub(super) fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// The same worker, of a model whose manifest is known.
    pub(super) fn with_manifest(self, manifest: Option<Arc<Manifest>>) -> Self {
        Worker { manifest, ..self }
    }

    /// What the cache is computed with, where that was found out.
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_deref()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.control.gate.epoch()
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// Whether the thread takes no commands any more.
    pub(super) fn is_gone(&self) -> bool {
        self.commands.is_closed()
    }

    /// Refuses what is too long before it is copied anywhere.
    pub(super) fn check_prompt(&self, prompt: &Prompt) -> Result<(), Error> {
        let max = self.limits.text_bytes_max;
        let bytes = match prompt {
            Prompt::Text { text, .. } => text.len(),
            Prompt::Tokens(tokens) => size_of_val(tokens.as_slice()),
        };
        if bytes <= max {
            return Ok(());
        }
        let problem = format!("has {bytes} bytes, and {max} are allowed");
        Err(Error::InvalidArgument { argument: "the text".to_string(), problem })
    }

    pub(super) async fn open(&self, context_tokens: Option<usize>) -> Result<Opened, Error> {
        self.call(|reply| Command::Open { context_tokens, reply }).await
    }

    pub(super) async fn operate<T>(
        &self,
        session: &SessionId,
        make: impl FnOnce(Reply<T>) -> Operate,
    ) -> Result<T, Error> {
        let session = session.clone();
        self.call(|reply| Command::Operate { session, what: make(reply) }).await
    }

    pub(super) async fn embed(&self, prompt: Prompt) -> Result<Embedded, Error> {
        self.call(|reply| Command::Embed { prompt, reply }).await
    }

    async fn call<T>(&self, make: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        self.control.check()?;
        let (reply, answer) = reply(self.control.bell().clone());
        self.commands.send(make(reply)).await.map_err(|_| self.gone())?;
        let answer = answer.await.unwrap_or_else(|_| Err(self.gone()))?;
        // The answer may have waited for its reader beyond the deadline.
        check_gate(&self.control.gate)?;
        Ok(answer)
    }

    /// Why the thread does not answer.
    pub(super) fn gone(&self) -> Error {
        self.control.check().err().unwrap_or_else(|| Error::Internal {
            cause: format!("the thread of {} has ended", self.info.path.display()),
        })
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("path", &self.info.path).finish_non_exhaustive()
    }
}

/// Whether an effect on resident state may begin.
pub(super) fn check_gate(gate: &Gate) -> Result<(), Error> {
    gate.pass_resident().map(drop).map_err(Error::from)
}

/// How a model is named in an error.
pub(super) fn named(path: &Path) -> String {
    path.display().to_string()
}

/// Answers a call; a caller that went away has cancelled it.
fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}
