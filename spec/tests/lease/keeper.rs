//! Keeping: renewals in time, and the end in time whatever the renewal does.

use std::time::Duration;

use modeld_spec::lease::acquire::Owned;
use modeld_spec::lease::keeper::{Cause, Effect, Keeper, Outcome, Reason, Seen};
use modeld_spec::lease::record::Record;
use modeld_spec::lease::renew::{self, Problem};
use modeld_spec::step::Step;
use modeld_spec::time::{Observed, RenewInterval, RenewIntervalOutOfRange, Ttl};

use crate::harness::{Run, at, awaiting, drive, eio, epoch, file, held, interval, owned, record, seen, ttl};

/// Keeps `a`'s epoch 3, acquired at 0, renewing every 300 ms; the deadline is at 750 ms.
fn keep(script: impl IntoIterator<Item = Observed<Seen>>) -> Run<Keeper> {
    drive(start(), script)
}

fn start() -> Step<Keeper> {
    Keeper::start(owned("a", 3, 0), interval())
}

fn wait(until: u64, reason: Reason) -> Effect {
    Effect::Await { until: at(until), reason }
}

fn renewed(ms: u64) -> Owned {
    Owned { record: Record { renewed_at: at(ms), ..record("a", 3, 0) } }
}

fn unknown() -> Seen {
    Seen::RenewalEnded(renew::Outcome::Unknown(Problem::Failed(eio())))
}

#[test]
fn a_renewal_moves_the_gate_and_the_next_renewal() {
    let run = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(310, Seen::RenewalEnded(renew::Outcome::Renewed(renewed(300)))),
        seen(311, Seen::GateMoved(true)),
    ]);
    assert_eq!(
        run.effects,
        [
            wait(300, Reason::Renewal),
            Effect::BeginRenewal { owned: owned("a", 3, 0), residency: held() },
            wait(750, Reason::Deadline),
            Effect::ExtendGate(at(1050)),
            wait(600, Reason::Renewal),
        ]
    );
}

#[test]
fn l5_the_keeper_fences_at_the_deadline_while_the_renewal_hangs() {
    let run =
        keep([seen(300, Seen::Woke), seen(301, Seen::Done), seen(750, Seen::Woke), seen(751, Seen::Done)]);
    assert_eq!(run.effects.get(3), Some(&Effect::Fence(Cause::DeadlinePassed(None))));
    let expected = Outcome::Lost { owned: owned("a", 3, 0), cause: Cause::DeadlinePassed(None) };
    assert_eq!(run.ended(), expected);
}

#[test]
fn l5_a_keeper_that_wakes_late_does_not_renew() {
    let run = keep([seen(750, Seen::Woke)]);
    assert_eq!(run.effects.last(), Some(&Effect::Fence(Cause::DeadlinePassed(None))));
}

#[test]
fn l6_a_renewal_that_ends_late_changes_nothing() {
    // Seen too late by the keeper itself, or by the gate.
    let late = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(750, Seen::RenewalEnded(renew::Outcome::Renewed(renewed(300)))),
    ]);
    assert_eq!(late.effects.last(), Some(&Effect::Fence(Cause::DeadlinePassed(None))));
    let refused = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(749, Seen::RenewalEnded(renew::Outcome::Renewed(renewed(300)))),
        seen(750, Seen::GateMoved(false)),
    ]);
    assert_eq!(refused.effects.last(), Some(&Effect::Fence(Cause::DeadlinePassed(None))));
}

#[test]
fn l6_a_lost_lease_fences() {
    for (outcome, cause) in [
        (renew::Outcome::Lost { to: epoch(4) }, Cause::Superseded(epoch(4))),
        (renew::Outcome::Late, Cause::DeadlinePassed(None)),
    ] {
        let run = keep([
            seen(300, Seen::Woke),
            seen(301, Seen::Done),
            seen(400, Seen::RenewalEnded(outcome)),
            seen(401, Seen::Done),
        ]);
        assert_eq!(run.ended(), Outcome::Lost { owned: owned("a", 3, 0), cause });
    }
}

