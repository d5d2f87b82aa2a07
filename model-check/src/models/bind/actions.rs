//! What can happen next, and which of it has to.

use std::fmt;

use modeld_spec::holder::ask;
use modeld_spec::holder::close;
use modeld_spec::holder::effect::{Deadline, Why};
use modeld_spec::holder::spawn;

use super::Bind;
use super::mutants::Mutant;
use super::names::{self, FIRST_STRAY, Name, asker_wire, client_wire};
use super::state::{Asker, Main, Memory, Model, Parent, Process, Running, Stage, State, Wire, Word};

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The client performs the effect that it wants.
    ClientDoes(spawn::Effect),
    /// The client sees what it waits for.
    ClientSees,
    /// The client waits no longer.
    ClientGivesUp,
    /// The client does a step of ending the holder.
    ClientCloses(close::Effect),
    /// The client begins to end the holder that it is bound to.
    ClientHasEnough,
    /// The client says something that does not fit on the connection that is watched.
    ClientBabbles,
    /// The client's process ends, however.
    ClientDies,
    /// Another process gets the dead client's pid.
    PidIsReused,
    /// The wrapper between client and holder ends.
    WrapperEnds,
    /// An asker begins.
    AskerBegins(usize),
    /// An asker performs the effect that it wants.
    AskerDoes(usize, ask::Effect<Name>),
    /// An asker sees what it waits for.
    AskerSees(usize),
    /// An asker waits no longer.
    AskerGivesUp(usize),
    /// A stray connects.
    StrayConnects(usize),
    /// A stray says something.
    StraySays(usize, Word),
    /// A stray hangs up.
    StrayHangsUp(usize),
    /// The holder performs the effect that it wants.
    HolderDoes(&'static str),
    /// The holder hears something.
    HolderHears(Heard),
    /// The holder's process ends at once.
    HolderCrashes,
    /// A load is complete.
    LoadEnds(usize),
    /// A load fails, or a model dies.
    MemberFails(usize),
    /// Nothing is left of a member that was to end.
    MemberIsGone(usize),
}

/// What the holder hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// Somebody connected.
    Connection(usize),
    /// Something was said.
    Word(usize),
    /// A connection ended.
    End(usize),
    /// The client's process has ended.
    ParentGone,
    /// Its own parent is another one.
    Reparented,
    /// A deadline came.
    Deadline(Deadline),
    /// A member is up.
    Up(usize),
    /// A member failed.
    Failed(usize),
    /// A member is gone.
    Gone(usize),
    /// The user asks it to end.
    Termination,
}

impl Bind {
    /// Hands every action that `state` allows to `take`, until it wants no more.
    pub(super) fn enabled(&self, state: &State, take: &mut impl FnMut(Action) -> bool) {
        let _ = self.client_actions(state, take)
            && self.asker_actions(state, take)
            && self.holder_actions(state, take)
            && self.stray_actions(state, take);
    }

    /// Whether nothing more has to happen in `state`: what could is choice or fault.
    pub fn is_quiet(&self, state: &State) -> bool {
        let mut quiet = true;
        self.enabled(state, &mut |action| {
            quiet &= fairness(&action) == Fairness::None;
            quiet
        });
        quiet
    }

    fn client_actions(&self, state: &State, take: &mut impl FnMut(Action) -> bool) -> bool {
        let left = state.left;
        if !state.client.lives {
            return !self.reuses || state.reused || take(Action::PidIsReused);
        }
        if 0 < left.deaths && !take(Action::ClientDies) {
            return false;
        }
        if self.wrapped && 0 < left.wrappers && state.running().is_some() && !take(Action::WrapperEnds) {
            return false;
        }
        let (waits, sees) = match &state.client.main {
            Main::Spawning(spawn) => match spawn.effect() {
                spawn::Effect::AwaitReady => {
                    let sees = match state.running() {
                        Some(running) => running.ready,
                        None => !self.is(Mutant::MissesTheChildsEnd),
                    };
                    (true, sees)
                }
                spawn::Effect::Receive(attempt) => (true, has_news(&state.wires[client_wire(attempt)])),
                effect => return take(Action::ClientDoes(effect)),
            },
            Main::Closing(close) => match close.effect() {
                close::Effect::AwaitEnd => (true, state.running().is_none()),
                effect => return take(Action::ClientCloses(effect)),
            },
            Main::Bound(_) => {
                return (!self.closes || take(Action::ClientHasEnough))
                    && (left.babble == 0 || take(Action::ClientBabbles));
            }
            Main::Over(_) => (false, false),
        };
        (!sees || take(Action::ClientSees)) && (!waits || left.impatience == 0 || take(Action::ClientGivesUp))
    }

