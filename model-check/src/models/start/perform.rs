//! Performing an effect on the modelled state directory and processes, and what is seen of it.
//!
//! Decides nothing. Where a mutant falsifies what is seen, it says so.

use std::sync::LazyLock;

use modeld_spec::daemon::effect::{
    Answer, Content, Effect, Line, LockSeen, Phase, ProcessSeen, RunSeen, Said, Seen, Signal,
};
use modeld_spec::daemon::proof::{Named, prove};
use modeld_spec::daemon::serve::Serve;
use modeld_spec::ids::{BootId, Namespace, ProcessId};
use modeld_spec::step::Step;

use super::Starting;
use super::actions::{Fate, Who, child_of, named};
use super::mutants::Mutant;
use super::state::{Body, Broken, Channel, Child, Holder, Life, OTHER_BOOT, Starter, State, Word};
use crate::coverage::mark;

/// What a machine of the daemon sees.
pub(super) type Sight = Seen<Life, ()>;

impl Starting {
    /// Performs `effect` for `who`, and says what was seen.
    pub(super) fn perform(&self, state: &mut State, who: Who, effect: &Effect<Life>, fate: Fate) -> Sight {
        match fate {
            Fate::Done => self.land(state, who, effect),
            Fate::Wakes => Seen::Woke,
            Fate::Late => self.late(state, who, effect),
            Fate::Fails | Fate::FailsYetLands => {
                state.left.failures -= 1;
                state.excused = true;
                if fate == Fate::FailsYetLands {
                    self.land(state, who, effect);
                }
                self.failed(state, who, effect)
            }
        }
    }

    fn failed(&self, state: &mut State, who: Who, effect: &Effect<Life>) -> Sight {
        match (self.mutant, who, effect) {
            (Some(Mutant::StopErrorIsFree), Who::Stopper(_), Effect::LookRun)
            | (Some(Mutant::StartErrorIsFree), Who::Starter(_), Effect::LookRun)
            | (Some(Mutant::StatusErrorIsFree), Who::Probe(_), Effect::LookRun) => {
                return Seen::Run(RunSeen::Free);
            }
            (Some(Mutant::LockErrorIsTaken), Who::Child(_), Effect::TakeRun) => {
                return Seen::Lock(LockSeen::Taken);
            }
            (Some(Mutant::BindErrorIgnored), Who::Child(_), Effect::Bind) => return Seen::Done,
            (Some(Mutant::PublishErrorIgnored), Who::Child(_), Effect::WriteMetadata(said))
                if said.phase == Phase::Running =>
            {
                return Seen::Done;
            }
            (Some(Mutant::NameErrorIgnored), Who::Child(_), Effect::WriteMetadata(said))
                if said.phase == Phase::Starting =>
            {
                return Seen::Done;
            }
            (_, Who::Child(life), Effect::WriteMetadata(said)) if said.phase == Phase::Stopping => {
                with_body(state, life, |body| {
                    body.leaving = true;
                    body.unsaid = true;
                });
            }
            _ => {}
        }
        Seen::Failed(())
    }

    /// The bound has come and what was waited for has not.
    fn late(&self, state: &mut State, who: Who, effect: &Effect<Life>) -> Sight {
        if self.slow {
            state.excused = true;
        }
        match effect {
            Effect::TakeRun if self.mutant == Some(Mutant::HeldIsTaken) => Seen::Lock(LockSeen::Taken),
            Effect::TakeStart { .. } | Effect::TakeRun => {
                mark("start: a lock stays taken");
                if let Who::Child(life) = who {
                    self.before_lock(state, life);
                }
                Seen::Lock(LockSeen::Busy)
            }
            Effect::AwaitEnd { .. } => {
                mark("start: a daemon does not end");
                Seen::Ended(self.mutant == Some(Mutant::LateIsEnded))
            }
            Effect::AwaitLine { .. } => {
                mark("start: a child is silent");
                Seen::Late
            }
            Effect::Reap { .. } => {
                mark("start: a child does not end");
                Seen::Late
            }
            _ => {
                mark("start: no change comes");
                Seen::Late
            }
        }
    }

