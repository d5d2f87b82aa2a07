//! What can happen next: work begins and lands, ownerships succeed each other and end, clients call, faults, time.

use std::fmt;

use modeld_spec::fence::commit;
use modeld_spec::fence::commit::is_left_behind;
use modeld_spec::fence::drain;
use modeld_spec::fence::entry::{Refusal, may_begin};
use modeld_spec::lease::effect::Effect;

use super::Fence;
use super::mutants::Mutant;
use super::releases;
use super::state::{Life, Process, State, Work, epoch};
use crate::coverage::mark;
use crate::models::lease::names::letter;

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// A claimant takes the latch and is granted an epoch.
    Grant(u8),
    /// It writes its record and drops the latch.
    Own(u8),
    /// A leader gets the residency lock.
    TakeLock(u8),
    /// A renewal takes the latch, from when it counts.
    Renew(u8),
    /// It writes the record and drops the latch.
    Renewed(u8),
    /// The renewal moves the gate.
    Extend(u8),
    /// The keeper finds that a later ownership was granted.
    Lost(u8),
    /// An owner begins to end its ownership.
    End(u8),
    /// The release performs its next effect.
    Release(u8, &'static str, Fate),
    /// The drain performs or hears something.
    Drain(u8),
    /// An owned effect passes the gate and begins.
    Begin(u8, Work),
    /// An effect that nothing checks lands.
    Land(u8),
    /// A durable effect performs its next effect.
    Write(u8, commit::Effect, Fate),
    /// A client reads the record.
    Lookup(u8),
    /// A client opens its answer at a process.
    Open(u8, u8),
    /// A client asks a process something that is answered at once.
    Ask(u8, u8),
    /// An item from a process arrives at a client.
    Receive(u8, u8),
    /// A client gives its server up.
    Lose(u8),
    /// A process whose ownership has ended stands by again.
    Rejoin(u8),
    /// A process dies.
    Crash(u8),
    /// A process is paused.
    Pause(u8),
    /// It goes on.
    Resume(u8),
    /// What is under way never ends.
    Stick(u8),
    /// The machine is suspended for two ticks.
    Suspend,
    /// Somebody removes all lease files while nobody has the latch.
    RemoveFiles,
    /// The power fails.
    PowerLoss,
}

/// What becomes of an effect on files.
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
        let name = |slot: &u8| letter(usize::from(*slot));
        match self {
            Action::Tick => write!(f, "time passes"),
            Action::Grant(slot) => write!(f, "{} is granted an epoch", name(slot)),
            Action::Own(slot) => write!(f, "{} writes its record", name(slot)),
            Action::TakeLock(slot) => write!(f, "{} gets the residency lock", name(slot)),
            Action::Renew(slot) => write!(f, "{} begins to renew", name(slot)),
            Action::Renewed(slot) => write!(f, "{} writes its renewed record", name(slot)),
            Action::Extend(slot) => write!(f, "{} moves its gate", name(slot)),
            Action::Lost(slot) => write!(f, "{} finds that it was succeeded", name(slot)),
            Action::End(slot) => write!(f, "{} ends its ownership", name(slot)),
            Action::Release(slot, effect, fate) => {
                write!(f, "{} release: {effect}{}", name(slot), fate.words())
            }
            Action::Drain(slot) => write!(f, "{} drain goes on", name(slot)),
            Action::Begin(slot, work) => write!(f, "{} begins {}", name(slot), words(*work)),
            Action::Land(slot) => write!(f, "{} lands", name(slot)),
            Action::Write(slot, effect, fate) => {
                write!(f, "{} write: {}{}", name(slot), effect.name(), fate.words())
            }
            Action::Lookup(client) => write!(f, "client {client} reads the record"),
            Action::Open(client, slot) => write!(f, "client {client} opens at {}", name(slot)),
            Action::Ask(client, slot) => write!(f, "client {client} asks {}", name(slot)),
            Action::Receive(client, slot) => write!(f, "client {client} receives from {}", name(slot)),
            Action::Lose(client) => write!(f, "client {client} gives its server up"),
            Action::Rejoin(slot) => write!(f, "{} stands by again", name(slot)),
            Action::Crash(slot) => write!(f, "{} crashes", name(slot)),
            Action::Pause(slot) => write!(f, "{} is paused", name(slot)),
            Action::Resume(slot) => write!(f, "{} goes on", name(slot)),
            Action::Stick(slot) => write!(f, "{} hangs in its effect", name(slot)),
            Action::Suspend => write!(f, "the machine is suspended"),
            Action::RemoveFiles => write!(f, "the lease files are removed"),
            Action::PowerLoss => write!(f, "the power fails"),
        }
    }
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Fate::Done => "",
            Fate::Busy => " (stays taken)",
            Fate::Fails => " (fails)",
            Fate::FailsYetLands => " (is said to fail)",
        }
    }
}

