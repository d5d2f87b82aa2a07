//! What can happen next: effects, waits that end, and faults.

use std::fmt;

use modeld_spec::daemon::effect::{Content, Effect, Phase, Said};

use super::Starting;
use super::mutants::Mutant;
use super::state::{CHILDREN, CRASHED, Child, Life, OTHER_BOOT, Probe, Starter, State, Stopper};

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// What the state directory has in it when the story begins.
    Find(Remains),
    /// A process performs the effect that it wants.
    Perform {
        /// The process.
        who: Who,
        /// The effect's name.
        effect: &'static str,
        /// What becomes of it.
        fate: Fate,
    },
    /// A daemon that has done everything ends, and the kernel drops what it had.
    Exit(Life),
    /// A child reports progress.
    Report(Life),
    /// A starter dies.
    Crash(u8),
    /// A starter is paused for good.
    Pause(u8),
    /// A daemon dies, or what becomes one.
    Die(Life),
    /// A daemon takes no step any more, or what becomes one.
    Hang(Life),
    /// Somebody damages the metadata.
    Damage,
    /// Somebody removes the metadata.
    Remove,
    /// The pid of a dead life is given to a stranger.
    Reuse(Life),
}

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A starter, by slot.
    Starter(u8),
    /// A stopper, by slot.
    Stopper(u8),
    /// A status probe, by slot.
    Probe(u8),
    /// A daemon, or what becomes one.
    Child(Life),
}

/// What the state directory has in it when the story begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remains {
    /// Nothing.
    Nothing,
    /// The metadata of a daemon that has cleaned up.
    Stopped,
    /// Metadata and socket of a daemon that crashed while it ran.
    Crashed,
    /// A metadata file that is none, and a socket.
    Unreadable,
    /// Metadata and socket of a daemon that ran when the machine went down. A stranger has its pid, and its start
    /// time, counted from this boot.
    OtherBoot,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done, or what was waited for has come.
    Done,
    /// The bound has come.
    Late,
    /// It fails, and nothing has changed.
    Fails,
    /// It is reported to have failed and is done all the same.
    FailsYetLands,
    /// A daemon that waits looks after its metadata.
    Wakes,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Starter(slot) => write!(f, "starter {}", slot + 1),
            Who::Stopper(slot) => write!(f, "stopper {}", slot + 1),
            Who::Probe(slot) => write!(f, "probe {}", slot + 1),
            Who::Child(life) => write!(f, "{}", name(*life)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Find(Remains::Nothing) => write!(f, "the state directory is empty"),
            Action::Find(Remains::Stopped) => write!(f, "the last daemon was stopped"),
            Action::Find(Remains::Crashed) => write!(f, "the last daemon has crashed"),
            Action::Find(Remains::Unreadable) => write!(f, "the metadata is unreadable"),
            Action::Find(Remains::OtherBoot) => write!(f, "the machine was rebooted under a daemon"),
            Action::Perform { who, effect, fate } => {
                let fate = match fate {
                    Fate::Done => "",
                    Fate::Late => " (too late)",
                    Fate::Fails => " (fails)",
                    Fate::FailsYetLands => " (is said to fail)",
                    Fate::Wakes => " (wakes)",
                };
                write!(f, "{who}: {effect}{fate}")
            }
            Action::Exit(life) => write!(f, "{} ends", name(life)),
            Action::Report(life) => write!(f, "{} reports progress", name(life)),
            Action::Crash(slot) => write!(f, "starter {} crashes", slot + 1),
            Action::Pause(slot) => write!(f, "starter {} is paused", slot + 1),
            Action::Die(life) => write!(f, "{} dies", name(life)),
            Action::Hang(life) => write!(f, "{} hangs", name(life)),
            Action::Damage => write!(f, "the metadata is damaged"),
            Action::Remove => write!(f, "the metadata is removed"),
            Action::Reuse(life) => write!(f, "a stranger gets the pid of {}", name(life)),
        }
    }
}

/// The name of a life: daemons are letters.
pub fn name(life: Life) -> String {
    match life {
        CRASHED => "the crashed daemon".to_string(),
        OTHER_BOOT => "the daemon of the other boot".to_string(),
        life => format!("daemon {}", char::from(b'a' + life)),
    }
}

impl Starting {
    /// Every action that `state` allows.
    pub(super) fn enabled(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.found {
            actions.extend(self.beginnings().into_iter().map(Action::Find));
            return;
        }
        self.moves(state, actions);
        // Bounds come when nothing else does, and where waits may end early, at any time.
        if self.slow || actions.is_empty() {
            self.bounds(state, true, actions);
            if self.slow || actions.is_empty() {
                self.bounds(state, false, actions);
            }
        }
        for (slot, probe) in (0..).zip(&state.probes) {
            if let Probe::Looking(look) = probe {
                self.push(state, Who::Probe(slot), &look.machine.pending(), actions);
            }
        }
        self.faults(state, actions);
    }

