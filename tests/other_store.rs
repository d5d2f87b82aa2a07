//! Ownership on a store that is not made of files: the owner layer takes any [`Backing`].
//!
//! A [`World`] is a data root in memory. Each process in it is a [`Backing`] of its own; one that has crashed
//! performs nothing any more, and what it had locked is free.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use modeld::data_root::DataRoot;
use modeld::lease::store::{Backing, Store, Taken, WaitOn};
use modeld::os::{self, BootClock, Clock};
use modeld::owner::gate::Closed;
use modeld::owner::{self, Config, JoinError, Owner, Place, Released, StandbyEvent, Stop};
use modeld_spec::ids::{Epoch, FileId, ProcessId};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, Observation, ProcessSeen, Seen,
};
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::time::{Observed, Ttl};

/// A data root in memory. Clones are the same one.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    record: Option<Record>,
    epochs: Option<Epoch>,
    latch: Option<(u32, u32)>,
    residency: Option<u32>,
    waiting: Vec<(u32, Taken)>,
    processes: BTreeSet<u32>,
    /// How many replacements of the record fail from here on.
    failures: usize,
    /// Whether nothing can be waited for.
    refuses_waits: bool,
    stores: u32,
}

impl World {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self) -> Option<Record> {
        self.inner().record.clone()
    }

    /// A new process.
    fn process(&self) -> Process {
        let mut inner = self.inner();
        let pid = inner.processes.last().map_or(1, |last| last + 1);
        inner.processes.insert(pid);
        Process { world: self.clone(), pid }
    }
}

impl Inner {
    /// Hands a free residency lock to whoever waited first.
    fn pass_on(&mut self) {
        if self.residency.is_none() && !self.waiting.is_empty() {
            let (pid, taken) = self.waiting.remove(0);
            self.residency = Some(pid);
            taken(FILE);
        }
    }

    fn drop_residency(&mut self, pid: u32) {
        if self.residency == Some(pid) {
            self.residency = None;
            self.pass_on();
        }
    }
}

/// One process. Clones are the same one.
#[derive(Clone)]
struct Process {
    world: World,
    pid: u32,
}

impl Process {
    fn place(&self) -> Place {
        Place {
            backing: Arc::new(self.clone()),
            clock: Arc::new(BootClock),
            witness: Arc::new(()),
            clock_domain: os::clock_domain().expect("the boot id is readable"),
            process: ProcessId { pid: self.pid, ..os::this_process().expect("this process is in /proc") },
        }
    }

    fn join(&self) -> Result<Owner, JoinError> {
        owner::join_on(self.place(), config())
    }

    /// It is gone, with all its locks, and its record is left.
    fn crash(&self) {
        let mut inner = self.world.inner();
        inner.processes.remove(&self.pid);
        inner.waiting.retain(|(pid, _)| *pid != self.pid);
        inner.latch = inner.latch.filter(|(pid, _)| *pid != self.pid);
        inner.drop_residency(self.pid);
    }
}

impl Backing for Process {
    fn store(&self) -> Box<dyn Store + Send> {
        let mut inner = self.world.inner();
        inner.stores += 1;
        Box::new(Memory { process: self.clone(), number: inner.stores })
    }

    fn await_residency(&self, _: WaitOn, taken: Taken) -> io::Result<()> {
        let mut inner = self.world.inner();
        if inner.refuses_waits {
            return Err(io::Error::other("nothing can be waited for"));
        }
        if inner.residency == Some(self.pid) {
            taken(FILE);
        } else if inner.processes.contains(&self.pid) {
            inner.waiting.push((self.pid, taken));
            inner.pass_on();
        }
        Ok(())
    }

    fn stop_waiting(&self) {
        self.world.inner().waiting.retain(|(pid, _)| *pid != self.pid);
    }

    fn residency_in_hand(&self) -> Option<FileId> {
        (self.world.inner().residency == Some(self.pid)).then_some(FILE)
    }

    fn keep_residency_for_good(&self) {
        // It is kept as long as nobody drops it.
    }
}

/// What one thread of a process performs its effects on.
struct Memory {
    process: Process,
    number: u32,
}

