//! What can happen next: effects, waits that end, faults, and time.

use std::fmt;

use modeld_spec::lease::effect::{Effect, FailureKind};
use modeld_spec::lease::evict::Policy;
use modeld_spec::lease::keeper;

use super::Lease;
use super::faults::{Loss, PowerCut};
use super::mutants::Mutant;
use super::names::letter;
use super::state::{Main, Owner, Process, Renewal, State, Thread};

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// A thread performs the effect that it wants.
    Perform {
        /// The process, by slot.
        slot: usize,
        /// The thread.
        thread: Thread,
        /// The effect's name.
        effect: &'static str,
        /// What becomes of it.
        fate: Fate,
    },
    /// The instant came for which a standby waits.
    StandbyWakes(usize),
    /// The lock came for which a standby or a leader waits.
    LockComes(usize),
    /// The instant came for which the keeper waits.
    KeeperWakes(usize),
    /// The keeper hears that the renewal has ended.
    RenewalHeard(usize),
    /// The owner loads a model.
    Load(usize),
    /// The owner begins to hand over.
    HandOver(usize),
    /// A leader asks for the end of the process that has the lock.
    Evict(usize),
    /// A process that has released ends, and whatever is left goes with it.
    Exit(usize),
    /// A process dies.
    Crash(usize),
    /// A process is paused for good.
    Stop(usize),
    /// A new process takes the place of one that ended.
    Restart(usize),
    /// A file is lost, damaged or replaced.
    Lose(Loss),
    /// The machine is suspended for a tick: the boot clock goes on, a clock that excludes suspend does not.
    Suspend,
    /// Somebody sets the wall clock forward by a TTL.
    WallForward,
    /// Somebody sets the wall clock back by a TTL.
    WallBack,
    /// The machine boots again: every process ends, files stay.
    Reboot,
    /// The same, and what was not synced may be gone.
    CutPower(PowerCut),
}

/// What becomes of an effect. A crash inside of one that may have landed is a crash before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done.
    Done,
    /// The latch stayed taken.
    Busy,
    /// It fails, and nothing has changed.
    Fails(FailureKind),
    /// It is reported to have failed and is done all the same.
    FailsYetLands(FailureKind),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Tick => write!(f, "time passes"),
            Action::Perform { slot, thread, effect, fate } => {
                let thread = match thread {
                    Thread::Main => "",
                    Thread::Keeper => " keeper:",
                    Thread::Renewal => " renewal:",
                };
                write!(f, "{}{thread} {effect}{fate}", letter(slot))
            }
            Action::StandbyWakes(slot) => write!(f, "{} looks again", letter(slot)),
            Action::LockComes(slot) => write!(f, "{} gets the lock", letter(slot)),
            Action::KeeperWakes(slot) => write!(f, "{} keeper: wakes", letter(slot)),
            Action::RenewalHeard(slot) => write!(f, "{} keeper: renewal ended", letter(slot)),
            Action::Load(slot) => write!(f, "{} loads a model", letter(slot)),
            Action::HandOver(slot) => write!(f, "{} hands over", letter(slot)),
            Action::Evict(slot) => write!(f, "{} evicts", letter(slot)),
            Action::Exit(slot) => write!(f, "{} exits", letter(slot)),
            Action::Crash(slot) => write!(f, "{} crashes", letter(slot)),
            Action::Stop(slot) => write!(f, "{} is stopped", letter(slot)),
            Action::Restart(slot) => write!(f, "{} is started again", letter(slot)),
            Action::Lose(loss) => write!(f, "{loss}"),
            Action::Suspend => write!(f, "the machine is suspended for a tick"),
            Action::WallForward => write!(f, "the wall clock is set forward"),
            Action::WallBack => write!(f, "the wall clock is set back"),
            Action::Reboot => write!(f, "the machine boots again"),
            Action::CutPower(cut) => write!(f, "the power fails, {cut}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = |kind| match kind {
            FailureKind::Other => "",
            FailureKind::PermissionDenied => ": no permission",
            FailureKind::StorageFull => ": disk full",
            FailureKind::ReadOnly => ": read-only",
        };
        match *self {
            Fate::Done => Ok(()),
            Fate::Busy => write!(f, " (stays taken)"),
            Fate::Fails(kind) => write!(f, " (fails{})", sort(kind)),
            Fate::FailsYetLands(kind) => write!(f, " (is said to fail{})", sort(kind)),
        }
    }
}