    fn land(&self, state: &mut State, who: Who, effect: &Effect<Life>) -> Sight {
        match (who, effect) {
            (Who::Child(life), effect) => self.land_for_child(state, life, effect),
            (Who::Starter(slot), effect) => self.land_for_starter(state, slot, effect),
            (who, effect) => self.land_for_all(state, who, effect),
        }
    }

    fn land_for_all(&self, state: &mut State, who: Who, effect: &Effect<Life>) -> Sight {
        match effect {
            Effect::LookRun => Seen::Run(self.look(state, who)),
            Effect::ReadMetadata => {
                let content = state.disk.metadata;
                mark(match content {
                    Content::Absent => "start: metadata absent",
                    Content::Unreadable => "start: metadata unreadable",
                    Content::Says(_) => "start: metadata read",
                });
                Seen::Metadata(content)
            }
            Effect::Inspect(life) => Seen::Process(self.inspect(state, *life)),
            Effect::Ask(life) => Seen::Answer(self.ask(state, *life)),
            Effect::AskStop(life) => {
                let accepted = state.body(*life).is_some_and(|body| body.serving && !body.hung);
                if accepted {
                    mark("start: a request to stop is accepted");
                    state.excused = true;
                    with_body(state, *life, |body| body.told = true);
                } else {
                    mark("start: a request to stop is not accepted");
                }
                Seen::Accepted(accepted)
            }
            Effect::Signal(life, signal) => Seen::Sent(self.signal(state, *life, *signal)),
            Effect::AwaitEnd { .. } => {
                mark("start: a daemon has ended");
                Seen::Ended(true)
            }
            Effect::AwaitChange { .. } => {
                mark("start: a change comes");
                Seen::Woke
            }
            _ => Seen::Done,
        }
    }

    fn look(&self, state: &mut State, who: Who) -> RunSeen {
        let seen = match state.disk.run_lock {
            Some(_) => {
                mark("start: run lock held");
                RunSeen::Held
            }
            None => {
                mark("start: run lock free");
                RunSeen::Free
            }
        };
        match (self.mutant, who) {
            (Some(Mutant::LookingTakesTheLock), Who::Probe(slot)) if seen == RunSeen::Free => {
                state.disk.run_lock = Some(Holder::Probe(slot));
                seen
            }
            (Some(Mutant::HeldIsFree), Who::Starter(_)) => RunSeen::Free,
            (Some(Mutant::BusyIsFailure), Who::Starter(slot)) => match &state.starters[usize::from(slot)] {
                Starter::Running { .. } if state.disk.start_lock != Some(slot) => RunSeen::Free,
                _ => seen,
            },
            (Some(Mutant::MetadataIsOracle), Who::Stopper(_)) if named(state).is_none() => RunSeen::Free,
            (Some(Mutant::EndIsStopped), Who::Stopper(slot)) if state.meant(slot).is_some() => RunSeen::Free,
            _ => seen,
        }
    }

    fn inspect(&self, state: &State, life: Life) -> ProcessSeen {
        let process = |life: Life| ProcessId {
            pid: u32::from(life),
            start_time: 1,
            pid_namespace: Namespace(1),
            time_namespace: Namespace(1),
        };
        let (this, other) = (&BOOTS.0, &BOOTS.1);
        let boot =
            if life == OTHER_BOOT && self.mutant != Some(Mutant::BootIsIgnored) { other } else { this };
        let stranger = state.strangers & (1 << life) != 0;
        // A stranger was started at another time, except that a time counted from another boot may come again.
        let later = if life == OTHER_BOOT || self.mutant == Some(Mutant::PidIsEnough) { 1 } else { 2 };
        let found = match (state.lives(life), stranger) {
            (true, _) => Some(1),
            (false, true) => Some(later),
            (false, false) => None,
        };
        let named = Named { process: process(life), boot };
        let seen = prove(named, Named { process: process(u8::MAX), boot: this }, found);
        mark(match seen {
            ProcessSeen::Alive => "start: process alive",
            ProcessSeen::Gone => "start: process gone",
            ProcessSeen::Unverifiable => "start: process out of sight",
        });
        match self.mutant {
            Some(Mutant::DeadProcessIsHolder) => ProcessSeen::Alive,
            _ => seen,
        }
    }

