//! The steps of the bind model in words, with what was seen.

use modeld_spec::holder::ask;
use modeld_spec::holder::close;
use modeld_spec::holder::effect::Effect;
use modeld_spec::holder::frame::{Handshake, Question, Reply, Request};
use modeld_spec::holder::line::Stage as LineStage;
use modeld_spec::holder::spawn;

use super::Bind;
use super::actions::{Action, Heard};
use super::names::{self, FIRST_STRAY, Name, Whose, asker_wire, client_wire, whose};
use super::state::{Asker, Main, Model, Process, State, Word};
use crate::story::Story;

impl Story for Bind {
    fn lanes(&self) -> Vec<String> {
        let mut lanes = vec!["client".to_string(), "holder".to_string()];
        let askers = self.asks.iter().flatten().count();
        lanes.extend((1..=askers).map(|number| format!("asker {number}")));
        lanes.extend((1..=self.strays).map(|number| format!("stray {number}")));
        lanes
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let askers = self.asks.iter().flatten().count();
        let asker = |number: usize| Some(2 + number);
        let stray = |wire: usize| Some(2 + askers + wire - FIRST_STRAY);
        match *action {
            Action::ClientDoes(effect) => (Some(0), client_does(effect)),
            Action::ClientSees => (Some(0), client_sees(before)),
            Action::ClientGivesUp => (Some(0), "waits no longer".to_string()),
            Action::ClientCloses(close::Effect::HangUp) => {
                (Some(0), "hangs up: the holder is to end".to_string())
            }
            Action::ClientCloses(_) => (Some(0), "reaps the holder".to_string()),
            Action::ClientHasEnough => (Some(0), "has enough of the holder".to_string()),
            Action::ClientBabbles => (Some(0), "says hello again".to_string()),
            Action::ClientDies => (Some(0), "DIES".to_string()),
            Action::PidIsReused => (None, "the client's pid is used again".to_string()),
            Action::WrapperEnds => (None, "the wrapper ends".to_string()),
            Action::AskerBegins(number) => (asker(number), "wants something".to_string()),
            Action::AskerDoes(number, effect) => (asker(number), asker_does(number, effect)),
            Action::AskerSees(number) => (asker(number), asker_sees(before, number)),
            Action::AskerGivesUp(number) => (asker(number), "waits no longer".to_string()),
            Action::StrayConnects(wire) => (stray(wire), format!("connects: {}", connection(wire))),
            Action::StraySays(wire, word) => (stray(wire), format!("says {}", word.name())),
            Action::StrayHangsUp(wire) => (stray(wire), "hangs up".to_string()),
            Action::HolderDoes(_) => (Some(1), holder_does(before)),
            Action::HolderHears(heard) => (Some(1), hears(before, heard)),
            Action::HolderCrashes => (Some(1), "CRASHES".to_string()),
            Action::LoadEnds(place) => (Some(1), format!("engine: {} is loaded", member(place))),
            Action::MemberFails(place) => (Some(1), format!("engine: {} fails", member(place))),
            Action::MemberIsGone(place) => (Some(1), format!("engine: nothing is left of {}", member(place))),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let holder = match &state.holder {
            Process::None => "none".to_string(),
            Process::Ended { why, .. } => format!("ended: {why:?}"),
            Process::Killed => "killed".to_string(),
            Process::Running(running) => match running.machine.ending() {
                Some(why) => format!("ending: {why:?}"),
                None if running.waits() => "serves".to_string(),
                None => format!("is about to {}", running.machine.pending().name()),
            },
        };
        let lines = state.running().map_or(&[][..], |running| running.machine.lines());
        let watched = lines.iter().find(|line| line.is_armed());
        let memory = state.running().map_or_else(String::new, |running| {
            let loaded = |(place, memory): (usize, &super::state::Memory)| match memory.model {
                Model::Nothing => None,
                Model::Loading => Some(format!("{} (loading)", member(place))),
                Model::Loaded => Some(member(place).to_string()),
            };
            running.members.iter().enumerate().filter_map(loaded).collect::<Vec<_>>().join(", ")
        });
        vec![
            ("holder", holder),
            ("watches", watched.map_or("nobody".to_string(), |line| connection(names::wire(line.conn)))),
            ("memory", if memory.is_empty() { "none".to_string() } else { memory }),
        ]
    }
}

fn connection(wire: usize) -> String {
    match whose(wire) {
        Whose::Client => format!("c{}", wire + 1),
        Whose::Asker(asker) => format!(
            "a{}.{}",
            asker + 1,
            wire + 1 - asker_wire(asker, modeld_spec::holder::frame::Attempt::FIRST)
        ),
        Whose::Stray => format!("s{}", wire + 1 - FIRST_STRAY),
    }
}

fn member(place: usize) -> &'static str {
    match place {
        0 => "member 1",
        1 => "member 2",
        _ => "member 2 again",
    }
}