impl Lease {
    /// Every action that `state` allows.
    pub(super) fn enabled(&self, state: &State, actions: &mut Vec<Action>) {
        for (slot, process) in state.processes.iter().enumerate().filter(|(_, process)| !process.stopped) {
            self.main_steps(state, slot, process, actions);
            if let Some(owner) = process.owner.as_deref().filter(|_| process.lives()) {
                self.owner_steps(state, slot, owner, actions);
            }
        }
        // What stands so far is what a prompt process does at once.
        let before_end = self.horizon.is_none_or(|horizon| state.tick < horizon);
        if before_end && (!self.prompt || actions.is_empty()) {
            actions.push(Action::Tick);
        }
        for (slot, process) in state.processes.iter().enumerate() {
            self.choices(state, slot, process, actions);
        }
        self.faults_of_the_machine(state, actions);
    }

    fn main_steps(&self, state: &State, slot: usize, process: &Process, actions: &mut Vec<Action>) {
        match &process.main {
            Main::Attempting { effect, .. } => self.fates(state, slot, Thread::Main, effect, actions),
            Main::Waiting { for_lock, until, .. } => {
                if *until <= self.now_of(slot) {
                    actions.push(Action::StandbyWakes(slot));
                }
                if for_lock.is_some_and(|file| is_free(state, file)) {
                    actions.push(Action::LockComes(slot));
                }
            }
            Main::Releasing { effect: effect @ Effect::StopKeeper, .. } => {
                // It takes two steps: to tell the keeper, who listens while it waits, and to see it ended.
                let keeper = process.owner.as_ref().and_then(|owner| owner.keeper.as_ref());
                let stopping = process.owner.as_ref().is_some_and(|owner| owner.stopping);
                let listens = matches!(keeper, Some((keeper::Effect::Await { .. }, _))) && !stopping;
                if keeper.is_none() || listens {
                    self.fates(state, slot, Thread::Main, effect, actions);
                }
            }
            Main::Releasing { effect, .. } => self.fates(state, slot, Thread::Main, effect, actions),
            Main::Leaving => actions.push(Action::Exit(slot)),
            Main::Owning | Main::Crashed | Main::Exited => {}
        }
    }

    fn owner_steps(&self, state: &State, slot: usize, owner: &Owner, actions: &mut Vec<Action>) {
        match &owner.renewal {
            Renewal::Running(effect, _) => self.fates(state, slot, Thread::Renewal, effect, actions),
            Renewal::Idle | Renewal::Ended(_) => {}
        }
        match &owner.keeper {
            Some((keeper::Effect::Await { until, .. }, _)) => {
                if *until <= self.now_of(slot) {
                    actions.push(Action::KeeperWakes(slot));
                }
                if matches!(owner.renewal, Renewal::Ended(_)) {
                    actions.push(Action::RenewalHeard(slot));
                }
                if owner.awaits.is_some_and(|file| is_free(state, file)) {
                    actions.push(Action::LockComes(slot));
                }
            }
            Some((effect, _)) => actions.push(Action::Perform {
                slot,
                thread: Thread::Keeper,
                effect: effect.name(),
                fate: Fate::Done,
            }),
            None => {}
        }
    }

    /// What becomes of an effect that a lease machine wants.
    fn fates(&self, state: &State, slot: usize, thread: Thread, effect: &Effect, actions: &mut Vec<Action>) {
        let mut push = |fate| actions.push(Action::Perform { slot, thread, effect: effect.name(), fate });
        if matches!(effect, Effect::TakeLatch) && state.disk.latch.is_some() && !self.unlatched {
            // Whoever wants the latch waits, and within the bound that is no transition.
            if self.busy {
                push(Fate::Busy);
            }
            return;
        }
        push(Fate::Done);
        if !state.left.allows(state.left.failures) {
            return;
        }
        let kinds: &[FailureKind] = if self.kinds { &KINDS_OF_FAILURE } else { &[FailureKind::Other] };
        for kind in kinds {
            let (fails, lands) = match effect {
                // The keeper is a thread of the same process: there is nothing that could fail.
                Effect::StopKeeper => (false, false),
                // Closing a descriptor drops the lock, whatever is said about it.
                Effect::DropResidency | Effect::DropLatch => (false, true),
                Effect::TakeLatch
                | Effect::TryResidency
                | Effect::ClaimEpoch(_)
                | Effect::ReplaceRecord(_)
                | Effect::RemoveRecord
                | Effect::Free => (true, true),
                // Of these nobody can tell afterwards whether they took place.
                Effect::ReadRecord
                | Effect::ReadEpochs
                | Effect::InspectProcess(_)
                | Effect::KillProcess(_)
                | Effect::Quiesce
                | Effect::Flush => (true, false),
            };
            if fails {
                push(Fate::Fails(*kind));
            }
            if lands {
                push(Fate::FailsYetLands(*kind));
            }
        }
    }