    /// Who answers at the endpoint of `life`: whoever has bound the socket last.
    fn ask(&self, state: &State, life: Life) -> Answer<Life> {
        let there = state.disk.socket.filter(|there| state.body(*there).is_some_and(|body| !body.hung));
        let answer = match there {
            None => Answer::Nobody,
            Some(there) if state.is_ready(there) => Answer::Ready(there),
            Some(there) => Answer::NotReady(there),
        };
        mark(match answer {
            Answer::Ready(there) if there == life => "start: answered, and ready",
            Answer::Ready(_) => "start: answered by another life",
            Answer::NotReady(_) => "start: answered, and not ready",
            Answer::Nobody => "start: not answered",
        });
        match (self.mutant, answer) {
            (Some(Mutant::MetadataIsProof), _) => Answer::Ready(life),
            (Some(Mutant::NotReadyIsReady), Answer::NotReady(there)) => Answer::Ready(there),
            (Some(Mutant::AnyAnswerWillDo), Answer::Ready(_)) => Answer::Ready(life),
            (Some(Mutant::NeverAttaches), Answer::Ready(there)) => Answer::NotReady(there),
            _ => answer,
        }
    }

    /// Sends a signal to exactly this life, unless a mutant aims elsewhere.
    fn signal(&self, state: &mut State, meant: Life, signal: Signal) -> bool {
        if signal == Signal::Kill && self.mutant == Some(Mutant::NeverKills) {
            return true;
        }
        let by_pid = matches!(self.mutant, Some(Mutant::PidIsEnough | Mutant::BootIsIgnored));
        if by_pid && !state.lives(meant) && state.strangers & (1 << meant) != 0 {
            state.broke(Broken::OtherSignalled);
            return true;
        }
        let life = match (self.mutant, named(state)) {
            (Some(Mutant::MeansWhoeverIsThere), Some(life)) => life,
            _ => meant,
        };
        if !state.lives(life) {
            mark("start: nobody left to signal");
            return false;
        }
        if life != meant {
            state.broke(Broken::OtherSignalled);
        }
        state.excused = true;
        match signal {
            Signal::Term => {
                mark("start: TERM arrives");
                let deaf = self.mutant == Some(Mutant::BootIgnoresStop);
                with_body(state, life, |body| {
                    body.told = !deaf || body.waits();
                    body.signalled = true;
                });
            }
            Signal::Kill => {
                mark("start: KILL arrives");
                end(state, life);
            }
        }
        true
    }

    fn land_for_starter(&self, state: &mut State, slot: u8, effect: &Effect<Life>) -> Sight {
        let who = Who::Starter(slot);
        match effect {
            Effect::TakeStart { .. } => {
                mark("start: start lock taken");
                state.disk.start_lock = Some(slot);
                Seen::Lock(LockSeen::Taken)
            }
            Effect::DropStart => {
                if state.disk.start_lock == Some(slot) {
                    state.disk.start_lock = None;
                }
                Seen::Done
            }
            Effect::Spawn => self.spawn(state, slot),
            Effect::AwaitLine { .. } => Seen::Line(self.line(state, who)),
            Effect::GiveUp => {
                if let Some(channel) = channel_of(state, slot) {
                    channel.open = self.mutant == Some(Mutant::GivesUpUnclosed);
                }
                if self.mutant == Some(Mutant::KillsUnheard) {
                    return Seen::Line(Line::Closed);
                }
                let line = self.line(state, who);
                mark(match line {
                    Line::Ready(_) => "start: given up, and ready after all",
                    _ => "start: given up",
                });
                Seen::Line(line)
            }
            Effect::KillChild => {
                mark("start: a child is killed");
                let child = child_life(state, slot);
                if let Some(life) = child.filter(|_| self.mutant != Some(Mutant::LeavesChild)) {
                    if state.child(life).is_some_and(|child| child.said) {
                        state.broke(Broken::ReadyKilled);
                    }
                    end(state, life);
                }
                Seen::Done
            }
            Effect::Reap { .. } => {
                if let Starter::Running { child, .. } = &mut state.starters[usize::from(slot)]
                    && let Some(life) = child.take()
                {
                    state.children[usize::from(life)].channel = Channel::CLOSED;
                }
                Seen::Exit(())
            }
            Effect::ReadLog => Seen::Log(None),
            effect => self.land_for_all(state, who, effect),
        }
    }