impl Memory {
    fn seen(&self, inner: &mut Inner, effect: &Effect) -> Seen {
        let me = self.process.pid;
        match effect {
            Effect::TakeLatch => Seen::Latch(match inner.latch {
                Some(_) => LatchSeen::Busy,
                None => {
                    inner.latch = Some((me, self.number));
                    LatchSeen::Taken
                }
            }),
            Effect::DropLatch => {
                inner.latch = inner.latch.filter(|latch| *latch != (me, self.number));
                Seen::Done
            }
            Effect::ReadRecord => Seen::Record(inner.record.clone().map_or(Content::Absent, Content::Record)),
            Effect::TryResidency => {
                let holder = *inner.residency.get_or_insert(me);
                Seen::Residency(if holder == me { LockSeen::Taken(FILE) } else { LockSeen::Held(FILE) })
            }
            Effect::DropResidency => {
                inner.drop_residency(me);
                Seen::Done
            }
            Effect::ReadEpochs => Seen::Epochs(inner.epochs),
            Effect::ClaimEpoch(epoch) if inner.epochs < Some(*epoch) => {
                inner.epochs = Some(*epoch);
                Seen::Claim(ClaimSeen::Granted)
            }
            Effect::ClaimEpoch(_) => Seen::Claim(ClaimSeen::Refused),
            Effect::ReplaceRecord(record) => {
                if 0 < inner.failures {
                    inner.failures -= 1;
                    return failed(effect, "it is said to be full");
                }
                inner.record = Some(record.clone());
                Seen::Done
            }
            Effect::RemoveRecord => {
                inner.record = None;
                Seen::Done
            }
            Effect::InspectProcess(process) | Effect::KillProcess(process) => {
                let lives = inner.processes.contains(&process.pid);
                Seen::Process(if lives { ProcessSeen::Alive } else { ProcessSeen::Gone })
            }
            Effect::Quiesce | Effect::Flush | Effect::Free | Effect::StopKeeper => Seen::Done,
        }
    }
}

impl Store for Memory {
    fn perform(&mut self, effect: &Effect) -> Observation {
        let inner = &mut *self.process.world.inner();
        let what = if inner.processes.contains(&self.process.pid) {
            self.seen(inner, effect)
        } else {
            failed(effect, "the process has ended")
        };
        Observed { at: BootClock.now(), what }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut inner = self.process.world.inner();
        inner.latch = inner.latch.filter(|latch| *latch != (self.process.pid, self.number));
    }
}

fn failed(effect: &Effect, cause: &str) -> Seen {
    let (doing, path, cause) = (effect.name(), String::new(), cause.to_string());
    Seen::Failed(Failure { doing, path, cause, kind: FailureKind::Other })
}

fn config() -> Config {
    // Its name only: nothing is there.
    let nowhere = DataRoot::new("/nonexistent/data-root-in-memory");
    Config { ttl: Ttl::new(Duration::from_secs(1)).expect("it is in range"), ..Config::new(nowhere) }
}

/// Polls a condition that another thread brings about.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < BOUND, "never: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// A standby of `process`, and what tells that it follows `owner`.
fn standby(process: &Process, stop: &Stop) -> (thread::JoinHandle<Option<Owner>>, mpsc::Receiver<Epoch>) {
    let (sender, following) = mpsc::channel();
    let (place, stop) = (process.place(), stop.clone());
    let thread = thread::spawn(move || {
        let mut tell = |event: StandbyEvent<'_>| {
            if let StandbyEvent::Following(Why::Held(record)) = event {
                // The test may be over when the last ones come.
                let _ = sender.send(record.epoch);
            }
        };
        owner::stand_by_on(place, config(), &stop, &mut tell).expect("a store in memory can be waited on")
    });
    (thread, following)
}

/// An owner that is fenced and still has the residency lock.
fn fenced(world: &World) -> Owner {
    let owner = world.process().join().expect("nobody else owns it");
    world.inner().failures = usize::MAX;
    eventually("the owner is fenced", || owner.lost_err().is_some());
    world.inner().failures = 0;
    owner
}

/// Joins as `process` once the record of another has expired.
fn lead(process: &Process) -> Owner {
    let mut leader = None;
    eventually("the record has expired", || {
        leader = process.join().ok().filter(Owner::is_owner);
        leader.is_some()
    });
    leader.expect("one leads")
}

#[test]
fn one_owns_the_other_follows_and_a_release_leaves_nothing() {
    let world = World::default();
    let owner = world.process().join().unwrap();
    let follower = world.process().join().unwrap();
    assert!(owner.is_owner() && !follower.is_owner());
    assert_eq!(follower.instance_id(), owner.instance_id());
    assert!(owner.gate().unwrap().pass_resident().is_ok());
    assert_eq!(owner.release(&mut ()), Released::Released);
    assert_eq!(world.record(), None);
    let next = world.process().join().unwrap();
    assert_eq!(next.epoch(), Epoch::new(2));
    assert_eq!(next.release(&mut ()), Released::Released);
}

