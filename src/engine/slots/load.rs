//! The thread of one load: its mark, the load, and then the model's own thread, until its memory is back.
//!
//! ```text
//!     mark --Marked--> [begun] --load--> Loaded --serve--> [freed] --> Freed
//!                 |                 |                        |-------> Ended (by itself)
//!                 '--> (gone)       '--> LoadFailed
//! ```
//!
//! What it may do next is said by effects that the table performs while it hears this thread's report.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use modeld_spec::error::Error;
use modeld_spec::slot::event::{Event, Generation, ModelId};

use super::Driver;
use crate::engine::backend::{LoadRequest, Model, ModelInfo, ModelKey};
use crate::engine::board::Board;
use crate::engine::capacity::live;
use crate::engine::manifest::Manifest;
use crate::engine::worker::{self, Control, Worker, Workshop};
use crate::sync::{AtomicBool, Ordering, seeded, spawn};

/// One load, and what came of it.
pub(in crate::engine) struct Load {
    pub(in crate::engine) generation: Generation,
    model: ModelId,
    identity: String,
    request: LoadRequest,
    control: Arc<Control>,
    /// What ends the model's thread: shared with `control`.
    freed: Arc<AtomicBool>,
    begun: AtomicBool,
    broken_off: AtomicBool,
    worker: OnceLock<Worker>,
    /// Whether the thread has ended.
    ended: Board<bool>,
}

/// What the cache of a model is computed with, where that was found out.
type Known = Option<Arc<Manifest>>;

impl Load {
    /// Starts the thread.
    pub(super) fn start(
        driver: Arc<Driver>,
        generation: Generation,
        model: ModelId,
        identity: String,
        request: LoadRequest,
    ) -> Result<Arc<Self>, String> {
        let freed = Arc::new(AtomicBool::new(false));
        let control = Arc::new(Control::new(driver.gate.clone(), freed.clone()));
        let load = Arc::new(Load {
            generation,
            model,
            identity,
            request,
            control,
            freed,
            begun: AtomicBool::new(false),
            broken_off: AtomicBool::new(false),
            worker: OnceLock::new(),
            ended: Board::new(false),
        });
        let running = load.clone();
        match spawn("modeld-engine", move || running.run(&driver)) {
            Ok(()) => Ok(load),
            Err(error) => Err(format!("no thread for a model: {error}")),
        }
    }

    /// The load may begin.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Nobody wants it any more.
    pub(super) fn break_off(&self) {
        self.broken_off.store(true, Ordering::Release);
    }

    /// The model has to go.
    pub(super) fn free(&self) {
        seeded!(FreedAfterRing, self.freed.store(true, Ordering::Release), self.control.wake());
        seeded!(FreedAfterRing, self.control.wake(), self.freed.store(true, Ordering::Release));
    }

    /// The model's thread, once it serves.
    pub(super) fn serving(&self) -> Option<&Worker> {
        self.worker.get()
    }

    /// What is known of the model, if it is from this file and serves.
    pub(super) fn serving_from(&self, path: &Path) -> Option<Arc<ModelInfo>> {
        let worker = self.worker.get().filter(|worker| self.request.path == path && !worker.is_gone());
        worker.map(|worker| worker.info().clone())
    }

    /// Whether the model is gone though nobody freed it.
    pub(in crate::engine) fn has_died(&self) -> bool {
        !self.is_freed() && self.worker.get().is_some_and(Worker::is_gone)
    }

    /// Waits until the thread has ended and the table knows. Cancel-safe.
    pub(in crate::engine) async fn ended(&self) {
        self.ended.until(|ended| ended.then_some(())).await;
    }

    fn is_freed(&self) -> bool {
        self.freed.load(Ordering::Acquire)
    }

    fn run(&self, driver: &Arc<Driver>) {
        let generation = self.generation;
        // A panic of a backend ends its model and nothing else.
        let ran = catch_unwind(AssertUnwindSafe(|| self.mark_and_load(driver)));
        let end = match ran {
            // It was not to begin: the table knows.
            Ok(Ok(())) if self.worker.get().is_none() => None,
            Ok(Ok(())) | Err(_) if self.worker.get().is_some() => {
                let is_freed = self.is_freed();
                Some(if is_freed { Event::Freed { generation } } else { Event::Ended { generation } })
            }
            Ok(Err(error)) => {
                driver.lock().names.failed(self.model, error);
                Some(Event::LoadFailed { generation })
            }
            Ok(Ok(())) | Err(_) if !self.begun.load(Ordering::Acquire) => {
                Some(Event::Marked { generation, durable: false })
            }
            Ok(Ok(())) | Err(_) => {
                let cause = "the thread that loads it ended early".to_string();
                driver.lock().names.failed(self.model, Error::Internal { cause });
                Some(Event::LoadFailed { generation })
            }
        };
        let uncount = || driver.threads.change(|threads| *threads = threads.saturating_sub(1));
        let mut inner = seeded!(UncountedBeforeEnd, driver.lock(), {
            uncount();
            driver.lock()
        });
        if let Some(end) = end {
            driver.hear_in(&mut inner, end);
        }
        inner.loads.remove(&generation);
        uncount();
        drop(inner);
        driver.marks.settle();
        self.ended.change(|ended| *ended = true);
    }

