//! All interleavings of the gate's users: keeper, worker and whoever fences.

use loom::sync::Arc;
use loom::thread;
use modeld_spec::ids::Epoch;
use modeld_spec::time::BootTime;

use super::gate::{Closed, Gate};
use crate::os::Clock;
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;
use crate::sync::{AtomicU64, Ordering};

/// A clock that a test moves by hand.
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// A gate that is open as long as the time, which is given along, is before 10.
pub(crate) fn gate(resident: bool) -> (Gate, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1));
    let clock = std::sync::Arc::new(HandClock(Arc::clone(&time)));
    let gate = Gate::new(Epoch::FIRST, BootTime::from_nanos(10), resident, None, clock);
    (gate, time)
}

fn shared_gate(resident: bool) -> (Arc<Gate>, Arc<AtomicU64>) {
    let (gate, time) = gate(resident);
    (Arc::new(gate), time)
}

#[test]
fn loom_l6_an_extension_never_opens_a_fenced_gate() {
    Exploration::complete(7).twin(Seed::FenceByStore, "left").twin(Seed::ExtendAnew, "left").of(|| {
        let (gate, _time) = shared_gate(true);
        let keeper = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || gate.extend(BootTime::from_nanos(20)))
        };
        gate.fence();
        keeper.join().unwrap();
        assert_eq!(gate.deadline(), None, "what is fenced was left");
        assert!(gate.pass().is_err());
    });
}

#[test]
fn loom_l6_a_late_extension_is_refused() {
    Exploration::complete(17).twin(Seed::ExtendLate, "opened again").of(|| {
        let (gate, time) = shared_gate(true);
        let clock = {
            let time = Arc::clone(&time);
            thread::spawn(move || time.store(10, Ordering::SeqCst))
        };
        let was_closed = gate.pass().is_err();
        let extended = gate.extend(BootTime::from_nanos(20));
        assert!(!was_closed || !extended, "opened again");
        clock.join().unwrap();
        // Whichever came first: the gate is open if and only if it said so.
        assert_eq!(gate.pass().is_ok(), extended);
    });
}

#[test]
fn loom_l5_nothing_passes_after_a_fence_was_seen() {
    Exploration::complete(1_631)
        .twin(Seed::FenceByStore, "after the fence")
        .twin(Seed::ExtendAnew, "after the fence")
        .of(|| {
            let (gate, _time) = shared_gate(true);
            let fenced = Arc::new(AtomicU64::new(0));
            let fencer = {
                let (gate, fenced) = (Arc::clone(&gate), Arc::clone(&fenced));
                thread::spawn(move || {
                    gate.fence();
                    fenced.store(1, Ordering::Release);
                })
            };
            let keeper = {
                let gate = Arc::clone(&gate);
                thread::spawn(move || gate.extend(BootTime::from_nanos(20)))
            };
            let seen = fenced.load(Ordering::Acquire) == 1;
            let passed = gate.pass().is_ok();
            assert!(!(seen && passed), "an effect began after the fence was known");
            fencer.join().unwrap();
            keeper.join().unwrap();
        });
}

#[test]
fn loom_l1_residency_shows_what_was_freed_before() {
    Exploration::complete(6).twin(Seed::ResidencyRelaxed, "freed").of(|| {
        let (gate, _time) = shared_gate(false);
        let freed = Arc::new(AtomicU64::new(0));
        let keeper = {
            let (gate, freed) = (Arc::clone(&gate), Arc::clone(&freed));
            thread::spawn(move || {
                freed.store(1, Ordering::Relaxed);
                gate.set_resident();
            })
        };
        match gate.pass_resident() {
            Ok(_) => assert_eq!(freed.load(Ordering::Relaxed), 1, "resident before it was freed"),
            Err(closed) => assert!(matches!(closed, Closed::NotResident { .. })),
        }
        keeper.join().unwrap();
    });
}

#[test]
fn loom_two_extensions_and_a_worker() {
    Exploration::complete(45).twin(Seed::ExtendAnew, "while it was held").of(|| {
        let (gate, _time) = shared_gate(true);
        let keeper = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                assert!(gate.extend(BootTime::from_nanos(20)));
                assert!(gate.extend(BootTime::from_nanos(15)), "an older deadline changes nothing");
            })
        };
        let worker = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || assert!(gate.pass().is_ok(), "closed while it was held"))
        };
        keeper.join().unwrap();
        worker.join().unwrap();
        assert_eq!(gate.deadline(), Some(BootTime::from_nanos(20)));
    });
}
