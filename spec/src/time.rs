//! Time as the machines see it: instants of the boot clock, and the lengths that the lease is made of.
//!
//! `spec/` never asks the time. Every observation carries the instant at which it was made ([`Observed`]).

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant of the boot clock: nanoseconds since the machine booted, suspend included.
///
/// All processes of one boot share this clock (unless they live in different time namespaces), it never
/// goes back, and it says nothing across a reboot. Comparable only within one [`ClockDomain`].
///
/// [`ClockDomain`]: crate::ids::ClockDomain
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootTime(u64);

impl BootTime {
    /// The instant of booting.
    pub const ZERO: BootTime = BootTime(0);

    /// The instant `nanos` nanoseconds after boot.
    pub const fn from_nanos(nanos: u64) -> Self {
        BootTime(nanos)
    }

    /// Nanoseconds since boot.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant `length` later, or the last representable one.
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        BootTime(self.0.saturating_add(nanos(length)))
    }

    /// How long after `earlier` this instant is; zero if it is not after it.
    pub fn since(self, earlier: BootTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for BootTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boot+{}.{:03}s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1_000)
    }
}

/// What was seen, and when.
///
/// `at` is taken after the observation was made, so that whatever it says was true no later than `at`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observed<T> {
    /// The boot-clock instant after the observation.
    pub at: BootTime,
    /// What was observed.
    pub what: T,
}

/// A value that holds instants, all of which can be moved.
///
/// The machines see differences of instants only: one whose instants are all moved by the same length does, at
/// instants moved as well, what it would have done, moved. So who explores them can let time pass by moving what
/// they hold towards the past while "now" stays where it is, and can take for one all instants that are equally
/// over. Nothing of the daemon needs this.
pub trait Instants {
    /// Shows each instant to `change`, with what it is for.
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime));
}

/// What an instant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Something is counted from it, at most a TTL. One that lies a TTL back is as good as one that lies further back.
    From,
    /// It is waited for, or ends something. Once it has come, it does not matter when it came.
    Until,
    /// It is written down for people: nothing is decided by it.
    Note,
}

impl<T: Instants> Instants for Option<T> {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Some(value) = self {
            value.instants(change);
        }
    }
}

impl<T: Instants> Instants for Observed<T> {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        change(Role::From, &mut self.at);
        self.what.instants(change);
    }
}

/// For how long a record is honoured after its last renewal.
///
/// Between [`Ttl::MIN`] and [`Ttl::MAX`]: a shorter one can't be renewed in time on a busy machine, a longer
/// one would let a corrupt record lock a data root up for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(Duration);

impl Ttl {
    /// The shortest time to live: 100 ms.
    pub const MIN: Ttl = Ttl(Duration::from_millis(100));
    /// The longest time to live: one hour.
    pub const MAX: Ttl = Ttl(Duration::from_secs(3600));
    /// The time to live where none is configured: 30 s, as in the seeds.
    pub const DEFAULT: Ttl = Ttl(Duration::from_secs(30));

    /// A time to live of `length`.
    ///
    /// # Errors
    /// [`TtlOutOfRange`] unless `Ttl::MIN <= length <= Ttl::MAX`.
    pub fn new(length: Duration) -> Result<Self, TtlOutOfRange> {
        if Ttl::MIN.0 <= length && length <= Ttl::MAX.0 {
            Ok(Ttl(length))
        } else {
            Err(TtlOutOfRange(length))
        }
    }

    /// The length.
    pub fn length(self) -> Duration {
        self.0
    }

    /// When a record renewed at `renewed_at` may be taken by others.
    pub fn expiry(self, renewed_at: BootTime) -> BootTime {
        renewed_at.after(self.0)
    }

    /// When an owner that renewed at `renewed_at` stops (L5): a quarter of the TTL before the expiry, so that
    /// an effect that began just before the deadline has ended when others may take the lease.
    pub fn deadline(self, renewed_at: BootTime) -> BootTime {
        renewed_at.after(self.0 - self.0 / 4)
    }

    /// How often an owner renews where nothing else is configured: every third of the TTL, which leaves a
    /// second try before the deadline.
    pub fn renew_interval(self) -> RenewInterval {
        RenewInterval(self.0 / 3)
    }

    /// How long an attempt or a renewal waits for the latch at most (L15): an eighth of the TTL, so that a renewal
    /// begun as late as [`RenewInterval`] allows, at half of the TTL, that waits in vain leaves time for another
    /// one before the deadline; and never longer than 2 s, because the latch is held for a few file operations.
    pub fn latch_wait(self) -> Duration {
        (self.0 / 8).min(Duration::from_secs(2))
    }
}

/// How often an owner renews: often enough for a second try before its deadline, seldom enough to do nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RenewInterval(Duration);

impl RenewInterval {
    /// The shortest interval: 10 ms.
    pub const MIN: RenewInterval = RenewInterval(Duration::from_millis(10));

    /// A renewal every `interval`, of a record with this TTL.
    ///
    /// # Errors
    /// [`RenewIntervalOutOfRange`] unless `RenewInterval::MIN <= interval`, and `interval` is at most half of the
    /// TTL: the deadline is at three quarters of it.
    pub fn new(interval: Duration, ttl: Ttl) -> Result<Self, RenewIntervalOutOfRange> {
        let most = ttl.0 / 2;
        if interval < RenewInterval::MIN.0 {
            Err(RenewIntervalOutOfRange::TooOften { interval })
        } else if most < interval {
            Err(RenewIntervalOutOfRange::TooSeldom { interval, most })
        } else {
            Ok(RenewInterval(interval))
        }
    }

    /// The length.
    pub fn length(self) -> Duration {
        self.0
    }
}

/// An interval at which no owner can renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewIntervalOutOfRange {
    /// Below [`RenewInterval::MIN`].
    #[error("a renewal every {interval:?} is too often: not below 10ms")]
    TooOften {
        /// The interval asked for.
        interval: Duration,
    },
    /// Above half of the TTL.
    #[error("a renewal every {interval:?} is too seldom: not above {most:?}, half of the TTL")]
    TooSeldom {
        /// The interval asked for.
        interval: Duration,
        /// The longest one.
        most: Duration,
    },
}

/// A time to live outside the allowed range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TTL of {0:?} is not between 100ms and 1h")]
pub struct TtlOutOfRange(pub Duration);

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
