//! The gate: what every owned effect must pass.
//!
//! A permit can only be had from [`Gate::pass`], which compares the boot clock with the deadline of the lease;
//! whatever an owned effect calls for takes a permit, so an effect that skips the gate does not compile.
//!
//! Shared fields, and who may touch them:
//! 1. `word` is moved on by the keeper alone (`extend`); the keeper, a release and the end of the owner
//!    close it (`fence`). It never leaves `FENCED` (L6).
//! 2. `resident` goes from false to true once, by the keeper, after the residency lock was taken and the record
//!    says so (L16). Until then nothing passes.
//!
//! It does not wait for effects that have begun; the handover does (L9).

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use modeld_spec::error::Error;
use modeld_spec::ids::{Epoch, ProcessId};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::time::BootTime;

use crate::os::Clock;
use crate::sync::{AtomicBool, AtomicU64, Ordering, seeded};

/// Lets owned effects begin while the lease is provably held.
pub struct Gate {
    epoch: Epoch,
    word: AtomicU64,
    resident: AtomicBool,
    holder: Option<ProcessId>,
    clock: Arc<dyn Clock>,
}

/// Proof that an owned effect may begin: the lease was held at the instant of [`Gate::pass`].
///
/// Use it at once; it is not `Send`, so that it can't be kept for another thread to act on later.
#[must_use]
pub struct OwnedPermit<'gate> {
    epoch: Epoch,
    here: PhantomData<(&'gate Gate, *const ())>,
}

/// Proof that an effect on resident state may begin: the lease was held, and so was the residency lock.
#[must_use]
pub struct ResidentPermit<'gate>(OwnedPermit<'gate>);

/// Why the gate let nothing pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The deadline has passed or the lease is lost; final for this epoch.
    #[error("epoch {0} is fenced")]
    Fenced(Epoch),
    /// The lease is held and another process still has the residency lock (L7).
    #[error("epoch {epoch} waits for the residency lock")]
    NotResident {
        /// The epoch.
        epoch: Epoch,
        /// The process that has the lock, if known.
        holder: Option<ProcessId>,
    },
}

impl From<Closed> for Error {
    fn from(closed: Closed) -> Error {
        match closed {
            Closed::Fenced(epoch) => Error::Fenced { epoch },
            Closed::NotResident { holder, .. } => Error::DeviceBusy { holder },
        }
    }
}

impl Gate {
    /// A gate open until `deadline`. A leader is not `resident` yet; `holder` is who has the lock, if known.
    pub(crate) fn new(
        epoch: Epoch,
        deadline: BootTime,
        resident: bool,
        holder: Option<ProcessId>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Gate {
            epoch,
            word: AtomicU64::new(GateWord::open_until(deadline).bits()),
            resident: AtomicBool::new(resident),
            holder,
            clock,
        }
    }

    /// The epoch that this gate guards.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Lets one owned effect begin.
    ///
    /// # Errors
    /// [`Closed::Fenced`] once the deadline has passed or the lease is lost, and [`Closed::NotResident`] while
    /// another process holds the residency lock (L16).
    #[inline]
    pub fn pass(&self) -> Result<OwnedPermit<'_>, Closed> {
        // Acquire pairs with the Release of `fence`: whoever is let through after a fence was seen by nobody.
        let word = GateWord::from_bits(self.word.load(Ordering::Acquire));
        if !word.admits(self.clock.now()) {
            return Err(Closed::Fenced(self.epoch));
        }
        // Acquire pairs with the Release of `set_resident`: what the previous owner freed is seen as free.
        if self.resident.load(Ordering::Acquire) {
            Ok(OwnedPermit { epoch: self.epoch, here: PhantomData })
        } else {
            Err(Closed::NotResident { epoch: self.epoch, holder: self.holder })
        }
    }

    /// Lets one effect on resident state begin.
    ///
    /// # Errors
    /// As [`Gate::pass`].
    #[inline]
    pub fn pass_resident(&self) -> Result<ResidentPermit<'_>, Closed> {
        self.pass().map(ResidentPermit)
    }

    /// The instant after which nothing passes; `None` once fenced.
    pub fn deadline(&self) -> Option<BootTime> {
        GateWord::from_bits(self.word.load(Ordering::Acquire)).deadline()
    }

    /// Whether the residency lock is held.
    pub fn is_resident(&self) -> bool {
        self.resident.load(Ordering::Acquire)
    }

    /// Moves the deadline after a renewal. `false` if the gate was fenced or the old deadline had passed: the
    /// renewal came too late and the epoch has ended (L6).
    pub(crate) fn extend(&self, deadline: BootTime) -> bool {
        let now = seeded!(ExtendLate, self.clock.now(), BootTime::from_nanos(0));
        let mut bits = self.word.load(Ordering::Acquire);
        loop {
            let word = GateWord::from_bits(bits);
            let Some(later) = word.extended(deadline, now) else { return word.admits(now) };
            // AcqRel: a fence that came first is seen and kept; one that comes later sees this deadline.
            let exchanged = seeded!(
                ExtendAnew,
                self.word.compare_exchange_weak(bits, later.bits(), Ordering::AcqRel, Ordering::Acquire),
                {
                    self.fence();
                    self.word.store(later.bits(), Ordering::Release);
                    Ok(bits)
                }
            );
            match exchanged {
                Ok(_) => return true,
                Err(current) => bits = current,
            }
        }
    }

    /// Closes the gate for good.
    pub(crate) fn fence(&self) {
        // A swap and not a store: loom lets a plain store and the exchange of `extend` land in either order.
        // Release pairs with the Acquire of `pass`, Acquire with the exchange of `extend`.
        seeded!(
            FenceByStore,
            {
                self.word.swap(GateWord::FENCED.bits(), Ordering::AcqRel);
            },
            self.word.store(GateWord::FENCED.bits(), Ordering::Release)
        );
    }

    /// Notes that the residency lock was taken.
    pub(crate) fn set_resident(&self) {
        self.resident.store(true, seeded!(ResidencyRelaxed, Ordering::Release, Ordering::Relaxed));
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("epoch", &self.epoch)
            .field("deadline", &self.deadline())
            .field("resident", &self.is_resident())
            .finish()
    }
}

impl OwnedPermit<'_> {
    /// The epoch in which the effect happens: what it produces carries this number.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl ResidentPermit<'_> {
    /// The epoch in which the effect happens: what it produces carries this number.
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }
}
