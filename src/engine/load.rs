//! One load a model, however many ask for it at once.
//!
//! ```text
//!     Loading(fraction) --> Ready --> Ended
//!         |--> Failed (forgotten: the next one who asks loads again)
//!         '--> abandoned when nobody waits any more, also forgotten
//! ```
//!
//! The load runs on the thread that then serves the model. Those who wait hold a [`Loading`] each; when the last one goes away
//! before the model is there, the load is broken off.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;
use tokio::sync::watch;

use super::backend::{Backend, LoadRequest, Model, ModelInfo, ModelKey};
use super::limits::Limits;
use super::manifest::Manifest;
use super::service::Models;
use super::stores::Stores;
use super::worker::{self, Control, Worker, Workshop, named};
use crate::sync::{AtomicUsize, Ordering};

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadProgress {
    /// What it does.
    pub phase: LoadPhase,
    /// How much of the model is read, from 0 to 1.
    pub fraction: f32,
}

/// What a load does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadPhase {
    /// Reads the model.
    Loading,
    /// The model serves.
    Ready,
    /// There will be no model.
    Failed,
}

/// What tells the cache of a model from every other, and what that is made of.
type Known = (Digest, Option<Arc<Manifest>>);

/// What is known about a model.
#[derive(Clone)]
pub(super) enum State {
    Loading(f32),
    Ready(Worker),
    Failed(Error),
    Ended,
}

/// A model that is loaded or being loaded.
pub(super) struct Entry {
    pub(super) key: ModelKey,
    pub(super) request: LoadRequest,
    pub(super) control: Arc<Control>,
    state: watch::Sender<State>,
    /// How many wait for the load; counted up only under the lock of the table of models.
    waiters: AtomicUsize,
}

