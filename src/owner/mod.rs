//! Ownership of a data root: at most one process has it, and it stops in time.
//!
//! [`join`] gives an [`Owner`]: either *the* owner, whose lease is renewed in the background, or a follower that
//! knows who owns. [`stand_by`] waits until it can be the owner. An owner lets owned effects begin through its
//! [`Gate`]; when it can't renew, the gate closes and [`Owner::lost`] resolves. [`Owner::release`] hands over.

mod committing;
#[cfg(test)]
mod committing_tests;
pub mod gate;
mod keeping;
#[cfg(all(test, modeld_loom))]
pub(crate) mod loom_gate;
mod mailbox;
mod releasing;
mod standing;
pub mod witness;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use modeld_spec::fence::commit::Ownership;
use modeld_spec::ids::{ClockDomain, Epoch, InstanceId, ProcessId};
use modeld_spec::lease::acquire::{self, Acquire, Claim, Owned};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{Failure, FailureKind};
use modeld_spec::lease::evict::{self, Evict};
use modeld_spec::lease::keeper::Cause;
use modeld_spec::lease::record::{Meta, ProtocolRange, Record, Residency};
use modeld_spec::step::Breach;
use modeld_spec::time::{RenewInterval, RenewIntervalOutOfRange, Ttl};
use tokio::sync::watch;

pub use self::committing::{CommitError, Committer, Landing};
use self::gate::Gate;
use self::keeping::Keeping;
pub use self::releasing::{Released, ResidentState};
pub use self::standing::{StandbyEvent, Stop, stand_by, stand_by_on};
use self::witness::Witness;
use crate::data_root::{DataRoot, DataRootError};
use crate::lease::files::FileStore;
use crate::lease::store::{Backing, Store, WaitOn, drive};
use crate::os::{self, BootClock, Clock, Timer};

pub use modeld_spec::lease::evict::Policy as Eviction;

/// How to join.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is to be owned.
    pub data_root: DataRoot,
    /// Who asks; fresh for each join, so that no two lives share an id.
    pub instance: InstanceId,
    /// For how long a renewal is honoured by others.
    pub ttl: Ttl,
    /// How often the owner renews, within the bounds of [`RenewInterval`]; a third of the TTL unless set.
    pub renew_interval: Option<Duration>,
    /// Where this process would serve.
    pub endpoint: Option<String>,
    /// The inference backend it would serve.
    pub backend: Option<String>,
    /// What to do about a wedged predecessor that keeps the residency lock.
    pub eviction: Eviction,
}

impl Config {
    /// The usual terms for `data_root`, with a fresh instance id.
    pub fn new(data_root: DataRoot) -> Self {
        Config {
            data_root,
            instance: fresh_instance(),
            ttl: Ttl::DEFAULT,
            renew_interval: None,
            endpoint: None,
            backend: None,
            eviction: Eviction::Wait,
        }
    }
}

/// Whether this process has the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has.
    Owner,
    /// Somebody else has.
    Follower,
}

