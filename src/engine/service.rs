//! The engine itself: finds or starts the load of a model, opens sessions on it, and ends everything.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::slot::entry::Slot;
#[cfg(test)]
use modeld_spec::slot::event::Event;
use modeld_spec::slot::event::{Generation, MemberId, Old};
use modeld_spec::slot::footprint::Footprint;
use modeld_spec::slot::member::Member;
use tokio::time::timeout;

use super::backend::{Backend, Device, LoadRequest, ModelFacts, ModelInfo, ModelKey, Settings};
use super::limits::Limits;
use super::manifest::{Claimed, Manifest};
use super::session::{Prompt, Session, SessionId};
use super::slots::{Driver, Evictions, Hold, Loading, Marks, Wanted};
use super::status::{ModelPhase, ModelStatus};
use super::stores::Stores;
use super::worker::{Embedded, named};
use crate::owner::gate::Gate;
use crate::sync::{Mutex, MutexGuard};

/// Which model a session is opened on, and with how much context.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRequest {
    /// The name under which it is asked for. It stands for one model at a time; usually it is what the client calls the model.
    pub member: String,
    /// The model's file.
    pub model: PathBuf,
    /// Tokens of context; `None`: as much as the model was loaded for, or [`Limits::context_default`].
    pub context_tokens: Option<usize>,
    /// The backend that the caller expects; `None`: whichever is served.
    pub backend: Option<String>,
    /// How the model is evaluated: with other settings it is another model.
    pub settings: Settings,
    /// What the caller believes the cache is computed with: it is compared.
    pub claimed: Claimed,
}

impl OpenRequest {
    /// A session on this model, under the name of its file, with the defaults.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        let model = model.into();
        OpenRequest {
            member: named(&model),
            model,
            context_tokens: None,
            backend: None,
            settings: Settings::default(),
            claimed: Claimed::default(),
        }
    }
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

/// What an ask for a model would lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What the model takes.
    pub footprint: Footprint,
    /// Bytes that all models share.
    pub budget: u64,
    /// What would be unloaded for it.
    pub evictions: Evictions,
    /// Why it would be refused, if it would.
    pub refusal: Option<Error>,
}

/// The resident models of one epoch.
pub struct Engine {
    slots: Arc<Driver>,
    table: Arc<Table>,
}

impl Engine {
    /// An engine without models. Everything that it does passes `gate`. It remembers nothing of an engine before it.
    pub fn new(gate: Arc<Gate>, backend: Box<dyn Backend>, limits: Limits) -> Self {
        Engine::with_marks(gate, backend, limits, None)
    }

    /// An engine that keeps a mark of each load under way in the directory `marks`, and finds there which loads ended the process of
    /// an owner before it: those models are loaded by [`Engine::load_explicitly`] alone (S11).
    pub fn remembering(gate: Arc<Gate>, backend: Box<dyn Backend>, limits: Limits, marks: PathBuf) -> Self {
        Engine::with_marks(gate, backend, limits, Some(marks))
    }

    fn with_marks(
        gate: Arc<Gate>,
        backend: Box<dyn Backend>,
        limits: Limits,
        marks: Option<PathBuf>,
    ) -> Self {
        let marks = Marks::new(marks, gate.epoch());
        let slots = Driver::new(gate, backend, limits, marks);
        slots.start_ticks();
        Engine { slots, table: Arc::default() }
    }

    /// The same engine with what it keeps on disk.
    #[must_use]
    pub fn with_stores(self, stores: Stores) -> Self {
        self.slots.keep_in(stores);
        self
    }

