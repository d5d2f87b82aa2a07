//! The fence model in words: lanes, steps, and what stands between the participants.

use super::Fence;
use super::actions::{Action, words};
use super::state::{Life, Process, State};
use super::step::tick_of;
use crate::models::lease::names::letter;
use crate::story::Story;

impl Story for Fence {
    fn lanes(&self) -> Vec<String> {
        let processes = self.slots().map(|slot| format!("process {}", letter(usize::from(slot))));
        processes.chain((0..self.clients).map(|client| format!("client {client}"))).collect()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let client = |index: u8| Some(usize::from(self.processes + index));
        let name = |slot: u8| letter(usize::from(slot));
        let slot = match *action {
            Action::Tick => return (None, format!("tick {}", before.tick + 1)),
            Action::Suspend => return (None, format!("suspended until tick {}", before.tick + 2)),
            Action::RemoveFiles => return (None, "somebody removes the lease files".to_string()),
            Action::PowerLoss => return (None, "the power fails".to_string()),
            Action::Lookup(index) => return (client(index), "reads the record".to_string()),
            Action::Open(index, slot) => {
                return (
                    client(index),
                    format!("opens its answer at {}{}", name(slot), meant(before, index)),
                );
            }
            Action::Ask(index, slot) => {
                return (client(index), format!("asks {}{}", name(slot), meant(before, index)));
            }
            Action::Receive(index, slot) => {
                let item = before.clients[usize::from(index)].pipes[usize::from(slot)];
                let epoch = item.map_or(0, |(epoch, _)| epoch);
                return (client(index), format!("gets an item of epoch {epoch} from {}", name(slot)));
            }
            Action::Lose(index) => return (client(index), "gives its server up".to_string()),
            Action::Grant(slot)
            | Action::Own(slot)
            | Action::TakeLock(slot)
            | Action::Renew(slot)
            | Action::Renewed(slot)
            | Action::Extend(slot)
            | Action::Lost(slot)
            | Action::End(slot)
            | Action::Release(slot, ..)
            | Action::Drain(slot)
            | Action::Begin(slot, _)
            | Action::Land(slot)
            | Action::Write(slot, ..)
            | Action::Rejoin(slot)
            | Action::Crash(slot)
            | Action::Pause(slot)
            | Action::Resume(slot)
            | Action::Stick(slot) => slot,
        };
        let process = before.process(slot);
        let told = match *action {
            Action::Begin(_, work) => format!("passes the gate, begins {}", words(work)),
            Action::Land(_) => match process.native {
                Some(native) => format!("{} lands", words(native.work)),
                None => "nothing lands".to_string(),
            },
            _ => {
                let text = action.to_string();
                text.split_once(' ').map_or(text.clone(), |(_, rest)| rest.to_string())
            }
        };
        (Some(usize::from(slot)), told)
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let name = |slot: u8| letter(usize::from(slot));
        let record = state.record.map_or("none".to_string(), |record| {
            let expiry = self.ttl().expiry(crate::models::lease::names::instant(record.renewed));
            format!("{}, epoch {}, until {}", name(record.slot), record.epoch, tick_of(expiry))
        });
        let latch = state.latch.map_or("free".to_string(), |(slot, _)| name(slot).to_string());
        let lock = state.residency.map_or("free".to_string(), |slot| name(slot).to_string());
        let gates: Vec<String> = self
            .slots()
            .filter(|slot| state.process(*slot).life != Life::Gone)
            .map(|slot| format!("{} {}", name(slot), gate(state.process(slot))))
            .collect();
        let store = match state.store.place {
            0 => "untouched".to_string(),
            write => format!("write {write}"),
        };
        vec![
            ("clock", format!("tick {}", state.tick)),
            ("record", record),
            ("epochs", state.highest.to_string()),
            ("latch", latch),
            ("lock", lock),
            ("gates", gates.join(", ")),
            ("store", store),
        ]
    }
}

fn gate(process: &Process) -> String {
    match process.gate.deadline() {
        _ if !process.owns() => "-".to_string(),
        None => "fenced".to_string(),
        Some(deadline) => format!("until {}", tick_of(deadline)),
    }
}

fn meant(state: &State, index: u8) -> String {
    match state.clients[usize::from(index)].meant {
        Some((slot, epoch)) => format!(", meaning {}, epoch {epoch}", letter(usize::from(slot))),
        None => String::new(),
    }
}
