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
    /// For whoever waits for a thread to come to its next effect.
    changed: Condvar,
}

#[derive(Default)]
struct Seats {
    by_thread: BTreeMap<(Life, Role), Taken>,
    /// Counts the changes.
    version: u64,
}

/// A seat, and the bell of its thread: of a million steps each wakes one thread and not all.
#[derive(Default)]
struct Taken {
    seat: Seat,
    bell: Arc<Condvar>,
}

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
        let Taken { seat, bell } = seats.of(life, role);
        if seat.free && !seat.dead {
            return Some(Fate::Done);
        }
        seat.at = Some(what);
        let bell = bell.clone();
        self.changed(&mut seats);
        loop {
            let Taken { seat, .. } = seats.of(life, role);
            if seat.dead {
                return None;
            }
            if let Some(fate) = seat.allowed.take() {
                return Some(fate);
            }
            seats = bell.wait(seats).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Allows a thread what it waits for.
    pub(crate) fn allow(&self, life: Life, role: Role, fate: Fate) {
        let mut seats = self.seats();
        let Taken { seat, bell } = seats.of(life, role);
        seat.at = None;
        seat.allowed = Some(fate);
        bell.notify_all();
        self.changed(&mut seats);
    }

    /// From here on, or no longer: what this thread does passes without asking.
    pub(crate) fn set_free(&self, life: Life, role: Role, free: bool) {
        self.seats().of(life, role).seat.free = free;
    }

    /// Notes that the alarm of a thread was rung.
    pub(crate) fn ring(&self, life: Life, role: Role) {
        let mut seats = self.seats();
        seats.of(life, role).seat.rung += 1;
        self.changed(&mut seats);
    }

    /// Somebody may wait for what has just changed.
    pub(crate) fn tell(&self) {
        self.changed(&mut self.seats());
    }

    /// The process has ended.
    pub(crate) fn end(&self, life: Life) {
        let mut seats = self.seats();
        for role in [Role::Main, Role::Keeper, Role::Renewal] {
            let Taken { seat, bell } = seats.of(life, role);
            seat.dead = true;
            bell.notify_all();
        }
        self.changed(&mut seats);
    }

    /// How a thread stands.
    pub(crate) fn seat(&self, life: Life, role: Role) -> Seat {
        self.seats().by_thread.get(&(life, role)).map(|taken| taken.seat.clone()).unwrap_or_default()
    }

    /// Waits until `right`, which says what is wrong where it is not.
    pub(crate) fn settle(&self, right: impl Fn() -> Result<(), String>) -> Result<(), String> {
        let until = Instant::now() + BOUND;
        loop {
            // Taken first, so that no change falls between the look and the wait.
            let version = self.seats().version;
            let wrong = match right() {
                Ok(()) => return Ok(()),
                Err(wrong) => wrong,
            };
            if until <= Instant::now() {
                return Err(wrong);
            }
            let seats = self.seats();
            if seats.version == version {
                drop(self.0.changed.wait_timeout(seats, LOOK).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    fn changed(&self, seats: &mut Seats) {
        seats.version += 1;
        self.0.changed.notify_all();
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    fn of(&mut self, life: Life, role: Role) -> &mut Taken {
        self.by_thread.entry((life, role)).or_default()
    }
}

/// How long a thread may take to come to its next effect. Far longer than it ever does: on a busy machine too.
const BOUND: Duration = Duration::from_secs(20);
/// How soon it is looked again where nothing was told.
const LOOK: Duration = Duration::from_millis(1);
