//! What an action does to the state: machines are stepped with what was seen, and their outcomes passed on.
//!
//! The wiring of a process, as in the daemon: a standby makes attempts; an owner has a keeper, a renewal beside
//! it, and in the end a release. Whoever is connected to whom is all that is said here.

use modeld_spec::lease::acquire::{self, Acquire, Owned};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::Effect;
use modeld_spec::lease::evict::{Evict, Policy};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper::{self, Keeper};
use modeld_spec::lease::record::Residency;
use modeld_spec::lease::release::{self, Ending, Release};
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::lease::standby::{self, Standby};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use super::Lease;
use super::actions::{Action, Fate};
use super::falsify::owned_by;
use super::marks;
use super::mutants::Mutant;
use super::names;
use super::perform::end;
use super::relative;
use super::state::{Broken, Main, Owner, Renewal, State, Thread};

impl Lease {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        if action.is_fault() {
            state.left.any = state.left.any.map(|any| any - 1);
        }
        match action {
            Action::Tick => {
                self.watch_waiting(state);
                relative::pass(state);
                if self.horizon.is_some() {
                    state.tick += 1;
                }
            }
            Action::Perform { slot, thread: Thread::Main, fate, .. } => self.main_performs(state, slot, fate),
            Action::Perform { slot, thread: Thread::Keeper, .. } => self.keeper_performs(state, slot),
            Action::Perform { slot, thread: Thread::Renewal, fate, .. } => {
                self.renewal_performs(state, slot, fate);
            }
            Action::StandbyWakes(slot) => self.tell_standby(state, slot, standby::Seen::Woke),
            Action::LockComes(slot) => self.lock_comes(state, slot),
            Action::KeeperWakes(slot) => self.tell_keeper(state, slot, keeper::Seen::Woke, self.now_of(slot)),
            Action::RenewalHeard(slot) => self.hear(state, slot),
            Action::Load(slot) => {
                self.watch_act(state, slot);
                if let Some(owner) = owner(state, slot) {
                    owner.resident = true;
                }
            }
            Action::HandOver(slot) => self.release(state, slot, Ending::Handover),
            Action::Evict(slot) => self.evict(state, slot),
            Action::Exit(slot) => end(state, slot, Main::Exited),
            Action::Crash(slot) => {
                state.left.crashes -= 1;
                end(state, slot, Main::Crashed);
            }
            Action::Stop(slot) => {
                state.left.stops -= 1;
                state.processes[slot].stopped = true;
            }
            Action::Restart(slot) => {
                state.left.restarts -= 1;
                let process = &mut *state.processes[slot];
                process.generation += 1;
                process.started += 1;
                self.join(state, slot);
            }
            fault => self.strike(state, fault),
        }
    }

    /// A process begins to stand by.
    pub(super) fn join(&self, state: &mut State, slot: usize) {
        state.processes[slot].owner = None;
        self.standby_steps(state, slot, Standby::start(self.ttl_of(slot)), None, false);
    }

    /// `why` is why the standby follows, if that is what it was told; `in_hand` whether it had the lock then.
    fn standby_steps(
        &self,
        state: &mut State,
        slot: usize,
        step: Step<Standby>,
        why: Option<&Why>,
        in_hand: bool,
    ) {
        match step {
            Step::Do(standby::Effect::Attempt { watched }, standby) => {
                let claim = self.claim(state, slot);
                let watched = self.watched(state, watched);
                if let Step::Do(effect, attempt) = Acquire::start(claim, watched) {
                    let attempt = Box::new(attempt);
                    state.processes[slot].main =
                        Main::Attempting { standby, effect, attempt, failed: false, in_hand };
                }
            }
            Step::Do(standby::Effect::Await { for_lock, until }, standby) => {
                let (for_lock, until) = self.standby_waits(state, slot, for_lock, until);
                self.watch_wait(state, why, in_hand, for_lock);
                let for_lock = for_lock.then(|| state.disk.current_file());
                state.processes[slot].main = Main::Waiting { standby, for_lock, until };
            }
            Step::Done(standby::Outcome::Acquired(owned)) => self.own(state, slot, owned),
            Step::Done(standby::Outcome::Stopped | standby::Outcome::EpochsExhausted) => {
                end(state, slot, Main::Exited);
            }
            Step::Done(standby::Outcome::Breach(_)) => self.breach(state, slot),
        }
    }

    fn tell_standby(&self, state: &mut State, slot: usize, what: standby::Seen) {
        let Main::Waiting { mut standby, for_lock, .. } = take(&mut state.processes[slot].main) else {
            return;
        };
        let at = self.now_of(slot);
        let in_hand = what == standby::Seen::LockTaken;
        if self.mutant.is_some() && in_hand && for_lock.is_some() {
            // A mutant may wait for the lock where its machine does not, and then the machine is told that time came.
            standby = match standby.clone().step(Observed { at, what: standby::Seen::LockTaken }) {
                Step::Done(standby::Outcome::Breach(_)) => {
                    let step = standby.step(Observed { at, what: standby::Seen::Woke });
                    return self.standby_steps(state, slot, step, None, true);
                }
                _ => standby,
            };
        }
        self.standby_steps(state, slot, standby.step(Observed { at, what }), None, in_hand);
    }

    fn lock_comes(&self, state: &mut State, slot: usize) {
        if let Main::Waiting { for_lock: Some(file), .. } = state.processes[slot].main {
            state.disk.residency[file] = Some(slot);
            return self.tell_standby(state, slot, standby::Seen::LockTaken);
        }
        let at = self.now_of(slot);
        let Some(owner) = owner(state, slot) else { return };
        let Some(file) = owner.awaits.take() else { return };
        let told = match (self.mutant, &owner.residency) {
            (Some(Mutant::LeaderTakesAnyLock), Residency::Awaited { file, .. }) => *file,
            _ => names::file(file),
        };
        state.disk.residency[file] = Some(slot);
        if self.mutant == Some(Mutant::LeaderOpensBeforeRecord) {
            self.open(state, slot);
        }
        self.tell_keeper(state, slot, keeper::Seen::ResidencyTaken(told), at);
    }

    fn main_performs(&self, state: &mut State, slot: usize, fate: Fate) {
        let effect = match &state.processes[slot].main {
            Main::Attempting { effect, .. } | Main::Releasing { effect, .. } => effect.clone(),
            _ => return,
        };
        if let (Main::Releasing { ending, .. }, Effect::Flush) = (&state.processes[slot].main, &effect) {
            self.watch_flush(state, *ending);
        }
        let seen = self.perform(state, slot, Thread::Main, &effect, fate);
        self.watch_inspection(state, &effect, &seen);
        if effect == Effect::StopKeeper
            && let Some(owner) = owner(state, slot).filter(|owner| owner.keeper.is_some())
        {
            let told = std::mem::replace(&mut owner.stopping, true);
            if self.waits_for_keeper(&state.processes[slot].main) {
                if !told {
                    self.tell_keeper(state, slot, keeper::Seen::StopAsked, self.now_of(slot));
                }
                // The effect is done once the keeper has ended.
                return;
            }
        }
        let observed = Observed { at: self.shown_time(state, slot, Thread::Main), what: seen };
        match take(&mut state.processes[slot].main) {
            Main::Attempting { standby, attempt, failed, in_hand, .. } => {
                // To drop a lock is to close a descriptor: what is said about it decides nothing.
                let drops = matches!(effect, Effect::DropLatch | Effect::DropResidency);
                let failed = failed || (!drops && matches!(fate, Fate::Fails(_) | Fate::FailsYetLands(_)));
                let what = observed.what.clone();
                let step = attempt.step(observed);
                marks::attempt(self, state, slot, &effect, &what, &step);
                match step {
                    Step::Do(effect, attempt) => {
                        let attempt = Box::new(attempt);
                        state.processes[slot].main =
                            Main::Attempting { standby, effect, attempt, failed, in_hand };
                    }
                    Step::Done(outcome) => self.attempted(state, slot, standby, outcome, failed, in_hand),
                }
            }
            Main::Releasing { ending, release, .. } => {
                let what = observed.what.clone();
                let step = release.step(observed);
                marks::release(&effect, &what, &step);
                if let Step::Do(next, _) = &step {
                    self.watch_release(state, next);
                }
                self.release_steps(state, slot, ending, step);
            }
            _ => {}
        }
    }

    fn attempted(
        &self,
        state: &mut State,
        slot: usize,
        standby: Standby,
        outcome: acquire::Outcome,
        failed: bool,
        in_hand: bool,
    ) {
        if failed && matches!(outcome, acquire::Outcome::Acquired(_)) {
            state.broke(Broken::AcquiredAfterFailure);
        }
        let why = match &outcome {
            acquire::Outcome::Follower { why, .. } => Some(why.clone()),
            _ => None,
        };
        let what = standby::Seen::Attempted(self.told_standby(slot, outcome));
        let step = standby.step(Observed { at: self.now_of(slot), what });
        marks::standby(why.as_ref(), in_hand, &step);
        self.standby_steps(state, slot, step, why.as_ref(), in_hand);
    }

    fn own(&self, state: &mut State, slot: usize, owned: Owned) {
        let deadline = self.gate_deadline(slot, owned.deadline());
        let epoch = owned.epoch();
        let open = matches!(owned.record.residency, Residency::Held(_));
        let residency = owned.record.residency.clone();
        let waits = !open && self.mutant != Some(Mutant::LeaderDoesNotWait);
        let awaits = waits.then(|| state.disk.current_file());
        self.watch_epoch(state, slot, epoch);
        state.highest_owned = state.highest_owned.max(Some(epoch));
        let keeper = match Keeper::start(owned, names::renew_interval(self.ttl_of(slot))) {
            Step::Do(effect, keeper) => Some((effect, keeper)),
            Step::Done(_) => None,
        };
        state.processes[slot].main = Main::Owning;
        state.processes[slot].owner = Some(Box::new(Owner {
            epoch,
            gate: GateWord::open_until(deadline),
            open: open || self.mutant == Some(Mutant::LeaderLoadsAtOnce),
            resident: false,
            awaits,
            residency,
            keeper,
            renewal: Renewal::Idle,
            stopping: false,
            removed: false,
        }));
    }

    fn hear(&self, state: &mut State, slot: usize) {
        let Some(owner) = owner(state, slot) else { return };
        let Renewal::Ended(truth) = std::mem::replace(&mut owner.renewal, Renewal::Idle) else { return };
        let told = self.told_keeper(state, slot, &truth);
        let at = self.shown_hearing(slot);
        self.step_keeper(state, slot, keeper::Seen::RenewalEnded(told), at, Some(&truth));
    }

    fn tell_keeper(&self, state: &mut State, slot: usize, what: keeper::Seen, at: BootTime) {
        self.step_keeper(state, slot, what, at, None);
    }

    /// `truth` is how the renewal ended that the keeper is told of, if it is.
    fn step_keeper(
        &self,
        state: &mut State,
        slot: usize,
        what: keeper::Seen,
        at: BootTime,
        truth: Option<&renew::Outcome>,
    ) {
        let Some(owner) = owner(state, slot) else { return };
        let Some((_, keeper)) = owner.keeper.take() else { return };
        let seen = marks::kept(&what);
        let step = keeper.step(Observed { at, what });
        marks::keeper(seen, &step);
        if let Some(truth) = truth {
            let next = match &step {
                Step::Do(effect, _) => Some(effect),
                Step::Done(_) => None,
            };
            self.watch_hearing(state, truth, next);
        }
        match step {
            Step::Do(mut effect, keeper) => {
                self.keeper_waits(&state.processes[slot], truth, &mut effect);
                if let Some(owner) = self::owner(state, slot) {
                    owner.keeper = Some((effect, keeper));
                }
            }
            Step::Done(keeper::Outcome::Stopped { .. }) => {}
            Step::Done(keeper::Outcome::Lost { .. }) => {
                if state.processes[slot].main == Main::Owning {
                    self.release(state, slot, Ending::Fenced);
                }
            }
        }
    }

    fn keeper_performs(&self, state: &mut State, slot: usize) {
        let now = self.now_of(slot);
        let Some((effect, _)) = owner(state, slot).and_then(|owner| owner.keeper.clone()) else { return };
        let seen = match effect {
            keeper::Effect::Await { .. } => return,
            keeper::Effect::BeginRenewal { owned, residency } => {
                if let (Step::Do(effect, renew), Some(owner)) =
                    (Renew::start(owned, residency, now), owner(state, slot))
                {
                    owner.renewal = Renewal::Running(effect, Box::new(renew));
                    if self.mutant == Some(Mutant::GateBeforeWrite) {
                        owner.gate = GateWord::open_until(self.ttl_of(slot).deadline(now));
                    }
                }
                keeper::Seen::Done
            }
            keeper::Effect::ExtendGate(deadline) => {
                let deadline = self.gate_deadline(slot, deadline);
                keeper::Seen::GateMoved(self.told_moved(self.extend_gate(state, slot, deadline)))
            }
            keeper::Effect::OpenResidency => {
                self.open(state, slot);
                keeper::Seen::Done
            }
            keeper::Effect::Fence(cause) => {
                self.watch_fence(state, slot, &cause);
                if let Some(owner) = owner(state, slot) {
                    owner.gate = GateWord::FENCED;
                }
                keeper::Seen::Done
            }
        };
        self.tell_keeper(state, slot, seen, now);
    }

    fn extend_gate(&self, state: &mut State, slot: usize, deadline: BootTime) -> bool {
        let now = self.now_of(slot);
        let Some(owner) = owner(state, slot) else { return false };
        let passed = owner.gate.admits(now);
        let careless = matches!(self.mutant, Some(Mutant::GateReopens | Mutant::RenewsAfterDeadline));
        let moved = match owner.gate.extended(deadline, now) {
            Some(word) => {
                owner.gate = word;
                true
            }
            None if careless => {
                owner.gate = GateWord::open_until(deadline);
                true
            }
            None => owner.gate.admits(now),
        };
        if !passed && owner.gate.admits(now) {
            state.broke(Broken::GateReopened);
        }
        moved
    }

    /// Owned effects may begin from here on.
    fn open(&self, state: &mut State, slot: usize) {
        self.watch_opening(state, slot);
        if let Some(owner) = owner(state, slot) {
            owner.open = true;
        }
    }

    fn renewal_performs(&self, state: &mut State, slot: usize, fate: Fate) {
        let Some(owner_now) = owner(state, slot) else { return };
        let Renewal::Running(effect, renew) = std::mem::replace(&mut owner_now.renewal, Renewal::Idle) else {
            return;
        };
        let what = self.perform(state, slot, Thread::Renewal, &effect, fate);
        let at = self.shown_time(state, slot, Thread::Renewal);
        let seen = what.clone();
        let step = renew.step(Observed { at, what });
        marks::renewal(&effect, &seen, &step);
        let renewal = match step {
            Step::Do(effect, renew) => {
                self.watch_renewal(state, slot, &effect);
                Renewal::Running(effect, Box::new(renew))
            }
            Step::Done(renew::Outcome::Unknown(_))
                if self.mutant == Some(Mutant::FailedRenewalIsNotHeard) =>
            {
                Renewal::Idle
            }
            Step::Done(outcome) => Renewal::Ended(outcome),
        };
        let Some(owner) = owner(state, slot) else { return };
        // Nobody hears of it once the keeper has ended.
        let heard = owner.keeper.is_some() || matches!(renewal, Renewal::Running(..));
        owner.renewal = if heard { renewal } else { Renewal::Idle };
    }

    fn release(&self, state: &mut State, slot: usize, ending: Ending) {
        let Some(owner) = owner(state, slot) else { return };
        // A lock that comes from here on would come for nobody.
        owner.awaits = None;
        let epoch = owner.epoch;
        let owned = owned_by(self.claim(state, slot), epoch, Residency::Held(names::file(0)));
        let step = Release::start(owned, self.told_ending(ending));
        self.release_steps(state, slot, ending, step);
    }

    fn release_steps(&self, state: &mut State, slot: usize, ending: Ending, step: Step<Release>) {
        match step {
            Step::Do(effect, release) => {
                let release = Box::new(release);
                state.processes[slot].main = Main::Releasing { ending, effect, release };
            }
            Step::Done(release::Outcome::Breach(_)) => self.breach(state, slot),
            Step::Done(_) => {
                let left = owner(state, slot).is_some_and(|owner| {
                    owner.resident || owner.keeper.is_some() || owner.renewal != Renewal::Idle
                });
                if left {
                    state.processes[slot].main = Main::Leaving;
                } else {
                    end(state, slot, Main::Exited);
                }
            }
        }
    }

    fn evict(&self, state: &mut State, slot: usize) {
        let Some(Residency::Awaited { holder, .. }) = owner(state, slot).map(|owner| owner.residency.clone())
        else {
            return;
        };
        let here = self.told_here(self.process_id(slot, &state.processes[slot]), holder);
        let at = self.now_of(slot);
        let step = Evict::start(holder, Policy::Kill, here);
        marks::evict(&step);
        if let Step::Do(effect, evict) = step {
            let what = self.perform(state, slot, Thread::Main, &effect, Fate::Done);
            if let Step::Do(..) = evict.step(Observed { at, what }) {
                state.broke(Broken::Contract);
            }
        }
    }

    fn breach(&self, state: &mut State, slot: usize) {
        state.broke(Broken::Contract);
        end(state, slot, Main::Crashed);
    }
}

fn owner(state: &mut State, slot: usize) -> Option<&mut Owner> {
    state.processes.get_mut(slot).and_then(|process| process.owner.as_deref_mut())
}

fn take(main: &mut Main) -> Main {
    std::mem::replace(main, Main::Owning)
}
