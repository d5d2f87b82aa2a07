//! Holds every thread of the drivers back before each effect, until it is its turn.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model_check::models::lease::actions::Fate;

/// One life of a process: where a process is started again, another one begins.
pub(crate) type Life = usize;

/// A thread of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Main,
    Keeper,
    Renewal,
}

/// Where the threads stand. Clones are the same stage.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<House>);

#[derive(Default)]
struct House {
    seats: Mutex<Seats>,
    changed: Condvar,
}

type Seats = BTreeMap<(Life, Role), Seat>;

/// One thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seat {
    /// What it waits to be allowed.
    pub(crate) at: Option<&'static str>,
    /// How many alarms rang for it that nobody waited for.
    pub(crate) rung: usize,
    /// What it was allowed, until it goes on.
    allowed: Option<Fate>,
    /// Whether its process has ended: nothing holds it back any more, and nothing that it does counts.
    dead: bool,
    /// Whether what it does passes without asking.
    free: bool,
}

impl Stage {
    /// Waits, on a thread of `life`, to be allowed what it is about to do; `None` once its process has ended.
    pub(crate) fn ask(&self, life: Life, role: Role, what: &'static str) -> Option<Fate> {
        let mut seats = self.seats();
        let seat = seats.entry((life, role)).or_default();
        if seat.free && !seat.dead {
            return Some(Fate::Done);
        }
        seat.at = Some(what);
        self.0.changed.notify_all();
        loop {
            let seat = seats.entry((life, role)).or_default();
            if seat.dead {
                return None;
            }
            if let Some(fate) = seat.allowed.take() {
                return Some(fate);
            }
            seats = self.0.changed.wait(seats).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Allows a thread what it waits for.
    pub(crate) fn allow(&self, life: Life, role: Role, fate: Fate) {
        let mut seats = self.seats();
        let seat = seats.entry((life, role)).or_default();
        seat.at = None;
        seat.allowed = Some(fate);
        self.0.changed.notify_all();
    }

    /// From here on, or no longer: what this thread does passes without asking.
    pub(crate) fn set_free(&self, life: Life, role: Role, free: bool) {
        self.seats().entry((life, role)).or_default().free = free;
    }

    /// Notes that the alarm of a thread was rung.
    pub(crate) fn ring(&self, life: Life, role: Role) {
        self.seats().entry((life, role)).or_default().rung += 1;
        self.0.changed.notify_all();
    }

    /// Somebody may wait for what has just changed.
    pub(crate) fn tell(&self) {
        drop(self.seats());
        self.0.changed.notify_all();
    }

    /// The process has ended.
    pub(crate) fn end(&self, life: Life) {
        let mut seats = self.seats();
        for role in [Role::Main, Role::Keeper, Role::Renewal] {
            seats.entry((life, role)).or_default().dead = true;
        }
        self.0.changed.notify_all();
    }

    /// How a thread stands.
    pub(crate) fn seat(&self, life: Life, role: Role) -> Seat {
        self.seats().get(&(life, role)).cloned().unwrap_or_default()
    }

    /// Waits until `right`, which says what is wrong where it is not.
    pub(crate) fn settle(&self, right: impl Fn() -> Result<(), String>) -> Result<(), String> {
        let until = Instant::now() + BOUND;
        loop {
            // Taken first, so that no change falls between the look and the wait.
            let seats = self.seats();
            let generation = standing(&seats);
            drop(seats);
            let wrong = match right() {
                Ok(()) => return Ok(()),
                Err(wrong) => wrong,
            };
            if until <= Instant::now() {
                return Err(wrong);
            }
            let seats = self.seats();
            if standing(&seats) == generation {
                drop(self.0.changed.wait_timeout(seats, LOOK).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the threads wait for, as a value that changes when they do.
fn standing(seats: &Seats) -> Vec<(Option<&'static str>, usize)> {
    seats.values().map(|seat| (seat.at, seat.rung)).collect()
}

/// How long a thread may take to come to its next effect. Far longer than it ever does: on a busy machine too.
const BOUND: Duration = Duration::from_secs(20);
/// How soon it is looked again where nothing was told.
const LOOK: Duration = Duration::from_millis(1);