    fn asker_actions(&self, state: &State, take: &mut impl FnMut(Action) -> bool) -> bool {
        for (number, asker) in state.askers.iter().enumerate() {
            let goes_on = match asker {
                Asker::Idle => {
                    let asks = self.asks[number].is_some();
                    let begins = asks && state.running().is_some_and(Running::reachable);
                    !begins || take(Action::AskerBegins(number))
                }
                Asker::Asking(ask) => match ask.effect() {
                    ask::Effect::Receive(attempt, _) => {
                        let news = has_news(&state.wires[asker_wire(number, attempt)]);
                        (!news || take(Action::AskerSees(number)))
                            && (state.left.impatience == 0 || take(Action::AskerGivesUp(number)))
                    }
                    effect => take(Action::AskerDoes(number, effect)),
                },
                Asker::Knows(_) => true,
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn stray_actions(&self, state: &State, take: &mut impl FnMut(Action) -> bool) -> bool {
        let reachable = state.running().is_some_and(|running| running.listening);
        for number in FIRST_STRAY..FIRST_STRAY + usize::from(self.strays) {
            let wire = &state.wires[number];
            let goes_on = match wire.stage {
                Stage::Unused => !reachable || take(Action::StrayConnects(number)),
                _ if wire.peer && state.running().is_some() => {
                    let talks = wire.here && wire.up[1].is_none() && 0 < state.left.words;
                    let words = [Word::Hello, Word::Bind, Word::Ack, Word::Stop];
                    take(Action::StrayHangsUp(number))
                        && (!talks || words.into_iter().all(|word| take(Action::StraySays(number, word))))
                        && (!(talks && self.bound) || take(Action::StraySays(number, Word::StopAll)))
                }
                _ => true,
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn holder_actions(&self, state: &State, take: &mut impl FnMut(Action) -> bool) -> bool {
        let Process::Running(running) = &state.holder else { return true };
        if self.is(Mutant::EmptyHolderStays) && running.machine.ending() == Some(Why::LastMemberLeft) {
            return true;
        }
        if 0 < state.left.crashes && !take(Action::HolderCrashes) {
            return false;
        }
        for (place, member) in running.members.iter().enumerate() {
            let loads = member.model == Model::Loading;
            let fails = 0 < state.left.failures && member.model != Model::Nothing && !member.ending;
            if (loads && !take(Action::LoadEnds(place)))
                || (fails && !take(Action::MemberFails(place)))
                || (member.ending && !member.gone && !take(Action::MemberIsGone(place)))
            {
                return false;
            }
        }
        if running.waits() {
            self.hearing(state, running, &mut |heard| take(Action::HolderHears(heard)))
        } else {
            take(Action::HolderDoes(running.machine.pending().name()))
        }
    }

    /// What a holder that waits can hear.
    fn hearing(&self, state: &State, running: &Running, take: &mut impl FnMut(Heard) -> bool) -> bool {
        for (number, wire) in state.wires.iter().enumerate() {
            let heard = match wire.stage {
                Stage::Waiting if wire.here => Some(Heard::Connection(number)),
                Stage::Accepted if wire.up[0].is_some() => Some(Heard::Word(number)),
                Stage::Accepted if !wire.peer => Some(Heard::End(number)),
                _ => None,
            };
            if heard.is_some_and(|heard| !take(heard)) {
                return false;
            }
        }
        let gone = running.watching && !state.client.lives && !self.is(Mutant::IgnoresDescriptor);
        let reparented = running.parent == Parent::Changed && !self.is(Mutant::IgnoresReparenting);
        if (gone && !take(Heard::ParentGone))
            || (reparented && !take(Heard::Reparented))
            || (0 < state.left.terminations && !take(Heard::Termination))
        {
            return false;
        }
        for (place, member) in running.members.iter().enumerate() {
            if next_of(member).is_some_and(|heard| !take(heard(place))) {
                return false;
            }
        }
        !self.windows
            || running.machine.deadlines().all(|deadline| {
                let missed = match deadline {
                    Deadline::Bind => self.is(Mutant::NoBindWindow),
                    Deadline::Line(_) => self.is(Mutant::SilentLinesStay),
                    Deadline::Drain => false,
                };
                missed || take(Heard::Deadline(deadline))
            }) && (!self.is(Mutant::WindowIgnoresBinding)
                || running.machine.stands(Deadline::Bind)
                || running.machine.ending().is_some()
                || take(Heard::Deadline(Deadline::Bind)))
    }
}

/// Whether there is something to read, or nothing will ever be.
fn has_news(wire: &Wire) -> bool {
    wire.down.is_some() || !wire.here
}

/// The first thing that is to be heard of a member.
fn next_of(member: &Memory) -> Option<fn(usize) -> Heard> {
    if member.up {
        Some(Heard::Up)
    } else if member.failed {
        Some(Heard::Failed)
    } else if member.gone {
        Some(Heard::Gone)
    } else {
        None
    }
}

/// Whether an action has to happen where it stays possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fairness {
    /// It happens if it stays possible: a process that lives takes its next step, a load ends, a deadline comes.
    Weak,
    /// It may never happen: a choice, or a fault.
    None,
}

/// How fair an action is.
pub fn fairness(action: &Action) -> Fairness {
    match action {
        Action::ClientDoes(_)
        | Action::ClientSees
        | Action::ClientCloses(_)
        | Action::AskerDoes(..)
        | Action::AskerSees(_)
        | Action::HolderDoes(_)
        | Action::LoadEnds(_)
        | Action::MemberIsGone(_) => Fairness::Weak,
        Action::HolderHears(Heard::Termination) => Fairness::None,
        Action::HolderHears(_) => Fairness::Weak,
        Action::ClientGivesUp
        | Action::ClientHasEnough
        | Action::ClientBabbles
        | Action::ClientDies
        | Action::PidIsReused
        | Action::WrapperEnds
        | Action::AskerBegins(_)
        | Action::AskerGivesUp(_)
        | Action::StrayConnects(_)
        | Action::StraySays(..)
        | Action::StrayHangsUp(_)
        | Action::HolderCrashes
        | Action::MemberFails(_) => Fairness::None,
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::ClientDoes(effect) => write!(f, "client: {}", effect.name()),
            Action::ClientSees => f.write_str("client: sees"),
            Action::ClientGivesUp => f.write_str("client: waits no longer"),
            Action::ClientCloses(effect) => write!(f, "client: close: {}", effect.name()),
            Action::ClientHasEnough => f.write_str("client: has enough"),
            Action::ClientBabbles => f.write_str("client: babbles"),
            Action::ClientDies => f.write_str("client: dies"),
            Action::PidIsReused => f.write_str("pid reused"),
            Action::WrapperEnds => f.write_str("wrapper ends"),
            Action::AskerBegins(number) => write!(f, "asker {number}: begins"),
            Action::AskerDoes(number, effect) => write!(f, "asker {number}: {}", effect.name()),
            Action::AskerSees(number) => write!(f, "asker {number}: sees"),
            Action::AskerGivesUp(number) => write!(f, "asker {number}: waits no longer"),
            Action::StrayConnects(wire) => write!(f, "stray {wire}: connects"),
            Action::StraySays(wire, word) => write!(f, "stray {wire}: says {}", word.name()),
            Action::StrayHangsUp(wire) => write!(f, "stray {wire}: hangs up"),
            Action::HolderDoes(effect) => write!(f, "holder: {effect}"),
            Action::HolderHears(heard) => write!(f, "holder: hears {heard}"),
            Action::HolderCrashes => f.write_str("holder: crashes"),
            Action::LoadEnds(place) => write!(f, "load {place} ends"),
            Action::MemberFails(place) => write!(f, "member {place} fails"),
            Action::MemberIsGone(place) => write!(f, "member {place} is gone"),
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heard::Connection(wire) => write!(f, "connection {wire}"),
            Heard::Word(wire) => write!(f, "a word on {wire}"),
            Heard::End(wire) => write!(f, "the end of {wire}"),
            Heard::ParentGone => f.write_str("the end of its client"),
            Heard::Reparented => f.write_str("of another parent"),
            Heard::Deadline(Deadline::Bind) => f.write_str("the bind deadline"),
            Heard::Deadline(Deadline::Drain) => f.write_str("the drain deadline"),
            Heard::Deadline(Deadline::Line(conn)) => write!(f, "the deadline of {}", names::wire(*conn)),
            Heard::Up(place) => write!(f, "member {place} is up"),
            Heard::Failed(place) => write!(f, "member {place} failed"),
            Heard::Gone(place) => write!(f, "member {place} is gone"),
            Heard::Termination => f.write_str("the user"),
        }
    }
}

impl Word {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Word::Hello => "hello",
            Word::Bind => "bind",
            Word::Ack => "ack",
            Word::Question => "its question",
            Word::Stop => "stop member 0",
            Word::StopAll => "stop all",
        }
    }
}