/// Why nobody could be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The data root can't be owned by anybody.
    #[error(transparent)]
    DataRoot(#[from] DataRootError),
    /// An effect failed: nothing is known about who owns (L8).
    #[error(transparent)]
    Lease(Failure),
    /// Another process kept the latch for the whole of the bound.
    #[error("another process keeps the latch of {}", .0.path().display())]
    LatchBusy(DataRoot),
    /// No epoch is left to grant.
    #[error("the epochs of {} are used up", .0.path().display())]
    EpochsExhausted(DataRoot),
    /// The owner would renew too seldom or too often.
    #[error(transparent)]
    RenewInterval(#[from] RenewIntervalOutOfRange),
    /// The endpoint or the backend's name is longer than a record can hold.
    #[error("the endpoint or the backend's name has more than {} bytes", Meta::BYTES_MAX)]
    EndpointTooLong,
    /// This process can't find out who it is, or get a thread.
    #[error("the operating system refused {what}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        #[source]
        cause: io::Error,
    },
    /// A defect of modeld.
    #[error(transparent)]
    Breach(#[from] Breach),
}

impl JoinError {
    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            JoinError::DataRoot(error) => Some(error.hint()),
            JoinError::Lease(failure) => match failure.kind {
                FailureKind::PermissionDenied => {
                    Some("pass a directory of yours with --data-root".to_owned())
                }
                FailureKind::StorageFull => {
                    Some("free some disk space, a few kilobytes are enough".to_owned())
                }
                FailureKind::ReadOnly => Some("pass a writable directory with --data-root".to_owned()),
                FailureKind::Other => None,
            },
            JoinError::LatchBusy(root) => {
                Some(format!("find the stopped process that has it: `fuser {}`", root.latch().display()))
            }
            JoinError::EpochsExhausted(_) => Some("pass a new directory with --data-root".to_owned()),
            JoinError::RenewInterval(RenewIntervalOutOfRange::TooSeldom { most, .. }) => {
                Some(format!("renew every {most:?} at least, or choose a longer TTL"))
            }
            JoinError::RenewInterval(RenewIntervalOutOfRange::TooOften { .. }) => {
                Some("renew less often; a third of the TTL is usual".to_owned())
            }
            JoinError::EndpointTooLong => Some("pass a data root with a shorter path".to_owned()),
            JoinError::System { .. } | JoinError::Breach(_) => None,
        }
    }
}

/// The result of a join: the owner, or a follower that knows who owns.
///
/// An owner that is dropped without [`release`](Owner::release) closes its gate and keeps the residency lock
/// until the process ends: nobody has said that its memory is back (L1).
#[must_use = "an owner that is dropped loses its lease"]
pub struct Owner {
    instance: InstanceId,
    side: Side,
}

enum Side {
    Owner(Box<Owning>),
    Follower(Box<Why>),
}

/// What an owner has.
struct Owning {
    owned: Owned,
    backing: Arc<dyn Backing>,
    store: Box<dyn Store + Send>,
    clock: Arc<dyn Clock>,
    witness: Arc<dyn Witness>,
    gate: Arc<Gate>,
    keeping: Keeping,
    lost: watch::Receiver<Option<Cause>>,
    evicted: Option<evict::Outcome>,
}

/// Makes one attempt to own the data root.
///
/// Blocks for a few file operations, and for the latch within a bound of two seconds. Not for async code: use
/// a blocking thread.
///
/// # Errors
/// [`JoinError`]. That somebody else owns is no error.
pub fn join(config: Config) -> Result<Owner, JoinError> {
    let terms = Terms::check(config)?;
    let place = Place::on_files(&terms.config)?;
    Claimant { terms, place }.join()
}

/// [`join`] on any store. The data root of `config` is its name only, and is not touched.
///
/// # Errors
/// As [`join`].
pub fn join_on(place: Place, config: Config) -> Result<Owner, JoinError> {
    Claimant { terms: Terms::check(config)?, place }.join()
}

impl Owner {
    /// Whether this process has the lease.
    pub fn role(&self) -> Role {
        match self.side {
            Side::Owner(_) => Role::Owner,
            Side::Follower(_) => Role::Follower,
        }
    }

    /// Whether this process has the lease.
    pub fn is_owner(&self) -> bool {
        self.role() == Role::Owner
    }

    /// The id of the owner: this one's, or the other's where that is known.
    pub fn instance_id(&self) -> Option<&InstanceId> {
        match &self.side {
            Side::Owner(_) => Some(&self.instance),
            Side::Follower(_) => self.holder().map(|record| &record.instance),
        }
    }

    /// The record of whoever owns, as of the join; `None` where a follower could not read it.
    pub fn holder(&self) -> Option<&Record> {
        match &self.side {
            Side::Owner(owning) => Some(&owning.owned.record),
            Side::Follower(why) => match why.as_ref() {
                Why::Held(record) => Some(record),
                Why::Draining | Why::HeldByUnknown | Why::LockReplaced(_) => None,
            },
        }
    }

