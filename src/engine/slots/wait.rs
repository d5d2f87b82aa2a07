//! Who waits for a model, and who has it.

use std::sync::Arc;

use modeld_spec::error::Error;
use modeld_spec::slot::event::{AskId, Event};

use super::{Driver, Load};
use crate::engine::backend::ModelInfo;
use crate::engine::board::Board;
use crate::engine::worker::Worker;

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
    /// Waits for its room, or reads the model.
    Loading,
    /// The model serves.
    Ready,
    /// There will be no model.
    Failed,
}

/// What goes so that a model fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evictions {
    /// Idle models that are unloaded, least needed first.
    pub evicts: Vec<String>,
    /// The model of the same name, if it is unloaded before the new one is there.
    pub gives_up: Option<String>,
}

/// What somebody who waits knows.
#[derive(Clone, Default)]
pub(super) struct Wait {
    /// From 0 to 100.
    pub(super) percent: u8,
    /// What the load does to others.
    pub(super) plan: Option<Evictions>,
    /// The answer.
    pub(super) end: Option<End>,
}

impl Wait {
    fn progress(&self) -> LoadProgress {
        let (phase, fraction) = match &self.end {
            None => (LoadPhase::Loading, f32::from(self.percent) / 100.0),
            Some(End::Ready(_)) => (LoadPhase::Ready, 1.0),
            Some(End::Unloaded | End::Failed(_)) => (LoadPhase::Failed, 0.0),
        };
        LoadProgress { phase, fraction }
    }
}

/// An answer.
#[derive(Clone)]
pub(super) enum End {
    Ready(Arc<Load>),
    Unloaded,
    Failed(Error),
}

/// An ask, for as long as it counts: whoever was let in works on the model until this is dropped (S5).
pub(in crate::engine) struct Hold {
    driver: Arc<Driver>,
    ask: AskId,
}

impl Hold {
    pub(super) fn new(driver: Arc<Driver>, ask: AskId) -> Self {
        Hold { driver, ask }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.driver.hear(Event::Gone(self.ask));
    }
}

/// A wait for a model, and then the right to work on it. Dropping it is no longer waiting: the last one who goes breaks the load off.
#[must_use]
pub struct Loading {
    hold: Hold,
    wait: Board<Wait>,
    /// What was seen last.
    seen: Option<LoadProgress>,
}

impl Loading {
    pub(super) fn new(hold: Hold, wait: Board<Wait>) -> Self {
        Loading { hold, wait, seen: None }
    }

    /// How far the load is: at once the first time, then when it has changed. The last one is not `Loading`. Cancel-safe.
    pub async fn progress(&mut self) -> LoadProgress {
        let seen = self.seen;
        let news = |wait: &Wait| {
            let progress = wait.progress();
            (seen != Some(progress) || wait.end.is_some()).then_some(progress)
        };
        let progress = self.wait.until(news).await;
        self.seen = Some(progress);
        progress
    }

    /// What this load unloads to have room; `None` if it found one under way or done.
    pub fn plan(&self) -> Option<Evictions> {
        self.wait.look(|wait| wait.plan.clone())
    }

    /// Waits until the model serves. Cancel-safe.
    ///
    /// # Errors
    /// Why there is no model: what the backend said, [`Error::Fenced`], [`Error::Draining`], [`Error::TookMore`], ...
    pub async fn ready(&self) -> Result<Arc<ModelInfo>, Error> {
        let load = self.load().await?;
        Ok(load.worker()?.info().clone())
    }

    /// Waits for the load whose model serves. Cancel-safe.
    pub(in crate::engine) async fn load(&self) -> Result<Arc<Load>, Error> {
        match self.end().await {
            End::Ready(load) => Ok(load),
            End::Failed(error) => Err(error),
            End::Unloaded => Err(Error::Internal { cause: "a load was answered as an unload".to_string() }),
        }
    }

    /// Waits until the member is none. Cancel-safe.
    pub(in crate::engine) async fn unloaded(&self) -> Result<(), Error> {
        match self.end().await {
            End::Failed(error) => Err(error),
            End::Ready(_) | End::Unloaded => Ok(()),
        }
    }

    /// The right to work on the model, for whoever keeps it from here on.
    pub(in crate::engine) fn into_hold(self) -> Hold {
        self.hold
    }

    async fn end(&self) -> End {
        self.wait.until(|wait| wait.end.clone()).await
    }
}

/// What a worker is asked through.
impl Load {
    /// The model's thread.
    ///
    /// # Errors
    /// [`Error::Internal`] before the model is there.
    pub(in crate::engine) fn worker(&self) -> Result<&Worker, Error> {
        self.serving().ok_or_else(|| Error::Internal { cause: "the model does not serve yet".to_string() })
    }
}