    /// What nobody is obliged to do, and faults.
    fn choices(&self, state: &State, slot: usize, process: &Process, actions: &mut Vec<Action>) {
        if !process.lives() {
            if 0 < state.left.restarts {
                actions.push(Action::Restart(slot));
            }
            return;
        }
        if state.left.allows(state.left.crashes) {
            actions.push(Action::Crash(slot));
        }
        if process.stopped {
            return;
        }
        let has_latch = state.disk.latch.is_some_and(|(holder, _)| holder == slot);
        if state.left.allows(state.left.stops) && (process.main == Main::Owning || has_latch) {
            actions.push(Action::Stop(slot));
        }
        if let (Main::Owning, Some(owner)) = (&process.main, process.owner.as_deref()) {
            let passes =
                owner.passes(self.now_of(slot), self.mutant) || self.mutant == Some(Mutant::ActsWithoutGate);
            if owner.open && !owner.resident && passes {
                actions.push(Action::Load(slot));
            }
            if owner.keeper.is_some() {
                actions.push(Action::HandOver(slot));
            }
            // To be told to wait changes nothing, and is asked where that is what is looked at.
            let asks = self.policy == Some(Policy::Kill) || self.mutant == Some(Mutant::KillsUnasked);
            if asks && owner.awaits.is_some() {
                actions.push(Action::Evict(slot));
            }
        }
    }
}

impl Action {
    /// Whether it is a fault: somebody or something does not do what it should.
    pub fn is_fault(self) -> bool {
        match self {
            Action::Crash(_)
            | Action::Stop(_)
            | Action::Lose(_)
            | Action::Suspend
            | Action::WallForward
            | Action::WallBack
            | Action::Reboot
            | Action::CutPower(_)
            | Action::Perform { fate: Fate::Fails(_) | Fate::FailsYetLands(_), .. } => true,
            // A latch that stays taken is the fault of whoever has it.
            Action::Perform { .. }
            | Action::Tick
            | Action::StandbyWakes(_)
            | Action::LockComes(_)
            | Action::KeeperWakes(_)
            | Action::RenewalHeard(_)
            | Action::Load(_)
            | Action::HandOver(_)
            | Action::Evict(_)
            | Action::Exit(_)
            | Action::Restart(_) => false,
        }
    }
}

/// The sort of an action, for coverage.
pub fn kind(action: &Action) -> &'static str {
    match action {
        Action::Tick => "lease: time passes",
        Action::Perform { fate: Fate::Done, .. } => "lease: an effect is done",
        Action::Perform { fate: Fate::Busy, .. } => "lease: the latch stays taken",
        Action::Perform { fate: Fate::Fails(FailureKind::PermissionDenied), .. } => {
            "lease: an effect fails for want of permission"
        }
        Action::Perform { fate: Fate::Fails(FailureKind::StorageFull), .. } => {
            "lease: an effect fails for want of room"
        }
        Action::Perform { fate: Fate::Fails(_), .. } => "lease: an effect fails",
        Action::Perform { fate: Fate::FailsYetLands(_), .. } => "lease: an effect is said to fail",
        Action::StandbyWakes(_) => "lease: a standby wakes",
        Action::LockComes(_) => "lease: the lock comes",
        Action::KeeperWakes(_) => "lease: a keeper wakes",
        Action::RenewalHeard(_) => "lease: a keeper hears of its renewal",
        Action::Load(_) => "lease: a model is loaded",
        Action::HandOver(_) => "lease: a handover begins",
        Action::Evict(_) => "lease: an eviction",
        Action::Exit(_) => "lease: an exit",
        Action::Crash(_) => "lease: a crash",
        Action::Stop(_) => "lease: a process is stopped for good",
        Action::Restart(_) => "lease: a restart",
        Action::Lose(loss) => loss.kind(),
        Action::Suspend => "lease: a suspension",
        Action::WallForward => "lease: the wall clock is set forward",
        Action::WallBack => "lease: the wall clock is set back",
        Action::Reboot => "lease: a reboot",
        Action::CutPower(_) => "lease: a power cut",
    }
}

fn is_free(state: &State, file: usize) -> bool {
    state.disk.residency.get(file) == Some(&None)
}

/// EIO, EACCES and ENOSPC, as the shell sorts them.
const KINDS_OF_FAILURE: [FailureKind; 3] =
    [FailureKind::Other, FailureKind::PermissionDenied, FailureKind::StorageFull];