    /// Why this process follows; `None` for the owner.
    pub fn why(&self) -> Option<&Why> {
        match &self.side {
            Side::Owner(_) => None,
            Side::Follower(why) => Some(why),
        }
    }

    /// Where the owner serves.
    pub fn endpoint(&self) -> Option<&str> {
        self.holder().and_then(|record| record.meta.endpoint.as_deref())
    }

    /// The inference backend that the owner serves.
    pub fn backend(&self) -> Option<&str> {
        self.holder().and_then(|record| record.meta.backend.as_deref())
    }

    /// The number of this ownership; `None` for a follower.
    pub fn epoch(&self) -> Option<Epoch> {
        self.gate().map(|gate| gate.epoch())
    }

    /// What owned effects pass; `None` for a follower.
    pub fn gate(&self) -> Option<Arc<Gate>> {
        self.owning().map(|owning| Arc::clone(&owning.gate))
    }

    /// What commits the durable effects of this ownership; `None` for a follower. It outlives the owner, and is refused then.
    pub fn committer(&self) -> Option<Committer> {
        let owning = self.owning()?;
        let ownership = Ownership { instance: self.instance.clone(), epoch: owning.owned.epoch() };
        Some(Committer::new(ownership, Arc::clone(&owning.backing)))
    }

    /// What became of the predecessor that kept the residency lock; `None` if there was none.
    pub fn evicted(&self) -> Option<&evict::Outcome> {
        self.owning().and_then(|owning| owning.evicted.as_ref())
    }