#[test]
fn l11_a_standby_takes_over_from_a_process_that_crashed() {
    let world = World::default();
    let first = world.process();
    let owner = first.join().unwrap();
    let stop = Stop::new().unwrap();
    let (standby, following) = standby(&world.process(), &stop);
    assert_eq!(following.recv_timeout(BOUND).ok(), Epoch::new(1));
    first.crash();
    let successor = standby.join().unwrap().expect("it was not asked to stop");
    assert_eq!(successor.epoch(), Epoch::new(2));
    assert!(successor.gate().unwrap().pass_resident().is_ok());
    // What is left of the first can't renew, and notices by its deadline (L5).
    eventually("the first is fenced", || owner.lost_err().is_some());
    assert_eq!(successor.release(&mut ()), Released::Released);
}

#[test]
fn l8_a_renewal_that_fails_once_costs_nothing() {
    let world = World::default();
    let owner = world.process().join().unwrap();
    world.inner().failures = 1;
    let first = world.record().unwrap().renewed_at;
    eventually("it is renewed after all", || first < world.record().unwrap().renewed_at);
    assert_eq!(world.inner().failures, 0);
    assert!(owner.gate().unwrap().pass().is_ok());
    assert_eq!(owner.lost_err(), None);
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn l7_the_lock_is_handed_to_the_leader() {
    let world = World::default();
    let first = fenced(&world);
    let second = lead(&world.process());
    let gate = second.gate().unwrap();
    assert!(matches!(gate.pass_resident(), Err(Closed::NotResident { .. })));
    assert_eq!(first.release(&mut ()), Released::Superseded);
    eventually("the second is resident", || gate.pass_resident().is_ok());
    eventually("the record says so", || {
        matches!(world.record(), Some(Record { residency: Residency::Held(FILE), .. }))
    });
    assert_eq!(second.release(&mut ()), Released::Released);
}

#[test]
fn l11_a_standby_notices_the_death_of_a_leader_that_it_saw_waiting() {
    let world = World::default();
    let first = fenced(&world);
    let leader = world.process();
    let second = lead(&leader);
    let stop = Stop::new().unwrap();
    let (standby, following) = standby(&world.process(), &stop);
    assert_eq!(following.recv_timeout(BOUND).ok(), Epoch::new(2));
    assert_eq!(first.release(&mut ()), Released::Superseded);
    let gate = second.gate().unwrap();
    eventually("the second is resident", || gate.pass_resident().is_ok());
    leader.crash();
    let successor = standby.join().unwrap().expect("it was not asked to stop");
    assert_eq!(successor.epoch(), Epoch::new(3));
    assert_eq!(successor.release(&mut ()), Released::Released);
}

#[test]
fn an_ownership_that_could_not_begin_is_not_renewed() {
    let world = World::default();
    let first = fenced(&world);
    world.inner().refuses_waits = true;
    let process = world.process();
    let mut error = None;
    eventually("the record has expired", || {
        error = process.join().err();
        error.is_some()
    });
    assert!(matches!(error, Some(JoinError::System { .. })), "{error:?}");
    drop(process);
    assert_eq!(first.release(&mut ()), Released::Superseded);
    // A keeper that went on would keep its renewals, and they their store.
    eventually("only the test knows of the world", || Arc::strong_count(&world.0) == 1);
}

#[test]
fn a_standby_that_is_asked_to_stop_leaves_no_lock_behind() {
    let world = World::default();
    let owner = world.process().join().unwrap();
    let stop = Stop::new().unwrap();
    let process = world.process();
    let (standby, following) = standby(&process, &stop);
    assert_eq!(following.recv_timeout(BOUND).ok(), Epoch::new(1));
    stop.ask();
    assert!(standby.join().unwrap().is_none());
    assert!(world.inner().waiting.is_empty());
    assert_eq!(owner.release(&mut ()), Released::Released);
    assert_eq!(process.residency_in_hand(), None);
}

#[test]
fn a_standby_that_can_not_wait_for_the_lock_looks_again() {
    let world = World::default();
    let owner = world.process().join().unwrap();
    world.inner().refuses_waits = true;
    let stop = Stop::new().unwrap();
    let (standby, following) = standby(&world.process(), &stop);
    assert_eq!(following.recv_timeout(BOUND).ok(), Epoch::new(1));
    assert_eq!(owner.release(&mut ()), Released::Released);
    let successor = standby.join().unwrap().expect("it was not asked to stop");
    assert_eq!(successor.epoch(), Epoch::new(2));
    assert_eq!(successor.release(&mut ()), Released::Released);
}

/// The only lock file of a world.
const FILE: FileId = FileId { device: 0, inode: 1 };

/// Longer than anything takes on a busy machine: whoever waits for it fails.
const BOUND: Duration = Duration::from_secs(30);
