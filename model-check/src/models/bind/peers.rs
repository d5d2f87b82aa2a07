//! The world of whoever talks to the holder: the client, the askers, the strays; and the steps of nobody.

use modeld_spec::holder::ask::{self, Ask};
use modeld_spec::holder::close::{self, Close};
use modeld_spec::holder::frame::{Attempt, Handshake, Question, Reply, Request};
use modeld_spec::holder::spawn;
use modeld_spec::step::{Machine, Step};

use super::Bind;
use super::actions::Action;
use super::mutants::Mutant;
use super::names::{self, CLIENT_WIRES, Name, asker_wire, client_wire};
use super::state::{Asker, Broken, Main, Model, Over, Parent, Process, Running, State, Wire, Word};

impl Bind {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::ClientDoes(effect) => self.client_does(state, effect),
            Action::ClientSees => self.client_sees(state),
            Action::ClientGivesUp => {
                state.left.impatience -= 1;
                match state.client.main {
                    Main::Spawning(_) => self.tell_client(state, spawn::Seen::TimedOut),
                    Main::Closing(_) => tell_close(state, close::Seen::TimedOut),
                    Main::Bound(_) | Main::Over(_) => {}
                }
            }
            Action::ClientCloses(effect) => close_does(state, effect),
            Action::ClientHasEnough => {
                if let Step::Do(_, close) = Close::start() {
                    state.client.main = Main::Closing(close);
                }
            }
            Action::ClientBabbles => {
                state.left.babble -= 1;
                if let Main::Bound(wire) = state.client.main {
                    state.wires[usize::from(wire)].say(Word::Hello);
                }
            }
            Action::ClientDies => self.client_dies(state),
            Action::PidIsReused => state.reused = true,
            Action::WrapperEnds => {
                state.left.wrappers -= 1;
                parent_ends(state);
            }
            Action::StrayConnects(wire) => state.wires[wire] = Wire::MADE,
            Action::StraySays(wire, word) => {
                state.left.words -= 1;
                let wire = &mut state.wires[wire];
                wire.say(word);
                wire.acked |= word == Word::Ack;
            }
            Action::StrayHangsUp(wire) => state.wires[wire].hang_up(),
            Action::HolderDoes(_) => self.holder_does(state),
            Action::HolderHears(heard) => self.holder_hears(state, heard),
            Action::HolderCrashes => {
                state.left.crashes -= 1;
                state.end_holder(Process::Killed);
            }
            Action::AskerBegins(number) => self.asker_begins(state, number),
            Action::AskerDoes(number, effect) => asker_does(state, number, effect),
            Action::AskerSees(_) if self.is(Mutant::PollsForAnswer) && state.running().is_none() => {}
            Action::AskerSees(number) => asker_sees(state, number),
            Action::AskerGivesUp(number) => {
                state.left.impatience -= 1;
                tell_asker(state, number, ask::Seen::TimedOut);
            }
            Action::LoadEnds(place) => with_running(state, |running| {
                running.members[place].model = Model::Loaded;
                running.members[place].up = true;
            }),
            Action::MemberFails(place) => {
                state.left.failures -= 1;
                with_running(state, |running| {
                    running.members[place].model = Model::Nothing;
                    running.members[place].failed = true;
                });
            }
            Action::MemberIsGone(place) => self.member_is_gone(state, place),
        }
    }

    fn asker_begins(&self, state: &mut State, number: usize) {
        if let Some(question) = self.asks[number]
            && let Step::Do(_, ask) = Ask::start(names::versions(self.client_versions), question)
        {
            state.askers[number] = Asker::Asking(ask);
        }
    }

    fn member_is_gone(&self, state: &mut State, place: usize) {
        let leaves = self.is(Mutant::CancelLeavesTheLoad);
        with_running(state, |running| {
            let member = &mut running.members[place];
            member.gone = true;
            if !(leaves && member.model == Model::Loading) {
                member.model = Model::Nothing;
            }
        });
    }

    fn client_does(&self, state: &mut State, effect: spawn::Effect) {
        let seen = match effect {
            spawn::Effect::StartChild => {
                self.start_holder(state);
                spawn::Seen::Done
            }
            spawn::Effect::Connect(attempt) => {
                if self.is(Mutant::HangsUpToRetry) {
                    state.client_hangs_up();
                }
                // Nobody reads what comes on an earlier connection.
                state.wires[..CLIENT_WIRES].iter_mut().for_each(|wire| wire.down = None);
                if state.running().is_some_and(|running| running.listening) {
                    state.wires[client_wire(attempt)] = Wire::MADE;
                    spawn::Seen::Done
                } else {
                    spawn::Seen::Failed
                }
            }
            spawn::Effect::Say(attempt, handshake) => {
                let wire = &mut state.wires[client_wire(attempt)];
                let word = match handshake {
                    Handshake::Hello(_) => Word::Hello,
                    Handshake::Bind { .. } => Word::Bind,
                    Handshake::Ack => Word::Ack,
                };
                if wire.say(word) {
                    wire.acked |= word == Word::Ack;
                    spawn::Seen::Done
                } else {
                    spawn::Seen::Failed
                }
            }
            spawn::Effect::HangUpEarlier(attempt) => {
                state.wires[..client_wire(attempt)].iter_mut().for_each(Wire::hang_up);
                spawn::Seen::Done
            }
            spawn::Effect::HangUp(_) => {
                state.client_hangs_up();
                spawn::Seen::Done
            }
            spawn::Effect::EndChild => {
                state.client.asked = true;
                state.client_hangs_up();
                if state.running().is_some() && !self.is(Mutant::LeavesTheChild) {
                    state.end_holder(Process::Killed);
                }
                spawn::Seen::Done
            }
            spawn::Effect::AwaitReady | spawn::Effect::Receive(_) => return,
        };
        self.tell_client(state, seen);
        if let spawn::Effect::Say(attempt, Handshake::Ack) = effect
            && seen == spawn::Seen::Done
            && self.is(Mutant::BelievesOnAck)
        {
            self.tell_client(state, spawn::Seen::Reply(Reply::Bound(attempt)));
        }
    }

    fn client_sees(&self, state: &mut State) {
        match state.client.main {
            Main::Spawning(spawn)
                if self.is(Mutant::PollsForReady)
                    && spawn.effect() == spawn::Effect::AwaitReady
                    && state.running().is_none() => {}
            Main::Spawning(spawn) => {
                let seen = match spawn.effect() {
                    spawn::Effect::Receive(attempt) => match state.wires[client_wire(attempt)].down.take() {
                        Some(reply) => spawn::Seen::Reply(reply),
                        None => spawn::Seen::Ended,
                    },
                    _ if state.running().is_some() => spawn::Seen::Done,
                    _ => spawn::Seen::ChildEnded,
                };
                self.tell_client(state, seen);
            }
            Main::Closing(_) => tell_close(state, close::Seen::ChildEnded),
            Main::Bound(_) | Main::Over(_) => {}
        }
    }

    fn tell_client(&self, state: &mut State, seen: spawn::Seen) {
        let Main::Spawning(spawn) = state.client.main else { return };
        state.client.main = match spawn.step(seen) {
            Step::Do(_, spawn) => Main::Spawning(spawn),
            Step::Done(spawn::Outcome::Bound { attempt, .. }) => {
                Main::Bound(u8::try_from(client_wire(attempt)).unwrap_or(0))
            }
            Step::Done(spawn::Outcome::Detached { .. }) => Main::Over(Over::Detached),
            Step::Done(spawn::Outcome::Failed(problem)) => Main::Over(Over::Failed(problem)),
            Step::Done(spawn::Outcome::Breach(_)) => {
                state.broken.add(Broken::CONTRACT);
                Main::Over(Over::Died)
            }
        };
    }

    fn client_dies(&self, state: &mut State) {
        state.left.deaths -= 1;
        state.client.lives = false;
        state.client.main = Main::Over(Over::Died);
        if self.leaks {
            state.wires[..CLIENT_WIRES].iter_mut().for_each(|wire| wire.down = None);
        } else {
            state.client_hangs_up();
        }
        if !self.wrapped {
            parent_ends(state);
        }
    }
}

