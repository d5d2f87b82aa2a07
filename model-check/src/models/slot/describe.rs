//! The steps of the slot model in words.

use modeld_spec::slot::entry::{Phase, Slot as Entry};
use modeld_spec::slot::table::Slots;

use super::Slot;
use super::actions::Action;
use super::names::{letter, model_of};
use super::state::{Stage, State, Work};
use crate::story::Story;

impl Story for Slot {
    fn lanes(&self) -> Vec<String> {
        let clients = (0..self.callers).map(|caller| format!("client {caller}"));
        clients.chain(["engine".to_string(), "daemon".to_string()]).collect()
    }

    fn tell(&self, _: &State, action: &Action) -> (Option<usize>, String) {
        let engine = Some(usize::from(self.callers));
        let daemon = Some(usize::from(self.callers) + 1);
        let client = |caller: u8| Some(usize::from(caller));
        match *action {
            Action::Ask { caller, what, .. } => (client(caller), format!("asks to {what}")),
            Action::Close(caller) => (client(caller), "ends its work".to_string()),
            Action::HangUp(caller) => (client(caller), "HANGS UP".to_string()),
            Action::HearGone(caller) => (daemon, format!("hears that client {caller} has hung up")),
            Action::MarkEnds(_)
            | Action::Begin(_)
            | Action::Progress(_)
            | Action::LoadEnds(..)
            | Action::Freed(_) => (engine, action.to_string()),
            Action::Echo => (engine, "reports the end of a load AGAIN".to_string()),
            Action::IdleTick | Action::DrainTick | Action::Look => (daemon, action.to_string()),
            Action::Crash { .. } => (daemon, "DIES".to_string()),
            Action::Restart => (daemon, "starts".to_string()),
            Action::Fence | Action::DiskFails | Action::DiskRecovers => (None, action.to_string()),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let slots = state.table.iter().flat_map(Slots::slots).map(slot).collect::<Vec<_>>();
        let members = state.table.iter().flat_map(Slots::members).map(|member| {
            let name = |model| letter(u8::try_from(model_of(model)).unwrap_or(u8::MAX)).to_string();
            let model = member.model.map_or("none".to_string(), name);
            let coming = member.coming.map_or(String::new(), |to| format!(", becoming {}", name(to)));
            format!("m{}: {model}{coming}", member.id.0)
        });
        let engine = state.engine.iter().zip(0_u8..).filter_map(|(work, model)| {
            let model = letter(model);
            match work {
                Work::None => None,
                Work::Marking { generation } => Some(format!("marks {model}{generation}")),
                Work::Starting { generation, .. } => Some(format!("begins {model}{generation}")),
                Work::Loading { generation, breaking: true, .. } => {
                    Some(format!("breaks off {model}{generation}"))
                }
                Work::Loading { generation, .. } => Some(format!("loads {model}{generation}")),
                Work::Resident { generation, .. } => Some(format!("has {model}{generation}")),
                Work::Freeing { generation, .. } => Some(format!("frees {model}{generation}")),
            }
        });
        let clients = state.callers.iter().take(usize::from(self.callers)).map(|caller| match caller.stage {
            Stage::Idle => "-".to_string(),
            Stage::Waiting { .. } => "waits".to_string(),
            Stage::Holding { model, generation, .. } => format!("on {}{generation}", letter(model)),
            Stage::Left => "gone".to_string(),
        });
        vec![
            ("clients", clients.collect::<Vec<_>>().join(" ")),
            ("members", members.collect::<Vec<_>>().join("; ")),
            ("slots", slots.join("; ")),
            ("engine", engine.collect::<Vec<_>>().join(", ")),
            ("gate", if state.gate_closed { "closed" } else { "open" }.to_string()),
            ("marks", format!("{:03b}", state.marks)),
        ]
    }
}

fn slot(slot: &Entry) -> String {
    let phase = match slot.phase {
        Phase::Room => "waits for room",
        Phase::Marking => "marking",
        Phase::Loading => "loading",
        Phase::Ready(_) => "ready",
        Phase::Draining { .. } => "draining",
        Phase::Dropping => "dropping",
        Phase::Breaking => "breaking",
        Phase::Freeing => "freeing",
    };
    let model = letter(u8::try_from(model_of(slot.model)).unwrap_or(u8::MAX));
    let (waiting, working) = (slot.asks.len(), slot.holders.len());
    format!("{model}{}: {phase}, {waiting} wait, {working} work", slot.generation)
}
