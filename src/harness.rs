//! An owner in this process, for the tests of wire and client: real socket, real gRPC, a gate of its own, the toy model.
//!
//! Each owner has its own runtime, so that it can be killed as a process is: its tasks end where they are, and its connections with
//! them. The lease file is written here and not by an owner's lease, so that a test can say what it says.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use modeld_spec::error::Error;
use modeld_spec::ids::{Epoch, FileId, InstanceId};
use modeld_spec::lease::record::{Meta, ProtocolRange, Record, Residency, WallClock};
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::time::{BootTime, Ttl};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::conn::{Client, Options};
use crate::data_root::DataRoot;
use crate::engine::backend::Batch;
use crate::engine::toy::Toy;
use crate::engine::{Engine, Limits};
use crate::os::{self, BootClock, Clock};
use crate::owner::gate::Gate;
use crate::sync::{AtomicU64, Ordering};
use crate::transport::listen::socket_path;
use crate::transport::server::ServeError;
use crate::transport::{Listener, Service, serve};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An owner that serves.
pub(crate) struct TestOwner {
    pub(crate) epoch: Epoch,
    pub(crate) instance: InstanceId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) endpoint: String,
    /// How many batches the toy may still evaluate before it waits.
    pub(crate) budget: Arc<Budget>,
    clock: Arc<TestClock>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
    runtime: Option<Runtime>,
}

impl TestOwner {
    /// Serves `root` in this epoch, and says so in the lease file.
    pub(crate) fn start(root: &DataRoot, epoch: u64) -> Self {
        let owner = TestOwner::start_unannounced(root, epoch);
        owner.announce(root);
        owner
    }

    /// Serves `root` in this epoch; the lease file stays as it is.
    pub(crate) fn start_unannounced(root: &DataRoot, epoch: u64) -> Self {
        let epoch = Epoch::new(epoch).unwrap();
        let instance =
            InstanceId::new(format!("{epoch:0>12}-{}", root.path().display().to_string().len())).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(TestClock::default());
        let gate = Arc::new(Gate::new(epoch, DEADLINE, true, None, clock.clone()));
        let budget = Arc::new(Budget::default());
        let (evals, loads) = (budget.clone(), budget.clone());
        let toy = Toy {
            ends: false,
            before_eval: Some(Arc::new(move |batch: &Batch| {
                if batch.rows.len() == 1 {
                    evals.spend();
                }
            })),
            during_load: Some(Arc::new(move |_| loads.wait_to_load())),
            ..Toy::default()
        };
        let engine = Arc::new(Engine::new(gate.clone(), Box::new(toy), Limits::default()));
        let service = Service::new(instance.clone(), gate, engine.clone(), |name| match name {
            "nowhere" => Err(Error::ModelNotFound { model: name.to_string() }),
            "panics" => panic!("a defect, made on purpose"),
            _ => Ok(name.into()),
        });
        let path = socket_path(root, &instance, []).unwrap();
        let entered = runtime.enter();
        let listener = Listener::bind(&path).unwrap();
        drop(entered);
        let endpoint = listener.endpoint().to_string();
        let (stop, stopped) = oneshot::channel();
        let served = runtime.spawn(serve(listener, service, async {
            let _ = stopped.await;
        }));
        TestOwner {
            epoch,
            instance,
            engine,
            endpoint,
            budget,
            clock,
            stop: Some(stop),
            served,
            runtime: Some(runtime),
        }
    }

    /// Writes itself into the lease file.
    pub(crate) fn announce(&self, root: &DataRoot) {
        write_record(root, &self.record());
    }

    /// What the lease file says about it.
    pub(crate) fn record(&self) -> Record {
        let now = BootClock.now();
        Record {
            epoch: self.epoch,
            instance: self.instance.clone(),
            process: os::this_process().unwrap(),
            host: os::host_name(),
            clock: os::clock_domain().unwrap(),
            acquired_at: now,
            renewed_at: now,
            ttl: Ttl::MAX,
            residency: Residency::Awaited { file: FileId { device: 0, inode: 0 }, holder: None },
            meta: Meta { endpoint: Some(self.endpoint.clone()), backend: Some("toy".to_string()) },
            protocol: ProtocolRange::CURRENT,
        }
    }

    /// Lets its deadline pass.
    pub(crate) fn fence(&self) {
        self.clock.0.store(DEADLINE.as_nanos(), Ordering::SeqCst);
    }

    /// Ends it as SIGKILL would: no goodbye on any connection.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Stops it in order, and gives how serving ended.
    pub(crate) async fn stop(mut self) -> Result<(), ServeError> {
        self.budget.open();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let ended = tokio::time::timeout(PATIENCE, &mut self.served).await;
        ended.expect("an end within the bound").expect("no panic")
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.budget.open();
    }
}

impl Drop for TestOwner {
    fn drop(&mut self) {
        self.end();
    }
}

/// A clock that stands until it is set.
#[derive(Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// What the toy may do before it waits. Unlimited until it is limited.
#[derive(Default)]
pub(crate) struct Budget {
    left: Mutex<Left>,
    changed: Condvar,
}

#[derive(Default)]
struct Left {
    tokens: Option<u64>,
    loading_waits: bool,
}

impl Budget {
    /// Lets it generate so many more tokens, and then wait.
    pub(crate) fn limit(&self, tokens: u64) {
        self.change(|left| left.tokens = Some(tokens));
    }

    /// Lets loads wait until [`Budget::open`].
    pub(crate) fn hold_loads(&self) {
        self.change(|left| left.loading_waits = true);
    }

    /// Lets it do what it wants.
    pub(crate) fn open(&self) {
        self.change(|left| *left = Left::default());
    }

    fn change(&self, change: impl FnOnce(&mut Left)) {
        change(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn spend(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(left, PATIENCE, |left| left.tokens == Some(0));
        let (mut left, _) = waited.unwrap_or_else(PoisonError::into_inner);
        left.tokens = left.tokens.map(|tokens| tokens.saturating_sub(1));
    }

    fn wait_to_load(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(left, PATIENCE, |left| left.loading_waits));
    }
}

/// A data root of its own, and a client of it.
pub(crate) fn data_root() -> (tempfile::TempDir, DataRoot) {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    (directory, root)
}

pub(crate) fn client(root: &DataRoot) -> Client {
    Client::new(root.clone(), Options { answer_max: Duration::from_secs(20), patience: PATIENCE }).unwrap()
}

/// Replaces the lease file as an owner does.
pub(crate) fn write_record(root: &DataRoot, record: &Record) {
    let wall = WallClock { acquired_at: "", renewed_at: "" };
    let temporary = root.path().join("new");
    fs::write(&temporary, record.encode(wall)).unwrap();
    fs::rename(&temporary, root.record()).unwrap();
}

/// Greedy, so that every owner goes on in the same way.
pub(crate) fn greedy(max_tokens: u64) -> DecodeParams {
    let sampling = SamplingParams::new(Sampling::greedy()).unwrap();
    DecodeParams { sampling, max_tokens: Some(max_tokens), ..DecodeParams::default() }
}

/// Waits until something holds, and fails if it does not within the bound.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether no socket of an owner is left in the data root.
pub(crate) fn no_socket_is_left(root: &DataRoot) -> bool {
    let is_socket = |path: &Path| path.extension().is_some_and(|extension| extension == "sock");
    fs::read_dir(root.run()).is_ok_and(|entries| !entries.flatten().any(|entry| is_socket(&entry.path())))
}

/// When the gates of these owners close.
const DEADLINE: BootTime = BootTime::from_nanos(1_000_000);
