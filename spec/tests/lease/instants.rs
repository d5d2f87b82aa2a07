//! The machines see differences of instants only, and of what is over only that it is over.
//!
//! Every machine is walked along random answers at random instants. At each step it is stepped twice: as it is, and
//! with all instants moved, or with all that is over put to one instant long ago. Both have to ask for the same.

use std::fmt::Debug;
use std::time::Duration;

use modeld_spec::lease::acquire::{self, Acquire, Owned};
use modeld_spec::lease::decision::{Watched, Why};
use modeld_spec::lease::effect::{ClaimSeen, Content, Effect, LatchSeen, LockSeen, ProcessSeen, Seen};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper::{self, Keeper};
use modeld_spec::lease::record::Record;
use modeld_spec::lease::release::{Ending, Release};
use modeld_spec::lease::renew::{self, Problem, Renew};
use modeld_spec::lease::standby::{self, Standby};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Instants, Observed, Role};
use proptest::prelude::*;

use crate::harness::{
    at, awaiting, claim, domain, eio, epoch, file, held, interval, owned, process, record, ttl, unreadable,
};

/// One answer: how long after the one before, which one, and how old the instants in it are.
#[derive(Clone, Copy, Debug)]
struct Answer {
    gap: u64,
    which: usize,
    age: u64,
}

/// What is done to a value at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Everything happened an hour and a bit later.
    Later,
    /// What is over was over for ever.
    Over,
}

impl Change {
    fn apply<T: Instants>(self, mut value: T, now: BootTime) -> T {
        value.instants(&mut |role, instant| {
            let is_over = match role {
                Role::From => ttl().expiry(*instant) <= now,
                Role::Until => *instant <= now,
                Role::Note => true,
            };
            match self {
                Change::Later => *instant = instant.after(Duration::from_nanos(3_600_000_000_007)),
                Change::Over if is_over => *instant = LONG_AGO,
                Change::Over => {}
            }
        });
        value
    }

    /// The same for what a changed value led to.
    fn settle<T: Instants>(self, value: T, now: BootTime) -> T {
        match self {
            Change::Later => value,
            // What the step itself made may be over as well.
            Change::Over => self.apply(value, now),
        }
    }
}

/// Walks a machine, and holds each step against that of the changed machine with the changed answer.
fn walk<M, S>(
    first: Step<M>,
    script: &[Answer],
    change: Change,
    answer: impl Fn(&M::Effect, Answer, u64) -> S,
) where
    M: Machine<Effect: Debug + Instants, Observed = Observed<S>, Outcome: Debug + Instants>
        + Clone
        + Debug
        + Instants,
    Step<M>: Clone + Debug + PartialEq,
    S: Clone + Instants,
{
    let mut step = first;
    let mut ms = 5_000;
    for next in script {
        let Step::Do(effect, machine) = step else { return };
        ms += next.gap;
        let now = at(ms);
        let observed = Observed { at: now, what: answer(&effect, *next, ms) };
        let changed = change.apply(machine.clone(), now).step(change.apply(observed.clone(), now));
        step = machine.step(observed);
        assert_eq!(change.settle(changed, now), change.apply(step.clone(), now));
    }
}

