//! What can happen next: what clients do, what the engine has done, what the daemon hears, ticks, and faults.

use std::fmt;

use super::Slot;
use super::names::{Choice, Want, letter};
use super::state::{Caller, Stage, State, Work};

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A client asks for something on the menu.
    Ask {
        /// The client.
        caller: u8,
        /// Its place on the menu.
        choice: u8,
        /// What it is.
        what: Choice,
    },
    /// A client ends its work.
    Close(u8),
    /// A client that waits hangs up.
    HangUp(u8),
    /// The daemon hears that a client has hung up.
    HearGone(u8),
    /// The write of a mark ends.
    MarkEnds(u8),
    /// A load begins, if the gate lets it.
    Begin(u8),
    /// A load has come half of the way.
    Progress(u8),
    /// A load ends.
    LoadEnds(u8, Fate),
    /// The memory of a model is back.
    Freed(u8),
    /// The idle interval passes.
    IdleTick,
    /// The drain interval passes.
    DrainTick,
    /// The gate closes for good.
    Fence,
    /// The daemon looks at the closed gate.
    Look,
    /// The daemon dies.
    Crash {
        /// Whether a mark that was being written is on disk.
        landed: bool,
    },
    /// Another one takes its place.
    Restart,
    /// The disk fails from here on.
    DiskFails,
    /// It does not any more.
    DiskRecovers,
    /// An end of a load is reported once more.
    Echo,
}

/// How a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// With a model, as planned.
    Loaded,
    /// With a model that took more.
    TookMore,
    /// Without a model.
    Failed,
}

impl Action {
    /// Its sort, as a mark.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Ask { what, .. } => match what.want {
                Want::Open(_) => "slot: open",
                Want::Load(_) => "slot: load",
                Want::LoadInstead(_) => "slot: load instead",
                Want::Unload => "slot: unload",
            },
            Action::Close(_) => "slot: close",
            Action::HangUp(_) => "slot: hang up",
            Action::HearGone(_) => "slot: hang-up heard",
            Action::MarkEnds(_) => "slot: mark ends",
            Action::Begin(_) => "slot: begin",
            Action::Progress(_) => "slot: progress",
            Action::LoadEnds(_, Fate::Loaded) => "slot: loaded",
            Action::LoadEnds(_, Fate::TookMore) => "slot: took more",
            Action::LoadEnds(_, Fate::Failed) => "slot: load failed",
            Action::Freed(_) => "slot: freed",
            Action::IdleTick => "slot: idle tick",
            Action::DrainTick => "slot: drain tick",
            Action::Fence => "slot: fence",
            Action::Look => "slot: look at the gate",
            Action::Crash { .. } => "slot: crash",
            Action::Restart => "slot: restart",
            Action::DiskFails => "slot: disk fails",
            Action::DiskRecovers => "slot: disk recovers",
            Action::Echo => "slot: echo",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Ask { caller, what, .. } => write!(f, "{caller} asks: {what}"),
            Action::Close(caller) => write!(f, "{caller} closes"),
            Action::HangUp(caller) => write!(f, "{caller} hangs up"),
            Action::HearGone(caller) => write!(f, "hang-up of {caller} heard"),
            Action::MarkEnds(model) => write!(f, "{}: mark ends", letter(model)),
            Action::Begin(model) => write!(f, "{}: load begins", letter(model)),
            Action::Progress(model) => write!(f, "{}: half loaded", letter(model)),
            Action::LoadEnds(model, Fate::Loaded) => write!(f, "{}: loaded", letter(model)),
            Action::LoadEnds(model, Fate::TookMore) => write!(f, "{}: loaded, took more", letter(model)),
            Action::LoadEnds(model, Fate::Failed) => write!(f, "{}: load fails", letter(model)),
            Action::Freed(model) => write!(f, "{}: freed", letter(model)),
            Action::IdleTick => f.write_str("idle tick"),
            Action::DrainTick => f.write_str("drain tick"),
            Action::Fence => f.write_str("the gate closes"),
            Action::Look => f.write_str("the closed gate is seen"),
            Action::Crash { landed: false } => f.write_str("the daemon dies"),
            Action::Crash { landed: true } => f.write_str("the daemon dies, its mark written"),
            Action::Restart => f.write_str("the daemon starts"),
            Action::DiskFails => f.write_str("the disk fails"),
            Action::DiskRecovers => f.write_str("the disk recovers"),
            Action::Echo => f.write_str("an end is reported again"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member;
        match self.want {
            Want::Open(model) => write!(f, "open {} as m{member}", letter(model)),
            Want::Load(model) => write!(f, "load {} as m{member}", letter(model)),
            Want::LoadInstead(model) => write!(f, "load {} instead as m{member}", letter(model)),
            Want::Unload => write!(f, "unload m{member}"),
        }
    }
}