    /// Resolves when the lease is lost: the gate is closed, and the caller has to end what it owns. Never
    /// resolves for a follower, nor after a release. Cancel-safe.
    pub fn lost(&self) -> impl Future<Output = Cause> + Send + 'static {
        let receiver = self.owning().map(|owning| owning.lost.clone());
        async move {
            if let Some(mut receiver) = receiver
                && let Ok(cause) = receiver.wait_for(Option::is_some).await
                && let Some(cause) = cause.as_ref()
            {
                return cause.clone();
            }
            std::future::pending().await
        }
    }

    /// Why the lease was lost, if it was.
    pub fn lost_err(&self) -> Option<Cause> {
        self.owning().and_then(|owning| owning.lost.borrow().clone())
    }

    /// Ends the ownership in the order quiesce, flush, free, release (L9); what has to be quiesced, flushed
    /// and freed is `resident`. Blocks until the lock is dropped. Nothing to do for a follower.
    pub fn release(mut self, resident: &mut dyn ResidentState) -> Released {
        match std::mem::replace(&mut self.side, Side::Follower(Box::new(Why::Draining))) {
            Side::Owner(owning) => releasing::release(*owning, resident),
            Side::Follower(_) => Released::Nothing,
        }
    }

    fn owning(&self) -> Option<&Owning> {
        match &self.side {
            Side::Owner(owning) => Some(owning),
            Side::Follower(_) => None,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Side::Owner(owning) = &mut self.side {
            owning.gate.fence();
            owning.backing.stop_waiting();
            owning.keeping.stop();
            owning.backing.keep_residency_for_good();
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("role", &self.role())
            .field("holder", &self.holder())
            .finish_non_exhaustive()
    }
}

/// Where a claimant claims, and as whom: the seam to other stores than files, and to simulated time.
pub struct Place {
    /// What its effects are performed on.
    pub backing: Arc<dyn Backing>,
    /// Its clock, by which its threads sleep as well.
    pub clock: Arc<dyn Timer>,
    /// Which clock that is.
    pub clock_domain: ClockDomain,
    /// The process that claims.
    pub process: ProcessId,
    /// Who is told of each effect.
    pub witness: Arc<dyn Witness>,
}

impl Place {
    /// This process, on the files of its data root.
    fn on_files(config: &Config) -> Result<Self, JoinError> {
        config.data_root.prepare()?;
        let process = os::this_process().map_err(system("the identity of this process"))?;
        let clock_domain = os::clock_domain().map_err(system("the identity of the boot clock"))?;
        let clock: Arc<dyn Timer> = Arc::new(BootClock);
        let (root, instance) = (config.data_root.clone(), config.instance.clone());
        let files = FileStore::new(root, instance, process, config.ttl.latch_wait(), clock.clone());
        Ok(Place { backing: Arc::new(files), clock, clock_domain, process, witness: Arc::new(()) })
    }
}

/// A configuration that was checked.
struct Terms {
    config: Config,
    meta: Meta,
    interval: RenewInterval,
}

impl Terms {
    fn check(config: Config) -> Result<Self, JoinError> {
        let interval = match config.renew_interval {
            Some(interval) => RenewInterval::new(interval, config.ttl)?,
            None => config.ttl.renew_interval(),
        };
        let meta = Meta { endpoint: config.endpoint.clone(), backend: config.backend.clone() };
        if !meta.fits() {
            return Err(JoinError::EndpointTooLong);
        }
        Ok(Terms { config, meta, interval })
    }
}

/// Who asks, on what terms, and where.
struct Claimant {
    terms: Terms,
    place: Place,
}

impl Claimant {
    fn join(self) -> Result<Owner, JoinError> {
        let mut store = self.place.backing.store();
        let root = self.terms.config.data_root.clone();
        match drive(Acquire::start(self.claim(), None), &mut *store) {
            acquire::Outcome::Acquired(owned) => self.own(owned),
            acquire::Outcome::Follower { why, .. } => {
                Ok(Owner { instance: self.terms.config.instance, side: Side::Follower(Box::new(why)) })
            }
            acquire::Outcome::LatchBusy => Err(JoinError::LatchBusy(root)),
            acquire::Outcome::Failed(failure) => Err(JoinError::Lease(failure)),
            acquire::Outcome::EpochsExhausted => Err(JoinError::EpochsExhausted(root)),
            acquire::Outcome::Breach(breach) => Err(breach.into()),
        }
    }

    fn claim(&self) -> Claim {
        Claim {
            instance: self.terms.config.instance.clone(),
            process: self.place.process,
            host: os::host_name(),
            clock: self.place.clock_domain.clone(),
            ttl: self.terms.config.ttl,
            meta: self.terms.meta.clone(),
            protocol: ProtocolRange::CURRENT,
        }
    }

    /// Begins to keep what was acquired.
    fn own(self, owned: Owned) -> Result<Owner, JoinError> {
        let Claimant { terms, place: Place { backing, clock, process, witness, .. } } = self;
        let (resident, holder) = match &owned.record.residency {
            Residency::Held(_) => (true, None),
            Residency::Awaited { holder, .. } => (false, *holder),
        };
        let gate = Gate::new(owned.epoch(), owned.deadline(), resident, holder, clock.clone());
        let gate = Arc::new(gate);
        let (told, lost) = watch::channel(None);
        let keeping = Keeping::begin(
            owned.clone(),
            terms.interval,
            backing.store(),
            Arc::clone(&gate),
            &clock,
            &witness,
            told,
        )
        .map_err(system("a thread for the keeper"))?;
        let mut store = backing.store();
        let mut evicted = None;
        if !resident {
            let begun = backing.await_residency(WaitOn::FoundHeld, keeping.on_residency());
            begun.map_err(system("a thread that waits for the residency lock"))?;
            let step = Evict::start(holder, terms.config.eviction, process);
            evicted = Some(drive(step, &mut *store));
        }
        let owning = Owning { owned, backing, store, clock, witness, gate, keeping, lost, evicted };
        Ok(Owner { instance: terms.config.instance, side: Side::Owner(Box::new(owning)) })
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> JoinError {
    move |cause| JoinError::System { what, cause }
}

/// An instance id that nobody had before.
pub fn fresh_instance() -> InstanceId {
    InstanceId::from_random(uuid::Uuid::new_v4().as_u128())
}