fn client_does(effect: spawn::Effect) -> String {
    match effect {
        spawn::Effect::Connect(attempt) => format!("connects: {}", connection(client_wire(attempt))),
        spawn::Effect::Say(attempt, handshake) => {
            format!("{}: says {}", connection(client_wire(attempt)), said(handshake))
        }
        spawn::Effect::HangUpEarlier(attempt) => {
            format!("is bound on {}", connection(client_wire(attempt)))
        }
        spawn::Effect::HangUp(_) => "hangs up; the holder is detached".to_string(),
        spawn::Effect::EndChild => "ENDS the holder that it started".to_string(),
        effect => effect.name().to_string(),
    }
}

fn said(handshake: Handshake) -> String {
    match handshake {
        Handshake::Hello(versions) => format!("hello({}..{})", versions.min().0, versions.max().0),
        Handshake::Bind { attempt, .. } => format!("bind({})", attempt.0),
        Handshake::Ack => "ack".to_string(),
    }
}

fn client_sees(before: &State) -> String {
    match &before.client.main {
        Main::Spawning(spawn) => match spawn.effect() {
            spawn::Effect::Receive(attempt) => {
                let wire = client_wire(attempt);
                heard(&connection(wire), before.wires[wire].down)
            }
            _ if before.running().is_some() => "sees that the holder serves".to_string(),
            _ => "sees that the holder has ended".to_string(),
        },
        _ => "sees that the holder has ended".to_string(),
    }
}

fn heard(connection: &str, reply: Option<Reply>) -> String {
    match reply {
        Some(reply) => format!("{connection}: reads {}", replied(reply)),
        None => format!("{connection}: has ended"),
    }
}

fn replied(reply: Reply) -> String {
    match reply {
        Reply::Welcome(version) => format!("welcome({})", version.0),
        Reply::Offer(attempt) => format!("offer({})", attempt.0),
        Reply::Bound(attempt) => format!("bound({})", attempt.0),
        Reply::Up => "up".to_string(),
        Reply::Stopped => "stopped".to_string(),
        Reply::Refused(refusal) => format!("refused: {refusal}"),
    }
}

fn asker_does(number: usize, effect: ask::Effect<Name>) -> String {
    match effect {
        ask::Effect::Connect(attempt) => format!("connects: {}", connection(asker_wire(number, attempt))),
        ask::Effect::Say(_, Request::Handshake(handshake)) => format!("says {}", said(handshake)),
        ask::Effect::Say(_, Request::Question(Question::Add { member, .. })) => {
            format!("says add {member:?}")
        }
        ask::Effect::Say(_, Request::Question(Question::Stop { member })) => format!("says stop {member:?}"),
        ask::Effect::Say(_, Request::Question(Question::StopAll)) => "says stop all".to_string(),
        ask::Effect::HangUp(_) => "hangs up".to_string(),
        ask::Effect::Receive(..) => effect.name().to_string(),
    }
}

fn asker_sees(before: &State, number: usize) -> String {
    let Asker::Asking(ask) = &before.askers[number] else { return String::new() };
    let ask::Effect::Receive(attempt, _) = ask.effect() else { return String::new() };
    let wire = asker_wire(number, attempt);
    heard(&connection(wire), before.wires[wire].down)
}

fn holder_does(before: &State) -> String {
    let Some(running) = before.running() else { return String::new() };
    match *running.machine.pending() {
        Effect::Send(conn, reply) => format!("{}: says {}", connection(names::wire(conn)), replied(reply)),
        Effect::Close(conn) => format!("ends {}", connection(names::wire(conn))),
        Effect::WatchParent => "begins to watch its client's process".to_string(),
        Effect::BeginLoad(_, ticket) => format!("begins to load {}", member(names::place(ticket))),
        Effect::EndMember(_, ticket) => format!("begins to end {}", member(names::place(ticket))),
        effect => effect.name().to_string(),
    }
}

fn hears(before: &State, heard: Heard) -> String {
    match heard {
        Heard::Connection(wire) => format!("accepts {}", connection(wire)),
        Heard::Word(wire) => {
            let word = before.wires[wire].up[0].map_or("", Word::name);
            let lines = before.running().map_or(&[][..], |running| running.machine.lines());
            let offered = lines
                .iter()
                .any(|line| names::wire(line.conn) == wire && matches!(line.stage, LineStage::Offered(_)));
            let arms = if offered && word == "ack" { ": its end would be the holder's" } else { "" };
            format!("{}: reads {word}{arms}", connection(wire))
        }
        Heard::End(wire) => format!("sees the end of {}", connection(wire)),
        Heard::Up(place) => format!("hears that {} is up", member(place)),
        Heard::Failed(place) => format!("hears that {} failed", member(place)),
        Heard::Gone(place) => format!("hears that {} is gone", member(place)),
        heard => format!("hears {heard}"),
    }
}
