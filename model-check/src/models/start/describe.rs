//! The steps of the start model in words, with what was seen.

use modeld_spec::daemon::effect::{Content, Phase, Said};
use modeld_spec::daemon::{start, status, stop};
use modeld_spec::step::Step;

use super::Starting;
use super::actions::{Action, Fate, Who, name};
use super::state::{Holder, Life, Starter, State, Stopper};
use crate::story::Story;

impl Story for Starting {
    fn lanes(&self) -> Vec<String> {
        let numbered = |what: &'static str, count: usize| (1..=count).map(move |n| format!("{what} {n}"));
        let daemons = (0..).take(self.children).map(name);
        numbered("starter", self.starters)
            .chain(numbered("stopper", self.stoppers))
            .chain(numbered("probe", self.probes))
            .chain(daemons)
            .collect()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let daemon = |life: u8| Some(self.starters + self.stoppers + self.probes + usize::from(life));
        match *action {
            Action::Find(_) | Action::Damage | Action::Remove | Action::Reuse(_) => {
                (None, action.to_string())
            }
            Action::Exit(life) => (daemon(life), "ENDS".to_string()),
            Action::Report(life) => (daemon(life), "reports progress".to_string()),
            Action::Crash(slot) => (Some(usize::from(slot)), "CRASHES".to_string()),
            Action::Pause(slot) => (Some(usize::from(slot)), "IS PAUSED for good".to_string()),
            Action::Die(life) => (daemon(life), "DIES".to_string()),
            Action::Hang(life) => (daemon(life), "HANGS".to_string()),
            Action::Perform { who, effect, fate } => {
                let lane = match who {
                    Who::Starter(slot) => Some(usize::from(slot)),
                    Who::Stopper(slot) => Some(self.starters + usize::from(slot)),
                    Who::Probe(slot) => Some(self.starters + self.stoppers + usize::from(slot)),
                    Who::Child(life) => daemon(life),
                };
                let mut after = before.clone();
                let ending = match who {
                    Who::Probe(slot) => match self.probe_sees(&mut after, slot, fate) {
                        Some((_, Step::Done(outcome))) => answer(&outcome),
                        _ => String::new(),
                    },
                    _ => {
                        self.apply(&mut after, *action);
                        ended(&after, who)
                    }
                };
                (lane, format!("{effect}{}{ending}", seen(before, effect, fate)))
            }
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let start = state.disk.start_lock.map_or("free".to_string(), |slot| format!("starter {}", slot + 1));
        let run = match state.disk.run_lock {
            None => "free".to_string(),
            Some(Holder::Life(life)) => name(life),
            Some(Holder::Probe(slot)) => format!("probe {}", slot + 1),
        };
        let socket = state.disk.socket.map_or("none".to_string(), name);
        let serving: Vec<String> =
            state.bodies().filter(|(_, body)| body.serving).map(|(life, _)| name(life)).collect();
        vec![
            ("start lock", start),
            ("run lock", run),
            ("metadata", metadata(state)),
            ("socket", socket),
            ("serving", if serving.is_empty() { "nobody".to_string() } else { serving.join(", ") }),
        ]
    }
}

fn metadata(state: &State) -> String {
    match state.disk.metadata {
        Content::Absent => "none".to_string(),
        Content::Unreadable => "unreadable".to_string(),
        Content::Says(Said { who, phase }) => {
            let phase = match phase {
                Phase::Starting => "starting",
                Phase::Running => "running",
                Phase::Stopping => "stopping",
                Phase::Stopped => "stopped",
            };
            format!("{}, {phase}", name(who))
        }
    }
}

/// What an effect shows, where that matters.
fn seen(before: &State, effect: &str, fate: Fate) -> String {
    match (effect, fate) {
        (_, Fate::Late) => " -> the bound comes".to_string(),
        (_, Fate::Fails) => " -> fails".to_string(),
        (_, Fate::FailsYetLands) => " -> is said to fail".to_string(),
        (_, Fate::Wakes) => " -> looks after its metadata".to_string(),
        ("read metadata", Fate::Done) => format!(" -> {}", metadata(before)),
        ("look at run lock", Fate::Done) => match before.disk.run_lock {
            None => " -> free".to_string(),
            Some(_) => " -> held".to_string(),
        },
        _ => String::new(),
    }
}

/// How a process has ended, if it has.
fn ended(after: &State, who: Who) -> String {
    match who {
        Who::Starter(slot) => match after.starters.get(usize::from(slot)) {
            Some(Starter::Ended(start::Outcome::Started(life))) => format!(": STARTED {}", name(*life)),
            Some(Starter::Ended(start::Outcome::Attached(life))) => format!(": ATTACHED to {}", name(*life)),
            Some(Starter::Ended(_)) => ": FAILED".to_string(),
            _ => String::new(),
        },
        Who::Stopper(slot) => match after.stoppers.get(usize::from(slot)) {
            Some(Stopper::Ended(stop::Outcome::Stopped(_))) => ": STOPPED".to_string(),
            Some(Stopper::Ended(stop::Outcome::Replaced(..))) => ": REPLACED".to_string(),
            Some(Stopper::Ended(_)) => ": FAILED".to_string(),
            _ => String::new(),
        },
        Who::Probe(_) | Who::Child(_) => String::new(),
    }
}

/// What a probe says.
fn answer(outcome: &status::Outcome<Life, ()>) -> String {
    let of = |life: &Option<Life>| life.map_or("a daemon without a name".to_string(), name);
    match outcome {
        status::Outcome::Stopped => ": says STOPPED".to_string(),
        status::Outcome::Stale(life) => format!(": says STALE, {}", of(life)),
        status::Outcome::Starting(life) => format!(": says STARTING, {}", of(life)),
        status::Outcome::Running(life) => format!(": says RUNNING, {}", name(*life)),
        status::Outcome::Stopping(life) => format!(": says STOPPING, {}", name(*life)),
        status::Outcome::Unknown(_) | status::Outcome::Breach(_) => ": says UNKNOWN".to_string(),
    }
}