impl Slot {
    /// Every action that `state` allows.
    pub(super) fn enabled(&self, state: &State, actions: &mut Vec<Action>) {
        if state.table.is_none() {
            return actions.push(Action::Restart);
        }
        for (caller, index) in state.callers.iter().zip(0_u8..) {
            match caller.stage {
                Stage::Idle if 0 < caller.left => {
                    let menu = self.menu.iter().zip(0_u8..);
                    actions.extend(menu.map(|(what, choice)| Action::Ask {
                        caller: index,
                        choice,
                        what: *what,
                    }));
                }
                Stage::Idle => {}
                Stage::Waiting { .. } if self.hang_ups => actions.push(Action::HangUp(index)),
                Stage::Waiting { .. } => {}
                Stage::Holding { .. } => actions.push(Action::Close(index)),
                Stage::Left => actions.push(Action::HearGone(index)),
            }
        }
        for (work, model) in state.engine.iter().zip(0_u8..) {
            self.works(state, *work, model, actions);
        }
        self.ticks_and_faults(state, actions);
    }

    fn works(&self, state: &State, work: Work, model: u8, actions: &mut Vec<Action>) {
        match work {
            Work::None | Work::Resident { .. } => {}
            Work::Marking { .. } => actions.push(Action::MarkEnds(model)),
            Work::Starting { .. } => actions.push(Action::Begin(model)),
            Work::Loading { breaking, half, .. } => {
                if self.progress && !half {
                    actions.push(Action::Progress(model));
                }
                actions.push(Action::LoadEnds(model, Fate::Loaded));
                if breaking || 0 < state.left.failures {
                    actions.push(Action::LoadEnds(model, Fate::Failed));
                }
                if 0 < state.left.overshoots {
                    actions.push(Action::LoadEnds(model, Fate::TookMore));
                }
            }
            Work::Freeing { .. } => actions.push(Action::Freed(model)),
        }
    }

    fn ticks_and_faults(&self, state: &State, actions: &mut Vec<Action>) {
        if self.idle && state.is_something_ready() {
            actions.push(Action::IdleTick);
        }
        if self.slow && state.is_draining() {
            actions.push(Action::DrainTick);
        }
        if state.gate_closed && !state.noticed {
            actions.push(Action::Look);
        }
        if 0 < state.left.fences && !state.gate_closed {
            actions.push(Action::Fence);
        }
        if 0 < state.left.crashes {
            actions.push(Action::Crash { landed: false });
            if state.engine.iter().any(|work| matches!(work, Work::Marking { .. })) && !state.disk_fails {
                actions.push(Action::Crash { landed: true });
            }
        }
        if 0 < state.left.disk_failures {
            actions.push(Action::DiskFails);
        }
        if state.disk_fails {
            actions.push(Action::DiskRecovers);
        }
        if 0 < state.left.echoes && state.echo.is_some() {
            actions.push(Action::Echo);
        }
    }

    /// Whether `action`, possible in `state`, is obliged to happen unless it becomes impossible: weak fairness. The engine
    /// ends what it began, the daemon hears what was sent to it and looks at its gate, drain ticks come, somebody
    /// restarts a daemon that died, and a client ends its work once told to, or by itself where clients are not slow.
    /// What else clients do, idle ticks, progress and faults may never happen.
    pub fn is_obliged(&self, state: &State, action: &Action) -> bool {
        match *action {
            Action::HearGone(_)
            | Action::MarkEnds(_)
            | Action::Begin(_)
            | Action::LoadEnds(..)
            | Action::Freed(_)
            | Action::DrainTick
            | Action::Look
            | Action::Restart => true,
            Action::Close(caller) => {
                let told = |caller: &Caller| matches!(caller.stage, Stage::Holding { aborted: true, .. });
                !self.slow || state.callers.get(usize::from(caller)).is_some_and(told)
            }
            Action::Ask { .. }
            | Action::HangUp(_)
            | Action::Progress(_)
            | Action::IdleTick
            | Action::Fence
            | Action::Crash { .. }
            | Action::DiskFails
            | Action::DiskRecovers
            | Action::Echo => false,
        }
    }

    /// Whether something is obliged to happen in `state` (see [`Slot::is_obliged`]).
    pub fn is_something_due(&self, state: &State) -> bool {
        let is_over = |caller: &Stage| match caller {
            Stage::Left => true,
            Stage::Holding { aborted, .. } => *aborted || !self.slow,
            Stage::Idle | Stage::Waiting { .. } => false,
        };
        state.table.is_none()
            || (state.gate_closed && !state.noticed)
            || (self.slow && state.is_draining())
            || state.callers.iter().any(|caller| is_over(&caller.stage))
            || state.engine.iter().any(|work| !matches!(work, Work::None | Work::Resident { .. }))
    }
}
