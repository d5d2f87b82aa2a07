//! The holder's world: what becomes of its effects, and what it hears.
//!
//! Decides nothing. Where a mutant falsifies what is seen, or what becomes of what is wanted, it says so.

use modeld_spec::holder::effect::{Deadline, Effect, ParentSeen, Peer, Seen, Why};
use modeld_spec::holder::frame::{Attempt, Handshake, Question, Refusal, Reply, Request};
use modeld_spec::holder::line;
use modeld_spec::holder::serve::{Holder, Life, Outcome};
use modeld_spec::step::{Machine, Step};

use super::actions::Heard;
use super::marks::{reply_mark, why_mark};
use super::mutants::Mutant;
use super::names::{self, AGAIN, FIRST, Name, SECOND, TICKETS, TOKEN, Whose, place, whose};
use super::state::{Broken, Main, Memory, Model, Parent, Process, Running, Stage, State, Word};
use super::{Bind, mark};

impl Bind {
    /// The client has started the process.
    pub(super) fn start_holder(&self, state: &mut State) {
        // What a detached holder inherits of a bond of its client's own parent has to be removed by whoever starts it.
        let inherits = self.is(Mutant::DetachedInheritsBond);
        let life = if self.bound || inherits { Life::Bound(TOKEN) } else { Life::Detached };
        let members = if self.hosts { vec![(Name::First, FIRST)] } else { Vec::new() };
        let versions = names::versions(self.holder_versions);
        if let Step::Do(_, machine) = Holder::start(life, versions, self.limits(), members) {
            state.holder = Process::Running(Box::new(Running {
                machine,
                listening: false,
                ready: false,
                watching: false,
                parent: Parent::Unknown,
                members: [Memory::default(); TICKETS],
                armed: None,
            }));
        }
    }

    /// The holder performs the effect that it wants.
    pub(super) fn holder_does(&self, state: &mut State) {
        let Process::Running(running) = &mut state.holder else { return };
        let seen = match *running.machine.pending() {
            Effect::Await => return,
            Effect::WatchParent => {
                let seen = self.inspect(state);
                if let Process::Running(running) = &mut state.holder {
                    running.watching = seen == ParentSeen::Watched && state.client.lives;
                    let there = if self.wrapped { 0 < state.left.wrappers } else { state.client.lives };
                    running.parent = if there { Parent::Same } else { Parent::Noticed };
                }
                Seen::Parent(seen)
            }
            Effect::InspectParent => Seen::Parent(self.inspect(state)),
            Effect::Listen => {
                running.listening = true;
                Seen::Done
            }
            Effect::TellReady => {
                running.ready = true;
                if state.client.lives { Seen::Done } else { Seen::Failed }
            }
            Effect::Send(conn, reply) => self.send(state, names::wire(conn), reply),
            Effect::Close(conn) => {
                let wire = &mut state.wires[names::wire(conn)];
                wire.here = false;
                wire.up = [None, None];
                wire.stage = Stage::Over;
                Seen::Done
            }
            Effect::CloseDoors => {
                running.listening = false;
                for (number, wire) in state.wires.iter_mut().enumerate() {
                    // Askers come through the sockets of members.
                    let through = !matches!(whose(number), Whose::Asker(_));
                    if through && wire.stage == Stage::Waiting {
                        wire.here = false;
                        wire.stage = Stage::Over;
                    }
                }
                Seen::Done
            }
            Effect::OpenSocket(..) | Effect::CloseSocket(..) => Seen::Done,
            Effect::BeginLoad(_, ticket) => {
                running.members[place(ticket)].begin();
                Seen::Done
            }
            Effect::EndMember(_, ticket) => {
                running.members[place(ticket)].ending = true;
                Seen::Done
            }
        };
        self.holder_steps(state, seen);
    }