#[test]
fn l8_one_failed_renewal_costs_nothing() {
    // The second try begins a quarter of the rest of the way to the deadline, and succeeds.
    let run = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(350, unknown()),
        seen(450, Seen::Woke),
        seen(451, Seen::Done),
        seen(460, Seen::RenewalEnded(renew::Outcome::Renewed(renewed(450)))),
        seen(461, Seen::GateMoved(true)),
    ]);
    assert_eq!(
        run.effects[3..],
        [
            wait(450, Reason::Renewal),
            Effect::BeginRenewal { owned: owned("a", 3, 0), residency: held() },
            wait(750, Reason::Deadline),
            Effect::ExtendGate(at(1200)),
            wait(750, Reason::Renewal),
        ]
    );
}

#[test]
fn l8_an_unknown_outcome_moves_no_deadline() {
    let run = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(700, unknown()),
        seen(750, Seen::Woke),
        seen(751, Seen::Done),
    ]);
    let cause = Cause::DeadlinePassed(Some(Problem::Failed(eio())));
    assert_eq!(run.effects.get(4), Some(&Effect::Fence(cause)));
}

#[test]
fn l7_a_leader_that_gets_the_lock_says_so_at_once() {
    let leader = Owned { record: awaiting("b", 4, 0, "a") };
    let run = drive(Keeper::start(leader.clone(), interval()), [seen(100, Seen::ResidencyTaken(file(1)))]);
    assert_eq!(run.effects[1..], [Effect::BeginRenewal { owned: leader, residency: held() }]);
}

#[test]
fn l16_a_leader_opens_once_its_record_says_that_it_has_the_lock() {
    let leader = Owned { record: awaiting("b", 4, 0, "a") };
    let says_so =
        Owned { record: Record { renewed_at: at(100), residency: held(), ..leader.record.clone() } };
    let run = drive(
        Keeper::start(leader.clone(), interval()),
        [
            seen(100, Seen::ResidencyTaken(file(1))),
            seen(101, Seen::Done),
            seen(110, Seen::RenewalEnded(renew::Outcome::Renewed(says_so.clone()))),
            seen(111, Seen::GateMoved(true)),
            seen(112, Seen::Done),
            // The next renewal opens nothing: it is open.
            seen(400, Seen::Woke),
            seen(401, Seen::Done),
            seen(410, Seen::RenewalEnded(renew::Outcome::Renewed(says_so))),
            seen(411, Seen::GateMoved(true)),
        ],
    );
    assert_eq!(
        run.effects[3..6],
        [Effect::ExtendGate(at(850)), Effect::OpenResidency, wait(400, Reason::Renewal)]
    );
    assert_eq!(run.effects.iter().filter(|effect| **effect == Effect::OpenResidency).count(), 1);

    // Somebody removed its record while it waited, and a claimant got past it: the lock comes too late.
    let run = drive(
        Keeper::start(leader.clone(), interval()),
        [
            seen(100, Seen::ResidencyTaken(file(1))),
            seen(101, Seen::Done),
            seen(110, Seen::RenewalEnded(renew::Outcome::Lost { to: epoch(5) })),
        ],
    );
    assert_eq!(run.effects[3..], [Effect::Fence(Cause::Superseded(epoch(5)))]);

    // What could not be written opens nothing either.
    let run = drive(
        Keeper::start(leader, interval()),
        [seen(100, Seen::ResidencyTaken(file(1))), seen(101, Seen::Done), seen(110, unknown())],
    );
    assert!(matches!(run.effects.last(), Some(Effect::Await { reason: Reason::Renewal, .. })));
}

#[test]
fn l7_a_lock_that_comes_during_a_renewal_is_recorded_by_the_next() {
    let leader = Owned { record: awaiting("b", 4, 0, "a") };
    let stale = Owned { record: Record { renewed_at: at(300), ..leader.record.clone() } };
    let run = drive(
        Keeper::start(leader, interval()),
        [
            seen(300, Seen::Woke),
            seen(301, Seen::Done),
            seen(310, Seen::ResidencyTaken(file(1))),
            seen(320, Seen::RenewalEnded(renew::Outcome::Renewed(stale.clone()))),
            seen(321, Seen::GateMoved(true)),
        ],
    );
    assert_eq!(run.effects.last(), Some(&Effect::BeginRenewal { owned: stale, residency: held() }));
}

