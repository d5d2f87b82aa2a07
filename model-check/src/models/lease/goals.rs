//! What has to come at last: somebody owns, somebody may load, an owner keeps its lease, everybody comes to rest.
//!
//! When faults have stopped, nobody is paused either: time waits for everybody who has something to do, which is the
//! assumption "time" below. Without it nothing could be promised, as every claimant could be paused each time until
//! what it has acquired is over.

use modeld_spec::lease::effect::Effect;

use super::Lease;
use super::actions::{Action, Fate};
use super::faults::Loses;
use super::names::{self, letter};
use super::state::{Main, Process, State, Thread};
use crate::configuration::Profile;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};

/// L11: a standby takes over.
pub const OWNED: &str = "L11: who wants to own, and may, owns at last";
/// L7: a leader gets the lock.
pub const RESIDENT: &str = "L7: once nobody is stopped that has a lock, somebody owns and may load at last";
/// L8: a renewal that failed is tried again.
pub const KEPT: &str = "L8: an owner that nothing befalls renews its lease, again and again";
/// L15: everything that is begun ends.
pub const RESTS: &str = "L15: whoever has something to do has done it at last";

/// The goals.
pub(super) fn goals() -> Vec<Goal<Lease>> {
    let goal = |id, says, source, from, to, without| Goal { id, says, source, from, to, without };
    vec![
        goal("L11", OWNED, "promise 5", |_, state| wanted(state), is_owned, |_| false),
        goal("L7", RESIDENT, "promise 5", |_, state| nobody_in_the_way(state), may_load, hands_over),
        goal(
            "L8",
            KEPT,
            "promise 6",
            |_, state| keeps(state, 0),
            |lease, state| renewed(lease, state, 0),
            hands_over,
        ),
        goal("L15", RESTS, "rule L15", |_, _| true, Lease::rests, |_| false),
    ]
}

/// The configurations, and what their goals come to.
pub(super) fn lasting() -> Vec<Lasting<Lease>> {
    let prompt = Lease { restarts: 0, horizon: None, prompt: true, ..Lease::SMALL };
    let quick =
        |name, model, states, responses| Lasting { name, profile: Profile::Quick, model, states, responses };
    vec![
        quick(
            "crash",
            prompt.clone(),
            1_952,
            &[(OWNED, Some(0)), (RESIDENT, Some(0)), (KEPT, Some(0)), (RESTS, Some(0))],
        ),
        quick(
            "stopped",
            Lease { stops: 1, ..prompt.clone() },
            8_116,
            &[(OWNED, Some(1)), (RESIDENT, Some(0)), (KEPT, Some(0)), (RESTS, Some(0))],
        ),
        quick(
            "io-error",
            Lease { crashes: 0, failures: 1, ttl: 4, ..prompt.clone() },
            11_140,
            &[(OWNED, Some(1)), (RESIDENT, Some(1)), (KEPT, Some(1)), (RESTS, Some(0))],
        ),
        quick(
            "three",
            Lease { processes: 3, crashes: 2, stops: 1, ..prompt.clone() },
            184_049,
            &[(OWNED, Some(2)), (RESIDENT, Some(2)), (KEPT, Some(0)), (RESTS, Some(0))],
        ),
        quick(
            "lock-file",
            Lease { losses: 1, loses: Loses { lock_file: true, ..Loses::NOTHING }, ..prompt.clone() },
            7_418,
            &[(OWNED, Some(2)), (RESIDENT, Some(2)), (KEPT, Some(0)), (RESTS, Some(0))],
        ),
        Lasting {
            name: "pause",
            profile: Profile::Deep,
            model: Lease { prompt: false, crashes: 0, ..prompt },
            states: 594_760,
            responses: &[(OWNED, Some(0)), (RESIDENT, Some(0)), (KEPT, Some(0)), (RESTS, Some(0))],
        },
    ]
}

impl Lease {
    /// Whether an action is a fault, or has to be done at last.
    pub(super) fn obliges(&self, state: &State, action: &Action) -> Fairness {
        match *action {
            Action::Tick if self.rests(state) => Fairness::Fair(self.time()),
            // Somebody is paused.
            Action::Tick => Fairness::Fault,
            Action::Perform { slot, thread, fate: Fate::Done, .. } => Fairness::Fair(class(slot, thread)),
            Action::Perform { fate: Fate::Busy | Fate::Fails(_) | Fate::FailsYetLands(_), .. } => {
                Fairness::Fault
            }
            Action::StandbyWakes(slot) | Action::Exit(slot) | Action::Evict(slot) => {
                Fairness::Fair(class(slot, Thread::Main))
            }
            // A lock comes to whoever waits, beside its threads.
            Action::LockComes(slot) => Fairness::Fair(LOCK + CLASSES * slot),
            Action::KeeperWakes(slot) | Action::RenewalHeard(slot) => {
                Fairness::Fair(class(slot, Thread::Keeper))
            }
            Action::Load(_) | Action::HandOver(_) | Action::Restart(_) => Fairness::Free,
            Action::Crash(_)
            | Action::Stop(_)
            | Action::Lose(_)
            | Action::Suspend
            | Action::WallForward
            | Action::WallBack
            | Action::Reboot
            | Action::CutPower(_) => Fairness::Fault,
        }
    }

    /// Whether nobody has anything to do: time may pass without anybody being paused.
    pub(super) fn rests(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.enabled(state, &mut actions);
        let others = actions.iter().filter(|action| **action != Action::Tick);
        !others.into_iter().any(|action| matches!(self.obliges(state, action), Fairness::Fair(_)))
    }

