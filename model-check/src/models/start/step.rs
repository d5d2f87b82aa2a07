//! What an action does to the state: machines are stepped with what was seen, and their outcomes looked at.

use modeld_spec::daemon::effect::{Content, Effect, Phase, RunSeen, Said};
use modeld_spec::daemon::serve;
use modeld_spec::daemon::start::{self, Start};
use modeld_spec::daemon::status::{self, Status, Unknown};
use modeld_spec::daemon::stop;
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use super::Starting;
use super::actions::{Action, Fate, Remains, Who};
use super::mutants::Mutant;
use super::perform::{Sight, end, let_go, with_body};
use super::state::{Broken, CRASHED, Holder, Life, Look, OTHER_BOOT, Probe, Starter, State, Stopper};
use crate::coverage::mark;

impl Starting {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Find(remains) => find(state, remains),
            Action::Perform { who: Who::Starter(slot), fate, .. } => self.starter_performs(state, slot, fate),
            Action::Perform { who: Who::Stopper(slot), fate, .. } => self.stopper_performs(state, slot, fate),
            Action::Perform { who: Who::Probe(slot), fate, .. } => self.probe_performs(state, slot, fate),
            Action::Perform { who: Who::Child(life), fate, .. } => self.child_performs(state, life, fate),
            Action::Exit(life) => end(state, life),
            Action::Report(life) => {
                with_body(state, life, |body| body.reported = true);
                if let Some(child) = state.children.get_mut(usize::from(life)) {
                    child.channel.progress = child.channel.open;
                }
            }
            Action::Crash(slot) => {
                state.left.crashes -= 1;
                state.excused = true;
                let_go(state, slot);
                state.starters[usize::from(slot)] = Starter::Crashed;
            }
            Action::Pause(slot) => {
                state.left.pauses -= 1;
                state.excused = true;
                if let Starter::Running { frozen, .. } = &mut state.starters[usize::from(slot)] {
                    *frozen = true;
                }
            }
            Action::Die(life) => {
                state.left.deaths -= 1;
                state.excused = true;
                end(state, life);
            }
            Action::Hang(life) => {
                state.left.hangs -= 1;
                state.excused = true;
                with_body(state, life, |body| body.hung = true);
            }
            Action::Damage => {
                state.left.damages -= 1;
                state.disk.metadata = Content::Unreadable;
            }
            Action::Remove => {
                state.left.damages -= 1;
                state.disk.metadata = Content::Absent;
            }
            Action::Reuse(life) => {
                state.left.reuses -= 1;
                state.strangers |= 1 << life;
            }
        }
    }

    fn starter_performs(&self, state: &mut State, slot: u8, fate: Fate) {
        let index = usize::from(slot);
        let Starter::Running { machine, .. } = &state.starters[index] else { return };
        let (machine, effect) = (machine.clone(), machine.pending());
        if matches!(effect, Effect::TakeStart { .. }) && fate == Fate::Late {
            let ready = state.bodies().find(|(life, _)| state.is_ready(*life)).map(|(life, _)| life);
            if let Starter::Running { witness, .. } = &mut state.starters[index] {
                *witness = ready;
            }
        }
        let what = self.perform(state, Who::Starter(slot), &effect, fate);
        match machine.step(Observed { at: BootTime::ZERO, what }) {
            Step::Do(next, stepped) => {
                if next == Effect::DropStart {
                    watch_success(state, slot, &effect);
                } else if fate == Fate::Fails {
                    state.broke(Broken::DecidedUponFailure);
                }
                if let Starter::Running { machine, .. } = &mut state.starters[index] {
                    *machine = stepped;
                }
            }
            Step::Done(outcome) => {
                watch_failure(state, slot, &outcome);
                let_go(state, slot);
                state.starters[index] = Starter::Ended(outcome);
            }
        }
    }

    fn stopper_performs(&self, state: &mut State, slot: u8, fate: Fate) {
        let index = usize::from(slot);
        let Stopper::Running(machine) = &state.stoppers[index] else { return };
        let (machine, effect) = (machine.clone(), machine.pending());
        let what = self.perform(state, Who::Stopper(slot), &effect, fate);
        match machine.step(Observed { at: BootTime::ZERO, what }) {
            Step::Do(_, machine) => {
                if fate == Fate::Fails {
                    state.broke(Broken::DecidedUponFailure);
                }
                state.stoppers[index] = Stopper::Running(machine);
            }
            Step::Done(outcome) => {
                self.watch_stop(state, &outcome, fate);
                state.stoppers[index] = Stopper::Ended(outcome);
            }
        }
    }

    fn watch_stop(&self, state: &mut State, outcome: &stop::Outcome<Life, ()>, fate: Fate) {
        if fate == Fate::Fails && !matches!(outcome, stop::Outcome::Failed(())) {
            state.broke(Broken::DecidedUponFailure);
        }
        match outcome {
            stop::Outcome::Stopped(_) if matches!(state.disk.run_lock, Some(Holder::Life(_))) => {
                state.broke(Broken::StoppedWhileHeld);
            }
            stop::Outcome::Stopped(Some((who, _))) | stop::Outcome::Replaced(who, _) if state.lives(*who) => {
                state.broke(Broken::EndedWhileAlive);
            }
            stop::Outcome::StillRunning(..) if self.force => state.broke(Broken::LeftRunning),
            stop::Outcome::Breach(_) => state.broke(Broken::Contract),
            _ => {}
        }
    }

    fn probe_performs(&self, state: &mut State, slot: u8, fate: Fate) {
        let Some((look, step)) = self.probe_sees(state, slot, fate) else { return };
        let looked = matches!(look.machine.pending(), Effect::LookRun);
        state.probes[usize::from(slot)] = match step {
            Step::Do(effect, machine) => {
                if fate == Fate::Fails {
                    state.broke(Broken::DecidedUponFailure);
                }
                // A look that begins again has seen nothing yet.
                let again = effect == Effect::ReadMetadata && !looked;
                if again {
                    Probe::Looking(Look::new(machine))
                } else {
                    Probe::Looking(Look { machine, ..look })
                }
            }
            Step::Done(outcome) => {
                watch_status(state, &look, &outcome);
                match Status::start() {
                    Step::Do(_, machine) => Probe::Looking(Look::new(machine)),
                    Step::Done(_) => Probe::Absent,
                }
            }
        };
    }

    /// A probe performs the effect that it wants: the look so far, and what becomes of it.
    pub(super) fn probe_sees(
        &self,
        state: &mut State,
        slot: u8,
        fate: Fate,
    ) -> Option<(Look, Step<Status<Life, ()>>)> {
        let Probe::Looking(look) = &state.probes[usize::from(slot)] else { return None };
        let mut look = look.clone();
        let effect = look.machine.pending();
        match effect {
            Effect::Inspect(_) => look.at_inspection = state.truth(),
            Effect::LookRun if look.sampled.is_none() => look.at_lock = state.truth(),
            Effect::ReadMetadata if self.mutant == Some(Mutant::LooksBeforeInspecting) => {
                look.at_lock = state.truth();
                let held = state.disk.run_lock.is_some();
                look.sampled = Some(if held { RunSeen::Held } else { RunSeen::Free });
            }
            _ => {}
        }
        if state.disk.run_lock == Some(Holder::Probe(slot)) {
            state.disk.run_lock = None;
        }
        let what = self.perform(state, Who::Probe(slot), &effect, fate);
        let what = match (what, look.read) {
            (Sight::Metadata(_), Some(read)) => Sight::Metadata(read),
            (Sight::Metadata(read), None) if self.mutant == Some(Mutant::OneReadWillDo) => {
                look.read = Some(read);
                Sight::Metadata(read)
            }
            (Sight::Run(seen), _) => Sight::Run(look.sampled.unwrap_or(seen)),
            (what, _) => what,
        };
        let step = match (self.mutant, look.machine.clone().step(what)) {
            (Some(Mutant::NamelessIsStarting), Step::Done(status::Outcome::Unknown(Unknown::Nameless))) => {
                Step::Done(status::Outcome::Starting(None))
            }
            (_, step) => step,
        };
        Some((look, step))
    }

    fn child_performs(&self, state: &mut State, life: Life, fate: Fate) {
        let Some(body) = state.body(life) else { return };
        let (machine, effect) = (body.machine.clone(), body.machine.pending());
        let what = self.perform(state, Who::Child(life), &effect, fate);
        match machine.step(what) {
            Step::Do(_, machine) => with_body(state, life, |body| body.machine = machine),
            Step::Done(outcome) => {
                mark(match outcome {
                    serve::Outcome::Stopped => "start: a daemon was stopped",
                    serve::Outcome::Held => "start: a daemon found another",
                    serve::Outcome::Unwanted => "start: a daemon was unwanted",
                    serve::Outcome::Failed(()) => "start: a daemon failed",
                    serve::Outcome::Breach(_) => "start: a daemon's breach",
                });
                if matches!(outcome, serve::Outcome::Breach(_)) {
                    state.broke(Broken::Contract);
                }
                with_body(state, life, |body| body.exiting = true);
            }
        }
    }
}