    /// Whether nobody but a status probe has anything to do that is neither a fault nor the end of a wait.
    pub(super) fn is_quiet(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.moves(state, &mut actions);
        actions.is_empty()
    }

    /// Whether `state` has an end of a wait to offer.
    pub(super) fn has_bound(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.bounds(state, true, &mut actions);
        self.bounds(state, false, &mut actions);
        !actions.is_empty()
    }

    fn beginnings(&self) -> Vec<Remains> {
        let mut beginnings = vec![Remains::Nothing];
        if self.remains {
            beginnings.extend([Remains::Stopped, Remains::Crashed, Remains::Unreadable]);
        }
        if self.reboot {
            beginnings.push(Remains::OtherBoot);
        }
        beginnings
    }

    /// Whatever a process does that is not a fault and not the end of a wait.
    fn moves(&self, state: &State, actions: &mut Vec<Action>) {
        for (slot, starter) in (0..).zip(&state.starters) {
            if let Starter::Running { machine, frozen: false, .. } = starter {
                let effect = machine.pending();
                if self.comes(state, Who::Starter(slot), &effect) {
                    self.push(state, Who::Starter(slot), &effect, actions);
                }
            }
        }
        for (slot, stopper) in (0..).zip(&state.stoppers) {
            if let Stopper::Running(machine) = stopper {
                let effect = machine.pending();
                if self.comes(state, Who::Stopper(slot), &effect) {
                    self.push(state, Who::Stopper(slot), &effect, actions);
                }
            }
        }
        for (life, body) in state.bodies().filter(|(_, body)| !body.hung) {
            if body.exiting {
                actions.push(Action::Exit(life));
                continue;
            }
            let effect = body.machine.pending();
            if effect == Effect::AwaitStop && self.is_damaged(state, life) {
                actions.push(perform(Who::Child(life), &effect, Fate::Wakes));
            }
            if self.comes(state, Who::Child(life), &effect) {
                self.push(state, Who::Child(life), &effect, actions);
            }
            if self.progress && effect == Effect::Serve && !body.reported && body.starter.is_some() {
                actions.push(Action::Report(life));
            }
        }
    }

    /// Whether what `who` waits for with this effect has come; an effect that does not wait comes at once.
    fn comes(&self, state: &State, who: Who, effect: &Effect<Life>) -> bool {
        match (who, effect) {
            (_, Effect::TakeStart { .. }) => {
                state.disk.start_lock.is_none() || self.mutant == Some(Mutant::StartLockIgnored)
            }
            (_, Effect::TakeRun) => state.disk.run_lock.is_none(),
            (Who::Starter(_), Effect::AwaitChange { .. }) => {
                self.mutant == Some(Mutant::WaitsAnew)
                    || state.disk.run_lock.is_none()
                    || named(state).is_some_and(|life| state.is_ready(life))
            }
            (_, Effect::AwaitChange { .. }) => {
                state.disk.run_lock.is_none() || named(state).is_some_and(|life| state.lives(life))
            }
            (_, Effect::AwaitEnd { who, .. }) => !state.lives(*who),
            (_, Effect::AwaitLine { .. }) => child_of(state, who).is_none_or(|child| {
                child.channel.progress || child.channel.word.is_some() || child.body.is_none()
            }),
            (_, Effect::Reap { .. }) => child_of(state, who).is_none_or(|child| child.body.is_none()),
            (Who::Child(life), Effect::AwaitStop) => state.body(life).is_some_and(|body| body.told),
            _ => true,
        }
    }

    /// Waits whose bound may come: those for which nothing else has. A daemon waits for the run lock for a moment,
    /// and nobody else's patience is as `short`.
    fn bounds(&self, state: &State, short: bool, actions: &mut Vec<Action>) {
        let mut push = |who: Who, effect: &Effect<Life>| {
            let waits = matches!(
                effect,
                Effect::TakeStart { .. }
                    | Effect::TakeRun
                    | Effect::AwaitChange { .. }
                    | Effect::AwaitEnd { .. }
                    | Effect::AwaitLine { .. }
                    | Effect::Reap { .. }
            );
            let endless = matches!(
                (self.mutant, effect),
                (Some(Mutant::StartLockWithoutBound), Effect::TakeStart { .. })
                    | (Some(Mutant::ChildWithoutBound), Effect::AwaitLine { .. })
                    | (Some(Mutant::StopWithoutBound), Effect::AwaitEnd { .. })
                    | (Some(Mutant::ChangeWithoutBound), Effect::AwaitChange { .. })
                    | (Some(Mutant::ReapWithoutBound), Effect::Reap { .. })
            );
            let now = short == (*effect == Effect::TakeRun);
            if waits && now && !endless && !self.comes(state, who, effect) {
                actions.push(perform(who, effect, Fate::Late));
            }
        };
        for (slot, starter) in (0..).zip(&state.starters) {
            if let Starter::Running { machine, frozen: false, .. } = starter {
                push(Who::Starter(slot), &machine.pending());
            }
        }
        for (slot, stopper) in (0..).zip(&state.stoppers) {
            if let Stopper::Running(machine) = stopper {
                push(Who::Stopper(slot), &machine.pending());
            }
        }
        for (life, body) in state.bodies().filter(|(_, body)| !body.hung && !body.exiting) {
            push(Who::Child(life), &body.machine.pending());
        }
    }

