//! What an action does to the state: machines are stepped with what was seen, and their outcomes passed on.
//!
//! The wiring of a process, as in the daemon: a standby makes attempts; an owner has a keeper, a renewal beside
//! it, and in the end a release. Whoever is connected to whom is all that is said here.

use modeld_spec::lease::acquire::{self, Acquire, Owned};
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
use super::mutants::Mutant;
use super::names;
use super::perform::end;
use super::relative;
use super::state::{Broken, Main, Owner, Renewal, State, Thread};

impl Lease {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        let now = state.now();
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
            Action::StandbyWakes(slot) => self.tell_standby(state, slot, standby::Seen::Woke, now),
            Action::LockComes(slot) => self.lock_comes(state, slot, now),
            Action::KeeperWakes(slot) => self.tell_keeper(state, slot, keeper::Seen::Woke, now),
            Action::RenewalHeard(slot) => {
                let Some(owner) = owner(state, slot) else { return };
                let Renewal::Ended(outcome) = std::mem::replace(&mut owner.renewal, Renewal::Idle) else {
                    return;
                };
                let at = match self.mutant {
                    Some(Mutant::RenewAfterDeadline) => BootTime::ZERO,
                    _ => now,
                };
                self.tell_keeper(state, slot, keeper::Seen::RenewalEnded(outcome), at);
            }
            Action::Load(slot) => {
                if let Some(owner) = owner(state, slot) {
                    owner.resident = true;
                }
            }
            Action::HandOver(slot) => self.release(state, slot, Ending::Handover),
            Action::Evict(slot) => self.evict(state, slot, now),
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
                state.processes[slot].generation += 1;
                self.join(state, slot);
            }
            Action::ReplaceLockFile => {
                state.left.replacements -= 1;
                state.disk.residency.push(None);
            }
        }
    }

    /// A process begins to stand by.
    pub(super) fn join(&self, state: &mut State, slot: usize) {
        state.processes[slot].owner = None;
        self.standby_steps(state, slot, Standby::start(self.ttl()));
    }

    fn standby_steps(&self, state: &mut State, slot: usize, step: Step<Standby>) {
        let generation = state.processes[slot].generation;
        match step {
            Step::Do(standby::Effect::Attempt { watched }, standby) => {
                let claim = names::claim(slot, generation, self.ttl());
                if let Step::Do(effect, attempt) = Acquire::start(claim, watched) {
                    state.processes[slot].main =
                        Main::Attempting { standby, effect, attempt: Box::new(attempt), failed: false };
                }
            }
            Step::Do(standby::Effect::Await { for_lock, until }, standby) => {
                let for_lock = for_lock || self.mutant == Some(Mutant::StandbyAlwaysWaitsForLock);
                let for_lock = for_lock && self.mutant != Some(Mutant::StandbyIgnoresLock);
                let for_lock = for_lock.then(|| state.disk.current_file());
                let until = match &state.disk.record {
                    Some(record)
                        if for_lock.is_none() && self.mutant == Some(Mutant::StandbyTrustsWaitingRecord) =>
                    {
                        record.ttl.expiry(record.renewed_at)
                    }
                    _ if for_lock.is_some() && self.mutant == Some(Mutant::StandbyIgnoresExpiry) => {
                        names::NEVER
                    }
                    _ => until,
                };
                state.processes[slot].main = Main::Waiting { standby, for_lock, until };
            }
            Step::Done(standby::Outcome::Acquired(owned)) => self.own(state, slot, owned),
            Step::Done(standby::Outcome::Stopped | standby::Outcome::EpochsExhausted) => {
                end(state, slot, Main::Exited);
            }
            Step::Done(standby::Outcome::Breach(_)) => self.breach(state, slot),
        }
    }

    fn tell_standby(&self, state: &mut State, slot: usize, what: standby::Seen, at: BootTime) {
        let Main::Waiting { standby, .. } = take(&mut state.processes[slot].main) else { return };
        self.standby_steps(state, slot, standby.step(Observed { at, what }));
    }

    fn lock_comes(&self, state: &mut State, slot: usize, at: BootTime) {
        if let Main::Waiting { for_lock: Some(file), .. } = state.processes[slot].main {
            state.disk.residency[file] = Some(slot);
            let seen = match self.mutant {
                // The machine may not have asked for it.
                Some(Mutant::StandbyAlwaysWaitsForLock) => standby::Seen::Woke,
                _ => standby::Seen::LockTaken,
            };
            return self.tell_standby(state, slot, seen, at);
        }
        let Some(owner) = owner(state, slot) else { return };
        let Some(file) = owner.awaits.take() else { return };
        let told = match (self.mutant, &owner.residency) {
            (Some(Mutant::LeaderTakesAnyLock), Residency::Awaited { file, .. }) => *file,
            _ => names::file(file),
        };
        state.disk.residency[file] = Some(slot);
        self.tell_keeper(state, slot, keeper::Seen::ResidencyTaken(told), at);
    }

    fn main_performs(&self, state: &mut State, slot: usize, fate: Fate) {
        let at = state.now();
        let effect = match &state.processes[slot].main {
            Main::Attempting { effect, .. } | Main::Releasing { effect, .. } => effect.clone(),
            _ => return,
        };
        let seen = self.perform(state, slot, Thread::Main, &effect, fate);
        if effect == Effect::StopKeeper
            && let Some(owner) = owner(state, slot).filter(|owner| owner.keeper.is_some())
        {
            let told = std::mem::replace(&mut owner.stopping, true);
            if self.mutant != Some(Mutant::KeeperOutlivesRelease) {
                if !told {
                    self.tell_keeper(state, slot, keeper::Seen::StopAsked, at);
                }
                // The effect is done once the keeper has ended.
                return;
            }
        }
        let observed = Observed { at, what: seen };
        match take(&mut state.processes[slot].main) {
            Main::Attempting { standby, attempt, failed, .. } => {
                let failed = failed || matches!(fate, Fate::Fails | Fate::FailsYetLands);
                match attempt.step(observed) {
                    Step::Do(effect, attempt) => {
                        let attempt = Box::new(attempt);
                        state.processes[slot].main = Main::Attempting { standby, effect, attempt, failed };
                    }
                    Step::Done(outcome) => {
                        if failed && matches!(outcome, acquire::Outcome::Acquired(_)) {
                            state.broke(Broken::AcquiredAfterFailure);
                        }
                        let what = standby::Seen::Attempted(relative::unwatched(outcome));
                        self.standby_steps(state, slot, standby.step(Observed { at, what }));
                    }
                }
            }
            Main::Releasing { release, .. } => self.release_steps(state, slot, release.step(observed)),
            _ => {}
        }
    }

    fn own(&self, state: &mut State, slot: usize, owned: Owned) {
        let deadline = owned.deadline();
        let epoch = owned.epoch();
        let open = matches!(owned.record.residency, Residency::Held(_));
        let residency = owned.record.residency.clone();
        let waits = !open && self.mutant != Some(Mutant::LeaderDoesNotWait);
        let awaits = waits.then(|| state.disk.current_file());
        if state.highest_owned.is_some_and(|highest| epoch <= highest) {
            state.broke(Broken::EpochReused);
        }
        state.highest_owned = state.highest_owned.max(Some(epoch));
        let keeper = match Keeper::start(owned, names::renew_interval(self.ttl)) {
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

    fn tell_keeper(&self, state: &mut State, slot: usize, what: keeper::Seen, at: BootTime) {
        let Some(owner) = owner(state, slot) else { return };
        let Some((_, keeper)) = owner.keeper.take() else { return };
        match keeper.step(Observed { at, what }) {
            Step::Do(effect, keeper) => owner.keeper = Some((effect, keeper)),
            Step::Done(keeper::Outcome::Stopped { .. }) => {}
            Step::Done(keeper::Outcome::Lost { .. }) => {
                if state.processes[slot].main == Main::Owning {
                    self.release(state, slot, Ending::Fenced);
                }
            }
        }
    }

    fn keeper_performs(&self, state: &mut State, slot: usize) {
        let now = state.now();
        let latest = state.disk.epochs;
        let Some(owner) = owner(state, slot) else { return };
        let Some((effect, _)) = owner.keeper.clone() else { return };
        let passed = owner.gate.admits(now);
        let seen = match effect {
            keeper::Effect::Await { .. } => return,
            keeper::Effect::BeginRenewal { owned, residency } => {
                if let Step::Do(effect, renew) = Renew::start(owned, residency, now) {
                    owner.renewal = Renewal::Running(effect, Box::new(renew));
                }
                keeper::Seen::Done
            }
            keeper::Effect::ExtendGate(deadline) => {
                let moved = match owner.gate.extended(deadline, now) {
                    Some(word) => {
                        owner.gate = word;
                        true
                    }
                    None if self.mutant == Some(Mutant::RenewAfterDeadline) => {
                        owner.gate = GateWord::open_until(deadline);
                        true
                    }
                    None => owner.gate.admits(now),
                };
                if !passed && owner.gate.admits(now) {
                    state.broke(Broken::GateReopened);
                }
                keeper::Seen::GateMoved(moved)
            }
            keeper::Effect::OpenResidency => {
                owner.open = true;
                keeper::Seen::Done
            }
            keeper::Effect::Fence(cause) => {
                owner.gate = GateWord::FENCED;
                let succeeded = latest.is_some_and(|latest| owner.epoch < latest);
                if passed && !succeeded {
                    state.broke(Broken::FencedInVain);
                }
                if matches!(cause, keeper::Cause::Breach(_)) {
                    state.broke(Broken::Contract);
                }
                keeper::Seen::Done
            }
        };
        self.tell_keeper(state, slot, seen, now);
    }

    fn renewal_performs(&self, state: &mut State, slot: usize, fate: Fate) {
        let now = state.now();
        let Some(owner_now) = owner(state, slot) else { return };
        let Renewal::Running(effect, renew) = std::mem::replace(&mut owner_now.renewal, Renewal::Idle) else {
            return;
        };
        let what = self.perform(state, slot, Thread::Renewal, &effect, fate);
        let at = match self.mutant {
            Some(Mutant::RenewAfterDeadline) => BootTime::ZERO,
            _ => now,
        };
        let lost = |outcome: &renew::Outcome| {
            self.mutant == Some(Mutant::FailedRenewalIsNotHeard)
                && matches!(outcome, renew::Outcome::Unknown(_))
        };
        let renewal = match renew.step(Observed { at, what }) {
            Step::Do(effect, renew) => Renewal::Running(effect, Box::new(renew)),
            Step::Done(outcome) if lost(&outcome) => Renewal::Idle,
            Step::Done(outcome) => Renewal::Ended(self.falsified(outcome, now)),
        };
        let Some(owner) = owner(state, slot) else { return };
        // Nobody hears of it once the keeper has ended.
        let heard = owner.keeper.is_some() || matches!(renewal, Renewal::Running(..));
        owner.renewal = if heard { renewal } else { Renewal::Idle };
    }

    fn falsified(&self, outcome: renew::Outcome, now: BootTime) -> renew::Outcome {
        match (self.mutant, outcome) {
            (Some(Mutant::StampAfterWrite), renew::Outcome::Renewed(mut owned)) => {
                owned.record.renewed_at = now;
                renew::Outcome::Renewed(owned)
            }
            (Some(Mutant::FailedRenewalIsLoss), renew::Outcome::Unknown(_)) => renew::Outcome::Late,
            (_, outcome) => outcome,
        }
    }

    fn release(&self, state: &mut State, slot: usize, ending: Ending) {
        let generation = state.processes[slot].generation;
        let Some(owner) = owner(state, slot) else { return };
        // A lock that comes from here on would come for nobody.
        owner.awaits = None;
        let claim = names::claim(slot, generation, self.ttl());
        let owned = owned_by(claim, owner.epoch);
        self.release_steps(state, slot, Release::start(owned, ending));
    }

    fn release_steps(&self, state: &mut State, slot: usize, step: Step<Release>) {
        match step {
            Step::Do(effect, release) => {
                state.processes[slot].main = Main::Releasing { effect, release: Box::new(release) };
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

    fn evict(&self, state: &mut State, slot: usize, at: BootTime) {
        let Some(Residency::Awaited { holder, .. }) = owner(state, slot).map(|owner| owner.residency.clone())
        else {
            return;
        };
        let here = names::process(slot, state.processes[slot].generation);
        if let Step::Do(effect, evict) = Evict::start(holder, Policy::Kill, here) {
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

    /// L11: time that passes while everybody who could do something has done it.
    fn watch_waiting(&self, state: &mut State) {
        if !self.prompt || 0 < self.failures {
            return;
        }
        let Some(record) = &state.disk.record else { return };
        let dead = state.processes.iter().enumerate().all(|(slot, process)| {
            !process.lives() || names::instance(slot, process.generation) != record.instance
        });
        let free = state.disk.residency.last() == Some(&None);
        let had_lock = record.residency == Residency::Held(names::file(state.disk.current_file()));
        // Beside a leader that waits a standby does not wait for the lock, and looks again within its patience.
        let soon = state.now().after(self.ttl().renew_interval().length());
        let standby = state.processes.iter().any(|process| match &process.main {
            Main::Waiting { for_lock, until, .. } => {
                !process.stopped && (self.stops == 0 || for_lock.is_some() || soon < *until)
            }
            _ => false,
        });
        if dead && free && had_lock && standby {
            state.broke(Broken::DeadOwnerWaitedFor);
        }
    }
}

fn owned_by(claim: acquire::Claim, epoch: modeld_spec::ids::Epoch) -> Owned {
    Owned {
        record: modeld_spec::lease::record::Record {
            epoch,
            instance: claim.instance,
            process: claim.process,
            host: claim.host,
            clock: claim.clock,
            acquired_at: names::LONG_AGO,
            renewed_at: names::LONG_AGO,
            ttl: claim.ttl,
            residency: Residency::Held(names::file(0)),
            meta: claim.meta,
            protocol: claim.protocol,
        },
    }
}

fn owner(state: &mut State, slot: usize) -> Option<&mut Owner> {
    state.processes.get_mut(slot).and_then(|process| process.owner.as_deref_mut())
}

fn take(main: &mut Main) -> Main {
    std::mem::replace(main, Main::Owning)
}