/// An answer of the kind that the effect promises, mostly.
fn lease_answer(effect: &Effect, answer: Answer, ms: u64) -> Seen {
    let pick = |seen: &[Seen]| seen[answer.which % seen.len()].clone();
    if answer.which % 23 == 22 {
        return Seen::Failed(eio());
    }
    match effect {
        Effect::TakeLatch => {
            Seen::Latch(if answer.which % 9 == 8 { LatchSeen::Busy } else { LatchSeen::Taken })
        }
        Effect::ReadRecord => {
            let born = ms - answer.age;
            pick(&[
                Seen::Record(Content::Record(record("a", 3, born))),
                Seen::Record(Content::Record(record("c", 4, born))),
                Seen::Record(Content::Record(record("c", 2, born))),
                Seen::Record(Content::Record(awaiting("c", 2, born, "z"))),
                Seen::Record(Content::Record(awaiting("a", 3, born, "z"))),
                Seen::Record(Content::Record(Record { clock: domain("boot-0", 1), ..record("a", 3, born) })),
                Seen::Record(Content::Absent),
                Seen::Record(unreadable()),
            ])
        }
        Effect::TryResidency => pick(&[
            Seen::Residency(LockSeen::Taken(file(1))),
            Seen::Residency(LockSeen::Held(file(1))),
            Seen::Residency(LockSeen::Taken(file(2))),
            Seen::Residency(LockSeen::Held(file(2))),
        ]),
        Effect::ReadEpochs => {
            pick(&[Seen::Epochs(None), Seen::Epochs(Some(epoch(3))), Seen::Epochs(Some(epoch(4)))])
        }
        Effect::ClaimEpoch(_) => pick(&[Seen::Claim(ClaimSeen::Granted), Seen::Claim(ClaimSeen::Refused)]),
        Effect::InspectProcess(_) | Effect::KillProcess(_) => pick(&[
            Seen::Process(ProcessSeen::Gone),
            Seen::Process(ProcessSeen::Alive),
            Seen::Process(ProcessSeen::Unverifiable),
        ]),
        Effect::ReplaceRecord(_)
        | Effect::RemoveRecord
        | Effect::Quiesce
        | Effect::Flush
        | Effect::Free
        | Effect::StopKeeper
        | Effect::DropResidency
        | Effect::DropLatch => Seen::Done,
    }
}

fn keeper_answer(effect: &keeper::Effect, answer: Answer, ms: u64) -> keeper::Seen {
    let pick = |seen: &[keeper::Seen]| seen[answer.which % seen.len()].clone();
    let renewed = Owned { record: Record { renewed_at: at(ms - answer.age), ..record("a", 3, 0) } };
    match effect {
        keeper::Effect::Await { .. } => pick(&[
            keeper::Seen::Woke,
            keeper::Seen::RenewalEnded(renew::Outcome::Renewed(renewed)),
            keeper::Seen::RenewalEnded(renew::Outcome::Unknown(Problem::LatchBusy)),
            keeper::Seen::Woke,
            keeper::Seen::ResidencyTaken(file(1)),
            keeper::Seen::ResidencyTaken(file(2)),
            keeper::Seen::RenewalEnded(renew::Outcome::Late),
            keeper::Seen::StopAsked,
        ]),
        keeper::Effect::ExtendGate(_) => keeper::Seen::GateMoved(answer.which % 7 != 6),
        _ => keeper::Seen::Done,
    }
}

fn standby_answer(effect: &standby::Effect, answer: Answer, ms: u64) -> standby::Seen {
    let pick = |seen: &[standby::Seen]| seen[answer.which % seen.len()].clone();
    let follower =
        |why, until| standby::Seen::Attempted(acquire::Outcome::Follower { why, until, watched: None });
    let record = record("a", 3, ms - answer.age);
    let waiting = awaiting("a", 3, ms - answer.age, "z");
    match effect {
        standby::Effect::Attempt { .. } => pick(&[
            follower(Why::Held(record.clone()), Some(at(ms - answer.age + 1_000))),
            follower(Why::Held(waiting), Some(at(ms - answer.age + 1_000))),
            follower(Why::Draining, None),
            follower(Why::LockReplaced(process("z")), None),
            standby::Seen::Attempted(acquire::Outcome::LatchBusy),
            standby::Seen::Attempted(acquire::Outcome::Acquired(Owned { record })),
        ]),
        standby::Effect::Await { for_lock: true, .. } => {
            pick(&[standby::Seen::LockTaken, standby::Seen::Woke])
        }
        standby::Effect::Await { .. } => standby::Seen::Woke,
    }
}

fn script() -> impl Strategy<Value = Vec<Answer>> {
    let answer = (0..12_u64, 0..64_usize, 0..40_u64).prop_map(|(gap, which, age)| {
        // Steps of 50 ms, where the TTL is a second, and twice as often no time at all.
        Answer { gap: gap.saturating_sub(8) * 50, which, age: age * 50 }
    });
    proptest::collection::vec(answer, 1..40)
}