#[test]
fn l14_a_lock_on_another_file_opens_nothing() {
    let leader = Owned { record: awaiting("b", 4, 0, "a") };
    let run = drive(Keeper::start(leader, interval()), [seen(100, Seen::ResidencyTaken(file(2)))]);
    assert_eq!(run.effects.last(), Some(&wait(300, Reason::Renewal)));
}

#[test]
fn l5_a_lock_that_comes_after_the_deadline_opens_nothing() {
    let leader = Owned { record: awaiting("b", 4, 0, "a") };
    let run = drive(Keeper::start(leader, interval()), [seen(750, Seen::ResidencyTaken(file(1)))]);
    assert_eq!(run.effects.last(), Some(&Effect::Fence(Cause::DeadlinePassed(None))));
}

#[test]
fn l9_a_keeper_that_is_asked_to_stop_lets_its_renewal_end() {
    let run = keep([seen(100, Seen::StopAsked)]);
    assert_eq!(run.ended(), Outcome::Stopped { owned: owned("a", 3, 0) });

    let renewal = Seen::RenewalEnded(renew::Outcome::Renewed(renewed(300)));
    let run = keep([
        seen(300, Seen::Woke),
        seen(301, Seen::Done),
        seen(302, Seen::StopAsked),
        seen(310, renewal),
        seen(311, Seen::GateMoved(true)),
    ]);
    assert_eq!(run.effects.get(3), Some(&wait(750, Reason::Deadline)));
    assert_eq!(run.ended(), Outcome::Stopped { owned: renewed(300) });
}

#[test]
fn l5_a_renewal_interval_leaves_time_for_a_second_try() {
    let new = |ms| RenewInterval::new(Duration::from_millis(ms), ttl());
    assert!(new(10).is_ok() && new(500).is_ok());
    let interval = Duration::from_millis(9);
    assert_eq!(new(9), Err(RenewIntervalOutOfRange::TooOften { interval }));
    let (interval, most) = (Duration::from_millis(501), Duration::from_millis(500));
    assert_eq!(new(501), Err(RenewIntervalOutOfRange::TooSeldom { interval, most }));
    for ttl in [Ttl::MIN, ttl(), Ttl::DEFAULT, Ttl::MAX] {
        assert_eq!(RenewInterval::new(ttl.renew_interval().length(), ttl), Ok(ttl.renew_interval()));
    }
}

#[test]
fn l15_a_renewal_that_waits_for_the_latch_in_vain_leaves_time_for_another() {
    // The latest renewal begins at 500 ms and gives up with the store's bound; the deadline is at 750 ms.
    let most = RenewInterval::new(ttl().length() / 2, ttl()).expect("half is allowed");
    let given_up = 500 + u64::try_from(ttl().latch_wait().as_millis()).expect("it is short");
    let busy = Seen::RenewalEnded(renew::Outcome::Unknown(Problem::LatchBusy));
    let run = drive(
        Keeper::start(owned("a", 3, 0), most),
        [seen(500, Seen::Woke), seen(500, Seen::Done), seen(given_up, busy)],
    );
    let Some(&Effect::Await { until, reason: Reason::Renewal }) = run.effects.last() else {
        panic!("no second renewal: {:?}", run.effects)
    };
    assert!(until < at(750));
}

#[test]
fn l15_every_wait_of_a_keeper_names_its_instant() {
    // The interval of a longer TTL can't keep the keeper from looking at the deadline.
    let long = Ttl::MAX.renew_interval();
    let run = drive(Keeper::start(owned("a", 3, 0), long), []);
    assert_eq!(run.effects, [wait(750, Reason::Deadline)]);
}