    /// What is found when the client's process is looked for.
    fn inspect(&self, state: &State) -> ParentSeen {
        if self.is(Mutant::ParentByPid) {
            let taken = state.client.lives || state.reused;
            return if taken { ParentSeen::Watched } else { ParentSeen::Gone };
        }
        if self.unverifiable {
            mark("bind: the client can't be told");
            return ParentSeen::Unverifiable { direct: !self.wrapped && state.client.lives };
        }
        if state.client.lives {
            mark("bind: the client is found");
            ParentSeen::Watched
        } else {
            mark("bind: the client is not found");
            ParentSeen::Gone
        }
    }

    fn send(&self, state: &mut State, number: usize, reply: Reply) -> Seen<Name> {
        let attempt = Attempt(u8::try_from(number).unwrap_or(0) + 1);
        let reply = match reply {
            Reply::Offer(_) if self.is(Mutant::AttemptsAreEqual) => Reply::Offer(attempt),
            Reply::Bound(_) if self.is(Mutant::AttemptsAreEqual) => Reply::Bound(attempt),
            Reply::Refused(Refusal::MemoryHeld) if self.is(Mutant::HeldIsStopped) => Reply::Stopped,
            Reply::Refused(Refusal::Ending)
                if self.is(Mutant::ArmsWhileEnding) && state.wires[number].acked =>
            {
                Reply::Bound(attempt)
            }
            reply => reply,
        };
        mark(reply_mark(reply));
        self.watch_reply(state, number, reply);
        let read = match whose(number) {
            Whose::Client => match &state.client.main {
                Main::Spawning(spawn) => names::client_wire(spawn.attempt()) == number,
                Main::Bound(_) | Main::Closing(_) | Main::Over(_) => false,
            },
            Whose::Asker(_) => true,
            Whose::Stray => false,
        };
        let wire = &mut state.wires[number];
        wire.owed = wire.owed.saturating_sub(1);
        if !wire.peer {
            return Seen::Failed;
        }
        if read {
            wire.down = Some(reply);
        }
        if matches!(reply, Reply::Offer(_)) && self.is(Mutant::ArmsWithoutAck) {
            wire.up[0] = Some(Word::Ack);
        }
        if matches!(reply, Reply::Refused(Refusal::Unexpected)) && self.is(Mutant::PartsWatchedLine) {
            wire.here = false;
        }
        Seen::Done
    }

    /// H3, H5, H7, H10: what it means that this reply is sent here.
    fn watch_reply(&self, state: &mut State, number: usize, reply: Reply) {
        let refused = matches!(reply, Reply::Refused(_));
        if self.peer(number) == Peer::Foreign && !refused {
            state.broken.add(Broken::FOREIGNER_SERVED);
        }
        if !state.wires[number].greeted && !refused {
            state.broken.add(Broken::SERVED_WITHOUT_VERSION);
        }
        let asked = match whose(number) {
            Whose::Asker(asker) => self.asks[asker],
            Whose::Client => None,
            Whose::Stray => Some(Question::Stop { member: Name::First }),
        };
        let Some(running) = state.running() else { return };
        let there = |ticket| running.members[place(ticket)].model != Model::Nothing;
        let too_soon = match (reply, asked) {
            (Reply::Stopped, Some(Question::Stop { member: Name::First })) => there(FIRST),
            (Reply::Stopped, Some(Question::Stop { .. })) => there(SECOND) || there(AGAIN),
            (Reply::Stopped, _) => there(FIRST) || there(SECOND) || there(AGAIN),
            _ => false,
        };
        let up_too_soon = match (reply, asked) {
            (Reply::Up, Some(Question::Add { ticket, .. })) => {
                let member = running.members[place(ticket)];
                member.model != Model::Loaded && !member.failed
            }
            _ => false,
        };
        if too_soon {
            state.broken.add(Broken::STOPPED_TOO_SOON);
        }
        if up_too_soon {
            state.broken.add(Broken::UP_TOO_SOON);
        }
    }

