//! Releasing on real files: performs the release machine, with the owner's own effects beside the store's.

use modeld_spec::lease::effect::{Effect, Failure, FailureKind, Observation, Seen};
use modeld_spec::lease::keeper;
use modeld_spec::lease::release::{Ending, Outcome, Release};
use modeld_spec::step::Breach;
use modeld_spec::time::Observed;

use super::Owning;
use super::witness::Actor;
use crate::lease::store::{Store, drive};

/// What has to end before an ownership can: models, sessions, whatever lives under the residency lock.
///
/// Each call blocks until it is done, within a bound of the implementation's own.
pub trait ResidentState {
    /// Takes no new work and ends what runs.
    ///
    /// # Errors
    /// What could not be ended, in words; freeing goes on all the same.
    fn quiesce(&mut self) -> Result<(), String>;

    /// Writes what must outlive the owner. Not called when the owner is fenced.
    ///
    /// # Errors
    /// What could not be written, in words.
    fn flush(&mut self) -> Result<(), String>;

    /// Gives all memory back.
    ///
    /// # Errors
    /// What could not be freed, in words; the residency lock is then kept until the process ends.
    fn free(&mut self) -> Result<(), String>;
}

/// Nothing is resident.
impl ResidentState for () {
    fn quiesce(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn free(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// How a release ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// Nothing of the ownership is left.
    Released,
    /// Another owner has the lease: its record was left alone, and nothing else of ours is left.
    Superseded,
    /// Memory and lock are free; the record may still be there, and hinders nobody.
    RecordLeft(Option<Failure>),
    /// The memory could not be freed: the residency lock is kept until the process ends.
    MemoryHeld(Failure),
    /// A defect of modeld; the residency lock is kept until the process ends.
    Breach(Breach),
    /// There was nothing to release: this was a follower.
    Nothing,
}

pub(super) fn release(mut owning: Owning, resident: &mut dyn ResidentState) -> Released {
    // A lock that comes from here on would come for nobody.
    owning.backing.stop_waiting();
    let ending = if owning.lost.borrow().is_some() { Ending::Fenced } else { Ending::Handover };
    let step = Release::start(owning.owned.clone(), ending);
    let outcome = drive(step, &mut Releasing { owning: &mut owning, resident });
    match outcome {
        Outcome::Released => Released::Released,
        Outcome::Superseded => Released::Superseded,
        Outcome::RecordLeft(failure) => Released::RecordLeft(failure),
        Outcome::MemoryHeld(failure) => {
            owning.backing.keep_residency_for_good();
            Released::MemoryHeld(failure)
        }
        Outcome::Breach(breach) => {
            stop_keeper(&mut owning);
            owning.backing.keep_residency_for_good();
            Released::Breach(breach)
        }
    }
}

struct Releasing<'a> {
    owning: &'a mut Owning,
    resident: &'a mut dyn ResidentState,
}

impl Store for Releasing<'_> {
    fn perform(&mut self, effect: &Effect) -> Observation {
        let own = matches!(effect, Effect::Quiesce | Effect::Flush | Effect::Free | Effect::StopKeeper);
        if own {
            self.owning.witness.before(Actor::Release, effect.name());
        }
        let answer = match effect {
            Effect::Quiesce => self.resident.quiesce(),
            Effect::Flush => self.resident.flush(),
            Effect::Free => self.resident.free(),
            Effect::StopKeeper => {
                stop_keeper(self.owning);
                Ok(())
            }
            _ => return self.owning.store.perform(effect),
        };
        let what = match answer {
            Ok(()) => Seen::Done,
            Err(cause) => Seen::Failed(Failure {
                doing: effect.name(),
                path: String::new(),
                cause,
                kind: FailureKind::Other,
            }),
        };
        Observed { at: self.owning.clock.now(), what }
    }
}

fn stop_keeper(owning: &mut Owning) {
    // First: an effect that begins while the keeper ends would be one after the handover.
    owning.gate.fence();
    let ended = owning.keeping.stop();
    // The keeper knows the record as it was last written; identity and epoch are the same in each.
    if let Some(keeper::Outcome::Lost { owned, .. } | keeper::Outcome::Stopped { owned }) = ended {
        owning.owned = owned;
    }
}
