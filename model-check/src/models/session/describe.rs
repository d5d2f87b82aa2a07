//! The steps of the session model in words, and what stands between its participants.

use std::fmt::Write as _;

use modeld_spec::session::table::Use;

use super::Sessions;
use super::actions::{Action, What};
use super::names::Text;
use super::state::State;
use crate::story::Story;

impl Story for Sessions {
    fn lanes(&self) -> Vec<String> {
        let mut lanes: Vec<String> = (0..self.places).map(|place| format!("session {place}")).collect();
        if self.client {
            lanes.push("client".to_string());
        }
        lanes
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let by =
            |owner: usize| if 1 < before.epochs { format!("(owner {}) ", owner + 1) } else { String::new() };
        let client = self.client.then_some(self.places);
        match *action {
            Action::Open { client: true } => (client, "opens a session".to_string()),
            Action::Open { client: false } | Action::Fence | Action::Crash | Action::TakeOver => {
                (None, action.to_string())
            }
            Action::Corrupt | Action::Tear | Action::OrphanLands { .. } => (None, action.to_string()),
            Action::Ask { place, what } => (Some(place), asked(before, place, what)),
            Action::Begin { owner, place, effect, count } => {
                let rows =
                    if effect == "evaluate" { format!(", {count} in the batch") } else { String::new() };
                (Some(place), format!("{}begins to {effect}{rows}", by(owner)))
            }
            Action::Land { owner, place, effect, fate } => {
                (Some(place), format!("{}{effect} ends{fate}", by(owner)))
            }
            Action::Perform { owner, place, effect, fate } => {
                (Some(place), format!("{}{effect}{fate}", by(owner)))
            }
            Action::Cancel { owner, place } => (Some(place), format!("{}ITS CALLER GOES AWAY", by(owner))),
            Action::Close { owner, place } => (Some(place), format!("{}is closed", by(owner))),
            Action::Hear { owner, place } => (Some(place), format!("{}hears of the fence", by(owner))),
            Action::LateSeen { owner, place } => {
                (Some(place), format!("{}gets an observation of the operation before", by(owner)))
            }
            Action::LateCancel { owner, place } => {
                (Some(place), format!("{}gets a cancel of the operation before", by(owner)))
            }
            Action::OldHandle { place } => {
                (Some(place), "is asked by the handle of a former session".to_string())
            }
            Action::Deliver(index) => (client, format!("gets {}", message(before, index))),
            Action::Lose(index) => (None, format!("{} is lost", message(before, index))),
            Action::Notice => (client, "notices that its owner is gone".to_string()),
            Action::Reopen => (client, "goes on opening its session again".to_string()),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let mut cache = String::new();
        for owner in state.owners.iter().flatten() {
            let gate = if owner.fenced { "fenced" } else { "open" };
            let _ = write!(cache, "epoch {} ({gate}):", owner.epoch);
            for (cells, of) in owner.cache.iter().zip(owner.table.uses()) {
                let mark = match of {
                    Use::Free => "free ",
                    Use::Taken => "",
                    Use::Retired => "retired ",
                };
                let _ = write!(cache, " {mark}{}", cells.text());
            }
            cache.push(' ');
        }
        let mut tapes = String::new();
        for (owner, key, session) in state.sessions() {
            let text = Text::of(session.text());
            let _ = write!(tapes, "{}.{}: {text} ", owner.epoch, key.place);
        }
        let disk = state.disk.as_ref().map_or("none".to_string(), |file| {
            format!("{}{}", file.cells.text(), if file.torn { ", torn" } else { "" })
        });
        let mut world = vec![("cache", cache.trim().to_string()), ("texts", tapes.trim().to_string())];
        if self.snapshots || self.foreign {
            world.push(("snapshot", disk));
        }
        if self.client {
            let history = Text::of(state.client.reader.history().iter().copied());
            world.push(("history", history.to_string()));
            world.push(("on the wire", state.wire.len().to_string()));
        }
        world
    }
}

fn asked(before: &State, place: usize, what: What) -> String {
    let text = before.current().and_then(|owner| Some(Text::of(owner.at(place)?.1.text())));
    format!("is asked for {what}, behind {}", text.unwrap_or_default())
}

fn message(before: &State, index: usize) -> String {
    use super::state::Message;
    match before.wire.get(index) {
        Some((stamp, Message::Item(item))) => {
            let token = if item.token.0 == 0 { "a" } else { "b" };
            format!("item {} ({token}) of operation {}, epoch {}", item.index, stamp.ticket.0, stamp.epoch)
        }
        Some((stamp, Message::Answer(answer, _))) => {
            let how = if answer.is_ok() { "the end" } else { "a failure" };
            format!("{how} of operation {}, epoch {}", stamp.ticket.0, stamp.epoch)
        }
        None => "nothing".to_string(),
    }
}
