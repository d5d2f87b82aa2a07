//! A durable effect, one effect at a time, on the modelled store, and what is seen of the lease under the latch.
//!
//! Decides nothing. Where a mutant falsifies what is seen, it says so.

use modeld_spec::fence::commit::{Cause, Effect, Outcome, Refusal, Said, Seen};
use modeld_spec::lease::effect::LatchSeen;
use modeld_spec::step::{Machine, Step};

use super::Fence;
use super::actions::Fate;
use super::mutants::Mutant;
use super::releases::Answer;
use super::state::{Broken, Durable, State, Thread, epoch, ownership};
use super::step::unlatch;
use crate::coverage::mark;

impl Fence {
    /// The durable effect of a process performs its next effect.
    pub(super) fn write(&self, state: &mut State, slot: u8, fate: Fate) {
        let Some(mut durable) = state.process(slot).durable else { return };
        let seen = match fate {
            Fate::Done | Fate::Busy => self.perform(state, slot, &mut durable, fate),
            Fate::Fails => {
                state.left.failures -= 1;
                durable.left |= durable.effect == Effect::Discard;
                self.failed(slot, state, &durable)
            }
            Fate::FailsYetLands => {
                state.left.failures -= 1;
                durable.torn |= durable.effect == Effect::Prepare;
                self.perform(state, slot, &mut durable, fate);
                self.failed(slot, state, &durable)
            }
        };
        match durable.commit.step(seen) {
            Step::Do(effect, commit) => {
                state.process_mut(slot).durable = Some(Durable { effect, commit, ..durable });
            }
            Step::Done(outcome) => self.written(state, slot, &durable, outcome),
        }
    }

    fn perform(&self, state: &mut State, slot: u8, durable: &mut Durable, fate: Fate) -> Seen<u8, ()> {
        let place = usize::from(slot);
        let ours = state.process(slot).epoch;
        match durable.effect {
            Effect::Prepare => {
                durable.early = (is_ours(state, slot), state.highest);
                state.store.prepared[place] = ours;
                Seen::Done
            }
            Effect::TakeLatch if fate == Fate::Busy => match self.mutant {
                Some(Mutant::BusyLatchIsTaken) => Seen::Latch(LatchSeen::Taken),
                _ => Seen::Latch(LatchSeen::Busy),
            },
            Effect::TakeLatch => {
                state.latch = Some((slot, Thread::Writer));
                Seen::Latch(LatchSeen::Taken)
            }
            Effect::ReadRecord => Seen::Record(self.record(state, slot, durable)),
            Effect::ReadEpochs => {
                let highest = self.highest(state, slot, durable);
                Seen::Epochs((0 < highest).then(|| epoch(highest)))
            }
            // What was swept can't land; the lease was not ours any more.
            Effect::Land if state.store.prepared[place] != ours => self.failed(slot, state, durable),
            Effect::Land => {
                self.watch_landing(state, slot);
                if state.process(slot).ordinal < state.grants {
                    state.broke(Broken::STALE_LANDED);
                }
                if durable.torn {
                    state.broke(Broken::TORN);
                }
                state.store.prepared[place] = 0;
                state.store.place = durable.write;
                durable.landed = true;
                Seen::Done
            }
            Effect::Sync => {
                if self.mutant != Some(Mutant::DoneBeforeSync) {
                    state.store.synced = state.store.place;
                }
                Seen::Done
            }
            Effect::DropLatch => {
                unlatch(state, slot, Thread::Writer);
                Seen::Done
            }
            Effect::Discard => {
                if self.mutant != Some(Mutant::LeavesPrepared) {
                    state.store.prepared[place] = 0;
                }
                Seen::Done
            }
        }
    }