    /// The effect as it may go: done, or failed.
    fn push(&self, state: &State, who: Who, effect: &Effect<Life>, actions: &mut Vec<Action>) {
        actions.push(perform(who, effect, Fate::Done));
        let fallible = matches!(
            effect,
            Effect::TakeStart { .. }
                | Effect::TakeRun
                | Effect::LookRun
                | Effect::ReadMetadata
                | Effect::WriteMetadata(_)
                | Effect::Spawn
                | Effect::RemoveSocket
                | Effect::Bind
                | Effect::Serve
        );
        if fallible && 0 < state.left.failures {
            actions.push(perform(who, effect, Fate::Fails));
            if matches!(effect, Effect::WriteMetadata(_)) {
                actions.push(perform(who, effect, Fate::FailsYetLands));
            }
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let left = &state.left;
        for (slot, starter) in (0..).zip(&state.starters) {
            if let Starter::Running { frozen, .. } = starter {
                if 0 < left.crashes {
                    actions.push(Action::Crash(slot));
                }
                if 0 < left.pauses && !frozen {
                    actions.push(Action::Pause(slot));
                }
            }
        }
        for (life, body) in state.bodies() {
            if 0 < left.deaths {
                actions.push(Action::Die(life));
            }
            if 0 < left.hangs && !body.hung {
                actions.push(Action::Hang(life));
            }
        }
        if 0 < left.damages {
            if state.disk.metadata != Content::Unreadable {
                actions.push(Action::Damage);
            }
            if state.disk.metadata != Content::Absent {
                actions.push(Action::Remove);
            }
        }
        if 0 < left.reuses {
            let dead = |life: &Life| {
                let was = state.child(*life).map_or(named(state) == Some(*life), |child| child.born);
                was && !state.lives(*life) && state.strangers & (1 << life) == 0
            };
            let children = (0..).take(CHILDREN);
            actions.extend(children.chain([CRASHED]).filter(dead).map(Action::Reuse));
        }
    }

    /// Whether a daemon that looks after its metadata finds it damaged.
    pub(super) fn is_damaged(&self, state: &State, life: Life) -> bool {
        let mine = Content::Says(Said { who: life, phase: Phase::Running });
        state.disk.metadata != mine && self.mutant != Some(Mutant::NeverRestores)
    }
}

/// The life that the metadata names.
pub(super) fn named(state: &State) -> Option<Life> {
    match state.disk.metadata {
        Content::Says(said) => Some(said.who),
        Content::Absent | Content::Unreadable => None,
    }
}

/// The child of a starter.
pub(super) fn child_of(state: &State, who: Who) -> Option<&Child> {
    let Who::Starter(slot) = who else { return None };
    match state.starters.get(usize::from(slot)) {
        Some(Starter::Running { child: Some(life), .. }) => state.child(*life),
        _ => None,
    }
}

fn perform(who: Who, effect: &Effect<Life>, fate: Fate) -> Action {
    Action::Perform { who, effect: effect.name(), fate }
}

/// The sort of an action, as a mark of coverage.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Find(_) => "start: a beginning",
        Action::Perform { who: Who::Starter(_), .. } => "start: a starter's effect",
        Action::Perform { who: Who::Stopper(_), .. } => "start: a stopper's effect",
        Action::Perform { who: Who::Probe(_), .. } => "start: a probe's effect",
        Action::Perform { who: Who::Child(_), .. } => "start: a daemon's effect",
        Action::Exit(_) => "start: a process ends",
        Action::Report(_) => "start: progress",
        Action::Crash(_) => "start: a starter crashes",
        Action::Pause(_) => "start: a starter is paused",
        Action::Die(_) => "start: a daemon dies",
        Action::Hang(_) => "start: a daemon hangs",
        Action::Damage => "start: metadata damaged",
        Action::Remove => "start: metadata removed",
        Action::Reuse(_) => "start: a pid is used again",
    }
}
