//! What can happen next: effects, waits that end, faults, and time.

use std::fmt;

use modeld_spec::lease::effect::Effect;
use modeld_spec::lease::keeper;

use super::Lease;
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
    /// An owner is paused for good.
    Stop(usize),
    /// A new process takes the place of one that ended.
    Restart(usize),
    /// The residency lock file is replaced by a new one.
    ReplaceLockFile,
}

/// What becomes of an effect. A crash inside of one that may have landed is a crash before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done.
    Done,
    /// The latch stayed taken.
    Busy,
    /// It fails, and nothing has changed.
    Fails,
    /// It is reported to have failed and is done all the same.
    FailsYetLands,
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
                let fate = match fate {
                    Fate::Done => "",
                    Fate::Busy => " (stays taken)",
                    Fate::Fails => " (fails)",
                    Fate::FailsYetLands => " (is said to fail)",
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
            Action::ReplaceLockFile => write!(f, "the lock file is replaced"),
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
        if 0 < state.left.replacements {
            actions.push(Action::ReplaceLockFile);
        }
    }

    fn main_steps(&self, state: &State, slot: usize, process: &Process, actions: &mut Vec<Action>) {
        match &process.main {
            Main::Attempting { effect, .. } => self.fates(state, slot, Thread::Main, effect, actions),
            Main::Waiting { for_lock, until, .. } => {
                if *until <= state.now() {
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
                if *until <= state.now() {
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
                effect: keeper_effect(effect),
                fate: Fate::Done,
            }),
            None => {}
        }
    }

    /// What becomes of an effect that a lease machine wants.
    fn fates(&self, state: &State, slot: usize, thread: Thread, effect: &Effect, actions: &mut Vec<Action>) {
        let mut push = |fate| actions.push(Action::Perform { slot, thread, effect: effect.name(), fate });
        let failures = 0 < state.left.failures;
        match effect {
            Effect::TakeLatch if state.disk.latch.is_some() => {
                // Whoever wants the latch waits, and within the bound that is no transition.
                if self.busy {
                    push(Fate::Busy);
                }
                return;
            }
            // Nothing that can fail, or nothing that would make a difference.
            Effect::DropResidency | Effect::DropLatch | Effect::Quiesce | Effect::Flush => {
                return push(Fate::Done);
            }
            Effect::StopKeeper => return push(Fate::Done),
            _ => push(Fate::Done),
        }
        if failures {
            push(Fate::Fails);
            let writes = matches!(
                effect,
                Effect::TakeLatch
                    | Effect::TryResidency
                    | Effect::ClaimEpoch(_)
                    | Effect::ReplaceRecord(_)
                    | Effect::RemoveRecord
            );
            if writes {
                push(Fate::FailsYetLands);
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
        if 0 < state.left.crashes {
            actions.push(Action::Crash(slot));
        }
        if process.stopped {
            return;
        }
        if let (Main::Owning, Some(owner)) = (&process.main, process.owner.as_deref()) {
            if owner.open && !owner.resident && owner.passes(state.now(), self.mutant) {
                actions.push(Action::Load(slot));
            }
            if owner.keeper.is_some() {
                actions.push(Action::HandOver(slot));
            }
            if self.kill && owner.awaits.is_some() {
                actions.push(Action::Evict(slot));
            }
            if 0 < state.left.stops {
                actions.push(Action::Stop(slot));
            }
        }
    }
}

fn is_free(state: &State, file: usize) -> bool {
    state.disk.residency.get(file) == Some(&None)
}

fn keeper_effect(effect: &keeper::Effect) -> &'static str {
    match effect {
        keeper::Effect::Await { .. } => "await",
        keeper::Effect::BeginRenewal { .. } => "begin renewal",
        keeper::Effect::ExtendGate(_) => "extend gate",
        keeper::Effect::OpenResidency => "open residency",
        keeper::Effect::Fence(_) => "fence",
    }
}

/// The sort of an action.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Tick => "lease: time passes",
        Action::Perform { .. } => "lease: an effect is performed",
        Action::StandbyWakes(_) => "lease: a standby wakes",
        Action::LockComes(_) => "lease: a lock comes",
        Action::KeeperWakes(_) => "lease: a keeper wakes",
        Action::RenewalHeard(_) => "lease: a renewal is heard of",
        Action::Load(_) => "lease: load",
        Action::HandOver(_) => "lease: hand over",
        Action::Evict(_) => "lease: evict",
        Action::Exit(_) => "lease: exit",
        Action::Crash(_) => "lease: crash",
        Action::Stop(_) => "lease: stop",
        Action::Restart(_) => "lease: restart",
        Action::ReplaceLockFile => "lease: lock file replaced",
    }
}

/// Every sort of action.
pub(super) const KINDS: &[&str] = &[
    "lease: time passes",
    "lease: an effect is performed",
    "lease: a standby wakes",
    "lease: a lock comes",
    "lease: a keeper wakes",
    "lease: a renewal is heard of",
    "lease: load",
    "lease: hand over",
    "lease: evict",
    "lease: exit",
    "lease: crash",
    "lease: stop",
    "lease: restart",
    "lease: lock file replaced",
];
