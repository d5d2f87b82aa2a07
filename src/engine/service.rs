//! The engine itself: finds or starts the load of a model, opens sessions on it, and ends everything.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use tokio::time::{Instant, timeout_at};

use super::backend::{Backend, Device, LoadRequest, ModelFacts, ModelInfo, ModelKey, Settings};
use super::limits::Limits;
use super::load::{Entry, Loading, State};
use super::manifest::{Claimed, Manifest};
use super::session::{Prompt, Session, SessionId};
use super::stores::Stores;
use super::worker::{Control, Embedded, check_gate};
use crate::owner::gate::Gate;
use crate::sync::{AtomicBool, Ordering};

/// Which model a session is opened on, and with how much context.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRequest {
    /// The model's file.
    pub model: PathBuf,
    /// Tokens of context; `None`: as much as the model was loaded for, or [`Limits::context_default`].
    pub context_tokens: Option<usize>,
    /// The backend that the caller expects; `None`: whichever is served.
    pub backend: Option<String>,
    /// How the model is evaluated. With other settings it is another load.
    pub settings: Settings,
    /// What the caller believes the cache is computed with: it is compared.
    pub claimed: Claimed,
}

impl OpenRequest {
    /// A session on this model, with the defaults.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        OpenRequest {
            model: model.into(),
            context_tokens: None,
            backend: None,
            settings: Settings::default(),
            claimed: Claimed::default(),
        }
    }
}

/// A resident model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelStatus {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// How much of it is read, from 0 to 1; 1 once it serves.
    pub fraction: f32,
    /// Whether it serves.
    pub ready: bool,
    /// Sessions open on it.
    pub sessions: usize,
}

/// Threads that had not ended within the bound: their models' memory is not back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{models} models are still resident after {bound:?}")]
pub struct StillRunning {
    /// How many models.
    pub models: usize,
    /// How long was waited.
    pub bound: Duration,
}

/// The resident models of one epoch.
pub struct Engine {
    gate: Arc<Gate>,
    backend: Arc<dyn Backend>,
    limits: Arc<Limits>,
    draining: Arc<AtomicBool>,
    models: Arc<Models>,
    table: Arc<Table>,
    stores: Stores,
}

impl Engine {
    /// An engine without models. Everything that it does passes `gate`.
    pub fn new(gate: Arc<Gate>, backend: Box<dyn Backend>, limits: Limits) -> Self {
        Engine {
            gate,
            backend: Arc::from(backend),
            limits: Arc::new(limits),
            draining: Arc::new(AtomicBool::new(false)),
            models: Arc::default(),
            table: Arc::default(),
            stores: Stores::default(),
        }
    }

    /// The same engine with what it keeps on disk.
    #[must_use]
    pub fn with_stores(mut self, stores: Stores) -> Self {
        self.stores = stores;
        self
    }

