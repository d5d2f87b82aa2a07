//! What an action does to the state: succession, the beginning and landing of effects, the end of an ownership, faults.
//!
//! Machines are stepped with what is seen, and their outcomes passed on. What each step means for the rules is watched
//! here, against what the world knows and no process does.

use modeld_spec::fence::commit::Commit;
use modeld_spec::fence::drain::{self, Drain};
use modeld_spec::fence::permits::PermitWord;
use modeld_spec::lease::effect::Effect;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::release::Ending;
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::Observed;

use super::Fence;
use super::actions::{Action, Fate};
use super::mutants::Mutant;
use super::releases::{self, Answer, Next};
use super::state::{Broken, Durable, Life, Native, Process, Record, SLOTS, State, Thread, Work, ownership};
use crate::coverage::mark;
use crate::models::lease::names;

impl Fence {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Tick => state.tick += 1,
            Action::Grant(slot) => self.grant(state, slot),
            Action::Own(slot) => self.own(state, slot),
            Action::TakeLock(slot) => take_lock(state, slot),
            Action::Renew(slot) => {
                state.left.renewals -= 1;
                state.latch = Some((slot, Thread::Renewal));
                state.process_mut(slot).renewing = Some(state.tick);
            }
            Action::Renewed(slot) => self.renewed(state, slot),
            Action::Extend(slot) => self.extend(state, slot),
            Action::Lost(slot) => {
                state.process_mut(slot).gate = GateWord::FENCED;
                self.end(state, slot);
            }
            Action::End(slot) => {
                let late = !state.process(slot).gate.admits(state.now());
                if !late {
                    state.left.handovers -= 1;
                }
                self.end(state, slot);
            }
            Action::Release(slot, _, fate) => self.release(state, slot, fate),
            Action::Drain(slot) => self.drain(state, slot),
            Action::Begin(slot, work) => self.begin(state, slot, work),
            Action::Land(slot) => self.land(state, slot),
            Action::Write(slot, _, fate) => self.write(state, slot, fate),
            Action::Lookup(client) => self.lookup(state, client),
            Action::Open(client, slot) => self.open(state, client, slot),
            Action::Ask(client, slot) => self.ask(state, client, slot),
            Action::Receive(client, slot) => self.receive(state, client, slot),
            Action::Lose(client) => self.lose(state, client),
            Action::Rejoin(slot) => {
                state.left.rejoins -= 1;
                let sessions = state.process(slot).sessions;
                *state.process_mut(slot) = Process { life: Life::Standby, sessions, ..Process::NONE };
            }
            Action::Crash(slot) => {
                state.left.crashes -= 1;
                die(state, slot);
            }
            Action::Pause(slot) => {
                state.left.pauses -= 1;
                state.process_mut(slot).paused = true;
            }
            Action::Resume(slot) => state.process_mut(slot).paused = false,
            Action::Stick(slot) => {
                state.left.stuck -= 1;
                if let Some(native) = &mut state.process_mut(slot).native {
                    native.stuck = true;
                }
            }
            Action::Suspend => {
                state.left.suspends -= 1;
                state.tick += 2;
                state.suspended += 2;
            }
            Action::RemoveFiles => remove_files(state),
            Action::PowerLoss => power_loss(state),
        }
    }

    fn grant(&self, state: &mut State, slot: u8) {
        let granted = state.highest.max(state.record.map_or(0, |record| record.epoch)) + 1;
        state.highest = granted;
        state.grants += 1;
        state.latch = Some((slot, Thread::Main));
        let leads = state.residency.is_some();
        if !leads {
            state.residency = Some(slot);
        }
        let (tick, ordinal) = (state.tick, state.grants);
        let process = state.process_mut(slot);
        process.life = Life::Granted;
        process.epoch = granted;
        process.ordinal = ordinal;
        process.leads = leads;
        // L4: before the write.
        process.proven = tick;
    }

    fn own(&self, state: &mut State, slot: u8) {
        let process = state.process_mut(slot);
        let (epoch, renewed, awaits) = (process.epoch, process.proven, process.leads);
        process.life = Life::Owning;
        process.gate = GateWord::open_until(self.gate_until(renewed));
        state.record = Some(Record { slot, epoch, renewed, awaits });
        state.latch = None;
    }

    /// L6: a record is renewed while the gate stands open, and not after.
    fn renewed(&self, state: &mut State, slot: u8) {
        unlatch(state, slot, Thread::Renewal);
        let now = state.now();
        let process = state.process_mut(slot);
        let Some(stamp) = process.renewing.take() else { return };
        if !process.gate.admits(now) {
            return mark("fence: a renewal is too late to write");
        }
        process.extending = Some(stamp);
        if let Some(record) = state.record.as_mut().filter(|record| record.slot == slot) {
            record.renewed = stamp;
        }
    }

    fn extend(&self, state: &mut State, slot: u8) {
        let now = state.now();
        let late = self.is_late(state, state.process(slot));
        let process = state.process_mut(slot);
        let Some(stamp) = process.extending.take() else { return };
        match process.gate.extended(self.gate_until(stamp), now) {
            Some(word) => {
                mark("fence: a renewal moves the gate");
                process.gate = word;
            }
            None => {
                mark("fence: a renewal comes too late for the gate");
                if self.mutant == Some(Mutant::LateRenewalReopens) {
                    process.gate = GateWord::open_until(self.gate_until(stamp));
                }
            }
        }
        if !late {
            process.proven = stamp;
        } else if process.gate.admits(now) && !self.gate_off {
            state.broke(Broken::REOPENED);
        }
    }

    fn end(&self, state: &mut State, slot: u8) {
        let now = state.now();
        let late = self.is_late(state, state.process(slot));
        let process = state.process_mut(slot);
        let ending = match self.mutant {
            Some(Mutant::FencedHandsOver) => Ending::Handover,
            _ => Ending::of(process.gate, now),
        };
        mark(match ending {
            Ending::Handover => "fence: an end is a handover",
            Ending::Fenced => "fence: an end is fenced",
        });
        if ending == Ending::Fenced {
            process.gate = GateWord::FENCED;
        }
        process.late = late;
        process.life = Life::Ending(releases::start(ending));
    }

    fn release(&self, state: &mut State, slot: u8, fate: Fate) {
        let Life::Ending(node) = state.process(slot).life else { return };
        let answer = match releases::effect(node) {
            Effect::Quiesce => return self.quiesce(state, slot),
            Effect::Flush => match self.flush(state, slot) {
                Some(answer) => answer,
                None => return,
            },
            Effect::Free if fate == Fate::Fails => {
                state.left.failures -= 1;
                match self.mutant {
                    Some(Mutant::FreeErrorIsFreed) => Answer::Done,
                    _ => Answer::Failed,
                }
            }
            Effect::Free => {
                if self.mutant != Some(Mutant::FreesAfterResidency) {
                    state.process_mut(slot).resident = false;
                }
                Answer::Done
            }
            Effect::StopKeeper => {
                let process = state.process_mut(slot);
                process.gate = GateWord::FENCED;
                process.extending = None;
                Answer::Done
            }
            Effect::TakeLatch if fate == Fate::Busy => Answer::Busy,
            Effect::TakeLatch => {
                state.latch = Some((slot, Thread::Main));
                Answer::Latched
            }
            Effect::ReadRecord => read_for_release(state, slot),
            Effect::RemoveRecord => {
                self.watch_giving_up(state, slot);
                state.record = None;
                Answer::Done
            }
            Effect::DropResidency => {
                self.watch_giving_up(state, slot);
                if state.residency == Some(slot) {
                    state.residency = None;
                }
                Answer::Done
            }
            Effect::DropLatch => {
                unlatch(state, slot, Thread::Main);
                Answer::Done
            }
            // No release wants more than these.
            _ => Answer::Failed,
        };
        self.released(state, slot, answer);
    }

    /// Steps the release of a process with what it was answered.
    pub(super) fn released(&self, state: &mut State, slot: u8, answer: Answer) {
        let Life::Ending(node) = state.process(slot).life else { return };
        let life = match releases::step(node, answer) {
            Next::At(node) => Life::Ending(node),
            Next::Ended => Life::Ended,
            Next::Breach => {
                state.broke(Broken::CONTRACT);
                Life::Ended
            }
        };
        state.process_mut(slot).life = life;
    }

    fn quiesce(&self, state: &mut State, slot: u8) {
        if self.mutant == Some(Mutant::ReleasesBeforeDrained) {
            let process = state.process_mut(slot);
            process.permits = process.permits.closed();
            return self.released(state, slot, Answer::Done);
        }
        let until = state.now().after(Drain::patience(self.ttl()));
        if let Step::Do(effect, drain) = Drain::start(until) {
            state.process_mut(slot).drain = Some((effect, drain));
        }
    }

    fn drain(&self, state: &mut State, slot: u8) {
        let at = state.now();
        let process = state.process_mut(slot);
        let Some((effect, drain)) = process.drain.take() else { return };
        match effect {
            drain::Effect::Close => process.permits = process.permits.closed(),
            drain::Effect::EndProcess if self.mutant == Some(Mutant::ReleasesAtBound) => {
                return self.released(state, slot, Answer::Done);
            }
            drain::Effect::EndProcess => {
                mark("fence: a drain ends the process");
                return die(state, slot);
            }
            drain::Effect::Await { .. } => {}
        }
        match drain.step(Observed { at, what: process.permits }) {
            Step::Do(effect, drain) => {
                mark("fence: a drain waits");
                process.drain = Some((effect, drain));
            }
            Step::Done(drain::Outcome::Drained) => {
                mark(match effect {
                    drain::Effect::Close => "fence: a drain ends at once",
                    _ => "fence: a drain ends after waiting",
                });
                self.released(state, slot, Answer::Done);
            }
            Step::Done(drain::Outcome::Breach(_)) => state.broke(Broken::CONTRACT),
        }
    }

    /// A flush begins as every owned effect does, but that its release has closed the permits to all others.
    fn flush(&self, state: &mut State, slot: u8) -> Option<Answer> {
        if state.process(slot).late {
            state.broke(Broken::LATE_FLUSH);
        }
        let here = self.here(state, slot, Some(Work::Write));
        if !here.gate.admits(here.now) && self.mutant != Some(Mutant::FlushSkipsGate) {
            mark("fence: a flush is refused by the gate");
            return Some(Answer::Failed);
        }
        mark("fence: a flush begins");
        self.watch_beginning(state, slot, Work::Write);
        self.prepare(state, slot, true);
        None
    }

    fn begin(&self, state: &mut State, slot: u8, work: Work) {
        self.watch_beginning(state, slot, work);
        let begun = state.tick;
        let process = state.process_mut(slot);
        process.permits = match process.permits.entered() {
            Some(word) => word,
            None => PermitWord::from_bits(process.permits.bits() + 1),
        };
        if let Work::Item(client) = work
            && process.sessions[usize::from(client)] != Some((process.epoch, process.generation))
        {
            state.broke(Broken::GONE_SESSION);
        }
        let budget = &mut state.left;
        match work {
            Work::Load => budget.loads -= 1,
            Work::Item(_) => budget.items -= 1,
            Work::Sweep(..) => budget.sweeps -= 1,
            Work::Write => budget.writes -= 1,
        }
        match work {
            Work::Write => self.prepare(state, slot, false),
            _ => state.process_mut(slot).native = Some(Native { work, begun, stuck: false }),
        }
    }

    fn prepare(&self, state: &mut State, slot: u8, flush: bool) {
        let ours = ownership(slot, state.process(slot).epoch);
        let Step::Do(effect, commit) = Commit::start(ours) else { return };
        state.store.writes += 1;
        let write = state.store.writes;
        let early = (false, 0);
        let durable =
            Durable { effect, commit, write, landed: false, torn: false, left: false, flush, early };
        state.process_mut(slot).durable = Some(durable);
    }

    fn land(&self, state: &mut State, slot: u8) {
        self.watch_landing(state, slot);
        let process = state.process_mut(slot);
        let Some(native) = process.native.take() else { return };
        self.leave(process);
        match native.work {
            Work::Load => {
                process.resident = true;
                process.generation += 1;
            }
            Work::Item(client) => self.produce(state, slot, client),
            Work::Sweep(other, of) => {
                let ours = process.epoch;
                let prepared = &mut state.store.prepared[usize::from(other)];
                if *prepared == of {
                    *prepared = 0;
                    if ours <= of {
                        state.broke(Broken::SWEPT_TOO_MUCH);
                    }
                }
            }
            Work::Write => {}
        }
    }

    /// One owned effect of a process has ended.
    pub(super) fn leave(&self, process: &mut Process) {
        if let Some(word) = process.permits.left() {
            process.permits = word;
        }
    }

    /// F1, F7: what it means that an effect begins here.
    pub(super) fn watch_beginning(&self, state: &mut State, slot: u8, work: Work) {
        if self.gate_off || !self.is_late(state, state.process(slot)) {
            return;
        }
        state.broke(if matches!(work, Work::Item(_)) { Broken::LATE_ITEM } else { Broken::BEGAN_LATE });
    }

    /// F9: what it means that an effect lands here.
    pub(super) fn watch_landing(&self, state: &mut State, slot: u8) {
        if state.process(slot).given_up {
            state.broke(Broken::LANDED_AFTER);
        }
    }

    /// F9: what it means that the record is removed, or the lock dropped, here.
    fn watch_giving_up(&self, state: &mut State, slot: u8) {
        let process = state.process_mut(slot);
        process.given_up = true;
        let loads = process.native.is_some_and(|native| native.work == Work::Load);
        if process.resident || loads {
            state.broke(Broken::MEMORY_AFTER);
        }
    }
}

