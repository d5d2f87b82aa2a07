//! What has to come at last: every start and every stop ends, and a start that nothing befalls ends in success.
//!
//! There is no clock: the end of a wait is a step, which comes once nothing else can (`actions.rs`), so that responses
//! are not counted. Where bounds come at any time (`slow`), they are part of what is fair all the same.

use modeld_spec::daemon::effect::Effect;
use modeld_spec::daemon::start::Outcome;

use super::Starting;
use super::actions::{Action, Fate, Who};
use super::state::{Starter, State, Stopper};
use crate::configuration::Profile;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};

/// D4: every wait has a bound, and no detour is endless.
pub const ENDS: &str = "D4: every start and every stop ends at last";
/// D3: where nothing goes wrong everybody gets a daemon.
pub const SUCCEEDS: &str = "D3: a start that no fault befalls and no stop ends in success at last";

/// The goals.
pub(super) fn goals() -> Vec<Goal<Starting>> {
    type Holds = fn(&Starting, &State) -> bool;
    let goal =
        |id, says, source, from: Holds, to: Holds| Goal { id, says, source, from, to, without: |_| false };
    vec![
        goal("D4", ENDS, "spec/daemon.md, D4", |_, _| true, has_ended),
        goal("D3", SUCCEEDS, "spec/daemon.md, what is to come about", is_unharmed, has_succeeded),
    ]
}

/// The configurations, and what their goals come to.
pub(super) fn lasting() -> Vec<Lasting<Starting>> {
    let calm = Starting::CALM;
    let three = Starting { starters: 3, children: 3, ..calm.clone() };
    let quick =
        |name, model, states| Lasting { name, profile: Profile::Quick, model, states, responses: NO_CLOCK };
    vec![
        quick("storm", Starting { probes: 1, progress: true, ..calm.clone() }, 3_633),
        quick("remains", Starting { foreground: true, remains: true, reboot: true, ..three.clone() }, 984),
        quick("crash", Starting { crashes: 1, deaths: 1, children: 4, ..three.clone() }, 7_663),
        quick("pause", Starting { pauses: 1, foreground: true, ..three }, 2_471),
        quick(
            "hang",
            Starting { stoppers: 1, hangs: 1, foreground: true, progress: true, children: 3, ..calm.clone() },
            48_028,
        ),
        quick(
            "slow",
            Starting {
                slow: true,
                crashes: 1,
                foreground: true,
                progress: true,
                children: 3,
                ..calm.clone()
            },
            36_115,
        ),
        quick("io-error", Starting { starters: 1, stoppers: 1, failures: 2, ..calm.clone() }, 1_360),
        quick("damage", Starting { foreground: true, damages: 1, children: 3, ..calm.clone() }, 1_124),
        quick("restart", Starting { stoppers: 1, deaths: 1, reuses: 1, remains: true, ..calm }, 16_843),
    ]
}

impl Starting {
    /// Whether an action is a fault, or has to be done at last.
    pub(super) fn obliges(&self, action: &Action) -> Fairness {
        let fair = |who| match who {
            Who::Starter(slot) => Fairness::Fair(usize::from(slot)),
            Who::Stopper(slot) => Fairness::Fair(self.starters + usize::from(slot)),
            Who::Child(life) => Fairness::Fair(self.starters + self.stoppers + usize::from(life)),
            // Whoever only looks may do so for ever or never: nothing waits for it.
            Who::Probe(_) => Fairness::Free,
        };
        match *action {
            Action::Perform { fate: Fate::Fails | Fate::FailsYetLands, .. } => Fairness::Fault,
            Action::Perform { who, .. } => fair(who),
            Action::Exit(life) => fair(Who::Child(life)),
            Action::Find(_) => Fairness::Fair(self.starters + self.stoppers + self.children),
            Action::Report(_) => Fairness::Free,
            Action::Crash(_)
            | Action::Pause(_)
            | Action::Die(_)
            | Action::Hang(_)
            | Action::Damage
            | Action::Remove
            | Action::Reuse(_) => Fairness::Fault,
        }
    }