    /// The backend's name.
    pub fn backend(&self) -> &'static str {
        self.slots.backend.name()
    }

    /// The epoch whose gate guards it.
    pub fn epoch(&self) -> Epoch {
        self.slots.gate.epoch()
    }

    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.slots.limits
    }

    /// What the header of the model's file says; loads nothing. It reads the disk: call it where that may take time.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`], [`Error::ModelLoadFailed`], [`Error::UnsupportedFeature`].
    pub fn describe(&self, model: &Path) -> Result<ModelFacts, Error> {
        self.slots.backend.describe(model)
    }

    /// What the models could be evaluated with.
    pub fn devices(&self) -> Vec<Device> {
        self.slots.backend.devices()
    }

    /// What is known of this model since it serves; `None` if it does not.
    pub fn resident(&self, model: &Path) -> Option<Arc<ModelInfo>> {
        self.slots.serving(model)
    }

    /// What would become of [`Engine::load_explicitly`] with these arguments, or with `None` of [`Engine::load`]; asks for nothing. It
    /// reads the disk.
    ///
    /// # Errors
    /// What keeps the question from being answered, as [`Engine::load`]; a refusal is no error here.
    pub fn plan(&self, request: &OpenRequest, old: Option<Old>) -> Result<Forecast, Error> {
        let wanted = self.wanted(request, old)?;
        let footprint = self.slots.backend.footprint(&wanted.request)?;
        let (budget, evictions) = self.slots.forecast(&request.member, &wanted, footprint.total())?;
        let (evictions, refusal) = match evictions {
            Ok(evictions) => (evictions, None),
            Err(error) => (Evictions::default(), Some(error)),
        };
        Ok(Forecast { footprint, budget, evictions, refusal })
    }

    /// Loads a model to work on it, or joins the load that is under way, or finds it loaded. The load goes on as long as somebody
    /// waits; from its end on, the model stays at least until what is returned is dropped. It reads the disk.
    ///
    /// # Errors
    /// [`Error::DeviceBusy`] while another process is resident; [`Error::BackendMismatch`]; [`Error::ModelNotFound`];
    /// [`Error::InvalidArgument`] for a context that is too large; [`Error::NoRoom`]; [`Error::OtherModel`],
    /// [`Error::Switching`] if the name stands for another model; [`Error::CrashedBefore`]; [`Error::Fenced`],
    /// [`Error::Draining`].
    pub fn load(&self, request: &OpenRequest) -> Result<Loading, Error> {
        self.slots.ask(&request.member, &self.wanted(request, None)?)
    }

    /// Makes the name stand for this model: it is loaded, and takes the place of the one before, which is unloaded once nobody works
    /// on it. `old` says whether that one may go before the new one is there, if there is no room for both. The only way to load what
    /// ended a process before.
    ///
    /// # Errors
    /// As [`Engine::load`]; what comes later is said by what is returned.
    pub fn load_explicitly(&self, request: &OpenRequest, old: Old) -> Result<Loading, Error> {
        self.slots.ask(&request.member, &self.wanted(request, Some(old))?)
    }

    /// Makes the name stand for nothing, and returns when the memory is back. Dropping the future gives it up.
    ///
    /// # Errors
    /// [`Error::ModelInUse`] if those who work on the model do not end within the bound of [`Limits::drain`], or somebody waits for
    /// it; [`Error::Switching`], [`Error::Fenced`], [`Error::Draining`].
    pub async fn unload(&self, member: &str) -> Result<(), Error> {
        self.slots.ask_to_unload(member)?.unloaded().await
    }

    /// Opens a session, and loads the model for it if it is not resident. Dropping the future undoes the session.
    ///
    /// # Errors
    /// As [`Engine::load`]; why the load failed; [`Error::TooManySessions`]; [`Error::InvalidArgument`] for more context
    /// than the model was loaded for; [`Error::ManifestMismatch`].
    pub async fn open_session(&self, request: &OpenRequest) -> Result<Session, Error> {
        let mut tries = OPEN_TRIES;
        loop {
            let loading = self.load(request)?;
            let load = loading.load().await?;
            let worker = load.worker()?.clone();
            check_claims(worker.manifest(), &request.claimed)?;
            match worker.open(request.context_tokens).await {
                Ok(opened) => {
                    let context_tokens = opened.context_tokens;
                    let id = opened.deliver();
                    let session = Session { id, context_tokens, worker, table: self.table.clone() };
                    self.table.insert(&session, load.generation, loading.into_hold());
                    return Ok(session);
                }
                // Its thread died before the table heard of it: the next one who asks loads it again.
                Err(_) if load.has_died() && 1 < tries => {
                    tries -= 1;
                    drop(loading);
                    load.ended().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The embedding of a text, and loads the model for it if it is not resident.
    ///
    /// # Errors
    /// As [`Engine::load`]; [`Error::UnsupportedFeature`] if the model does not embed; [`Error::BackendFailed`].
    pub async fn embed(&self, request: &OpenRequest, prompt: Prompt) -> Result<Embedded, Error> {
        let loading = self.load(request)?;
        let load = loading.load().await?;
        let worker = load.worker()?;
        worker.check_prompt(&prompt)?;
        // The model stays as long as it is held.
        let hold = loading.into_hold();
        let embedded = worker.embed(prompt).await;
        drop(hold);
        embedded
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] if there is none; [`Error::Fenced`], [`Error::Draining`].
    pub fn session(&self, id: &SessionId) -> Result<Session, Error> {
        self.slots.check()?;
        self.table.get(id).ok_or_else(|| Error::SessionClosed { session: id.to_string() })
    }

    /// The models that are in memory, on their way there, or on their way out; the least needed first.
    pub fn models(&self) -> Vec<ModelStatus> {
        let sessions = self.table.count();
        self.slots.look(|table, names| {
            let status = |slot: &Slot| {
                let is_it = |member: &&Member| [member.model, member.coming].contains(&Some(slot.model));
                let members: Vec<MemberId> =
                    table.members().iter().filter(is_it).map(|member| member.id).collect();
                let phase = ModelPhase::from(slot);
                let percent = if phase.serves() { 100 } else { slot.percent };
                ModelStatus {
                    path: names.path_of(slot.model),
                    members: names.names_of(&members),
                    generation: slot.generation.get(),
                    phase,
                    fraction: f32::from(percent) / 100.0,
                    ready: phase.serves(),
                    sessions: sessions.get(&slot.generation).copied().unwrap_or(0),
                    planned_bytes: slot.planned,
                    bytes: slot.bytes,
                }
            };
            table.slots().iter().map(status).collect()
        })
    }

    /// Bytes that all models share; `None` before the first one was asked for.
    pub fn budget(&self) -> Option<u64> {
        self.slots.budget()
    }

    /// Stops everything and waits until the memory is back: nothing new begins, operations and streams end with
    /// [`Error::Draining`] (or [`Error::Fenced`]), loads are broken off, models are freed. It can be called again, also after a fence.
    ///
    /// # Errors
    /// [`StillRunning`] if a model has not ended within `bound`: its memory is not back, and the lease must not be released.
    pub async fn shutdown(&self, bound: Duration) -> Result<(), StillRunning> {
        self.slots.stop();
        let ended = timeout(bound, self.slots.ended()).await;
        self.table.clear();
        match ended {
            Ok(()) => Ok(()),
            Err(_) => Err(StillRunning { models: self.slots.threads(), bound }),
        }
    }

    /// What is asked, as the driver takes it.
    fn wanted(&self, request: &OpenRequest, load: Option<Old>) -> Result<Wanted, Error> {
        self.slots.check()?;
        let (limits, backend) = (&self.slots.limits, &self.slots.backend);
        if let Some(requested) = request.backend.as_deref().filter(|name| *name != backend.name()) {
            let (requested, served) = (requested.to_string(), backend.name().to_string());
            return Err(Error::BackendMismatch { requested, served });
        }
        let context_tokens = request.context_tokens.unwrap_or(limits.context_default);
        if context_tokens == 0 || limits.context_max < context_tokens {
            let max = limits.context_max;
            return Err(invalid("context", format!("must be 1 to {max} tokens and is {context_tokens}")));
        }
        if MEMBER_BYTES_MAX < request.member.len() {
            let problem = format!("has {} bytes, and {MEMBER_BYTES_MAX} are allowed", request.member.len());
            return Err(invalid("the name of the model", problem));
        }
        // Evaluated otherwise it is another model.
        let settings = request.settings.to_string();
        let key = ModelKey(format!("{}{settings}", backend.identify(&request.model)?));
        let load_request = LoadRequest {
            path: request.model.clone(),
            context_tokens,
            sessions_max: limits.sessions_max,
            batch_tokens: limits.batch_tokens,
            threads: limits.threads,
            settings: request.settings.clone(),
        };
        Ok(Wanted { key, request: load_request, has_context: request.context_tokens.is_some(), load })
    }

    /// An idle interval passes.
    #[cfg(test)]
    pub(super) fn tick_idle(&self) {
        self.slots.hear(Event::IdleTick);
    }

    /// A drain interval passes.
    #[cfg(test)]
    pub(super) fn tick_drain(&self) {
        self.slots.hear(Event::DrainTick);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.slots.stop();
        self.table.clear();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("backend", &self.backend()).field("gate", &self.slots.gate).finish()
    }
}

/// The open sessions by id, each with the right to work on its model.
#[derive(Default)]
pub(super) struct Table(Mutex<HashMap<SessionId, Entry>>);

struct Entry {
    session: Session,
    generation: Generation,
    /// Dropped with the entry: the session works no more.
    _hold: Hold,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.0.lock()
    }

    fn insert(&self, session: &Session, generation: Generation, hold: Hold) {
        let entry = Entry { session: session.clone(), generation, _hold: hold };
        self.lock().insert(session.id.clone(), entry);
    }

    fn get(&self, id: &SessionId) -> Option<Session> {
        self.lock().get(id).map(|entry| entry.session.clone())
    }

    pub(super) fn remove(&self, id: &SessionId) {
        // Dropped after the lock is released: its end is heard under another one.
        let removed = self.lock().remove(id);
        drop(removed);
    }

    fn count(&self) -> BTreeMap<Generation, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.lock().values() {
            *counts.entry(entry.generation).or_default() += 1;
        }
        counts
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

/// How often a model that died before it could be used is loaded again for one open.
const OPEN_TRIES: usize = 3;

/// The longest path of a file has as many.
const MEMBER_BYTES_MAX: usize = 4096;
