//! A wrong answer is a value: every pair of a state and an observation that does not fit it ends as a breach.

use modeld_spec::lease::acquire::{self, Acquire, Owned};
use modeld_spec::lease::effect::{ClaimSeen, Content, Effect, LatchSeen, LockSeen, ProcessSeen, Seen};
use modeld_spec::lease::evict::{self, Evict, Policy};
use modeld_spec::lease::keeper::{self, Cause, Keeper};
use modeld_spec::lease::release::{self, Ending, Release};
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::lease::standby::{self, Standby};
use modeld_spec::step::{Breach, Machine, Step};
use modeld_spec::time::Observed;

use crate::harness::{
    at, awaiting, claim, eio, epoch, file, held, interval, owned, process, record, seen, ttl, unreadable,
};

/// Every kind of answer that a lease effect can have.
pub(crate) fn answers() -> Vec<Seen> {
    vec![
        Seen::Latch(LatchSeen::Taken),
        Seen::Latch(LatchSeen::Busy),
        Seen::Record(Content::Absent),
        Seen::Record(unreadable()),
        Seen::Record(Content::Record(record("a", 3, 0))),
        Seen::Record(Content::Record(record("z", 9, 0))),
        Seen::Record(Content::Record(awaiting("z", 9, 0, "y"))),
        Seen::Residency(LockSeen::Taken(file(1))),
        Seen::Residency(LockSeen::Held(file(1))),
        Seen::Residency(LockSeen::Taken(file(2))),
        Seen::Epochs(None),
        Seen::Epochs(Some(epoch(9))),
        Seen::Claim(ClaimSeen::Granted),
        Seen::Claim(ClaimSeen::Refused),
        Seen::Process(ProcessSeen::Alive),
        Seen::Process(ProcessSeen::Gone),
        Seen::Process(ProcessSeen::Unverifiable),
        Seen::Done,
        Seen::Failed(eio()),
    ]
}

/// Whether `answer` is of the kind that `effect` promises. Every effect can fail.
fn fits(effect: &Effect, answer: &Seen) -> bool {
    let is_done_without_news = || {
        matches!(
            effect,
            Effect::ReplaceRecord(_)
                | Effect::RemoveRecord
                | Effect::Quiesce
                | Effect::Flush
                | Effect::Free
                | Effect::StopKeeper
                | Effect::DropResidency
                | Effect::DropLatch
        )
    };
    match answer {
        Seen::Failed(_) => true,
        Seen::Latch(_) => *effect == Effect::TakeLatch,
        Seen::Record(_) => *effect == Effect::ReadRecord,
        Seen::Residency(_) => *effect == Effect::TryResidency,
        Seen::Epochs(_) => *effect == Effect::ReadEpochs,
        Seen::Claim(_) => matches!(effect, Effect::ClaimEpoch(_)),
        Seen::Process(_) => matches!(effect, Effect::InspectProcess(_) | Effect::KillProcess(_)),
        Seen::Done => is_done_without_news(),
    }
}

/// Visits every state that `first` can reach, at an early and at a late instant, and hands each answer that
/// does not fit to `judge`. Returns how many states there are.
fn visit<M>(first: Step<M>, judge: impl Fn(&M::Outcome) -> Option<Breach>) -> usize
where
    M: Machine<Effect = Effect, Observed = Observed<Seen>> + Clone + PartialEq,
{
    let mut states: Vec<(Effect, M)> = Vec::new();
    let mut frontier = vec![first];
    while let Some(step) = frontier.pop() {
        let Step::Do(effect, machine) = step else { continue };
        if states.iter().any(|(_, seen)| *seen == machine) || STATES_MAX <= states.len() {
            continue;
        }
        for answer in answers() {
            for ms in [500, 5000] {
                let next = machine.clone().step(seen(ms, answer.clone()));
                if fits(&effect, &answer) {
                    frontier.push(next);
                } else {
                    let Step::Done(outcome) = next else {
                        panic!("{answer:?} was taken for {}", effect.name())
                    };
                    let breach = judge(&outcome).expect("a wrong answer ends as a breach");
                    assert_eq!(breach.expected, effect.name());
                }
            }
        }
        states.push((effect, machine));
    }
    states.len()
}

/// Refused claims make epochs rise without end: states beyond this number only repeat what was seen.
const STATES_MAX: usize = 400;

#[test]
fn a_wrong_answer_to_an_acquisition_is_a_breach() {
    let states = visit(Acquire::start(claim("b"), None), |outcome| match outcome {
        acquire::Outcome::Breach(breach) => Some(*breach),
        _ => None,
    });
    assert!(20 < states, "{states}");
}