    /// The holder hears something.
    pub(super) fn holder_hears(&self, state: &mut State, heard: Heard) {
        let client_lives = state.client.lives;
        let Process::Running(running) = &mut state.holder else { return };
        let seen = match heard {
            Heard::Connection(number) => {
                state.wires[number].stage = Stage::Accepted;
                let peer = if self.is(Mutant::ForeignIsOwn) { Peer::Own } else { self.peer(number) };
                Seen::Accepted(names::conn(number), peer)
            }
            Heard::Word(number) => return self.holder_reads(state, number),
            Heard::End(number) => {
                let wire = &mut state.wires[number];
                wire.here = false;
                wire.stage = Stage::Over;
                wire.owed = 0;
                let armed = line_of(running, number).is_some_and(line::Line::is_armed);
                mark(if armed { "bind: a watched connection ends" } else { "bind: another connection ends" });
                if armed && self.is(Mutant::IgnoresTheEnd) {
                    return;
                }
                if !armed && self.is(Mutant::AnyEndCounts) {
                    Seen::ParentGone
                } else {
                    Seen::Ended(names::conn(number))
                }
            }
            Heard::ParentGone => {
                running.watching = false;
                Seen::ParentGone
            }
            Heard::Reparented => {
                if !self.is(Mutant::LooksAgain) {
                    running.parent = Parent::Noticed;
                }
                mark(if client_lives {
                    "bind: reparented, the client lives"
                } else {
                    "bind: reparented, the client is gone"
                });
                if self.is(Mutant::ReparentingIsDeath) { Seen::ParentGone } else { Seen::Reparented }
            }
            // A holder without the guard ends; that it is told of another reason makes no difference.
            Heard::Deadline(Deadline::Bind) if !running.machine.stands(Deadline::Bind) => Seen::ParentGone,
            Heard::Deadline(deadline) => Seen::Expired(deadline),
            Heard::Up(place) => {
                running.members[place].up = false;
                Seen::MemberUp(ticket(place))
            }
            Heard::Failed(place) => {
                running.members[place].failed = false;
                if self.is(Mutant::FailureIsUnheard) {
                    return;
                }
                Seen::MemberFailed(ticket(place))
            }
            Heard::Gone(place) => {
                running.members[place].gone = false;
                running.members[place].ending = false;
                Seen::MemberGone(ticket(place))
            }
            Heard::Termination => {
                state.left.terminations -= 1;
                state.client.asked = true;
                Seen::Terminate
            }
        };
        self.holder_steps(state, seen);
    }