    /// The backend's name.
    pub fn backend(&self) -> &'static str {
        self.backend.name()
    }

    /// The epoch whose gate guards it.
    pub fn epoch(&self) -> Epoch {
        self.gate.epoch()
    }

    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the header of the model's file says; loads nothing. It reads the disk: call it where that may take time.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`], [`Error::ModelLoadFailed`], [`Error::UnsupportedFeature`].
    pub fn describe(&self, model: &Path) -> Result<ModelFacts, Error> {
        self.backend.describe(model)
    }

    /// What the models could be evaluated with.
    pub fn devices(&self) -> Vec<Device> {
        self.backend.devices()
    }

    /// What is known of this model since it is resident; `None` if it is not.
    pub fn resident(&self, model: &Path) -> Option<Arc<ModelInfo>> {
        self.models.lock().values().find_map(|entry| match entry.state() {
            State::Ready(worker) if entry.request.path == model => Some(worker.info().clone()),
            _ => None,
        })
    }

    /// Loads a model, or joins the load that is under way, or finds it loaded. The load goes on as long as somebody waits.
    ///
    /// # Errors
    /// [`Error::DeviceBusy`] while another process is resident; [`Error::BackendMismatch`]; [`Error::ModelNotFound`];
    /// [`Error::InvalidArgument`] for a context that is too large, or when no more models fit; [`Error::Fenced`],
    /// [`Error::Draining`].
    pub fn load(&self, request: &OpenRequest) -> Result<Loading, Error> {
        self.check()?;
        if let Some(requested) = request.backend.as_deref().filter(|name| *name != self.backend.name()) {
            let (requested, served) = (requested.to_string(), self.backend.name().to_string());
            return Err(Error::BackendMismatch { requested, served });
        }
        let context_tokens = request.context_tokens.unwrap_or(self.limits.context_default);
        if context_tokens == 0 || self.limits.context_max < context_tokens {
            let max = self.limits.context_max;
            return Err(invalid("context", format!("must be 1 to {max} tokens and is {context_tokens}")));
        }
        let key = self.backend.identify(&request.model)?.with(&request.settings);
        let mut models = self.models.lock();
        match models.get(&key) {
            Some(entry) if entry.is_over() => drop(models.remove(&key)),
            Some(entry) => return Ok(entry.join()),
            None => {}
        }
        if self.limits.models_max <= models.len() {
            let problem =
                format!("can't be loaded: {} models are resident, and no more are allowed", models.len());
            return Err(invalid("model", problem));
        }
        // Looked at again under the lock: a shutdown that began before does not see what is put in after it.
        self.check()?;
        let load = LoadRequest {
            path: request.model.clone(),
            context_tokens,
            sessions_max: self.limits.sessions_max,
            batch_tokens: self.limits.batch_tokens,
            threads: self.limits.threads,
            settings: request.settings.clone(),
        };
        let control = Arc::new(Control::new(self.gate.clone(), self.draining.clone()));
        let entry = Arc::new(Entry::new(key.clone(), load, control));
        let loading = entry.join();
        models.insert(key, entry.clone());
        self.models.threads().push(entry.clone());
        drop(models);
        if let Err(error) =
            entry.start(self.backend.clone(), self.models.clone(), self.limits.clone(), self.stores.clone())
        {
            self.models.forget(&entry);
            self.models.gone(&entry);
            return Err(error);
        }
        Ok(loading)
    }

    /// Opens a session, and loads the model for it if it is not resident. Dropping the future undoes the session.
    ///
    /// # Errors
    /// As [`Engine::load`]; why the load failed; [`Error::TooManySessions`]; [`Error::InvalidArgument`] for more context
    /// than the model was loaded for; [`Error::ManifestMismatch`].
    pub async fn open_session(&self, request: &OpenRequest) -> Result<Session, Error> {
        let loading = self.load(request)?;
        let worker = loading.worker().await?;
        check_claims(worker.manifest(), &request.claimed)?;
        let opened = worker.open(request.context_tokens).await?;
        let context_tokens = opened.context_tokens;
        let session = Session { id: opened.deliver(), context_tokens, worker, table: self.table.clone() };
        self.table.insert(&session);
        Ok(session)
    }

    /// The embedding of a text, and loads the model for it if it is not resident.
    ///
    /// # Errors
    /// As [`Engine::load`]; [`Error::UnsupportedFeature`] if the model does not embed; [`Error::BackendFailed`].
    pub async fn embed(&self, request: &OpenRequest, prompt: Prompt) -> Result<Embedded, Error> {
        let worker = self.load(request)?.worker().await?;
        worker.check_prompt(&prompt)?;
        worker.embed(prompt).await
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] if there is none; [`Error::Fenced`], [`Error::Draining`].
    pub fn session(&self, id: &SessionId) -> Result<Session, Error> {
        self.check()?;
        self.table.get(id).ok_or_else(|| Error::SessionClosed { session: id.to_string() })
    }

    /// The models that are resident or being loaded.
    pub fn models(&self) -> Vec<ModelStatus> {
        let entries: Vec<Arc<Entry>> = self.models.lock().values().cloned().collect();
        let status = |entry: &Arc<Entry>| {
            let (fraction, ready) = match entry.state() {
                State::Loading(fraction) => (fraction, false),
                State::Ready(_) => (1.0, true),
                State::Failed(_) | State::Ended => (0.0, false),
            };
            let sessions = self.table.count_of(&entry.request.path);
            ModelStatus { path: entry.request.path.clone(), fraction, ready, sessions }
        };
        entries.iter().map(status).collect()
    }

    /// Stops everything and waits until the memory is back: nothing new begins, operations and streams end with
    /// [`Error::Draining`] (or [`Error::Fenced`]), loads are broken off, models are freed. It can be called again, also after a fence.
    ///
    /// # Errors
    /// [`StillRunning`] if a model has not ended within `bound`: its memory is not back, and the lease must not be released.
    pub async fn shutdown(&self, bound: Duration) -> Result<(), StillRunning> {
        // Release pairs with the Acquire of `Control::check`.
        self.draining.store(true, Ordering::Release);
        let entries: Vec<Arc<Entry>> = self.models.all();
        for entry in &entries {
            entry.control.wake();
        }
        let deadline = Instant::now() + bound;
        let mut left = 0;
        for entry in &entries {
            if timeout_at(deadline, entry.ended()).await.is_err() {
                left += 1;
            }
        }
        self.table.clear();
        if left == 0 { Ok(()) } else { Err(StillRunning { models: left, bound }) }
    }

    fn check(&self) -> Result<(), Error> {
        check_gate(&self.gate)?;
        if self.draining.load(Ordering::Acquire) { Err(Error::Draining) } else { Ok(()) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.draining.store(true, Ordering::Release);
        for entry in self.models.all() {
            entry.control.wake();
        }
        self.table.clear();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("backend", &self.backend.name()).field("gate", &self.gate).finish()
    }
}