    /// The model is freed on return.
    fn mark_and_load(&self, driver: &Arc<Driver>) -> Result<(), Error> {
        let generation = self.generation;
        let marked = driver.marks.write(&self.identity, &self.request.path);
        let durable = marked.is_ok();
        let mut inner = driver.lock();
        if let Err(error) = marked {
            inner.names.failed(self.model, Error::Internal { cause: error.to_string() });
        }
        driver.hear_in(&mut inner, Event::Marked { generation, durable });
        drop(inner);
        if !self.begun.load(Ordering::Acquire) {
            return Ok(());
        }
        let before = live::own_bytes();
        let alone = driver.alone(generation);
        let model = self.load(driver)?;
        // What others load or free meanwhile would be counted as well.
        let grown = (alone.is_some() && alone == driver.alone(generation))
            .then(|| live::own_bytes().zip(before))
            .flatten()
            .map(|(after, before)| after.saturating_sub(before));
        let info = Arc::new(model.info().clone());
        let (worker, commands) = Worker::new(self.control.clone(), info, driver.limits.clone());
        let (workshop, manifest) = self.workshop(driver, &*model)?;
        let _ = self.worker.set(worker.with_manifest(manifest));
        let told = model.memory_bytes();
        let mut inner = driver.lock();
        // Room that was planned and not touched yet will be, and mapped weights are: it is not given to others.
        let planned = inner.names.planned_of(self.model).unwrap_or(0);
        let taken = told.unwrap_or_else(|| grown.unwrap_or(0).max(planned));
        driver.hear_in(&mut inner, Event::Loaded { generation, taken });
        drop(inner);
        driver.marks.settle();
        worker::serve(model, commands, self.control.clone(), workshop);
        Ok(())
    }

    /// What the model's thread works with. The file is read once more, if nobody has computed its digest before.
    fn workshop(&self, driver: &Arc<Driver>, model: &dyn Model) -> Result<(Workshop, Known), Error> {
        let mut watch = |_, _| {
            let goes_on = self.control.check().is_ok() && !self.broken_off.load(Ordering::Acquire);
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let stores = driver.stores.get().cloned().unwrap_or_default();
        let key = ModelKey(self.identity.clone());
        let (identity, manifest) =
            stores.identity(&*driver.backend, model, &key, &self.request, &mut watch)?;
        let snapshots = stores.snapshots.map(|(snapshots, _)| snapshots);
        let reproducible = self.request.settings.reproducible;
        Ok((Workshop { limits: driver.limits.clone(), snapshots, identity, reproducible }, manifest))
    }

    fn load(&self, driver: &Arc<Driver>) -> Result<Box<dyn Model>, Error> {
        self.control.check()?;
        let generation = self.generation;
        let mut told = 0;
        let mut broken_off = None;
        let mut progress = |fraction: f32| {
            let percent = (fraction.clamp(0.0, 1.0) * 100.0) as u8;
            if told < percent {
                told = percent;
                driver.hear(Event::Progress { generation, percent });
            }
            let is_broken = self.broken_off.load(Ordering::Acquire);
            broken_off = self.control.check().err().or_else(|| is_broken.then_some(Error::Cancelled));
            if broken_off.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let permit = self.control.gate.pass_resident().map_err(Error::from)?;
        let loaded = driver.backend.load(permit, &self.request, &mut progress);
        match (loaded, broken_off) {
            // The backend may take a break as a failure of its own kind; the reason for the break is the better answer.
            (_, Some(error)) | (Err(error), None) => Err(error),
            (Ok(model), None) => Ok(model),
        }
    }
}

impl Driver {
    /// Which threads there are beside that of this load, if none of them loads or frees.
    fn alone(&self, generation: Generation) -> Option<Vec<Generation>> {
        let inner = self.lock();
        let others = inner.loads.values().filter(|load| load.generation != generation);
        let is_quiet = |load: &&Arc<Load>| load.serving().is_some() && !load.is_freed();
        let quiet: Vec<Generation> = others.clone().filter(is_quiet).map(|load| load.generation).collect();
        (quiet.len() == others.count()).then_some(quiet)
    }
}
