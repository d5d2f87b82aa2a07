//! The daemon: an owner that serves its engine over a socket, from the join to the release.
//!
//! ```text
//!     bind socket -> join or stand by -> snapshots -> engine -> serve -> ... -> quiesce, flush, free, release
//! ```
//!
//! The socket is bound before the join, so that the endpoint in the record can be connected to from the first
//! moment on. The end is that of the release machine (L9): the server takes no more calls, the engine ends its
//! work and gives the memory back, and only then are record and lock let go.

mod backend;
mod models;
mod resident;

use std::future::Future;
use std::sync::Arc;

use modeld_spec::ids::Epoch;
use modeld_spec::lease::keeper::Cause;
use modeld_spec::lease::record::Record;
use tokio::sync::watch;
use tokio::task::{JoinError as TaskError, JoinHandle};

pub use self::backend::BackendKind;
use self::models::ModelFiles;
pub use self::models::is_model_name;
use self::resident::Resident;
use crate::engine::manifest::FileDigests;
use crate::engine::snapshots::{SnapshotLimits, SnapshotStore, StoreError};
use crate::engine::{Engine, Limits, Stores};
use crate::owner::gate::Gate;
use crate::owner::{self, Config, JoinError, Owner, Released, StandbyEvent, Stop};
use crate::transport::listen::{ListenError, Listener, other_directories, socket_path};
use crate::transport::server::{ServeError, Service, serve};

/// What to serve, and on what terms.
#[derive(Clone, Debug)]
pub struct Options {
    /// How to join. Endpoint and backend are filled in by the daemon.
    pub join: Config,
    /// The inference backend.
    pub backend: BackendKind,
    /// The bounds of the engine.
    pub limits: Limits,
}