    /// What is assumed to be weakly fair.
    pub(super) fn assumed(&self) -> Vec<Assumption> {
        let assumption = |class: String, says: String| Assumption { class, says };
        let goes_on = |who: String, unless: &str| {
            let says = format!("{who} goes on{unless}; what it waits for comes to it, or its bound does");
            assumption(who, says)
        };
        let starters = (1..=self.starters).map(|slot| goes_on(format!("starter {slot}"), UNLESS_PAUSED));
        let stoppers = (1..=self.stoppers).map(|slot| goes_on(format!("stopper {slot}"), ""));
        let children = (0..).take(self.children).map(|life| goes_on(super::actions::name(life), UNLESS_HUNG));
        let beginning = assumption("beginning".to_string(), "the story begins".to_string());
        starters.chain(stoppers).chain(children).chain([beginning]).collect()
    }
}

/// Nobody starts or stops any more; who is paused for good never will.
fn has_ended(_: &Starting, state: &State) -> bool {
    let starts = |starter: &Starter| matches!(starter, Starter::Running { frozen: false, .. });
    let stops = |stopper: &Stopper| matches!(stopper, Stopper::Running(_));
    !state.starters.iter().any(starts) && !state.stoppers.iter().any(stops)
}

/// Nobody stops, and the first starter is at work; and nothing has happened by which a start may fail, or it did before
/// that starter has begun, and left nobody behind who stands in its way for good.
fn is_unharmed(_: &Starting, state: &State) -> bool {
    let nobody_stops = state.stoppers.iter().all(|stopper| *stopper == Stopper::Absent);
    let is_frozen = |starter: &Starter| matches!(starter, Starter::Running { frozen: true, .. });
    let in_the_way = state.starters.iter().any(is_frozen) || state.bodies().any(|(_, body)| body.hung);
    let unharmed = match &state.starters[0] {
        Starter::Running { machine, .. } => {
            !state.excused || (matches!(machine.pending(), Effect::TakeStart { .. }) && !in_the_way)
        }
        _ => false,
    };
    state.found && nobody_stops && unharmed
}

/// The first starter has its daemon, or a bound has come too early for it (`slow`).
fn has_succeeded(model: &Starting, state: &State) -> bool {
    let has_daemon = matches!(state.starters[0], Starter::Ended(Outcome::Started(_) | Outcome::Attached(_)));
    has_daemon || (model.slow && state.excused)
}

const UNLESS_PAUSED: &str = ", unless it is paused for good";
const UNLESS_HUNG: &str = ", unless it hangs";
/// What the goals come to without a clock.
const NO_CLOCK: &[(&str, Option<usize>)] = &[(ENDS, Some(0)), (SUCCEEDS, Some(0))];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::mutants::Mutant;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Expected, Kind, Study};
    use crate::subject::{Of, Subject};

    /// The mutants that a goal has to notice, each with the goal.
    fn noticed() -> Vec<(Starting, &'static str)> {
        let says = |by| goals().iter().any(|goal| goal.says == by);
        let all = Mutant::ALL.into_iter().filter_map(|mutant| match mutant.expected() {
            Expected::Killed { by, .. } if says(by) => {
                Some((Starting { mutant: Some(mutant), ..mutant.setting() }, by))
            }
            _ => None,
        });
        all.collect()
    }

    #[test]
    fn goals_are_met() {
        for lasting in lasting().into_iter().filter(|lasting| lasting.states < 20_000) {
            let endurance = Of::<Starting>::study().endure(&lasting.id()).unwrap();
            assert!(endurance.as_expected(), "{endurance:?}");
        }
    }

    #[test]
    fn some_mutants_only_liveness_notices() {
        for (model, goal) in noticed() {
            let safety: Vec<_> =
                model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
            let falls = |state: &State| safety.iter().any(|promise| !(promise.holds)(&model, state));
            assert!(matches!(shortest(&model, falls), Shortest::None { .. }), "{goal}");
        }
    }

    #[test]
    fn every_goal_has_a_mutant() {
        let noticed: Vec<&str> = noticed().into_iter().map(|(_, goal)| goal).collect();
        assert!(goals().iter().all(|goal| noticed.contains(&goal.says)));
    }

    #[test]
    fn every_class_has_its_assumption() {
        let model = Starting { stoppers: 1, ..Starting::CALM };
        let classes: Vec<String> = model.assumed().into_iter().map(|assumption| assumption.class).collect();
        assert_eq!(classes, ["starter 1", "starter 2", "stopper 1", "daemon a", "daemon b", "beginning"]);
        assert_eq!(model.obliges(&Action::Exit(1)), Fairness::Fair(4));
        assert_eq!(model.obliges(&Action::Hang(1)), Fairness::Fault);
    }
}