    /// What is assumed to be weakly fair.
    pub(super) fn assumed(&self) -> Vec<Assumption> {
        let of = |slot: usize| {
            let who = letter(slot);
            let assumption =
                |class: &str, says: String| Assumption { class: format!("{who}'s {class}"), says };
            [
                assumption("main thread", format!("{who} goes on to attempt, to stand by, to release")),
                assumption("keeper", format!("{who}'s keeper wakes when it has to, and does what it wants")),
                assumption("renewal", format!("a renewal of {who}'s goes on")),
                assumption("lock", format!("a lock that {who} waits for, and that stays free, comes to it")),
            ]
        };
        let time = Assumption {
            class: "time".to_string(),
            says: "time passes, and only while nobody has anything to do: nobody is paused any more"
                .to_string(),
        };
        (0..self.processes).flat_map(of).chain([time]).collect()
    }

    /// The number of the class "time".
    fn time(&self) -> usize {
        CLASSES * self.processes
    }
}

/// Some process stands by and has not decided yet, and nobody who is stopped has the latch.
fn wanted(state: &State) -> bool {
    let wants = |process: &Process| match &process.main {
        Main::Waiting { .. } => true,
        // What was decided before may be over by now, and with it what is acquired.
        Main::Attempting { effect, .. } => {
            matches!(effect, Effect::TakeLatch | Effect::ReadRecord | Effect::TryResidency)
        }
        _ => false,
    };
    !is_latched_for_good(state) && state.processes.iter().any(|process| !process.stopped && wants(process))
}

fn is_owned(lease: &Lease, state: &State) -> bool {
    lease.leased(state).next().is_some()
}

/// Somebody wants to own, or does, and nobody is stopped.
fn nobody_in_the_way(state: &State) -> bool {
    let keeps = (0..state.processes.len()).any(|slot| keeps(state, slot));
    (wanted(state) || keeps) && state.processes.iter().all(|process| !process.stopped)
}

fn may_load(lease: &Lease, state: &State) -> bool {
    lease.passing(state).next().is_some()
}

/// The process in this slot owns, and a tick from here it still does, so that it can act before its deadline.
fn keeps(state: &State, slot: usize) -> bool {
    let process = &state.processes[slot];
    let next = names::instant(1);
    let keeps = process.owner.as_ref().is_some_and(|owner| owner.gate.admits(next) && owner.keeper.is_some());
    keeps && process.main == Main::Owning && !process.stopped && !is_latched_for_good(state)
}

/// The process in this slot has renewed at this instant.
fn renewed(lease: &Lease, state: &State, slot: usize) -> bool {
    let fresh = Some(lease.ttl().deadline(state.now()));
    state.processes[slot].owner.as_ref().is_some_and(|owner| owner.gate.deadline() == fresh)
}

/// L15, what remains: a process that has the latch is stopped, and nobody owns until it goes on or ends.
fn is_latched_for_good(state: &State) -> bool {
    state.disk.latch.is_some_and(|(slot, _)| state.processes[slot].stopped)
}

fn hands_over(action: &Action) -> bool {
    matches!(action, Action::HandOver(_))
}

fn class(slot: usize, thread: Thread) -> usize {
    let thread = match thread {
        Thread::Main => 0,
        Thread::Keeper => 1,
        Thread::Renewal => 2,
    };
    CLASSES * slot + thread
}

/// The class of a lock that comes, among those of a process.
const LOCK: usize = 3;
/// How many classes a process has.
const CLASSES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::mutants::Mutant;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Expected, Kind, Study};
    use crate::subject::{Of, Subject};

    #[test]
    fn goals_are_met_and_responses_are_bounded() {
        for lasting in lasting().into_iter().filter(|lasting| lasting.states < 20_000) {
            let endurance = Of::<Lease>::study().endure(&lasting.id()).unwrap();
            assert!(endurance.as_expected(), "{endurance:?}");
        }
    }

    #[test]
    fn some_mutants_only_liveness_notices() {
        let goals = [OWNED, RESIDENT, KEPT, RESTS];
        let by_goal = |mutant: &&Mutant| matches!(mutant.expected(), Expected::Killed { by, .. } if goals.contains(&by));
        // To wait in vain, for a lock or beyond an expiry, breaks a promise too.
        let in_vain = [Mutant::StandbyAlwaysWaitsForLock, Mutant::StandbyIgnoresExpiry];
        for mutant in Mutant::ALL.iter().filter(by_goal).filter(|mutant| !in_vain.contains(mutant)) {
            let model = mutant.model();
            let safety: Vec<_> =
                model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
            let falls = |state: &State| safety.iter().any(|promise| !(promise.holds)(&model, state));
            assert!(matches!(shortest(&model, falls), Shortest::None { .. }), "{}", mutant.id());
        }
    }

    #[test]
    fn every_goal_has_a_mutant() {
        let noticed = |says: &str| {
            Mutant::ALL
                .iter()
                .any(|mutant| matches!(mutant.expected(), Expected::Killed { by, .. } if by == says))
        };
        assert!(goals().iter().all(|goal| noticed(goal.says)));
    }

    #[test]
    fn every_class_has_its_assumption() {
        let lease = Lease::SMALL;
        let classes: Vec<String> = lease.assumed().into_iter().map(|assumption| assumption.class).collect();
        assert_eq!(classes[class(1, Thread::Renewal)], "b's renewal");
        assert_eq!(classes[CLASSES + LOCK], "b's lock");
        assert_eq!(classes[lease.time()], "time");
        assert_eq!(classes.len(), lease.time() + 1);
    }
}
