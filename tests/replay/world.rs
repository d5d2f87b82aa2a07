//! The data root and the clock of a play, in memory: what the drivers perform their effects on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model_check::models::lease::actions::Fate;
use model_check::models::lease::names;
use modeld::lease::store::{Backing, Store, Taken, WaitOn};
use modeld::os::{Alarm, Clock, Timer};
use modeld::owner::witness::{Actor, Witness};
use modeld_spec::ids::{Epoch, FileId};
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, Observation, Seen,
};
use modeld_spec::lease::record::Record;
use modeld_spec::time::{BootTime, Observed};

use crate::stage::{Life, Role, Stage};

/// A data root in memory. Clones are the same one.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) stage: Stage,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    now: BootTime,
    disk: Disk,
    /// Who waits for the lock, and how it is told.
    waiting: Vec<(Life, Taken)>,
    /// To whom the lock comes next.
    comes_to: Option<Life>,
    dead: Vec<Life>,
}

/// What is on disk, and who has which lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) record: Option<Record>,
    pub(crate) epochs: Option<Epoch>,
    pub(crate) latch: Option<(Life, Role)>,
    pub(crate) residency: Option<Life>,
}

impl World {
    pub(crate) fn new(now: BootTime) -> Self {
        let inner =
            Inner { now, disk: Disk::default(), waiting: Vec::new(), comes_to: None, dead: Vec::new() };
        World { stage: Stage::default(), inner: Arc::new(Mutex::new(inner)) }
    }

    pub(crate) fn now(&self) -> BootTime {
        self.inner().now
    }

    pub(crate) fn tick(&self) {
        let mut inner = self.inner();
        inner.now = inner.now.after(names::TICK);
    }

    pub(crate) fn disk(&self) -> Disk {
        self.inner().disk.clone()
    }

    /// The lock comes to a life that waits for it: to a leader at once, to a standby when it looks.
    pub(crate) fn lock_comes(&self, life: Life) {
        let mut inner = self.inner();
        match inner.waiting.iter().position(|(waiting, _)| *waiting == life) {
            Some(index) => {
                let (_, taken) = inner.waiting.remove(index);
                inner.disk.residency = Some(life);
                drop(inner);
                taken(LOCK);
            }
            None => inner.comes_to = Some(life),
        }
    }