/// What is done, in words.
pub fn words(work: Work) -> String {
    match work {
        Work::Load => "a load".to_string(),
        Work::Item(client) => format!("an item for client {client}"),
        Work::Sweep(slot, of) => {
            format!("to sweep what {} prepared in epoch {of}", letter(usize::from(slot)))
        }
        Work::Write => "a durable write".to_string(),
    }
}

impl Fence {
    /// Every action that `state` allows.
    pub(super) fn enabled(&self, state: &State, actions: &mut Vec<Action>) {
        for slot in self.slots() {
            let process = state.process(slot);
            if process.runs() {
                self.succession(state, slot, process, actions);
                self.ending(state, slot, process, actions);
                self.work(state, slot, process, actions);
            }
            self.faults_of(state, slot, process, actions);
        }
        for client in 0..self.clients {
            self.calls(state, client, actions);
        }
        if state.tick < self.horizon && !self.is_urgent(state) {
            actions.push(Action::Tick);
        }
        if 0 < state.left.suspends && state.tick + 2 <= self.horizon {
            actions.push(Action::Suspend);
        }
        if 0 < state.left.removals && state.latch.is_none() {
            actions.push(Action::RemoveFiles);
        }
        if 0 < state.left.power {
            actions.push(Action::PowerLoss);
        }
    }

    /// Whether somebody does something before the next tick.
    fn is_urgent(&self, state: &State) -> bool {
        self.slots().map(|slot| state.process(slot)).filter(|process| process.runs()).any(|process| {
            let native = process.native.is_some_and(|native| !native.stuck && native.begun < state.tick);
            let drain = match process.drain {
                Some((drain::Effect::Await { until }, _)) => {
                    until <= state.now() && self.mutant != Some(Mutant::DrainsForEver)
                }
                Some((drain::Effect::EndProcess, _)) => true,
                _ => false,
            };
            native || drain || process.extending.is_some()
        })
    }

    fn succession(&self, state: &State, slot: u8, process: &Process, actions: &mut Vec<Action>) {
        match process.life {
            Life::Standby if state.latch.is_none() && self.may_claim(state) => {
                actions.push(Action::Grant(slot))
            }
            Life::Granted => actions.push(Action::Own(slot)),
            Life::Ended
                if 0 < state.left.rejoins && process.native.is_none() && process.durable.is_none() =>
            {
                actions.push(Action::Rejoin(slot));
            }
            _ => {}
        }
        if !process.owns() {
            return;
        }
        if process.leads && state.residency.is_none() && state.latch.is_none() && !process.given_up {
            actions.push(Action::TakeLock(slot));
        }
        let ours = state.record.filter(|record| (record.slot, record.epoch) == (slot, process.epoch));
        let renews = |record: super::state::Record| {
            record.renewed < state.tick && 0 < state.left.renewals && process.gate.admits(state.now())
        };
        let idle = process.renewing.is_none() && process.extending.is_none();
        if state.latch.is_none() && idle && ours.is_some_and(renews) {
            actions.push(Action::Renew(slot));
        }
        if process.renewing.is_some() {
            actions.push(Action::Renewed(slot));
        }
        if process.extending.is_some() {
            actions.push(Action::Extend(slot));
        }
    }

    /// What the lease model shows of who may be granted an epoch, and when.
    fn may_claim(&self, state: &State) -> bool {
        let free = state.residency.is_none();
        match state.record {
            None => free,
            Some(record) if self.is_expired(state, &record) => true,
            Some(record) => free && !record.awaits,
        }
    }

