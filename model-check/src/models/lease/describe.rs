//! The steps of the lease model in words, with what was seen.

use modeld_spec::lease::record::Residency;

use super::Lease;
use super::actions::{Action, Fate};
use super::names::letter;
use super::state::{State, Thread};
use crate::story::Story;

impl Story for Lease {
    fn lanes(&self) -> Vec<String> {
        (0..self.processes).map(|slot| format!("process {}", letter(slot))).collect()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        match *action {
            Action::Tick if self.horizon.is_some() => (None, format!("tick {}", before.tick + 1)),
            Action::Tick => (None, "a tick passes".to_string()),
            Action::Perform { slot, thread, effect, fate } => {
                let who = match thread {
                    Thread::Main => "",
                    Thread::Keeper => "keeper: ",
                    Thread::Renewal => "renewal: ",
                };
                (Some(slot), format!("{who}{effect}{}", seen(before, slot, effect, fate)))
            }
            Action::StandbyWakes(slot) => (Some(slot), "looks again".to_string()),
            Action::LockComes(slot) => (Some(slot), "gets the residency lock".to_string()),
            Action::KeeperWakes(slot) => (Some(slot), "keeper: wakes".to_string()),
            Action::RenewalHeard(slot) => (Some(slot), "keeper: the renewal has ended".to_string()),
            Action::Load(slot) => (Some(slot), "passes its gate and loads a model".to_string()),
            Action::HandOver(slot) => (Some(slot), "begins to hand over".to_string()),
            Action::Evict(slot) => (Some(slot), "evicts who has the lock".to_string()),
            Action::Exit(slot) => (Some(slot), "EXITS".to_string()),
            Action::Crash(slot) => (Some(slot), "CRASHES".to_string()),
            Action::Stop(slot) => (Some(slot), "IS STOPPED".to_string()),
            Action::Restart(slot) => {
                let generation = before.processes.get(slot).map_or(0, |process| process.generation) + 1;
                (Some(slot), format!("is started again as {}{generation}", letter(slot)))
            }
            Action::Lose(_)
            | Action::Suspend
            | Action::WallForward
            | Action::WallBack
            | Action::Reboot
            | Action::CutPower(_) => (None, action.to_string()),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let record = match &state.disk.record {
            None if state.disk.torn => "unreadable".to_string(),
            None => "none".to_string(),
            Some(record) => {
                let until = record.ttl.expiry(record.renewed_at);
                let worth = if state.now() < until { "valid" } else { "expired" };
                format!("{}, epoch {}, {worth}", record.instance, record.epoch)
            }
        };
        let clock = self.horizon.map(|_| ("clock", format!("tick {}", state.tick)));
        let holder = |slot: &usize| letter(*slot).to_string();
        let free = || "free".to_string();
        let lock = state.disk.residency.last().and_then(Option::as_ref).map_or_else(free, holder);
        let latch = state.disk.latch.as_ref().map_or_else(free, |(slot, _)| holder(slot));
        let rest = [("record", record), ("residency lock", lock), ("latch", latch)];
        clock.into_iter().chain(rest).collect()
    }
}

/// What an effect shows, where that matters.
fn seen(before: &State, slot: usize, effect: &str, fate: Fate) -> String {
    match (effect, fate) {
        (_, Fate::Busy) => " -> stays taken".to_string(),
        (_, Fate::Fails(_) | Fate::FailsYetLands(_)) => fate.to_string(),
        ("read record", Fate::Done) => match &before.disk.record {
            None if before.disk.torn => " -> unreadable".to_string(),
            None => " -> none".to_string(),
            Some(record) => {
                let until = record.ttl.expiry(record.renewed_at);
                let worth = if before.now() < until { "valid" } else { "expired" };
                let lock = match record.residency {
                    Residency::Held(_) => "has the lock",
                    Residency::Awaited { .. } => "waits for the lock",
                };
                format!(" -> {}, epoch {}, {worth}, {lock}", record.instance, record.epoch)
            }
        },
        ("try residency", Fate::Done) => match before.disk.residency.last() {
            Some(Some(holder)) if *holder != slot => format!(" -> held by {}", letter(*holder)),
            _ => " -> free, taken".to_string(),
        },
        ("read epochs", Fate::Done) => match before.disk.epochs.max(before.disk.copied()) {
            None => " -> none".to_string(),
            Some(epoch) => format!(" -> up to {epoch}"),
        },
        ("extend gate", Fate::Done) => {
            let gate = before.processes.get(slot).and_then(|process| process.owner.as_ref());
            let open = gate.is_some_and(|owner| owner.gate.admits(before.now()));
            if open { String::new() } else { " (which is closed)".to_string() }
        }
        _ => String::new(),
    }
}