    /// The kernel drops every lock of a process that ended, and nothing that is left of it does anything.
    pub(crate) fn end(&self, life: Life) {
        let mut inner = self.inner();
        inner.dead.push(life);
        inner.waiting.retain(|(waiting, _)| *waiting != life);
        inner.disk.latch = inner.disk.latch.filter(|(holder, _)| *holder != life);
        inner.disk.residency = inner.disk.residency.filter(|holder| *holder != life);
        drop(inner);
        self.stage.end(life);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one life has of the world.
pub(crate) struct Part {
    pub(crate) world: World,
    pub(crate) life: Life,
    /// How many stores it has asked for: the second one is for its renewals.
    stores: Mutex<usize>,
    /// What became of the last effect of a release that was its owner's own.
    fate: Mutex<Fate>,
    /// How many alarms: the first one is its standby's, the second its keeper's.
    alarms: Mutex<usize>,
}

impl Part {
    pub(crate) fn new(world: &World, life: Life) -> Self {
        Part {
            world: world.clone(),
            life,
            stores: Mutex::new(0),
            fate: Mutex::new(Fate::Done),
            alarms: Mutex::new(0),
        }
    }
}

impl Part {
    /// What becomes of the effect of a release that is performed now.
    pub(crate) fn fate(&self) -> Fate {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Part {
    fn now(&self) -> BootTime {
        let inner = self.world.inner();
        // Whatever is left of a dead process comes to its end at once.
        if inner.dead.contains(&self.life) { inner.now.after(LONG_AFTER) } else { inner.now }
    }
}

impl Timer for Part {
    fn alarm(&self) -> io::Result<Box<dyn Alarm>> {
        let role = if count(&self.alarms) == 1 { Role::Main } else { Role::Keeper };
        Ok(Box::new(Bell { stage: self.world.stage.clone(), life: self.life, role }))
    }
}

struct Bell {
    stage: Stage,
    life: Life,
    role: Role,
}

impl Alarm for Bell {
    fn ring(&self) {
        self.stage.ring(self.life, self.role);
    }

    fn wait(&self, _: BootTime) -> io::Result<()> {
        // A thread is let go to wait only when what it waits for is there: it never comes here, or has to be seen.
        self.stage.ask(self.life, self.role, "alarm");
        Ok(())
    }
}

impl Witness for Part {
    fn before(&self, actor: Actor, effect: &'static str) {
        let (stage, life) = (&self.world.stage, self.life);
        match (actor, effect) {
            (Actor::Standby, "attempt") => stage.set_free(life, Role::Main, false),
            (Actor::Standby, _) => {
                stage.ask(life, Role::Main, effect);
                // What a standby lets go of before it waits is no step of the machine.
                stage.set_free(life, Role::Main, true);
            }
            (Actor::Keeper, _) => drop(stage.ask(life, Role::Keeper, effect)),
            (Actor::Renewal, _) => drop(stage.ask(life, Role::Renewal, effect)),
            (Actor::Release, _) => {
                let fate = stage.ask(life, Role::Main, effect).unwrap_or(Fate::Done);
                *self.fate.lock().unwrap_or_else(PoisonError::into_inner) = fate;
            }
        }
    }
}

impl Backing for Part {
    fn store(&self) -> Box<dyn Store + Send> {
        let role = if count(&self.stores) == 2 { Role::Renewal } else { Role::Main };
        Box::new(Memory { world: self.world.clone(), life: self.life, role })
    }

    fn await_residency(&self, _: WaitOn, taken: Taken) -> io::Result<()> {
        let mut inner = self.world.inner();
        if inner.disk.residency == Some(self.life) || inner.comes_to == Some(self.life) {
            inner.comes_to = None;
            inner.disk.residency = Some(self.life);
            drop(inner);
            taken(LOCK);
        } else if !inner.dead.contains(&self.life) {
            inner.waiting.push((self.life, taken));
        }
        Ok(())
    }

    fn stop_waiting(&self) {
        self.world.inner().waiting.retain(|(waiting, _)| *waiting != self.life);
    }

    fn residency_in_hand(&self) -> Option<FileId> {
        (self.world.inner().disk.residency == Some(self.life)).then_some(LOCK)
    }

    fn keep_residency_for_good(&self) {
        // It is kept until the process ends.
    }
}

/// What one thread performs its effects on.
struct Memory {
    world: World,
    life: Life,
    role: Role,
}

impl Store for Memory {
    fn perform(&mut self, effect: &Effect) -> Observation {
        let fate = self.world.stage.ask(self.life, self.role, effect.name());
        let mut inner = self.world.inner();
        let at = inner.now;
        let what = match fate {
            None | Some(Fate::Fails(_)) => failed(effect),
            Some(Fate::Busy) => Seen::Latch(LatchSeen::Busy),
            Some(Fate::FailsYetLands(_)) => {
                self.land(&mut inner.disk, effect);
                failed(effect)
            }
            Some(Fate::Done) => self.land(&mut inner.disk, effect),
        };
        Observed { at, what }
    }
}

impl Memory {
    fn land(&self, disk: &mut Disk, effect: &Effect) -> Seen {
        let me = (self.life, self.role);
        match effect {
            Effect::TakeLatch => {
                assert_eq!(disk.latch, None, "the model takes a latch that is free");
                disk.latch = Some(me);
                Seen::Latch(LatchSeen::Taken)
            }
            Effect::DropLatch => {
                disk.latch = disk.latch.filter(|holder| *holder != me);
                Seen::Done
            }
            Effect::ReadRecord => Seen::Record(disk.record.clone().map_or(Content::Absent, Content::Record)),
            Effect::TryResidency => {
                let holder = *disk.residency.get_or_insert(self.life);
                Seen::Residency(if holder == self.life {
                    LockSeen::Taken(LOCK)
                } else {
                    LockSeen::Held(LOCK)
                })
            }
            Effect::DropResidency => {
                disk.residency = disk.residency.filter(|holder| *holder != self.life);
                Seen::Done
            }
            Effect::ReadEpochs => Seen::Epochs(disk.epochs),
            Effect::ClaimEpoch(epoch) if disk.epochs < Some(*epoch) => {
                disk.epochs = Some(*epoch);
                Seen::Claim(ClaimSeen::Granted)
            }
            Effect::ClaimEpoch(_) => Seen::Claim(ClaimSeen::Refused),
            Effect::ReplaceRecord(record) => {
                disk.record = Some(record.clone());
                Seen::Done
            }
            Effect::RemoveRecord => {
                disk.record = None;
                Seen::Done
            }
            Effect::InspectProcess(_)
            | Effect::KillProcess(_)
            | Effect::Quiesce
            | Effect::Flush
            | Effect::Free
            | Effect::StopKeeper => failed(effect),
        }
    }
}

fn failed(effect: &Effect) -> Seen {
    let (doing, path, cause) = (effect.name(), String::new(), String::new());
    Seen::Failed(Failure { doing, path, cause, kind: FailureKind::Other })
}

fn count(counter: &Mutex<usize>) -> usize {
    let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
    *counter += 1;
    *counter
}

/// The one lock file.
const LOCK: FileId = FileId { device: 1, inode: 0 };
/// After every deadline and every patience.
const LONG_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);
