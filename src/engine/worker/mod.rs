//! The thread of one model, seen from outside: commands in, replies and items out.
//!
//! Shared with the thread, and who may touch what:
//! 1. `commands` is bounded; a sender waits for room, and wakes the thread after sending.
//! 2. `orphans` are sessions whose opener went away before it got them; the thread closes them.
//! 3. `draining` goes from false to true once and is set by the engine alone.
//! 4. The [`Fate`] of a stream is written once by the thread, before it drops the stream's sender.

mod slot;
mod thread;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{ContextReport, DecodeEnd, DecodeItem, PrefixStatus, SuffixStatus};
use tokio::sync::{mpsc, oneshot};

use super::backend::ModelInfo;
use super::limits::Limits;
use super::session::{Prompt, SessionId};
use crate::owner::gate::Gate;
use crate::sync::{AtomicBool, Ordering};

pub(super) use thread::serve;

/// Where an answer goes. Dropped by the caller: the operation is cancelled.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the thread is asked to do.
pub(super) enum Command {
    /// Open a session with this much context; `None`: as much as the model was loaded for.
    Open { context_tokens: Option<usize>, reply: Reply<Opened> },
    /// Do something in a session.
    Operate { session: SessionId, what: Operate },
}

/// What can be done in a session.
pub(super) enum Operate {
    EnsurePrefix {
        prompt: Prompt,
        reply: Reply<PrefixStatus>,
    },
    PrefillSuffix {
        prompt: Prompt,
        reply: Reply<SuffixStatus>,
    },
    Decode {
        params: DecodeParams,
        items: mpsc::Sender<DecodeItem>,
        fate: Fate,
        cancel: Arc<AtomicBool>,
        reply: Reply<()>,
    },
    Explain {
        reply: Reply<ContextReport>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// How a stream ended; empty until it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<OnceLock<Result<DecodeEnd, Error>>>);

impl Fate {
    pub(super) fn set(&self, end: Result<DecodeEnd, Error>) {
        // A stream ends once; a second end has nobody to tell.
        let _ = self.0.set(end);
    }

    pub(super) fn take(&self) -> Option<Result<DecodeEnd, Error>> {
        self.0.get().cloned()
    }
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
            self.control.orphans.lock().unwrap_or_else(PoisonError::into_inner).push(self.id.clone());
            self.control.wake();
        }
    }
}

/// What the thread and its users share.
pub(super) struct Control {
    pub(super) gate: Arc<Gate>,
    draining: Arc<AtomicBool>,
    thread: OnceLock<Thread>,
    orphans: Mutex<Vec<SessionId>>,
}

impl Control {
    pub(super) fn new(gate: Arc<Gate>, draining: Arc<AtomicBool>) -> Self {
        Control { gate, draining, thread: OnceLock::new(), orphans: Mutex::default() }
    }

    /// Called once, on the thread itself, before anybody can have something for it to do.
    pub(super) fn bind(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    /// Lets the thread look around. Nothing is lost: an `unpark` before a `park` makes that one return at once.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
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

/// A model's thread, for those who use it.
#[derive(Clone)]
pub(super) struct Worker {
    commands: mpsc::Sender<Command>,
    control: Arc<Control>,
    info: Arc<ModelInfo>,
    limits: Arc<Limits>,
}

impl Worker {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        control: Arc<Control>,
        info: Arc<ModelInfo>,
        limits: Arc<Limits>,
    ) -> Self {
        Worker { commands, control, info, limits }
    }

    pub(super) fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.control.gate.epoch()
    }

    pub(super) fn wake(&self) {
        self.control.wake();
    }

    /// Whether the thread takes no commands any more.
    pub(super) fn is_gone(&self) -> bool {
        self.commands.is_closed()
    }

    pub(super) fn check_gate(&self) -> Result<(), Error> {
        check_gate(&self.control.gate)
    }

    /// Refuses a text that is too long before it is copied anywhere.
    pub(super) fn check_text(&self, text: &str) -> Result<(), Error> {
        let max = self.limits.text_bytes_max;
        if text.len() <= max {
            return Ok(());
        }
        let problem = format!("has {} bytes, and {max} are allowed", text.len());
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

    async fn call<T>(&self, make: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        self.control.check()?;
        let (reply, answer) = oneshot::channel();
        self.commands.send(make(reply)).await.map_err(|_| self.gone())?;
        self.control.wake();
        let answer = answer.await.unwrap_or_else(|_| Err(self.gone()))?;
        // The answer may have waited for its reader beyond the deadline.
        self.check_gate()?;
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
