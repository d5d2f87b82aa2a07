//! Committing a durable owned effect: performs the commit machine on an owner's store.
//!
//! ```text
//!     prepare .. the disk's time .. | latch: compare, land, sync | told
//! ```
//!
//! What is written is written before the latch is taken (rule F2); under it are two small reads, and what the effect puts into
//! its place: a rename, and the sync of a directory. So a renewal, which needs the same latch, waits for no more than
//! that. The wait for the latch is bounded by the store (L15).
//!
//! Fails with [`CommitError`]. Decides nothing: the machine does.

use std::io;
use std::sync::Arc;

use modeld_spec::fence::commit::{Cause, Commit, Effect, Outcome, Ownership, Refusal, Seen};
use modeld_spec::ids::InstanceId;
use modeld_spec::lease::effect::{Effect as LeaseEffect, Failure, Seen as LeaseSeen};
use modeld_spec::step::{Breach, Machine, Step};

use super::gate::OwnedPermit;
use crate::lease::files::kind_of;
use crate::lease::store::{Backing, Store};

/// Commits the durable effects of one ownership, from any thread. Clones are the same one.
#[derive(Clone)]
pub struct Committer {
    ownership: Ownership<InstanceId>,
    backing: Arc<dyn Backing>,
}

/// A durable effect, in the pieces that the machine puts in order. Each is tried once.
pub trait Landing {
    /// Writes what is to land beside its place, and syncs it. Takes as long as it takes.
    ///
    /// # Errors
    /// What the system says; nothing has landed.
    fn prepare(&mut self) -> io::Result<()>;

    /// Puts what was prepared in its place, whole or not at all, and quickly: the latch is in hand.
    ///
    /// # Errors
    /// What the system says; whether it landed is not known.
    fn land(&mut self) -> io::Result<()>;

    /// Makes durable that it is in its place. The latch is still in hand.
    ///
    /// # Errors
    /// What the system says; whether it landed for good is not known.
    fn sync(&mut self) -> io::Result<()>;

    /// Removes what was prepared, if it is there. What is in its place stays there.
    fn discard(&mut self);

    /// What it is about, for the text of a failure.
    fn name(&self) -> String;
}

/// Why a durable effect is not known to be in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It did not land: the lease could not be shown to be ours (F2).
    #[error("it was not committed: {0}")]
    Refused(Refusal),
    /// It did not land: an effect before the landing failed, or the latch was busy for the whole of the bound.
    #[error("it was not committed: {0}")]
    NotDone(Cause),
    /// Whether it landed is not known (F3); whoever needs to know reads the place.
    #[error("nobody knows whether it was committed: {0}")]
    Unknown(Failure),
    /// A defect of modeld; whether it landed is not known.
    #[error(transparent)]
    Breach(#[from] Breach),
}

impl CommitError {
    /// The effect that failed, where one did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            CommitError::NotDone(Cause::Failed(failure)) | CommitError::Unknown(failure) => Some(failure),
            CommitError::NotDone(Cause::LatchBusy) | CommitError::Refused(_) | CommitError::Breach(_) => None,
        }
    }
}

impl Committer {
    /// A committer for `ownership`, whose lease is in `backing`.
    pub(crate) fn new(ownership: Ownership<InstanceId>, backing: Arc<dyn Backing>) -> Self {
        Committer { ownership, backing }
    }

    /// The ownership whose effects it commits.
    pub fn ownership(&self) -> &Ownership<InstanceId> {
        &self.ownership
    }

    /// Performs a durable effect. F1: it begins under `_permit`, and may land long after it: what counts is the comparison
    /// under the latch.
    ///
    /// Blocks: for as long as `landing` takes, and for the latch within the store's bound.
    ///
    /// # Errors
    /// [`CommitError`]; but for [`CommitError::Unknown`] and [`CommitError::Breach`], nothing has landed.
    pub fn commit(&self, _permit: &OwnedPermit<'_>, landing: &mut dyn Landing) -> Result<(), CommitError> {
        let mut store = self.backing.store();
        let mut step = Commit::start(self.ownership.clone());
        let outcome = loop {
            step = match step {
                Step::Do(effect, machine) => machine.step(perform(effect, &mut *store, landing)),
                Step::Done(outcome) => break outcome,
            }
        };
        match outcome {
            Outcome::Committed => Ok(()),
            Outcome::Refused(refusal) => Err(CommitError::Refused(refusal)),
            Outcome::NotDone(cause) => Err(CommitError::NotDone(cause)),
            Outcome::Unknown(failure) => Err(CommitError::Unknown(failure)),
            Outcome::Breach(breach) => Err(CommitError::Breach(breach)),
        }
    }
}

fn perform(effect: Effect, store: &mut dyn Store, landing: &mut dyn Landing) -> Seen<InstanceId> {
    let done = match effect {
        Effect::Prepare => landing.prepare(),
        Effect::Land => landing.land(),
        Effect::Sync => landing.sync(),
        Effect::Discard => {
            landing.discard();
            Ok(())
        }
        Effect::TakeLatch => return translated(store, &LeaseEffect::TakeLatch),
        Effect::ReadRecord => return translated(store, &LeaseEffect::ReadRecord),
        Effect::ReadEpochs => return translated(store, &LeaseEffect::ReadEpochs),
        Effect::DropLatch => return translated(store, &LeaseEffect::DropLatch),
    };
    match done {
        Ok(()) => Seen::Done,
        Err(error) => Seen::Failed(Failure {
            doing: effect.name(),
            path: landing.name(),
            cause: error.to_string(),
            kind: kind_of(&error),
        }),
    }
}

/// What the lease's store says, in the words of a commit.
fn translated(store: &mut dyn Store, effect: &LeaseEffect) -> Seen<InstanceId> {
    match store.perform(effect).what {
        LeaseSeen::Latch(seen) => Seen::Latch(seen),
        LeaseSeen::Record(content) => Seen::Record(content.into()),
        LeaseSeen::Epochs(highest) => Seen::Epochs(highest),
        LeaseSeen::Failed(failure) => Seen::Failed(failure),
        // An answer to something else than was asked is a breach, which the machine finds.
        LeaseSeen::Done | LeaseSeen::Residency(_) | LeaseSeen::Claim(_) | LeaseSeen::Process(_) => Seen::Done,
    }
}