    /// The holder reads what was said on a connection.
    fn holder_reads(&self, state: &mut State, number: usize) {
        let Process::Running(running) = &mut state.holder else { return };
        let conn = names::conn(number);
        let silent = line_of(running, number).is_some_and(|line| line.stage == line::Stage::Silent);
        let asking = line_of(running, number).is_some_and(line::Line::is_asking);
        let ending = running.machine.ending().is_some();
        let wire = &mut state.wires[number];
        if silent && self.is(Mutant::ServesBeforeHello) && wire.up[0] != Some(Word::Hello) {
            let hello = Request::Handshake(Handshake::Hello(names::versions(self.holder_versions)));
            return self.holder_steps(state, Seen::Said(conn, hello));
        }
        let Some(word) = wire.read() else { return };
        wire.owed = (wire.owed + 1).min(3);
        if word == Word::Hello {
            let ours = names::versions(self.holder_versions);
            wire.greeted = ours.common(self.speaks(number)).is_some();
        }
        let mut request = self.request(number, word);
        match &mut request {
            Request::Handshake(Handshake::Hello(versions)) if self.is(Mutant::ServesAnyVersion) => {
                *versions = names::versions(self.holder_versions);
            }
            Request::Handshake(Handshake::Bind { token, .. }) if self.is(Mutant::AnyTokenBinds) => {
                *token = TOKEN
            }
            Request::Handshake(Handshake::Bind { attempt, .. }) if self.is(Mutant::AttemptsAreEqual) => {
                *attempt = Attempt::FIRST;
            }
            Request::Question(_) if asking && self.is(Mutant::TakesSecondQuestion) => return,
            Request::Question(Question::StopAll) if self.is(Mutant::AnybodyStopsAll) => {
                return self.holder_steps(state, Seen::Terminate);
            }
            Request::Question(Question::StopAll) if self.bound && whose(number) == Whose::Client => {
                state.client.asked = true;
            }
            Request::Question(Question::Stop { .. })
                if self.is(Mutant::DropsStopWhileLoading)
                    && running.members[place(FIRST)].model == Model::Loading =>
            {
                return;
            }
            Request::Question(Question::Stop { .. }) if self.is(Mutant::AnswersStopAtOnce) => {
                let _ = self.send(state, number, Reply::Stopped);
            }
            Request::Question(Question::Add { .. }) if self.is(Mutant::AnswersUpAtOnce) => {
                let _ = self.send(state, number, Reply::Up);
            }
            Request::Question(Question::Add { member, ticket }) => {
                if self.is(Mutant::EveryWishIsNew) && whose(number - 1) == whose(number) {
                    *ticket = AGAIN;
                }
                if self.is(Mutant::AddsBesideExisting) {
                    *member = Name::Third;
                }
                if self.is(Mutant::AddsWhileEnding) && ending {
                    running.members[place(SECOND)].begin();
                }
            }
            _ => {}
        }
        self.holder_steps(state, Seen::Said(conn, request));
    }

    fn holder_steps(&self, state: &mut State, seen: Seen<Name>) {
        let Process::Running(running) = std::mem::replace(&mut state.holder, Process::None) else { return };
        let Running { machine, listening, ready, watching, parent, members, armed } = *running;
        let before = machine.ending();
        match machine.step(seen) {
            Step::Do(_, machine) => {
                if let (None, Some(why)) = (before, machine.ending()) {
                    self.watch_ending(state, why);
                }
                let watched = machine.lines().iter().find(|line| line.is_armed());
                let watched = watched.and_then(|line| u8::try_from(line.conn.0).ok());
                let armed = armed.max(watched);
                let running = Running { machine, listening, ready, watching, parent, members, armed };
                state.holder = Process::Running(Box::new(running));
            }
            Step::Done(Outcome::Ended { why, drained }) => {
                mark(if drained {
                    "bind: ends with nothing in memory"
                } else {
                    "bind: ends with memory held"
                });
                if before.is_none() {
                    self.watch_ending(state, why);
                }
                state.end_holder(Process::Ended { why, drained });
            }
            Step::Done(Outcome::NotListening | Outcome::Breach(_)) => {
                state.broken.add(Broken::CONTRACT);
                state.end_holder(Process::Killed);
            }
        }
    }

    /// H1, H9: what it means that the holder begins to end here.
    fn watch_ending(&self, state: &mut State, why: Why) {
        mark(why_mark(why));
        let unbound =
            why == Why::NeverBound && !matches!(state.client.main, Main::Bound(_) | Main::Closing(_));
        if self.bound && state.client.lives && !state.client.asked && !unbound {
            state.broken.add(Broken::ENDED_IN_VAIN);
        }
        if !self.bound && matches!(why, Why::ClientGone | Why::NeverBound) {
            state.broken.add(Broken::DETACHED_ENDED);
        }
    }
}

impl Memory {
    /// A load begins.
    fn begin(&mut self) {
        self.model = Model::Loading;
        self.loads = (self.loads + 1).min(2);
    }
}

fn line_of(running: &Running, number: usize) -> Option<&line::Line> {
    running.machine.lines().iter().find(|line| line.conn == names::conn(number))
}

fn ticket(place: usize) -> modeld_spec::holder::frame::Ticket {
    modeld_spec::holder::frame::Ticket(place as u64)
}