/// What the state directory has in it when the story begins.
fn find(state: &mut State, remains: Remains) {
    state.found = true;
    let says = |who, phase| Content::Says(Said { who, phase });
    state.disk.metadata = match remains {
        Remains::Nothing => Content::Absent,
        Remains::Stopped => says(CRASHED, Phase::Stopped),
        Remains::Crashed => says(CRASHED, Phase::Running),
        Remains::Unreadable => Content::Unreadable,
        Remains::OtherBoot => says(OTHER_BOOT, Phase::Running),
    };
    state.disk.socket = match remains {
        Remains::Nothing | Remains::Stopped => None,
        Remains::Crashed | Remains::Unreadable => Some(CRASHED),
        Remains::OtherBoot => Some(OTHER_BOOT),
    };
    if remains == Remains::OtherBoot {
        state.strangers |= 1 << OTHER_BOOT;
    }
}

/// D2: a start that is about to succeed does so by a daemon that serves, or served when it said so.
fn watch_success(state: &mut State, slot: u8, effect: &Effect<Life>) {
    let Starter::Running { child, .. } = &state.starters[usize::from(slot)] else { return };
    let serves = match effect {
        Effect::Ask(life) => state.is_ready(*life),
        Effect::AwaitLine { .. } | Effect::GiveUp => {
            child.is_some_and(|life| state.child(life).is_some_and(|child| child.said))
        }
        _ => true,
    };
    if !serves {
        state.broke(Broken::NotServing);
    }
}

