//! Finding the owner, asking it, and keeping the connection.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::{Epoch, InstanceId};
use modeld_spec::probe::State;
use tokio::time::sleep;

use super::epochs::Epochs;
use super::error::ConnError;
use super::generate::{Generation, Request};
use super::lasting::LastingSession;
use super::link::Link;
use super::session::Session;
use crate::data_root::DataRoot;
use crate::engine::backend::{Capabilities, Device, ModelFacts, Settings};
use crate::engine::chat::Features;
use crate::engine::manifest::Claimed;
use crate::engine::{Embedded, ModelStatus, Prompt};
use crate::probe::{Detector, ProbeError};
use crate::transport::convert::{self, Malformed};
use crate::transport::error::{Failed, from_status};
use crate::transport::proto;

/// Talks to whoever owns a data root. Clones share the connection and what was seen of the epochs.
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    detector: Detector,
    options: Options,
    link: Mutex<Option<Link>>,
    epochs: Epochs,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For the owner to say who it is, connecting included.
    pub answer_max: Duration,
    /// For another owner, when the one that was generating is lost.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        // An owner answers in a millisecond unless it is stopped. The patience is twice the usual time to live of a lease.
        Options { answer_max: Duration::from_secs(2), patience: Duration::from_secs(60) }
    }
}

/// Which model a session is wanted on, and with how much context.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenSession {
    /// The model's name, or the absolute path of its file.
    pub model: String,
    /// Tokens of context; `None`: as much as the model is loaded for.
    pub context_tokens: Option<u64>,
    /// The backend that is expected; `None`: whichever is served.
    pub backend: Option<String>,
    /// How the model is evaluated. With other settings it is loaded once more.
    pub settings: Settings,
    /// What the cache is believed to be computed with: the owner compares it.
    pub claimed: Claimed,
}

/// What is known of a model without a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// What its header says.
    pub facts: ModelFacts,
    /// What the owner could evaluate it with.
    pub devices: Vec<Device>,
    /// What it can do; `None` if it is not resident.
    pub capabilities: Option<Capabilities>,
    /// What its chat template knows; `None` if it is not resident, or has no template.
    pub chat: Option<Features>,
}

/// How an owner stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerStatus {
    /// Its epoch.
    pub epoch: Epoch,
    /// Who it is.
    pub instance: InstanceId,
    /// The version of its program.
    pub version: String,
    /// Its process, in its own pid namespace.
    pub pid: u32,
    /// The inference backend.
    pub backend: String,
    /// Whether it has the residency lock.
    pub resident: bool,
    /// For how long it may still begin work if it renews nothing.
    pub lease_left: Duration,
    /// Open connections, the one that asked included.
    pub connections: u64,
    /// The models that are resident or being loaded.
    pub models: Vec<ModelStatus>,
    /// Bytes that all models share; `None` before the first one was asked for.
    pub budget: Option<u64>,
}

impl Client {
    /// A client of the owner of `data_root`, whoever that is at each call. Does not connect yet.
    ///
    /// # Errors
    /// [`ConnError::Probe`] if this process can't find out where it runs.
    pub fn new(data_root: DataRoot, options: Options) -> Result<Self, ConnError> {
        Ok(Client(Arc::new(Shared {
            detector: Detector::new(data_root)?,
            options,
            link: Mutex::default(),
            epochs: Epochs::default(),
        })))
    }

    /// What finds the owner.
    pub fn detector(&self) -> &Detector {
        &self.0.detector
    }

    /// Its bounds.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The highest epoch that this client has seen; it accepts nothing of a lower one.
    pub fn highest_epoch(&self) -> Option<Epoch> {
        self.0.epochs.highest()
    }

    /// How many answers and items were refused because their epoch had been superseded.
    pub fn stale_items(&self) -> u64 {
        self.0.epochs.refused()
    }

