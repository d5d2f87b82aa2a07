//! Standing by: what a follower waits for, and that it never spins.

use std::time::Duration;

use modeld_spec::lease::acquire;
use modeld_spec::lease::decision::{Watched, Why};
use modeld_spec::lease::effect::Failure;
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::standby::{Effect, Outcome, Seen, Standby};
use modeld_spec::step::Breach;
use modeld_spec::time::{BootTime, Observed, Ttl};

use crate::harness::{Run, at, awaiting, drive, eio, file, owned, process, record, seen, ttl};

fn stand_by(script: impl IntoIterator<Item = Observed<Seen>>) -> Run<Standby> {
    drive(Standby::start(ttl()), script)
}

fn follower(why: Why, until: Option<BootTime>) -> Seen {
    Seen::Attempted(acquire::Outcome::Follower { why, until, watched: None })
}

fn behind(record: Record) -> Seen {
    let until = Some(record.ttl.expiry(record.renewed_at));
    follower(Why::Held(record), until)
}

fn failed_with(failure: Failure) -> Seen {
    Seen::Attempted(acquire::Outcome::Failed(failure))
}

#[test]
fn l11_a_standby_takes_over_at_once() {
    // It waits for the lock and for the expiry; the owner dies at 20 ms, and the lock comes.
    let run = stand_by([
        seen(10, behind(record("a", 3, 0))),
        seen(20, Seen::LockTaken),
        seen(30, Seen::Attempted(acquire::Outcome::Acquired(owned("b", 4, 25)))),
    ]);
    assert_eq!(
        run.effects,
        [
            Effect::Attempt { watched: None },
            Effect::Await { for_lock: true, until: at(1000) },
            Effect::Attempt { watched: None },
        ]
    );
    assert_eq!(run.ended(), Outcome::Acquired(owned("b", 4, 25)));
}

#[test]
fn l7_a_standby_stays_out_of_the_way_of_a_leader() {
    let run = stand_by([seen(10, behind(awaiting("b", 4, 0, "a")))]);
    assert!(matches!(run.effects.last(), Some(Effect::Await { for_lock: false, .. })));
}

#[test]
fn l11_a_leader_that_waits_is_looked_at_again_soon() {
    // It may get the lock, say so, and die, all before the expiry that its waiting record names.
    let long = Ttl::new(Duration::from_secs(3600)).expect("an hour is within the bounds");
    let leader = Record { ttl: long, ..awaiting("b", 4, 0, "a") };
    let run = stand_by([seen(10, behind(leader.clone()))]);
    let soon = at(10).after(ttl().renew_interval().length());
    assert_eq!(run.effects.last(), Some(&Effect::Await { for_lock: false, until: soon }));
    // An expiry that comes sooner is not slept through.
    let run = stand_by([
        seen(10, behind(leader)),
        seen(900, Seen::Woke),
        seen(901, behind(awaiting("b", 4, 0, "a"))),
    ]);
    assert_eq!(run.effects.last(), Some(&Effect::Await { for_lock: false, until: at(1000) }));
}

#[test]
fn a_wait_that_time_ended_says_nothing_about_the_lock() {
    // However early the driver wakes: without the lock in hand the next wait is for the lock again.
    let run = stand_by([
        seen(10, behind(record("a", 3, 0))),
        seen(20, Seen::Woke),
        seen(30, behind(record("a", 3, 0))),
    ]);
    assert_eq!(run.effects.last(), Some(&Effect::Await { for_lock: true, until: at(1000) }));
}

#[test]
fn a_lock_that_was_not_waited_for_is_a_breach() {
    let run = stand_by([seen(10, behind(awaiting("b", 4, 0, "a"))), seen(20, Seen::LockTaken)]);
    assert_eq!(run.ended(), Outcome::Breach(Breach { expected: "await" }));
}

#[test]
fn l14_a_lock_that_proved_nothing_is_not_waited_for_again() {
    // The lock file was replaced under a living owner: the new one is free at any time. Whoever waits for it
    // has it at once, again and again, and takes the latch each time.
    let elsewhere = Record { residency: Residency::Held(file(2)), ..record("a", 3, 0) };
    let run = stand_by([
        seen(10, behind(elsewhere.clone())),
        seen(11, Seen::LockTaken),
        seen(12, behind(elsewhere.clone())),
        // Later things may have changed, and the lock is worth waiting for again.
        seen(400, Seen::Woke),
        seen(401, behind(Record { renewed_at: at(390), ..elsewhere })),
    ]);
    let waits: Vec<&Effect> =
        run.effects.iter().filter(|effect| matches!(effect, Effect::Await { .. })).collect();
    assert_eq!(
        waits,
        [
            &Effect::Await { for_lock: true, until: at(1000) },
            &Effect::Await { for_lock: false, until: at(12).after(ttl().renew_interval().length()) },
            &Effect::Await { for_lock: true, until: at(1390) },
        ]
    );
}

#[test]
fn l15_every_wait_of_a_standby_names_its_instant() {
    let third = ttl().renew_interval().length();
    let waits = [
        (follower(Why::Draining, None), true, at(10).after(third)),
        (follower(Why::HeldByUnknown, None), true, at(10).after(third)),
        (follower(Why::LockReplaced(process("a")), None), false, at(10).after(third)),
        (Seen::Attempted(acquire::Outcome::LatchBusy), false, at(10).after(third / 10)),
        (failed_with(eio()), false, at(10).after(third / 10)),
        // An expiry in the past is no reason to spin.
        (follower(Why::Draining, Some(at(0))), true, at(10).after(third / 100)),
    ];
    for (answer, for_lock, until) in waits {
        let run = stand_by([seen(10, answer)]);
        assert_eq!(run.effects.last(), Some(&Effect::Await { for_lock, until }));
    }
}

#[test]
fn the_watch_is_handed_from_attempt_to_attempt() {
    let watch = Watched::after(None, &record("a", 3, 0), at(10));
    let answer = acquire::Outcome::Follower {
        why: Why::Held(record("a", 3, 0)),
        until: None,
        watched: Some(watch.clone()),
    };
    let run = stand_by([seen(10, Seen::Attempted(answer)), seen(1000, Seen::Woke)]);
    assert_eq!(run.effects.last(), Some(&Effect::Attempt { watched: Some(watch) }));
}

#[test]
fn a_standby_ends_when_asked_to_or_when_no_epoch_is_left() {
    let run = stand_by([seen(10, behind(record("a", 3, 0))), seen(20, Seen::StopAsked)]);
    assert_eq!(run.ended(), Outcome::Stopped);
    let run = stand_by([seen(10, Seen::Attempted(acquire::Outcome::EpochsExhausted))]);
    assert_eq!(run.ended(), Outcome::EpochsExhausted);
}