    fn spawn(&self, state: &mut State, slot: u8) -> Sight {
        let limit = self.children.min(state.children.len());
        let free = state.children.iter().take(limit).position(|child| !child.born);
        let Some(life) = free.and_then(|index| u8::try_from(index).ok()) else {
            // The system has no process left. No sound protocol comes here without a fault.
            return Seen::Failed(());
        };
        let Step::Do(_, machine) = Serve::start(life) else { return Seen::Failed(()) };
        state.children[usize::from(life)] = Child {
            born: true,
            said: false,
            body: Some(Body::new(machine, Some(slot))),
            channel: Channel { open: true, progress: false, word: None },
        };
        if let Starter::Running { child, .. } = &mut state.starters[usize::from(slot)] {
            *child = Some(life);
        }
        Seen::Done
    }

    /// The next line in the channel of a starter's child.
    fn line(&self, state: &mut State, who: Who) -> Line<Life, ()> {
        let Some(child) = child_of(state, who) else { return Line::Closed };
        let unread = child.channel;
        let Who::Starter(slot) = who else { return Line::Closed };
        let Some(life) = child_life(state, slot) else { return Line::Closed };
        if unread.progress {
            if let Some(channel) = channel_of(state, slot) {
                channel.progress = false;
            }
            mark("start: a line of progress");
            return match self.mutant {
                Some(Mutant::ProgressIsReady) => Line::Ready(life),
                _ => Line::Progress,
            };
        }
        if let Some(channel) = channel_of(state, slot) {
            channel.word = None;
        }
        match unread.word {
            Some(Word::Ready) => {
                mark("start: the word is ready");
                Line::Ready(life)
            }
            Some(Word::Held) => {
                mark("start: the word is held");
                match self.mutant {
                    Some(Mutant::LostRaceIsFailure) => Line::Error(()),
                    _ => Line::Held,
                }
            }
            Some(Word::Error) => {
                mark("start: the word is an error");
                Line::Error(())
            }
            None => {
                mark("start: no word and the end");
                match self.mutant {
                    Some(Mutant::ClosedIsReady) => Line::Ready(life),
                    _ => Line::Closed,
                }
            }
        }
    }

    fn land_for_child(&self, state: &mut State, life: Life, effect: &Effect<Life>) -> Sight {
        match effect {
            Effect::TakeRun => {
                self.before_lock(state, life);
                state.disk.run_lock = Some(Holder::Life(life));
                Seen::Lock(LockSeen::Taken)
            }
            Effect::WriteMetadata(said) => self.write(state, life, *said),
            Effect::RemoveSocket => {
                let leaving = state.body(life).is_some_and(|body| body.leaving);
                if leaving || self.mutant != Some(Mutant::LeavesRemains) {
                    remove_socket(state, life);
                }
                Seen::Done
            }
            // A path that is taken can't be bound.
            Effect::Bind if state.disk.socket.is_some() => Seen::Failed(()),
            Effect::Bind => {
                state.disk.socket = Some(life);
                Seen::Done
            }
            Effect::Serve => {
                if state.body(life).is_some_and(|body| body.told) {
                    mark("start: told to stop while it starts");
                    return Seen::StopAsked;
                }
                let late = self.mutant == Some(Mutant::ReadyBeforeServing);
                with_body(state, life, |body| body.serving = !late);
                Seen::Done
            }
            Effect::SayReady => {
                if state.body(life).is_some_and(|body| !body.serving) {
                    state.broke(Broken::ReadyTooSoon);
                }
                let heard = self.say(state, life, Word::Ready);
                if heard {
                    with_body(state, life, |body| body.said = true);
                    state.children[usize::from(life)].said = true;
                } else {
                    mark("start: ready, and nobody listens");
                }
                Seen::Heard(heard || self.mutant == Some(Mutant::ReadyToNobody))
            }
            Effect::SayHeld => Seen::Heard(self.say(state, life, Word::Held)),
            Effect::SayError => Seen::Heard(self.say(state, life, Word::Error)),
            Effect::Announce => {
                with_body(state, life, |body| {
                    body.announced = true;
                    body.serving = true;
                });
                Seen::Done
            }
            Effect::AwaitStop => {
                mark("start: told to stop while it serves");
                Seen::StopAsked
            }
            Effect::Quiesce => {
                with_body(state, life, |body| {
                    body.serving = false;
                    body.announced = false;
                });
                Seen::Done
            }
            effect => self.land_for_all(state, Who::Child(life), effect),
        }
    }