    /// How the owner stands.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn status(&self) -> Result<OwnerStatus, ConnError> {
        let link = self.link().await?;
        let request = proto::StatusRequest { fence: link.fence() };
        let status = self.call(&link, async |mut calls| calls.status(request).await).await?;
        Ok(OwnerStatus {
            epoch: self.admit(status.epoch)?,
            instance: InstanceId::new(status.instance).map_err(|_| Malformed("instance"))?,
            version: status.version,
            pid: status.pid,
            backend: status.backend,
            resident: status.resident,
            lease_left: Duration::from_nanos(status.lease_left_ns),
            connections: status.connections,
            models: status.models.into_iter().map(ModelStatus::try_from).collect::<Result<_, _>>()?,
            budget: status.budget,
        })
    }

    /// What is known of a model: what its header says, and of a resident one what it can do.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn describe(&self, model: &str) -> Result<Described, ConnError> {
        let link = self.link().await?;
        let request = proto::DescribeRequest { fence: link.fence(), model: model.to_string() };
        let described = self.call(&link, async |mut calls| calls.describe(request).await).await?;
        self.admit(described.epoch)?;
        Ok(Described {
            facts: described.facts.ok_or(Malformed("facts"))?.into(),
            devices: described.devices.into_iter().map(Device::try_from).collect::<Result<_, _>>()?,
            capabilities: described.capabilities.map(Into::into),
            chat: described.chat.map(Into::into),
        })
    }

    /// Loads a model under a name, or makes the name stand for it; `None` for the name that [`Client::open_session`] asks for. With
    /// `instead`, the model that the name stands for may go first if both do not fit. Gives the name. Dropping the future is no longer
    /// waiting for it. What `open` claims is not compared.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn load(
        &self,
        open: &OpenSession,
        name: Option<&str>,
        instead: bool,
    ) -> Result<String, ConnError> {
        let link = self.link().await?;
        let request = proto::LoadModelRequest {
            fence: link.fence(),
            model: open.model.clone(),
            name: name.map(str::to_string),
            context: open.context_tokens,
            backend: open.backend.clone(),
            settings: convert::settings_message(&open.settings),
            instead,
        };
        let answer = self.call(&link, async |mut calls| calls.load_model(request).await).await?;
        self.admit(answer.epoch)?;
        Ok(answer.name)
    }

    /// Unloads the model of a name once nobody works on it; returns when its memory is back.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn unload(&self, name: &str) -> Result<(), ConnError> {
        let link = self.link().await?;
        let request = proto::UnloadModelRequest { fence: link.fence(), name: name.to_string() };
        let answer = self.call(&link, async |mut calls| calls.unload_model(request).await).await?;
        self.admit(answer.epoch)?;
        Ok(())
    }

    /// The embedding of a text, by the model that `open` names; loads it if it is not resident. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn embed(&self, open: &OpenSession, prompt: &Prompt) -> Result<Embedded, ConnError> {
        let link = self.link().await?;
        let request = proto::EmbedRequest {
            fence: link.fence(),
            model: open.model.clone(),
            content: Some(prompt.into()),
            backend: open.backend.clone(),
            settings: convert::settings_message(&open.settings),
            context: open.context_tokens,
        };
        let answer = self.call(&link, async |mut calls| calls.embed(request).await).await?;
        let embedded = convert::embedded(answer)?;
        self.admit(embedded.epoch.get())?;
        Ok(embedded)
    }

    /// Opens a session at the owner; `progress` hears how much of the model is loaded, from 0 to 1. Dropping the future leaves no
    /// session behind.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn open_session(
        &self,
        request: &OpenSession,
        progress: impl FnMut(f32),
    ) -> Result<Session, ConnError> {
        let link = self.link().await?;
        Session::open(self, link, request, progress).await
    }

    /// Opens a session that is opened again at the next owner if this one is lost.
    ///
    /// # Errors
    /// [`ConnError`], also if nobody owns: whoever asked decides what to do about that.
    pub async fn open_lasting(
        &self,
        open: OpenSession,
        progress: impl FnMut(f32),
    ) -> Result<LastingSession, ConnError> {
        LastingSession::open(self, open, progress).await
    }

    /// Generates, from opening a session to the last item, and at the next owner if this one is lost.
    pub fn generate(&self, request: Request) -> Generation {
        Generation::start(self.clone(), request)
    }

    /// The connection to the owner that the lease file names at this moment.
    pub(super) async fn link(&self) -> Result<Link, ConnError> {
        let state = self.0.detector.detect_off_thread().await?;
        self.link_to(state).await
    }

    /// The connection to the owner of `state`.
    pub(super) async fn link_to(&self, state: State) -> Result<Link, ConnError> {
        let Some(record) = state.record().filter(|_| state.may_answer()) else {
            return Err(ConnError::NoOwner(Box::new(state)));
        };
        self.admit_epoch(record.epoch)?;
        let cached = self.cached().as_ref().filter(|link| link.leads_to(record)).cloned();
        if let Some(link) = cached {
            return Ok(link);
        }
        let link = Link::connect(record, self.0.options.answer_max).await?;
        *self.cached() = Some(link.clone());
        Ok(link)
    }

    /// A call over `link` that is given up when the lease file says that its owner owns no more: a stopped one would never answer.
    pub(super) async fn call<T>(
        &self,
        link: &Link,
        call: impl AsyncFnOnce(
            proto::modeld_client::ModeldClient<tonic::transport::Channel>,
        ) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, ConnError> {
        let answered = self.unless_superseded(link.answer().epoch, call(link.calls())).await?;
        answered.map(tonic::Response::into_inner).map_err(|status| self.failed(link, &status))
    }

    /// What a status over `link` means. After a lost connection the next call makes a new one.
    pub(super) fn failed(&self, link: &Link, status: &tonic::Status) -> ConnError {
        let failed = from_status(status);
        if matches!(failed, Failed::Lost(_)) {
            let mut cached = self.cached();
            if cached.as_ref().is_some_and(|cached| cached.answer() == link.answer()) {
                *cached = None;
            }
        }
        failed.into()
    }

    /// Waits for `future`, unless the lease file says before that the owner of `epoch` owns no more.
    ///
    /// # Errors
    /// [`Error::StaleEpoch`] if there is a later one, [`Failed::Lost`] if it was not renewed or its process is gone.
    pub(super) async fn unless_superseded<T>(
        &self,
        epoch: Epoch,
        future: impl Future<Output = T>,
    ) -> Result<T, ConnError> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            error = self.superseded(epoch) => Err(error),
        }
    }

    /// Notes the epoch of an answer.
    ///
    /// # Errors
    /// [`Error::StaleEpoch`], and it is counted, if a later one was seen; [`Malformed`] if it is none.
    pub(super) fn admit(&self, number: u64) -> Result<Epoch, ConnError> {
        let epoch = convert::epoch(number)?;
        self.admit_epoch(epoch)?;
        Ok(epoch)
    }

    fn admit_epoch(&self, epoch: Epoch) -> Result<(), ConnError> {
        self.0.epochs.admit(epoch).map_err(|error| ConnError::Call(Failed::Answered(error)))
    }

    async fn superseded(&self, epoch: Epoch) -> ConnError {
        loop {
            sleep(SUPERSEDED_LOOK).await;
            let seen: Result<State, ProbeError> = self.0.detector.detect_off_thread().await;
            let Ok(state) = seen else { continue };
            match state.record().map(|record| record.epoch) {
                Some(seen) if epoch < seen => {
                    // Later than everything seen, or one of those: there is nothing to refuse.
                    let _ = self.0.epochs.admit(seen);
                    return ConnError::Call(Failed::Answered(Error::StaleEpoch { got: epoch, seen }));
                }
                // It is stopped or dead, and nobody has followed yet; by its own deadline it serves no more (L5).
                Some(seen) if epoch == seen && matches!(state, State::Stale { .. }) => {
                    return ConnError::Call(Failed::Lost(state.to_string()));
                }
                _ => {}
            }
        }
    }

    fn cached(&self) -> MutexGuard<'_, Option<Link>> {
        self.0.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSession {
    /// A session on this model, with the defaults.
    pub fn new(model: impl Into<String>) -> Self {
        OpenSession { model: model.into(), ..OpenSession::default() }
    }

    /// A session on the model of this file.
    ///
    /// # Errors
    /// The path, if it is not absolute or not text: the owner has another working directory.
    pub fn file(path: PathBuf) -> Result<Self, PathBuf> {
        match path.to_str().filter(|_| path.is_absolute()) {
            Some(text) => Ok(OpenSession::new(text)),
            None => Err(path),
        }
    }
}

/// How often a call that waits looks whether its owner was superseded: an owner that died ends its connections at once, so
/// this is for stopped ones, which are superseded after seconds.
const SUPERSEDED_LOOK: Duration = Duration::from_millis(200);
