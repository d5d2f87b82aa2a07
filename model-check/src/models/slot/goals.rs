//! What has to come at last: whoever waits is answered, and what was fenced comes to rest with nothing in memory.
//!
//! Clients choose: they ask, hang up and work, on where they are slow for ever; nothing that is promised rests on what
//! they choose, except that work which was told to end does. The clock is the drain interval, the only wait for a
//! client (S9): responses are counted in its ticks.

use super::Slot;
use super::actions::{Action, Fate};
use super::configurations::{CRASH, EVICT, INSTEAD, RESTORE, UNLOAD};
use super::names::{MODELS, letter};
use super::state::{State, Work};
use crate::configuration::Profile;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};

/// S14: no endless detour has a waiter.
pub const ANSWERED: &str = "S14: from wherever somebody waits, everybody is answered at last";
/// S10: a fence ends everything.
pub const FREED: &str = "S10: after the fence nothing is in memory at last, and nothing is under way";

/// The goals.
pub(super) fn goals() -> Vec<Goal<Slot>> {
    type Holds = fn(&Slot, &State) -> bool;
    let goal =
        |id, says, source, from: Holds, to: Holds| Goal { id, says, source, from, to, without: |_| false };
    vec![
        goal("S14", ANSWERED, "spec/slot.md, S14", waits, is_answered),
        goal("S10", FREED, "spec/slot.md, S10", is_fenced, is_at_rest),
    ]
}

/// The configurations, and what their goals come to.
pub(super) fn lasting() -> Vec<Lasting<Slot>> {
    let two = Slot { asks: 2, failures: 1, hang_ups: true, ..Slot::SMALL };
    let three = Slot { callers: 3, ..two.clone() };
    let lasting =
        |name, profile, model, states, responses| Lasting { name, profile, model, states, responses };
    let quick = |name, model, states, responses| lasting(name, Profile::Quick, model, states, responses);
    vec![
        quick("shared", Slot { progress: true, idle: true, ..three.clone() }, 43_074, NO_DRAIN),
        quick("unload", Slot { menu: UNLOAD, slow: true, ..three.clone() }, 118_986, DRAIN),
        quick(
            "evict",
            Slot { menu: EVICT, needs: [1, 2, 3], idle: true, slow: true, ..two.clone() },
            32_276,
            NO_DRAIN,
        ),
        quick("instead", Slot { menu: INSTEAD, budget: 1, slow: true, ..two.clone() }, 25_385, DRAIN),
        quick("restore", Slot { menu: RESTORE, needs: [2, 2, 1], ..two.clone() }, 26_413, NO_DRAIN),
        quick(
            "fence",
            Slot { menu: INSTEAD, budget: 1, fences: 1, slow: true, ..two.clone() },
            64_441,
            &[(ANSWERED, Some(2)), (FREED, Some(1))],
        ),
        quick(
            "crash",
            Slot { menu: CRASH, crashes: 1, disk_failures: 1, hang_ups: false, ..two.clone() },
            74_609,
            NO_DRAIN,
        ),
        quick(
            "excess",
            Slot { menu: INSTEAD, needs: [1, 2, 1], overshoots: 1, ..two.clone() },
            51_394,
            NO_DRAIN,
        ),
        quick("echo", Slot { menu: UNLOAD, echoes: 1, ..two }, 10_922, NO_DRAIN),
        lasting(
            "evict",
            Profile::Deep,
            Slot { menu: EVICT, needs: [1, 2, 3], idle: true, slow: true, ..three },
            1_047_724,
            NO_DRAIN,
        ),
    ]
}

impl Slot {
    /// Whether an action is a fault, or has to be done at last: what [`Slot::is_obliged`] says, by class.
    pub(super) fn obliges(&self, state: &State, action: &Action) -> Fairness {
        match *action {
            Action::LoadEnds(_, Fate::TookMore)
            | Action::Fence
            | Action::Crash { .. }
            | Action::DiskFails
            | Action::Echo => Fairness::Fault,
            // What was told to break off fails without a fault.
            Action::LoadEnds(model, Fate::Failed) if !is_breaking(state, model) => Fairness::Fault,
            _ if !self.is_obliged(state, action) => Fairness::Free,
            Action::MarkEnds(model)
            | Action::Begin(model)
            | Action::LoadEnds(model, _)
            | Action::Freed(model) => Fairness::Fair(usize::from(model)),
            Action::HearGone(caller) => Fairness::Fair(CALLER + CLASSES * usize::from(caller)),
            Action::Close(caller) => Fairness::Fair(CALLER + CLASSES * usize::from(caller) + 1),
            Action::DrainTick => Fairness::Fair(self.after_callers()),
            Action::Look => Fairness::Fair(self.after_callers() + 1),
            Action::Restart => Fairness::Fair(self.after_callers() + 2),
            Action::Ask { .. }
            | Action::HangUp(_)
            | Action::Progress(_)
            | Action::IdleTick
            | Action::DiskRecovers => Fairness::Free,
        }
    }