    /// What only a mutant does before it has the run lock.
    fn before_lock(&self, state: &mut State, life: Life) {
        match self.mutant {
            Some(Mutant::ClearsBeforeLock) => remove_socket(state, life),
            Some(Mutant::NamesBeforeLock) => {
                self.write(state, life, Said { who: life, phase: Phase::Starting });
            }
            _ => {}
        }
    }

    fn write(&self, state: &mut State, life: Life, said: Said<Life>) -> Sight {
        if named(state).is_some_and(|there| there != life && state.lives(there)) {
            state.broke(Broken::RemainsOfLiving);
        }
        let mut lands = true;
        with_body(state, life, |body| {
            body.named = true;
            body.leaving |= matches!(said.phase, Phase::Stopping | Phase::Stopped);
        });
        if said.phase == Phase::Stopping {
            lands = self.mutant != Some(Mutant::StopsUnsaid);
            if self.mutant == Some(Mutant::DropsLockToCleanUp) {
                state.disk.run_lock = None;
            }
        }
        if lands {
            state.disk.metadata = Content::Says(said);
        }
        Seen::Done
    }

    /// Whether anybody hears a word of the child; a daemon in the foreground always has somebody.
    fn say(&self, state: &mut State, life: Life, word: Word) -> bool {
        let foreground = state.body(life).is_some_and(|body| body.starter.is_none());
        let Some(child) = state.children.get_mut(usize::from(life)) else { return false };
        if foreground {
            return true;
        }
        if child.channel.open {
            child.channel.word = Some(word);
        }
        child.channel.open
    }
}

impl State {
    /// The life that a stopper means.
    pub(super) fn meant(&self, slot: u8) -> Option<Life> {
        match self.stoppers.get(usize::from(slot)) {
            Some(super::state::Stopper::Running(machine)) => machine.meant().copied(),
            _ => None,
        }
    }
}

/// The process of this life ends, and the kernel drops what it had.
pub(super) fn end(state: &mut State, life: Life) {
    if let Some(child) = state.children.get_mut(usize::from(life)) {
        child.body = None;
    }
    if state.disk.run_lock == Some(Holder::Life(life)) {
        state.disk.run_lock = None;
    }
}

/// Whatever a starter had of its child is gone.
pub(super) fn let_go(state: &mut State, slot: u8) {
    for child in &mut state.children {
        if let Some(body) = &mut child.body
            && body.starter == Some(slot)
        {
            child.channel = Channel::CLOSED;
        }
    }
    if let Some(channel) = channel_of(state, slot) {
        *channel = Channel::CLOSED;
    }
    if state.disk.start_lock == Some(slot) {
        state.disk.start_lock = None;
    }
}

/// Changes the body of a life that lives.
pub(super) fn with_body(state: &mut State, life: Life, change: impl FnOnce(&mut Body)) {
    if let Some(body) = state.children.get_mut(usize::from(life)).and_then(|child| child.body.as_mut()) {
        change(body);
    }
}

fn remove_socket(state: &mut State, life: Life) {
    if state.disk.socket.is_some_and(|there| there != life && state.lives(there)) {
        state.broke(Broken::RemainsOfLiving);
    }
    state.disk.socket = None;
}

fn child_life(state: &State, slot: u8) -> Option<Life> {
    match state.starters.get(usize::from(slot)) {
        Some(Starter::Running { child, .. }) => *child,
        _ => None,
    }
}

fn channel_of(state: &mut State, slot: u8) -> Option<&mut Channel> {
    let life = child_life(state, slot)?;
    state.children.get_mut(usize::from(life)).map(|child| &mut child.channel)
}

/// This boot, and the one before it.
static BOOTS: LazyLock<(BootId, BootId)> = LazyLock::new(|| {
    let boot = |name| BootId::new(name).expect("a word is a name");
    (boot("this"), boot("other"))
});