#[test]
fn a_wrong_answer_to_a_renewal_is_a_breach() {
    let states = visit(Renew::start(owned("a", 3, 0), held(), at(300)), |outcome| match outcome {
        renew::Outcome::Breach(breach) => Some(*breach),
        _ => None,
    });
    assert!(8 < states, "{states}");
}

#[test]
fn a_wrong_answer_to_a_release_is_a_breach() {
    for ending in [Ending::Handover, Ending::Fenced] {
        let states = visit(Release::start(owned("a", 3, 0), ending), |outcome| match outcome {
            release::Outcome::Breach(breach) => Some(*breach),
            _ => None,
        });
        assert!(10 < states, "{states}");
    }
}

#[test]
fn a_wrong_answer_to_an_eviction_is_a_breach() {
    let states =
        visit(Evict::start(Some(process("a")), Policy::Kill, process("b")), |outcome| match outcome {
            evict::Outcome::Breach(breach) => Some(*breach),
            _ => None,
        });
    assert_eq!(states, 1);
}

#[test]
fn a_wrong_answer_to_a_keeper_fences() {
    let keeper = || Keeper::start(owned("a", 3, 0), interval());
    let all = [
        keeper::Seen::Woke,
        keeper::Seen::RenewalEnded(renew::Outcome::Late),
        keeper::Seen::ResidencyTaken(file(1)),
        keeper::Seen::StopAsked,
        keeper::Seen::GateMoved(true),
        keeper::Seen::Done,
    ];
    let renewed = keeper::Seen::RenewalEnded(renew::Outcome::Renewed(owned("a", 3, 200)));
    // Paths to every state, and how many of the answers above it takes.
    let paths: [(&str, Vec<keeper::Seen>, usize); 4] = [
        // A renewal that was never begun can't end.
        ("await", vec![], 3),
        ("begin renewal", vec![keeper::Seen::Woke], 1),
        ("await", vec![keeper::Seen::Woke, keeper::Seen::Done], 4),
        ("extend gate", vec![keeper::Seen::Woke, keeper::Seen::Done, renewed], 1),
    ];
    for (expected, path, takes) in paths {
        let mut taken = 0;
        for answer in &all {
            let mut step = keeper();
            for seen_before in &path {
                let Step::Do(_, machine) = step else { panic!("the path ended") };
                step = machine.step(seen(400, seen_before.clone()));
            }
            let Step::Do(_, machine) = step else { panic!("the path ended") };
            match machine.step(seen(400, answer.clone())) {
                Step::Do(keeper::Effect::Fence(Cause::Breach(breach)), fencing) => {
                    assert_eq!(breach.expected, expected);
                    // Fencing is final whatever the answer.
                    for last in &all {
                        let end = fencing.clone().step(seen(400, last.clone()));
                        assert!(matches!(end, Step::Done(keeper::Outcome::Lost { .. })));
                    }
                }
                _ => taken += 1,
            }
        }
        assert_eq!(taken, takes, "{expected} after {path:?}");
    }
}

#[test]
fn a_wrong_answer_to_a_standby_is_a_breach() {
    let Step::Do(_, attempting) = Standby::start(ttl()) else { panic!("a standby begins with an attempt") };
    let breach = |step, expected: &'static str| {
        assert_eq!(step, Step::Done(standby::Outcome::Breach(Breach { expected })));
    };
    breach(attempting.clone().step(seen(1, standby::Seen::Woke)), "attempt");
    let busy = || standby::Seen::Attempted(acquire::Outcome::LatchBusy);
    let Step::Do(_, waiting) = attempting.clone().step(seen(1, busy())) else { panic!("a standby waits") };
    breach(waiting.step(seen(2, busy())), "await");
    // A breach within the attempt is passed on.
    let inner = acquire::Outcome::Breach(Breach { expected: "read record" });
    breach(attempting.step(seen(1, standby::Seen::Attempted(inner))), "read record");
}

#[test]
fn a_renewal_that_broke_its_contract_fences_the_owner() {
    let breach = Breach { expected: "read record" };
    let run = crate::harness::drive(
        Keeper::start(Owned { record: record("a", 3, 0) }, interval()),
        [
            seen(300, keeper::Seen::Woke),
            seen(301, keeper::Seen::Done),
            seen(302, keeper::Seen::RenewalEnded(renew::Outcome::Breach(breach))),
        ],
    );
    assert_eq!(run.effects.last(), Some(&keeper::Effect::Fence(Cause::Breach(breach))));
}