/// The models by identity.
#[derive(Default)]
pub(super) struct Models {
    by_key: Mutex<BTreeMap<ModelKey, Arc<Entry>>>,
    /// Every thread that may still hold memory, also of models that were forgotten.
    threads: Mutex<Vec<Arc<Entry>>>,
}

impl Models {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ModelKey, Arc<Entry>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every thread that may still hold memory.
    fn all(&self) -> Vec<Arc<Entry>> {
        // Under the lock of the models, so that a load that is being put in is waited for or refused.
        let _models = self.lock();
        self.threads().clone()
    }

    /// This entry's thread holds no memory any more.
    pub(super) fn gone(&self, entry: &Arc<Entry>) {
        self.threads().retain(|known| !Arc::ptr_eq(known, entry));
    }

    /// Forgets this entry, not another one of the same key.
    pub(super) fn forget(&self, entry: &Arc<Entry>) {
        self.forget_if(entry, || true);
    }

    /// Forgets this entry if `condition` holds while nobody can join it.
    pub(super) fn forget_if(&self, entry: &Arc<Entry>, condition: impl FnOnce() -> bool) -> bool {
        let mut models = self.lock();
        let is_it = models.get(&entry.key).is_some_and(|known| Arc::ptr_eq(known, entry));
        if condition() {
            if is_it {
                models.remove(&entry.key);
            }
            return true;
        }
        false
    }
}

/// The open sessions by id.
#[derive(Default)]
pub(super) struct Table(Mutex<HashMap<SessionId, Session>>);

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, session: &Session) {
        self.lock().insert(session.id.clone(), session.clone());
    }

    fn get(&self, id: &SessionId) -> Option<Session> {
        self.lock().get(id).cloned()
    }

    pub(super) fn remove(&self, id: &SessionId) {
        self.lock().remove(id);
    }

    fn count_of(&self, path: &Path) -> usize {
        self.lock().values().filter(|session| session.info().path == path).count()
    }

    fn clear(&self) {
        // Each session holds the table: they are dropped after the lock is released.
        let sessions = std::mem::take(&mut *self.lock());
        drop(sessions);
    }
}

/// Compares what a caller believes of the cache with what is the case.
fn check_claims(manifest: Option<&Manifest>, claimed: &Claimed) -> Result<(), Error> {
    match manifest {
        Some(manifest) => manifest.compare(claimed),
        None if claimed.is_empty() => Ok(()),
        None => {
            Err(invalid("the manifest", "can't be compared: this engine keeps nothing on disk".to_string()))
        }
    }
}

fn invalid(argument: &str, problem: String) -> Error {
    Error::InvalidArgument { argument: argument.to_string(), problem }
}