/// The direct parent of the holder ends.
fn parent_ends(state: &mut State) {
    with_running(state, |running| {
        if running.parent == Parent::Same {
            running.parent = Parent::Changed;
        }
    });
}

fn with_running(state: &mut State, change: impl FnOnce(&mut Running)) {
    if let Process::Running(running) = &mut state.holder {
        change(running);
    }
}

fn close_does(state: &mut State, effect: close::Effect) {
    match effect {
        close::Effect::HangUp => {
            state.client.asked = true;
            state.client_hangs_up();
        }
        close::Effect::AwaitEnd => return,
        close::Effect::EndChild => {
            if state.running().is_some() {
                state.end_holder(Process::Killed);
            }
        }
    }
    tell_close(state, close::Seen::Done);
}

fn tell_close(state: &mut State, seen: close::Seen) {
    let Main::Closing(close) = state.client.main else { return };
    state.client.main = match close.step(seen) {
        Step::Do(_, close) => Main::Closing(close),
        Step::Done(close::Outcome::Ended { .. }) => Main::Over(Over::Closed),
        Step::Done(close::Outcome::Breach(_)) => {
            state.broken.add(Broken::CONTRACT);
            Main::Over(Over::Died)
        }
    };
}

fn asker_does(state: &mut State, number: usize, effect: ask::Effect<Name>) {
    let seen = match effect {
        ask::Effect::Connect(attempt) => {
            if state.running().is_some_and(Running::reachable) {
                state.wires[asker_wire(number, attempt)] = Wire::MADE;
                ask::Seen::Done
            } else {
                ask::Seen::Failed
            }
        }
        ask::Effect::Say(attempt, request) => {
            let word = match request {
                Request::Handshake(_) => Word::Hello,
                Request::Question(Question::Add { .. } | Question::Stop { .. } | Question::StopAll) => {
                    Word::Question
                }
            };
            let said = state.wires[asker_wire(number, attempt)].say(word);
            if said { ask::Seen::Done } else { ask::Seen::Failed }
        }
        ask::Effect::HangUp(attempt) => {
            hang_up(state, number, attempt);
            ask::Seen::Done
        }
        ask::Effect::Receive(..) => return,
    };
    tell_asker(state, number, seen);
}

fn hang_up(state: &mut State, number: usize, attempt: Attempt) {
    state.wires[asker_wire(number, attempt)].hang_up();
}

fn asker_sees(state: &mut State, number: usize) {
    let Asker::Asking(ask) = state.askers[number] else { return };
    let ask::Effect::Receive(attempt, _) = ask.effect() else { return };
    let seen = match state.wires[asker_wire(number, attempt)].down.take() {
        Some(reply) => ask::Seen::Reply(reply),
        None => ask::Seen::Ended,
    };
    tell_asker(state, number, seen);
}

fn tell_asker(state: &mut State, number: usize, seen: ask::Seen) {
    let Asker::Asking(ask) = state.askers[number] else { return };
    state.askers[number] = match ask.step(seen) {
        Step::Do(_, ask) => Asker::Asking(ask),
        Step::Done(outcome) => {
            if matches!(outcome, ask::Outcome::Breach(_)) {
                state.broken.add(Broken::CONTRACT);
            }
            Asker::Knows(outcome)
        }
    };
}