/// What became of an attempt to serve.
pub enum Started {
    /// This process owns the data root and serves.
    Owner(Box<Daemon>),
    /// Somebody else owns it.
    Follower(Owner),
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ownership could not be had or looked at.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The socket could not be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Snapshots could not be kept.
    #[error("the snapshots of the data root can't be used")]
    Snapshots(#[source] StoreError),
    /// A thread of the daemon died.
    #[error("a part of the daemon died")]
    Died(#[from] TaskError),
}

/// Why a daemon can't go on.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The lease is lost.
    #[error("the lease is lost: {0}")]
    LeaseLost(Cause),
    /// The server ended by itself.
    #[error("the server ended")]
    Server(#[source] Option<ServeError>),
    /// The server's task died.
    #[error("the server died")]
    Died(#[source] TaskError),
}

/// An owner that serves.
pub struct Daemon {
    owner: Owner,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    server: JoinHandle<Result<(), ServeError>>,
}

/// Serves if nobody owns the data root.
///
/// # Errors
/// [`StartError`]. That somebody else owns is no error.
pub async fn start(options: Options) -> Result<Started, StartError> {
    let (listener, config) = listen(&options)?;
    let owner = tokio::task::spawn_blocking(move || owner::join(config)).await??;
    let Some(gate) = owner.gate() else { return Ok(Started::Follower(owner)) };
    let (owner, stores) = open_stores(owner, &options).await?;
    Ok(Started::Owner(Box::new(Daemon::serve(owner, gate, stores, listener, &options))))
}

/// Serves as soon as this process can own the data root; `None` when `stop` was asked first. `tell` hears, on
/// another thread, what each attempt found.
///
/// # Errors
/// [`StartError`] for what waiting can't mend.
pub async fn stand_by(
    options: Options,
    stop: Stop,
    mut tell: impl FnMut(StandbyEvent<'_>) + Send + 'static,
) -> Result<Option<Daemon>, StartError> {
    let (listener, config) = listen(&options)?;
    let owner = tokio::task::spawn_blocking(move || owner::stand_by(config, &stop, &mut tell)).await??;
    let Some((owner, gate)) = owner.and_then(|owner| owner.gate().map(|gate| (owner, gate))) else {
        return Ok(None);
    };
    let (owner, stores) = open_stores(owner, &options).await?;
    Ok(Some(Daemon::serve(owner, gate, stores, listener, &options)))
}

/// What the engine keeps on disk. An owner that can't keep anything gives up what it owns: what fails here says that the data root
/// can't be used.
async fn open_stores(owner: Owner, options: &Options) -> Result<(Owner, Stores), StartError> {
    let (root, limits) = (options.join.data_root.clone(), SnapshotLimits::default());
    let opened = tokio::task::spawn_blocking(move || {
        let (Some(gate), Some(committer)) = (owner.gate(), owner.committer()) else {
            return Ok((owner, Stores::default()));
        };
        // Lost again already: what is to be heard of that is heard from the owner.
        let Ok(permit) = gate.pass() else { return Ok((owner, Stores::default())) };
        match SnapshotStore::open(&root, committer, &permit, limits) {
            Ok(store) => {
                let snapshots = Some((Arc::new(store), Arc::new(FileDigests::of(&root))));
                Ok((owner, Stores { snapshots }))
            }
            Err(error) => {
                let _ = owner.release(&mut ());
                Err(StartError::Snapshots(error))
            }
        }
    });
    opened.await?
}

fn listen(options: &Options) -> Result<(Listener, Config), StartError> {
    let mut config = options.join.clone();
    config.data_root.prepare().map_err(JoinError::from)?;
    let path = socket_path(&config.data_root, &config.instance, other_directories())?;
    let listener = Listener::bind(&path)?;
    config.endpoint = Some(listener.endpoint().to_string());
    config.backend = Some(options.backend.name().to_owned());
    Ok((listener, config))
}

impl Daemon {
    fn serve(owner: Owner, gate: Arc<Gate>, stores: Stores, listener: Listener, options: &Options) -> Self {
        let marks = options.join.data_root.loads();
        let (backend, limits) = (options.backend.make(), options.limits.clone());
        let engine = Engine::remembering(Arc::clone(&gate), backend, limits, marks);
        let engine = Arc::new(engine.with_stores(stores));
        let files = ModelFiles::new(options.join.data_root.clone());
        let instance = options.join.instance.clone();
        let service = Service::new(instance, gate, Arc::clone(&engine), move |name| files.resolve(name));
        let (stop, mut stopped) = watch::channel(false);
        let shutdown = async move {
            // A sender that is gone means that the daemon is.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let server = tokio::spawn(serve(listener, service, shutdown));
        Daemon { owner, engine, stop, server }
    }

    /// The record, as of the acquisition.
    pub fn record(&self) -> Option<&Record> {
        self.owner.holder()
    }

    /// The number of the ownership.
    pub fn epoch(&self) -> Option<Epoch> {
        self.owner.epoch()
    }

    /// The ownership.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Resolves, once, when the daemon can't go on. Cancel-safe.
    async fn ended(&mut self) -> End {
        tokio::select! {
            cause = self.owner.lost() => End::LeaseLost(cause),
            served = &mut self.server => match served {
                Ok(served) => End::Server(served.err()),
                Err(died) => End::Died(died),
            },
        }
    }

    /// Ends everything in the order quiesce, flush, free, release (L9).
    ///
    /// # Errors
    /// [`StartError::Died`] if the thread that does it died.
    pub async fn shut_down(self) -> Result<Released, StartError> {
        let Daemon { owner, engine, stop, server } = self;
        let runtime = tokio::runtime::Handle::current();
        let released = tokio::task::spawn_blocking(move || {
            let mut resident = Resident::new(runtime, engine, stop, server);
            owner.release(&mut resident)
        });
        Ok(released.await?)
    }

    /// Runs until it can't go on or `stop` resolves, and then ends everything.
    ///
    /// # Errors
    /// As [`shut_down`](Daemon::shut_down).
    pub async fn run_until(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(Option<End>, Released), StartError> {
        let end = tokio::select! {
            end = self.ended() => Some(end),
            () = stop => None,
        };
        Ok((end, self.shut_down().await?))
    }
}