    /// What the lease file says, under the latch.
    fn record(&self, state: &State, slot: u8, durable: &Durable) -> Said<u8> {
        let ours = Said::Owner(ownership(slot, state.process(slot).epoch));
        match self.mutant {
            _ if self.fence_off => ours,
            Some(Mutant::LandsUnchecked | Mutant::IgnoresRecord) => ours,
            Some(Mutant::ComparesBeforeLatch) if durable.early.0 => ours,
            _ => match state.record {
                None => Said::Nobody,
                Some(record) => Said::Owner(ownership(record.slot, record.epoch)),
            },
        }
    }

    /// The highest epoch ever granted, under the latch.
    fn highest(&self, state: &State, slot: u8, durable: &Durable) -> u8 {
        match self.mutant {
            _ if self.fence_off => state.process(slot).epoch,
            Some(Mutant::LandsUnchecked | Mutant::IgnoresEpochs) => state.process(slot).epoch,
            Some(Mutant::ComparesBeforeLatch) => durable.early.1,
            _ => state.highest,
        }
    }

    /// What is seen of an effect that failed.
    fn failed(&self, slot: u8, state: &State, durable: &Durable) -> Seen<u8, ()> {
        let ours = state.process(slot).epoch;
        match (self.mutant, durable.effect) {
            (Some(Mutant::ReadErrorIsOurs), Effect::ReadRecord) => {
                Seen::Record(Said::Owner(ownership(slot, ours)))
            }
            (Some(Mutant::ReadErrorIsOurs), Effect::ReadEpochs) => Seen::Epochs(Some(epoch(ours))),
            (Some(Mutant::UnknownIsDone), Effect::Land | Effect::Sync) => Seen::Done,
            (Some(Mutant::PrepareErrorGoesOn), Effect::Prepare) => Seen::Done,
            (Some(Mutant::LatchErrorIsTaken), Effect::TakeLatch) => Seen::Latch(LatchSeen::Taken),
            _ => Seen::Failed(()),
        }
    }

    /// F3, F4: what a durable effect reports, against what happened.
    fn written(&self, state: &mut State, slot: u8, durable: &Durable, outcome: Outcome<()>) {
        let outcome = match outcome {
            Outcome::Unknown(()) if self.mutant == Some(Mutant::UnknownIsNotDone) => {
                Outcome::NotDone(Cause::Failed(()))
            }
            outcome => outcome,
        };
        mark(match outcome {
            Outcome::Committed => "fence: a write is committed",
            Outcome::Refused(Refusal::Superseded { by }) => match state.record {
                Some(record) if epoch(record.epoch) == by => {
                    "fence: a write is refused, a later epoch in the record"
                }
                _ => "fence: a write is refused, a later epoch was granted",
            },
            Outcome::Refused(Refusal::Unproven) => "fence: a write is refused, unproven",
            Outcome::NotDone(Cause::LatchBusy) => "fence: a write is not done, latch busy",
            Outcome::NotDone(Cause::Failed(())) => "fence: a write is not done, failed",
            Outcome::Unknown(()) => "fence: a write is unknown",
            Outcome::Breach(_) => "fence: a write broke the contract",
        });
        let told = match outcome {
            Outcome::Committed => {
                state.store.reported = durable.write;
                durable.landed
            }
            Outcome::Refused(_) | Outcome::NotDone(_) => !durable.landed,
            Outcome::Unknown(()) => true,
            Outcome::Breach(_) => {
                state.broke(Broken::CONTRACT);
                true
            }
        };
        if !told {
            state.broke(Broken::MISREPORTED);
        }
        if state.store.prepared[usize::from(slot)] != 0 && !durable.left {
            state.broke(Broken::LEFT_PREPARED);
        }
        let process = state.process_mut(slot);
        process.durable = None;
        if durable.flush {
            let answer = if outcome == Outcome::Committed { Answer::Done } else { Answer::Failed };
            self.released(state, slot, answer);
        } else {
            self.leave(process);
        }
    }
}

fn is_ours(state: &State, slot: u8) -> bool {
    let ours = state.process(slot).epoch;
    state.record.is_some_and(|record| (record.slot, record.epoch) == (slot, ours))
}