fn take_lock(state: &mut State, slot: u8) {
    state.residency = Some(slot);
    state.process_mut(slot).leads = false;
    if let Some(record) = state.record.as_mut().filter(|record| record.slot == slot) {
        record.awaits = false;
    }
}

fn remove_files(state: &mut State) {
    state.left.removals -= 1;
    state.record = None;
    state.highest = 0;
    // Whoever has the lock has it on a file that has no name any more.
    state.residency = None;
}

fn read_for_release(state: &State, slot: u8) -> Answer {
    let ours = state.process(slot).epoch;
    let answer = match state.record {
        None => Answer::NoRecord,
        Some(record) => match (record.slot == slot, record.epoch == ours) {
            (true, true) if record.awaits => Answer::OwnAwaiting,
            (true, true) => Answer::Own,
            (true, false) => Answer::OwnOtherEpoch,
            (false, true) => Answer::OtherSameEpoch,
            (false, false) => Answer::Other,
        },
    };
    mark(match answer {
        Answer::Own => "fence: a release finds its own record",
        Answer::OwnAwaiting => "fence: a release finds its own record, and awaits the lock",
        Answer::NoRecord => "fence: a release finds no record",
        _ => "fence: a release finds another record",
    });
    answer
}

/// Drops the latch if this thread has it.
pub(super) fn unlatch(state: &mut State, slot: u8, thread: Thread) {
    if state.latch == Some((slot, thread)) {
        state.latch = None;
    }
}

/// The end of a process, as the kernel sees it.
fn die(state: &mut State, slot: u8) {
    if state.latch.is_some_and(|(holder, _)| holder == slot) {
        state.latch = None;
    }
    if state.residency == Some(slot) {
        state.residency = None;
    }
    let ordinal = state.process(slot).ordinal;
    *state.process_mut(slot) = Process { ordinal, ..Process::NONE };
}

/// F3: what was not synced is gone, and so is everybody; the record is of another boot.
fn power_loss(state: &mut State) {
    state.left.power -= 1;
    for slot in 0..SLOTS as u8 {
        die(state, slot);
    }
    state.record = None;
    let store = &mut state.store;
    let lost = store.place != store.synced && store.reported == store.place;
    store.place = store.synced;
    if lost {
        state.broke(Broken::DONE_WAS_LOST);
    }
}

/// The instant of a tick, for whoever tells it.
pub(super) fn tick_of(until: modeld_spec::time::BootTime) -> u128 {
    until.since(names::instant(0)).as_nanos() / names::TICK.as_nanos()
}