proptest! {
    #[test]
    fn acquire_sees_differences_only(script in script(), since in 0..30_u64) {
        let watched = Watched { epoch: epoch(3), renewed_at: at(4_000), since: at(5_000 - since * 50) };
        walk(Acquire::start(claim("b"), Some(watched)), &script, Change::Later, lease_answer);
        walk(Acquire::start(claim("b"), None), &script, Change::Over, lease_answer);
    }

    #[test]
    fn l4_a_watch_decides_nothing_about_a_record_of_the_same_clock(script in script(), since in 0..30_u64) {
        let watched = Watched { epoch: epoch(3), renewed_at: at(4_000), since: at(5_000 - since * 50) };
        let mut watching = Acquire::start(claim("b"), Some(watched));
        let mut plain = Acquire::start(claim("b"), None);
        let mut ms = 5_000;
        for answer in script {
            let (Step::Do(effect, one), Step::Do(same, other)) = (watching, plain) else { return Ok(()) };
            prop_assert_eq!(&effect, &same);
            ms += answer.gap;
            let seen = Observed { at: at(ms), what: lease_answer(&effect, answer, ms) };
            (watching, plain) = (one.step(seen.clone()), other.step(seen));
            if let (Step::Done(one), Step::Done(other)) = (&watching, &plain) {
                prop_assert_eq!(unwatched(one.clone()), unwatched(other.clone()));
            }
        }
    }

    #[test]
    fn renew_sees_differences_only(script in script(), age in 0..40_u64) {
        for change in BOTH {
            walk(Renew::start(owned("a", 3, 5_000 - age * 50), held(), at(5_000)), &script, change, lease_answer);
        }
    }

    #[test]
    fn release_sees_differences_only(script in script()) {
        for change in BOTH {
            walk(Release::start(owned("a", 3, 4_700), Ending::Handover), &script, change, lease_answer);
        }
    }

    #[test]
    fn a_keeper_sees_differences_only(script in script(), waits in any::<bool>()) {
        for change in BOTH {
            let owned = Owned { record: if waits { awaiting("a", 3, 5_000, "z") } else { record("a", 3, 5_000) } };
            walk(Keeper::start(owned, interval()), &script, change, keeper_answer);
        }
    }

    #[test]
    fn a_standby_sees_differences_only(script in script()) {
        for change in BOTH {
            walk(Standby::start(ttl()), &script, change, standby_answer);
        }
    }

    #[test]
    fn a_gate_sees_differences_only(word in 0..40_u64, to in 0..40_u64, now in 0..40_u64) {
        let (now, to) = (at(now * 50), at(to * 50));
        let word = GateWord::open_until(at(word * 50));
        for change in BOTH {
            let seen = |what| change.apply(Observed { at: now, what }, now);
            let changed = change.apply(word, now);
            let Observed { at: changed_now, what: Some(deadline) } = seen(Some(GateWord::open_until(to))) else {
                panic!("an instant stays one")
            };
            let deadline = deadline.deadline().unwrap();
            prop_assert_eq!(changed.admits(changed_now), word.admits(now));
            prop_assert_eq!(
                changed.extended(deadline, changed_now).map(|word| change.settle(word, now)),
                word.extended(to, now).map(|word| change.apply(word, now))
            );
        }
    }
}

#[test]
fn a_fenced_gate_has_no_instant() {
    let mut word = GateWord::FENCED;
    word.instants(&mut |_, _| panic!("it has none"));
    assert_eq!(word, GateWord::FENCED);
}

/// The outcome without what is handed to the next attempt.
fn unwatched(outcome: acquire::Outcome) -> acquire::Outcome {
    match outcome {
        acquire::Outcome::Follower { why, until, .. } => {
            acquire::Outcome::Follower { why, until, watched: None }
        }
        other => other,
    }
}

const BOTH: [Change; 2] = [Change::Later, Change::Over];

/// Before everything that the stories here hold, and not the instant of booting.
const LONG_AGO: BootTime = BootTime::from_nanos(1_000);