    fn ending(&self, state: &State, slot: u8, process: &Process, actions: &mut Vec<Action>) {
        if process.life == Life::Owning {
            let over = !process.gate.admits(state.now());
            if over || 0 < state.left.handovers {
                actions.push(Action::End(slot));
            }
            let other = |record: super::state::Record| {
                (record.slot, record.epoch) != (slot, process.epoch) && process.epoch <= record.epoch
            };
            if !over && state.latch.is_none() && state.record.is_some_and(other) {
                actions.push(Action::Lost(slot));
            }
        }
        if let Some((effect, _)) = process.drain {
            let wakes = match effect {
                drain::Effect::Close | drain::Effect::EndProcess => true,
                drain::Effect::Await { until } => {
                    let due = until <= state.now() && self.mutant != Some(Mutant::DrainsForEver);
                    process.permits.is_drained() || due
                }
            };
            if wakes {
                actions.push(Action::Drain(slot));
            }
            return;
        }
        let Life::Ending(node) = process.life else { return };
        let effect = releases::effect(node);
        match effect {
            // The flush is under way.
            Effect::Flush if process.durable.is_some() => {}
            Effect::TakeLatch if state.latch.is_some() => {
                if self.busy {
                    actions.push(Action::Release(slot, effect.name(), Fate::Busy));
                }
            }
            _ => actions.push(Action::Release(slot, effect.name(), Fate::Done)),
        }
        if *effect == Effect::Free && process.resident && 0 < state.left.failures {
            actions.push(Action::Release(slot, effect.name(), Fate::Fails));
        }
    }

    fn work(&self, state: &State, slot: u8, process: &Process, actions: &mut Vec<Action>) {
        if process.owns() {
            self.beginnings(state, slot, process, actions);
        }
        if process.native.is_some_and(|native| !native.stuck) {
            actions.push(Action::Land(slot));
        }
        if let Some(durable) = process.durable {
            let mut push = |fate| actions.push(Action::Write(slot, durable.effect, fate));
            match durable.effect {
                commit::Effect::TakeLatch if state.latch.is_some() => {
                    if self.busy {
                        push(Fate::Busy);
                    }
                    return;
                }
                _ => push(Fate::Done),
            }
            if 0 < state.left.failures && durable.effect != commit::Effect::DropLatch {
                push(Fate::Fails);
                if matches!(
                    durable.effect,
                    commit::Effect::Prepare | commit::Effect::Land | commit::Effect::Sync
                ) {
                    push(Fate::FailsYetLands);
                }
            }
        }
    }

    fn beginnings(&self, state: &State, slot: u8, process: &Process, actions: &mut Vec<Action>) {
        let mut push = |work| {
            if self.admits(state, slot, work) {
                actions.push(Action::Begin(slot, work));
            }
        };
        if 0 < state.left.writes && process.durable.is_none() {
            push(Work::Write);
        }
        if process.native.is_some() || process.leads || state.residency != Some(slot) {
            return;
        }
        if 0 < state.left.loads {
            push(Work::Load);
        }
        if 0 < state.left.items && process.resident {
            for client in 0..self.clients {
                if process.sessions[usize::from(client)].is_some() {
                    push(Work::Item(client));
                }
            }
        }
        if 0 < state.left.sweeps {
            for other in self.slots().filter(|other| *other != slot) {
                let of = state.store.prepared[usize::from(other)];
                if 0 < of && self.sweeps(of, process.epoch) {
                    push(Work::Sweep(other, of));
                }
            }
        }
    }

    fn sweeps(&self, of: u8, ours: u8) -> bool {
        let left = is_left_behind(epoch(of), epoch(ours));
        mark(if left {
            "fence: something was left behind"
        } else {
            "fence: what another prepares is left alone"
        });
        left || self.mutant == Some(Mutant::SweepsAnything)
    }

    fn admits(&self, state: &State, slot: u8, work: Work) -> bool {
        let here = self.here(state, slot, Some(work));
        let judged = match work {
            Work::Item(client) => self.admits_item(state, slot, client, &here).map(drop),
            _ => may_begin(&here),
        };
        mark(match judged {
            Ok(()) => "fence: an effect is let begin",
            Err(Refusal::Fenced) => "fence: an effect is refused by the gate",
            Err(Refusal::Draining) => "fence: an effect is refused by a closed word of permits",
            Err(Refusal::SessionGone | Refusal::NotMeant) => "fence: an item is refused for its session",
        });
        judged.is_ok()
    }

    fn faults_of(&self, state: &State, slot: u8, process: &Process, actions: &mut Vec<Action>) {
        if process.life == Life::Gone {
            return;
        }
        if 0 < state.left.crashes && process.life != Life::Standby {
            actions.push(Action::Crash(slot));
        }
        if process.paused {
            actions.push(Action::Resume(slot));
        } else if 0 < state.left.pauses && process.life != Life::Standby {
            actions.push(Action::Pause(slot));
        }
        if 0 < state.left.stuck && process.native.is_some_and(|native| !native.stuck) {
            actions.push(Action::Stick(slot));
        }
    }
}

