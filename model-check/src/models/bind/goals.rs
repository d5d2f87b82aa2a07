//! What has to come at last: a holder whose client is dead ends, a start and an end come to an end, who asks is answered.
//!
//! There is no clock, so that responses are not counted. Nothing rests on anybody's patience: that a client waits no
//! longer is a choice here, although every wait of a client has a bound (H6, H11).

use super::Bind;
use super::actions::{self, Action};
use super::configurations::{ADD, STOP_ALL, STOP_FIRST};
use super::names::TICKETS;
use super::properties::h1_with_client::owes_its_end;
use super::state::{Asker, Budget, Main, State};
use crate::configuration::Profile;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};

/// H1: whatever tells of the client's end is heard.
pub const OUTLIVED: &str = "H1: a bound holder whose client is dead ends at last";
/// H6: no start is in the middle for ever.
pub const SETTLED: &str = "H6: a start and an end of a holder come to an end at last";
/// H10: no question is open for ever.
pub const ANSWERED: &str = "H10: whoever asks is answered at last, or told that nobody will";

/// The goals.
pub(super) fn goals() -> Vec<Goal<Bind>> {
    type Holds = fn(&Bind, &State) -> bool;
    let goal =
        |id, says, source, from: Holds, to: Holds| Goal { id, says, source, from, to, without: |_| false };
    vec![
        goal("H1", OUTLIVED, "promise 11", owes_its_end, |bind, state| !owes_its_end(bind, state)),
        goal("H6", SETTLED, "spec/holder.md, H6", is_unsettled, |bind, state| !is_unsettled(bind, state)),
        goal("H10", ANSWERED, "spec/holder.md, H10", asks, |bind, state| !asks(bind, state)),
    ]
}

/// The configurations, and what their goals come to.
pub(super) fn lasting() -> Vec<Lasting<Bind>> {
    let small = Bind::SMALL;
    let budget = small.budget;
    let whole = Bind { closes: true, budget: Budget { crashes: 1, babble: 1, ..budget }, ..small.clone() };
    let wrapped =
        Bind { closes: true, wrapped: true, budget: Budget { wrappers: 1, ..budget }, ..small.clone() };
    let asked = Bind { windows: false, budget: Budget { crashes: 1, ..budget }, ..small.clone() };
    let late = Bind { hosts: false, budget: Budget { impatience: 2, ..budget }, ..small.clone() };
    let stray = Bind {
        hosts: false,
        strays: 1,
        windows: false,
        budget: Budget { words: 3, ..budget },
        ..small.clone()
    };
    let quick =
        |name, model, states| Lasting { name, profile: Profile::Quick, model, states, responses: NO_CLOCK };
    vec![
        quick("whole-life", whole, 37_712),
        quick("late", late, 50_804),
        quick("stray", stray, 39_606),
        quick("parted", Bind { holder_versions: (3, 4), ..small.clone() }, 2_197),
        quick("connection-only", Bind { unverifiable: true, ..wrapped.clone() }, 46_492),
        quick("descriptor-only", Bind { leaks: true, ..wrapped }, 69_278),
        quick(
            "reparenting-only",
            Bind { unverifiable: true, leaks: true, closes: true, ..small.clone() },
            21_061,
        ),
        quick("stop-in-boot", Bind { asks: [STOP_FIRST, None], ..asked.clone() }, 11_402),
        quick(
            "add",
            Bind { asks: [ADD, None], budget: Budget { failures: 1, ..asked.budget }, ..asked },
            103_186,
        ),
        quick("stop-all", Bind { bound: false, asks: [STOP_ALL, None], ..small }, 27_586),
    ]
}

impl Bind {
    /// Whether an action is a fault, or has to be done at last: what [`actions::fairness`] says, by class.
    pub(super) fn obliges(action: &Action) -> Fairness {
        let is_weak = actions::fairness(action) == actions::Fairness::Weak;
        match *action {
            Action::ClientBabbles
            | Action::ClientDies
            | Action::PidIsReused
            | Action::WrapperEnds
            | Action::HolderCrashes
            | Action::MemberFails(_) => Fairness::Fault,
            _ if !is_weak => Fairness::Free,
            Action::HolderDoes(_) | Action::HolderHears(_) => Fairness::Fair(HOLDER),
            Action::AskerDoes(number, _) | Action::AskerSees(number) => Fairness::Fair(ASKER + number),
            Action::LoadEnds(place) | Action::MemberIsGone(place) => Fairness::Fair(MEMBER + place),
            _ => Fairness::Fair(CLIENT),
        }
    }

