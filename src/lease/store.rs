//! The seam between the lease machines and what performs their effects, and the one loop that joins them.
//!
//! [`Store`] performs effects; [`Backing`] is all that one claimant has of a kind of store: stores for its attempts and
//! renewals, and the residency lock that they share. [`FileStore`](super::files::FileStore) is both, on files.

use std::io;

use modeld_spec::ids::FileId;
use modeld_spec::lease::effect::{Effect, Observation};
use modeld_spec::step::{Machine, Step};

/// Performs lease effects, each one atomic: on files, on simulated files, or over a network.
pub trait Store {
    /// Performs one effect and says what was seen. Never panics and never decides; whatever goes wrong is
    /// [`Seen::Failed`](modeld_spec::lease::effect::Seen::Failed).
    fn perform(&mut self, effect: &Effect) -> Observation;
}

/// What one claimant has of a store: any number of stores that share its residency lock, which is dropped with
/// the last of them.
pub trait Backing: Send + Sync {
    /// A store for one thread of the claimant. Each has a latch of its own, which is dropped with it.
    fn store(&self) -> Box<dyn Store + Send>;

    /// Begins to wait for the residency lock beside whatever the claimant does (L11), in place of a wait that was
    /// begun before. When the lock is in hand, the wait is over and `taken` is called, on any thread; at once if
    /// it is in hand already. An attempt meanwhile must find a lock that this claimant has just got in hand.
    ///
    /// # Errors
    /// What the system says when nothing can be waited for.
    fn await_residency(&self, on: WaitOn, taken: Taken) -> io::Result<()>;

    /// Ends the wait: a lock that comes for it is dropped at once. One that is in hand stays.
    fn stop_waiting(&self);

    /// The file of the residency lock if it is in hand at this moment.
    fn residency_in_hand(&self) -> Option<FileId>;

    /// Lets the residency lock, if it is in hand, live until the process ends: nobody can say that the memory is
    /// back (L1).
    fn keep_residency_for_good(&self);
}

/// Which lock file is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitOn {
    /// Whatever file has the name of the residency lock when the lock comes; for a standby.
    Name,
    /// The very file that the last attempt found held, whatever has its name since; for a leader (L14).
    FoundHeld,
}

/// Told that the residency lock is in hand, on this file. Must not block.
pub type Taken = Box<dyn FnOnce(FileId) + Send>;

/// Runs a machine to its end.
pub fn drive<M>(mut step: Step<M>, store: &mut dyn Store) -> M::Outcome
where
    M: Machine<Effect = Effect, Observed = Observation>,
{
    loop {
        step = match step {
            Step::Do(effect, machine) => machine.step(store.perform(&effect)),
            Step::Done(outcome) => return outcome,
        }
    }
}
