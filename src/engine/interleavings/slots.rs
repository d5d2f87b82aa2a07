//! The driver of the table of slots: its lock, the threads of its loads, and those who ask, hang up, tick and shut down.
//!
//! The threads of the models are the product's as well; a load takes no time. What only leads to the situation that a test is about, and
//! what ends it, takes its course in one way.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::future::block_on;
use loom::{explore, stop_exploring, thread};
use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::slot::event::Event;
use modeld_spec::slot::footprint::Footprint;
use modeld_spec::time::BootTime;

use crate::engine::Limits;
use crate::engine::backend::{Backend, LoadRequest, Model, ModelFacts, ModelKey, Settings};
use crate::engine::slots::{Driver, Loading, Marks, Wanted};
use crate::engine::toy::Toy;
use crate::os::Clock;
use crate::owner::gate::{Gate, ResidentPermit};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

/// The toy, with loads that say nothing of how far they are, and are counted.
struct AtOnce {
    toy: Toy,
    loads: Arc<AtomicUsize>,
}

impl Backend for AtOnce {
    fn name(&self) -> &'static str {
        self.toy.name()
    }

    fn identify(&self, path: &Path) -> Result<ModelKey, Error> {
        self.toy.identify(path)
    }

    fn describe(&self, path: &Path) -> Result<ModelFacts, Error> {
        self.toy.describe(path)
    }

    fn load(
        &self,
        permit: ResidentPermit<'_>,
        request: &LoadRequest,
        _progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Box<dyn Model>, Error> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.toy.load(permit, request, &mut |_| ControlFlow::Continue(()))
    }

    fn footprint(&self, request: &LoadRequest) -> Result<Footprint, Error> {
        self.toy.footprint(request)
    }
}

/// Time does not pass.
struct Still;

impl Clock for Still {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(1)
    }
}

/// A driver without the thread that ticks.
#[derive(Clone)]
struct Tested {
    driver: Arc<Driver>,
    loads: Arc<AtomicUsize>,
}

impl Tested {
    fn new() -> Self {
        let gate = Gate::new(Epoch::FIRST, BootTime::from_nanos(10), true, None, Arc::new(Still));
        let loads = Arc::new(AtomicUsize::new(0));
        let backend = AtOnce { toy: Toy::default(), loads: loads.clone() };
        let limits = Limits { sessions_max: 1, ..Limits::default() };
        let marks = Marks::new(None, Epoch::FIRST);
        Tested { driver: Driver::new(Arc::new(gate), Box::new(backend), limits, marks), loads }
    }

    fn ask(&self) -> Result<Loading, Error> {
        let request = LoadRequest {
            path: PathBuf::from("toy"),
            context_tokens: 8,
            sessions_max: 1,
            batch_tokens: 8,
            threads: None,
            settings: Settings::default(),
        };
        let key = ModelKey("toy".to_string());
        self.driver.ask("toy", &Wanted { key, request, has_context: true, load: None })
    }

    /// Asks, and waits for the model.
    fn load(&self) -> Result<Loading, Error> {
        let loading = self.ask()?;
        block_on(loading.load())?;
        Ok(loading)
    }

    /// Opens a session on the model, and goes away.
    fn open(&self) -> Result<(), Error> {
        let loading = self.ask()?;
        let load = block_on(loading.load())?;
        block_on(load.worker()?.open(None))?.deliver();
        Ok(())
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }

    /// Shuts down in one way.
    fn end_simply(&self) {
        stop_exploring();
        self.end();
    }

    /// Shuts down, and sees to it that nothing is left.
    fn end(&self) {
        self.driver.stop();
        block_on(self.driver.ended());
        self.is_empty();
    }

    fn is_empty(&self) {
        let left = self.driver.look(|table, _| table.slots().to_vec());
        assert!(left.is_empty(), "left behind: {left:?}");
        assert_eq!(self.driver.threads(), 0, "left behind");
    }
}

#[test]
fn loom_s1_two_who_ask_are_served_by_one_load() {
    Exploration::bounded(21_631)
        .twin(Seed::ChangeHeardByHalf, "deadlock")
        .twin(Seed::LookedThenWaited, "deadlock")
        .of(|| {
            let tested = Tested::new();
            let other = {
                let tested = tested.clone();
                thread::spawn(move || tested.load())
            };
            let both = [tested.load(), other.join().unwrap()];
            stop_exploring();
            for loading in both {
                assert_eq!(loading.map(drop), Ok(()));
            }
            assert_eq!(tested.loads(), 1);
            tested.end();
        });
}

#[test]
fn loom_s3_who_joins_is_served_whoever_hangs_up() {
    Exploration::bounded(10_104).twin(Seed::HeardOnACopy, "deadlock").of(|| {
        let tested = Tested::new();
        let first = tested.ask().expect("nothing is closed");
        let hasty = thread::spawn(move || drop(first));
        assert_eq!(tested.load().map(drop), Ok(()));
        hasty.join().unwrap();
        assert!((1..=2).contains(&tested.loads()), "joined, or begun anew");
        tested.end_simply();
    });
}

#[test]
fn loom_s5_an_idle_model_is_not_freed_under_a_session() {
    let exploration = Exploration::bounded(13_211).twin(Seed::HeardOnACopy, "deadlock");
    exploration.twin(Seed::GoneWhenAnswered, "under a session").of(|| {
        let tested = Tested::new();
        stop_exploring();
        assert_eq!(tested.load().map(drop), Ok(()));
        explore();
        let ticker = {
            let driver = tested.driver.clone();
            // The second one frees what nobody has used since.
            thread::spawn(move || [(), ()].map(|()| driver.hear(Event::IdleTick)))
        };
        let opened = tested.open();
        assert_eq!(opened, Ok(()), "freed under a session");
        ticker.join().unwrap();
        assert!((1..=2).contains(&tested.loads()), "found, or loaded anew");
        tested.end_simply();
    });
}

#[test]
fn loom_s10_nothing_is_left_by_a_shutdown() {
    Exploration::bounded(12_643)
        .twin(Seed::GateBeforeLock, "left behind")
        .twin(Seed::FreedAfterRing, "deadlock")
        .twin(Seed::UncountedBeforeEnd, "left behind")
        .of(|| {
            let tested = Tested::new();
            let asker = {
                let tested = tested.clone();
                thread::spawn(move || tested.load().map(drop))
            };
            tested.end();
            let loaded = asker.join().unwrap();
            assert!(matches!(loaded, Ok(()) | Err(Error::Draining)), "{loaded:?}");
            tested.is_empty();
        });
}