impl Entry {
    pub(super) fn new(key: ModelKey, request: LoadRequest, control: Arc<Control>) -> Self {
        let (state, _) = watch::channel(State::Loading(0.0));
        Entry { key, request, control, state, waiters: AtomicUsize::new(0) }
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Whether it is no use to wait for it or to ask it: the next one who asks begins a new load.
    pub(super) fn is_over(&self) -> bool {
        match &*self.state.borrow() {
            State::Loading(_) => false,
            State::Ready(worker) => worker.is_gone(),
            State::Failed(_) | State::Ended => true,
        }
    }

    /// Waits until the thread has ended and the model's memory is back.
    pub(super) async fn ended(&self) {
        let mut state = self.state.subscribe();
        // The sender lives in `self`, so the wait ends with the state and not with an error.
        let _ = state.wait_for(|state| matches!(state, State::Ended | State::Failed(_))).await;
    }

    /// Someone who waits for the load. Under the lock of the table of models.
    pub(super) fn join(self: &Arc<Self>) -> Loading {
        self.waiters.fetch_add(1, Ordering::AcqRel);
        let mut changes = self.state.subscribe();
        changes.mark_changed();
        Loading { entry: self.clone(), changes }
    }

    /// Starts the thread that loads and then serves.
    pub(super) fn start(
        self: &Arc<Self>,
        backend: Arc<dyn Backend>,
        models: Arc<Models>,
        limits: Arc<Limits>,
        stores: Stores,
    ) -> Result<(), Error> {
        let entry = self.clone();
        let spawned = thread::Builder::new().name("modeld-engine".to_string()).spawn(move || {
            // A panic of a backend ends its model and nothing else.
            let run = catch_unwind(AssertUnwindSafe(|| entry.run(&*backend, &models, limits, &stores)));
            models.forget(&entry);
            // What was waited for has not come: the thread is done and the model freed.
            entry.state.send_modify(|state| match (&*state, run.is_ok()) {
                (State::Loading(_), _) => {
                    let cause = "the thread that loads it ended early".to_string();
                    *state = State::Failed(Error::Internal { cause });
                }
                (State::Failed(_), _) => {}
                _ => *state = State::Ended,
            });
            models.gone(&entry);
        });
        spawned
            .map(drop)
            .map_err(|error| Error::Internal { cause: format!("no thread for a model: {error}") })
    }

    fn run(self: &Arc<Self>, backend: &dyn Backend, models: &Models, limits: Arc<Limits>, stores: &Stores) {
        match self.load(backend, models, stores) {
            Ok((model, (identity, manifest))) => {
                let info = Arc::new(model.info().clone());
                let (worker, commands) = Worker::new(self.control.clone(), info, limits.clone());
                self.state.send_replace(State::Ready(worker.with_manifest(manifest)));
                let snapshots = stores.snapshots.as_ref().map(|(snapshots, _)| snapshots.clone());
                let reproducible = self.request.settings.reproducible;
                let workshop = Workshop { limits, snapshots, identity, reproducible };
                worker::serve(model, commands, self.control.clone(), workshop);
            }
            Err(error) => {
                // Forgotten first: who asks after the failure is known begins a new load.
                models.forget(self);
                self.state.send_replace(State::Failed(error));
            }
        }
    }

    fn load(
        self: &Arc<Self>,
        backend: &dyn Backend,
        models: &Models,
        stores: &Stores,
    ) -> Result<(Box<dyn Model>, Known), Error> {
        self.control.check()?;
        let mut broken_off = None;
        let mut progress = |fraction: f32| {
            self.state.send_replace(State::Loading(fraction.clamp(0.0, 1.0)));
            broken_off =
                self.control.check().err().or_else(|| self.is_abandoned(models).then_some(Error::Cancelled));
            if broken_off.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let permit = self.control.gate.pass_resident().map_err(Error::from)?;
        let loaded = backend.load(permit, &self.request, &mut progress);
        match (loaded, broken_off) {
            // The backend may take a break as a failure of its own kind; the reason for the break is the better answer.
            (_, Some(error)) | (Err(error), None) => Err(error),
            (Ok(model), None) => {
                let mut watch = |_, _| match self.control.check() {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                };
                let identity = stores.identity(backend, &*model, &self.key, &self.request, &mut watch)?;
                Ok((model, identity))
            }
        }
    }

    /// Whether nobody waits; then it is forgotten, so that nobody can come to wait for it either.
    fn is_abandoned(self: &Arc<Self>, models: &Models) -> bool {
        self.waiters.load(Ordering::Acquire) == 0
            && models.forget_if(self, || self.waiters.load(Ordering::Acquire) == 0)
    }
}

/// A wait for a model. Dropping it is no longer waiting.
#[must_use]
pub struct Loading {
    entry: Arc<Entry>,
    changes: watch::Receiver<State>,
}

impl Loading {
    /// How far the load is: at once the first time, then when it has changed. The last one is not `Loading`. Cancel-safe.
    pub async fn progress(&mut self) -> LoadProgress {
        // The sender lives in `self.entry`: there is no error.
        let _ = self.changes.changed().await;
        let (phase, fraction) = match &*self.changes.borrow_and_update() {
            State::Loading(fraction) => (LoadPhase::Loading, *fraction),
            State::Ready(_) => (LoadPhase::Ready, 1.0),
            State::Failed(_) | State::Ended => (LoadPhase::Failed, 0.0),
        };
        LoadProgress { phase, fraction }
    }

    /// Waits until the model serves. Cancel-safe.
    ///
    /// # Errors
    /// Why there is no model: what the backend said, [`Error::Fenced`], [`Error::Draining`].
    pub async fn ready(&self) -> Result<Arc<ModelInfo>, Error> {
        Ok(self.worker().await?.info().clone())
    }

    pub(super) async fn worker(&self) -> Result<Worker, Error> {
        let mut state = self.entry.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Loading(_))).await;
        match state.as_deref() {
            Ok(State::Ready(worker)) => Ok(worker.clone()),
            Ok(State::Failed(error)) => Err(error.clone()),
            _ => Err(self.entry.control.check().err().unwrap_or_else(|| Error::Internal {
                cause: format!("the thread of {} has ended", named(&self.entry.request.path)),
            })),
        }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.entry.waiters.fetch_sub(1, Ordering::AcqRel);
    }
}
