//! Renewals: what they count from, what they repair, what ends them.

use modeld_spec::lease::effect::{Effect, Observation, Seen};
use modeld_spec::lease::record::Record;
use modeld_spec::lease::renew::{Outcome, Problem, Renew};

use crate::harness::{
    Run, absent, at, done, drive, eio, epoch, epochs, failed, granted, held, latch_busy, latched, owned,
    read, record, refused, seen, unreadable,
};

/// A renewal of `a`'s epoch 3, acquired at 0, that began at 300 ms.
fn renewal(script: impl IntoIterator<Item = Observation>) -> Run<Renew> {
    drive(Renew::start(owned("a", 3, 0), held(), at(300)), script)
}

fn renewed() -> Record {
    Record { renewed_at: at(300), ..record("a", 3, 0) }
}

#[test]
fn l4_a_renewal_counts_from_its_beginning() {
    // The write takes until 10 s; the deadline is counted from 300 ms all the same.
    let run = renewal([latched(400), read(500, record("a", 3, 0)), done(10_000), done(10_001)]);
    assert_eq!(run.names(), ["take latch", "read record", "replace record", "drop latch"]);
    assert_eq!(run.effects.get(2), Some(&Effect::ReplaceRecord(renewed())));
    let Outcome::Renewed(owned) = run.ended() else { panic!("not renewed") };
    assert_eq!(owned.deadline(), at(1050));
    assert_eq!(owned.record.acquired_at, at(0));
}

#[test]
fn l6_no_record_is_renewed_at_or_after_the_deadline() {
    let before = renewal([latched(400), read(749, record("a", 3, 0))]);
    assert_eq!(before.names().last(), Some(&"replace record"));
    let late = renewal([latched(400), read(750, record("a", 3, 0)), done(751)]);
    assert_eq!(late.names(), ["take latch", "read record", "drop latch"]);
    assert_eq!(late.ended(), Outcome::Late);
    // A restored record comes too late as well.
    let late = renewal([latched(400), absent(500), epochs(750, Some(3)), done(751)]);
    assert_eq!(late.ended(), Outcome::Late);
}

#[test]
fn l8_a_failed_effect_leaves_the_outcome_unknown() {
    let script = [latched(400), absent(401), epochs(402, None), granted(403)];
    for broken in 0..=script.len() {
        let (before, _) = script.split_at(broken);
        let run = renewal(before.iter().cloned().chain([failed(500), done(501)]));
        assert_eq!(run.names().last(), Some(&"drop latch"));
        assert_eq!(run.ended(), Outcome::Unknown(Problem::Failed(eio())), "after {broken} effects");
    }
}

#[test]
fn l13_a_deleted_record_is_restored() {
    for damage in [absent(401), seen(401, Seen::Record(unreadable())), read(401, record("z", 2, 0))] {
        let run = renewal([latched(400), damage, epochs(402, Some(3)), done(403), done(404)]);
        assert_eq!(run.effects.get(3), Some(&Effect::ReplaceRecord(renewed())));
        assert!(matches!(run.ended(), Outcome::Renewed(_)));
    }
}

#[test]
fn l13_lost_epochs_are_restored_before_the_record() {
    for remembered in [None, Some(2)] {
        let run =
            renewal([latched(400), absent(401), epochs(402, remembered), granted(403), done(404), done(405)]);
        assert_eq!(run.names()[3..], ["claim epoch", "replace record", "drop latch"]);
        assert_eq!(run.effects.get(3), Some(&Effect::ClaimEpoch(epoch(3))));
    }
    // A grant that was refused is looked at again: ours is remembered after all.
    let run = renewal([latched(400), absent(401), epochs(402, None), refused(403), epochs(404, Some(3))]);
    assert_eq!(run.names().last(), Some(&"replace record"));
}

#[test]
fn l13_a_later_epoch_is_obeyed() {
    let run = renewal([latched(400), read(401, record("b", 4, 350)), done(402)]);
    assert_eq!(run.names(), ["take latch", "read record", "drop latch"]);
    assert_eq!(run.ended(), Outcome::Lost { to: epoch(4) });
    // Also when only the epochs tell: its owner has released in the meantime.
    let run = renewal([latched(400), absent(401), epochs(402, Some(4)), done(403)]);
    assert_eq!(run.ended(), Outcome::Lost { to: epoch(4) });
}

#[test]
fn l13_our_epoch_in_the_name_of_another_is_obeyed() {
    // The whole data root was removed and began again at 1. If each of two owners took the other's record for
    // damage, both would restore their own for ever.
    let run = drive(
        Renew::start(owned("a", 1, 0), held(), at(300)),
        [latched(400), read(401, record("b", 1, 350)), done(402)],
    );
    assert_eq!(run.ended(), Outcome::Lost { to: epoch(1) });
}

#[test]
fn l15_a_latch_that_stays_taken_leaves_the_outcome_unknown() {
    let run = renewal([latch_busy(400), done(401)]);
    assert_eq!(run.ended(), Outcome::Unknown(Problem::LatchBusy));
}