    /// What is assumed to be weakly fair.
    pub(super) fn assumed() -> Vec<Assumption> {
        let assumption =
            |class: &str, says: &str| Assumption { class: class.to_string(), says: says.to_string() };
        let numbered = |class: &str, number: usize, says: &str| Assumption {
            class: format!("{class} {number}"),
            says: says.to_string(),
        };
        let both = [
            assumption("client", "a client that lives goes on, and sees what comes for it"),
            assumption(
                "holder",
                "the holder does what it wants, and hears what there is to hear, a deadline that stands among it",
            ),
        ];
        let askers = (0..2).map(|number| numbered("asker", number, "it goes on, and sees what comes for it"));
        let members =
            (0..TICKETS).map(|place| numbered("member", place, "its load ends, and so does its end"));
        both.into_iter().chain(askers).chain(members).collect()
    }
}

/// The client lives, and is in the middle of starting a holder or of ending one.
fn is_unsettled(_: &Bind, state: &State) -> bool {
    matches!(state.client.main, Main::Spawning(_) | Main::Closing(_))
}

/// The first asker waits for its answer.
fn asks(_: &Bind, state: &State) -> bool {
    matches!(state.askers[0], Asker::Asking(_))
}

/// The class of the client's steps.
const CLIENT: usize = 0;
/// The class of the holder's.
const HOLDER: usize = 1;
/// The first class of the askers'.
const ASKER: usize = 2;
/// The first class of the members', after two askers.
const MEMBER: usize = 4;
/// What the goals come to without a clock.
const NO_CLOCK: &[(&str, Option<usize>)] = &[(OUTLIVED, Some(0)), (SETTLED, Some(0)), (ANSWERED, Some(0))];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::mutants::Mutant;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Study};
    use crate::subject::{Of, Subject};

    /// The mutants that a goal has to notice.
    fn noticed() -> Vec<Mutant> {
        let says = |by| goals().iter().any(|goal| goal.says == by);
        Mutant::ALL.into_iter().filter(|mutant| says(mutant.caught_by().0)).collect()
    }

    #[test]
    fn goals_are_met() {
        for lasting in lasting().into_iter().filter(|lasting| lasting.states < 20_000) {
            let endurance = Of::<Bind>::study().endure(&lasting.id()).unwrap();
            assert!(endurance.as_expected(), "{endurance:?}");
        }
    }

    #[test]
    fn some_mutants_only_liveness_notices() {
        for mutant in noticed() {
            let model = mutant.model();
            let safety: Vec<_> =
                model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
            let falls = |state: &State| safety.iter().any(|promise| !(promise.holds)(&model, state));
            assert!(matches!(shortest(&model, falls), Shortest::None { .. }), "{}", mutant.id());
        }
    }

    #[test]
    fn every_goal_has_a_mutant() {
        let noticed: Vec<&str> = noticed().into_iter().map(|mutant| mutant.caught_by().0).collect();
        assert!(goals().iter().all(|goal| noticed.contains(&goal.says)));
    }

    #[test]
    fn every_class_has_its_assumption() {
        let classes: Vec<String> = Bind::assumed().into_iter().map(|assumption| assumption.class).collect();
        assert_eq!(classes[CLIENT], "client");
        assert_eq!(classes[HOLDER], "holder");
        assert_eq!(classes[ASKER + 1], "asker 1");
        assert_eq!(classes[MEMBER], "member 0");
        assert_eq!(classes.len(), MEMBER + TICKETS);
        assert_eq!(Bind::obliges(&Action::ClientSees), Fairness::Fair(CLIENT));
        assert_eq!(Bind::obliges(&Action::ClientGivesUp), Fairness::Free);
    }
}