/// D8: what a probe says was so at one of the moments that count.
fn watch_status(state: &mut State, look: &Look, outcome: &status::Outcome<Life, ()>) {
    mark(match outcome {
        status::Outcome::Stopped => "start: status stopped",
        status::Outcome::Stale(_) => "start: status stale",
        status::Outcome::Starting(_) => "start: status starting",
        status::Outcome::Running(_) => "start: status running",
        status::Outcome::Stopping(_) => "start: status stopping",
        status::Outcome::Unknown(_) => "start: status unknown",
        status::Outcome::Breach(_) => "start: status breach",
    });
    if !look.was_true(outcome) {
        state.broke(Broken::FalseStatus);
    }
    if matches!(outcome, status::Outcome::Breach(_)) {
        state.broke(Broken::Contract);
    }
}

/// D3, D5: a start that has failed left no child, and did not pass by a daemon that was ready all the time.
fn watch_failure(state: &mut State, slot: u8, outcome: &start::Outcome<Life, ()>) {
    let Starter::Running { child, witness, .. } = &state.starters[usize::from(slot)] else { return };
    match outcome {
        start::Outcome::Failed(why) => {
            let (child, witness) = (*child, *witness);
            if child.is_some_and(|life| state.lives(life)) {
                state.broke(Broken::ChildLeft);
            }
            let ready = witness.is_some_and(|life| state.is_ready(life));
            if ready && *why == start::Why::Busy {
                state.broke(Broken::PassedBy);
            }
        }
        start::Outcome::Breach(_) => state.broke(Broken::Contract),
        start::Outcome::Started(_) => mark("start: started"),
        start::Outcome::Attached(_) => mark("start: attached"),
    }
}

/// The machine of a start at its beginning.
pub(super) fn begin() -> Step<Start<Life, ()>> {
    let bounds = start::Bounds { until: BootTime::ZERO, silence: core::time::Duration::ZERO };
    Start::begin(bounds)
}