/// The sort of an action, as a mark.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Tick => "fence: time passes",
        Action::Grant(_) => "fence: grant",
        Action::Own(_) => "fence: own",
        Action::TakeLock(_) => "fence: take lock",
        Action::Renew(_) => "fence: renew",
        Action::Renewed(_) => "fence: renewed",
        Action::Extend(_) => "fence: extend",
        Action::Lost(_) => "fence: lost",
        Action::End(_) => "fence: end",
        Action::Release(_, _, Fate::Busy) => "fence: release, latch busy",
        Action::Release(_, _, Fate::Fails) => "fence: release, memory not freed",
        Action::Release(..) => "fence: release",
        Action::Drain(_) => "fence: drain",
        Action::Begin(_, Work::Load) => "fence: begin load",
        Action::Begin(_, Work::Item(_)) => "fence: begin item",
        Action::Begin(_, Work::Sweep(..)) => "fence: begin sweep",
        Action::Begin(_, Work::Write) => "fence: begin write",
        Action::Land(_) => "fence: land",
        Action::Write(_, _, Fate::Done) => "fence: write",
        Action::Write(_, _, Fate::Busy) => "fence: write, latch busy",
        Action::Write(_, _, Fate::Fails) => "fence: write fails",
        Action::Write(_, _, Fate::FailsYetLands) => "fence: write is said to fail",
        Action::Lookup(_) => "fence: lookup",
        Action::Open(..) => "fence: open",
        Action::Ask(..) => "fence: ask",
        Action::Receive(..) => "fence: receive",
        Action::Lose(_) => "fence: lose",
        Action::Rejoin(_) => "fence: rejoin",
        Action::Crash(_) => "fence: crash",
        Action::Pause(_) => "fence: pause",
        Action::Resume(_) => "fence: resume",
        Action::Stick(_) => "fence: stick",
        Action::Suspend => "fence: suspend",
        Action::RemoveFiles => "fence: remove files",
        Action::PowerLoss => "fence: power loss",
    }
}

/// Every mark that the searches of a profile leave.
pub(super) const MARKS: &[&str] = &[
    "fence: time passes",
    "fence: grant",
    "fence: own",
    "fence: take lock",
    "fence: renew",
    "fence: renewed",
    "fence: extend",
    "fence: lost",
    "fence: end",
    "fence: release, latch busy",
    "fence: release, memory not freed",
    "fence: release",
    "fence: drain",
    "fence: begin load",
    "fence: begin item",
    "fence: begin sweep",
    "fence: begin write",
    "fence: land",
    "fence: write",
    "fence: write, latch busy",
    "fence: write fails",
    "fence: write is said to fail",
    "fence: lookup",
    "fence: open",
    "fence: ask",
    "fence: receive",
    "fence: lose",
    "fence: rejoin",
    "fence: crash",
    "fence: pause",
    "fence: resume",
    "fence: stick",
    "fence: suspend",
    "fence: remove files",
    "fence: power loss",
    "fence: something was left behind",
    "fence: what another prepares is left alone",
    "fence: an effect is let begin",
    "fence: an effect is refused by the gate",
    "fence: an effect is refused by a closed word of permits",
    "fence: an item is refused for its session",
    "fence: a renewal is too late to write",
    "fence: a renewal moves the gate",
    "fence: a renewal comes too late for the gate",
    "fence: an end is a handover",
    "fence: an end is fenced",
    "fence: a flush begins",
    "fence: a flush is refused by the gate",
    "fence: a drain ends at once",
    "fence: a drain waits",
    "fence: a drain ends after waiting",
    "fence: a drain ends the process",
    "fence: a write is committed",
    "fence: a write is refused, a later epoch in the record",
    "fence: a write is refused, a later epoch was granted",
    "fence: a write is refused, unproven",
    "fence: a write is not done, latch busy",
    "fence: a write is not done, failed",
    "fence: a write is unknown",
    "fence: a call is admitted",
    "fence: a call is for another ownership",
    "fence: a call is refused by the gate",
    "fence: a call is refused by a stopping owner",
    "fence: a client finds an answer too old",
    "fence: a client finds no session at an owner that it does not accept",
    "fence: a client accepts an item",
    "fence: a release finds its own record",
    "fence: a release finds its own record, and awaits the lock",
    "fence: a release finds another record",
    "fence: a release finds no record",
];