    /// What is assumed to be weakly fair.
    pub(super) fn assumed(&self) -> Vec<Assumption> {
        let assumption = |class: String, says: String| Assumption { class, says };
        let engine = (0_u8..).take(MODELS).map(|model| {
            let model = letter(model);
            let says = format!("what the engine and the disk began for {model} ends");
            assumption(format!("engine, {model}"), says)
        });
        let caller = |caller: u8| {
            let work = if self.slow { "ends its work once it is told to" } else { "ends its work" };
            [
                assumption(
                    format!("hang-up of {caller}"),
                    format!("the daemon hears that {caller} has hung up"),
                ),
                assumption(format!("work of {caller}"), format!("client {caller} {work}")),
            ]
        };
        let daemon = [
            ("drain", "drain intervals pass"),
            ("gate", "the daemon looks at its gate"),
            ("restart", "somebody starts a daemon where one has died"),
        ];
        let daemon = daemon.map(|(class, says)| assumption(class.to_string(), says.to_string()));
        engine.chain((0..self.callers).flat_map(caller)).chain(daemon).collect()
    }

    /// The first class after those of the clients.
    fn after_callers(&self) -> usize {
        CALLER + CLASSES * usize::from(self.callers)
    }
}

fn is_breaking(state: &State, model: u8) -> bool {
    matches!(state.engine[usize::from(model)], Work::Loading { breaking: true, .. })
}

fn waits(_: &Slot, state: &State) -> bool {
    state.somebody_waits()
}

fn is_answered(_: &Slot, state: &State) -> bool {
    Slot::is_everybody_answered(state)
}

fn is_fenced(_: &Slot, state: &State) -> bool {
    state.gate_closed
}

/// Nothing is in memory or on its way there; or there is no fence any more, as the fenced daemon has died.
fn is_at_rest(_: &Slot, state: &State) -> bool {
    !state.gate_closed || state.engine.iter().all(|work| *work == Work::None)
}

/// The first class of the clients; before them each model has one.
const CALLER: usize = MODELS;
/// How many classes a client has.
const CLASSES: usize = 2;
/// What the goals come to where nobody waits for a drain.
const NO_DRAIN: &[(&str, Option<usize>)] = &[(ANSWERED, Some(0)), (FREED, Some(0))];
/// What they come to where an ask waits for a drain: the second interval is its bound (S9).
const DRAIN: &[(&str, Option<usize>)] = &[(ANSWERED, Some(2)), (FREED, Some(0))];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::slot::mutants;
    use crate::models::slot::properties as p;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Expected, Kind};
    use crate::subject::{Of, Subject};

    /// The mutants that a goal has to notice, each with the goal and the length.
    fn noticed() -> Vec<(Slot, &'static str, usize)> {
        let says = |by| goals().iter().any(|goal| goal.says == by);
        let all = mutants::all().into_iter().filter_map(|mutated| match mutated.expected {
            Expected::Killed { by, steps } if says(by) => Some((mutated.model, by, steps)),
            _ => None,
        });
        all.collect()
    }

    #[test]
    fn goals_are_met_and_responses_are_bounded() {
        for lasting in lasting().into_iter().filter(|lasting| lasting.states < 20_000) {
            let endurance = Of::<Slot>::study().endure(&lasting.id()).unwrap();
            assert!(endurance.as_expected(), "{endurance:?}");
        }
    }

    #[test]
    fn some_mutants_only_liveness_notices() {
        for (model, goal, _) in noticed() {
            let safety: Vec<_> =
                p::of(&model).into_iter().filter(|promise| promise.kind == Kind::Always).collect();
            let falls = |state: &State| safety.iter().any(|promise| !(promise.holds)(&model, state));
            assert!(matches!(shortest(&model, falls), Shortest::None { .. }), "{goal}");
        }
    }

    #[test]
    fn every_goal_has_a_mutant() {
        let noticed: Vec<&str> = noticed().into_iter().map(|(_, goal, _)| goal).collect();
        assert!(goals().iter().all(|goal| noticed.contains(&goal.says)));
    }

    #[test]
    fn what_is_fair_is_what_is_obliged() {
        let slot = Slot { callers: 3, ..Slot::SMALL };
        let classes: Vec<String> = slot.assumed().into_iter().map(|assumption| assumption.class).collect();
        assert_eq!(classes[1], "engine, B");
        assert_eq!(classes[CALLER + CLASSES * 2 + 1], "work of 2");
        assert_eq!(classes[slot.after_callers()], "drain");
        assert_eq!(classes.len(), slot.after_callers() + 3);
        let state = slot.beginning();
        let hang_up = Action::HearGone(2);
        assert_eq!(slot.obliges(&state, &hang_up), Fairness::Fair(CALLER + CLASSES * 2));
        assert_eq!(slot.obliges(&state, &Action::Fence), Fairness::Fault);
    }
}
