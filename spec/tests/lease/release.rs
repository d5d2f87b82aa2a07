//! The end of an ownership: its order, and what it leaves alone.

use modeld_spec::lease::effect::{Content, Observation, Seen};
use modeld_spec::lease::release::{Ending, Outcome, Release};

use crate::harness::{
    Run, absent, awaiting, done, drive, eio, failed, latch_busy, latched, owned, read, record, seen,
    unreadable,
};

fn release(ending: Ending, script: impl IntoIterator<Item = Observation>) -> Run<Release> {
    drive(Release::start(owned("a", 3, 0), ending), script)
}

/// A handover up to the point where the latch is in hand, and what follows.
fn handover(script: impl IntoIterator<Item = Observation>) -> Run<Release> {
    let before = [done(1), done(2), done(3), done(4), latched(5)];
    release(Ending::Handover, before.into_iter().chain(script))
}

#[test]
fn l9_the_order_of_a_handover() {
    let run = handover([read(6, record("a", 3, 0)), done(7), done(8), done(9)]);
    let order = [
        "quiesce",
        "flush",
        "free",
        "stop keeper",
        "take latch",
        "read record",
        "remove record",
        "drop residency",
        "drop latch",
    ];
    assert_eq!(run.names(), order);
    assert_eq!(run.ended(), Outcome::Released);
}

#[test]
fn l9_what_is_fenced_writes_nothing_more() {
    let run = release(Ending::Fenced, [done(1), done(2), done(3)]);
    assert_eq!(run.names(), ["quiesce", "free", "stop keeper", "take latch"]);
}

#[test]
fn l1_the_lock_is_dropped_only_after_the_memory_is_back() {
    for ending in [Ending::Handover, Ending::Fenced] {
        let flushes = usize::from(ending == Ending::Handover);
        // Quiesce and flush may fail; free may not.
        let before = (0..1 + flushes).map(|_| failed(1));
        let run = release(ending, before.chain([failed(2), done(3)]));
        // The keeper ends, so that the record expires; the lock is dropped by nobody.
        assert_eq!(run.names().last(), Some(&"stop keeper"));
        assert_eq!(run.ended(), Outcome::MemoryHeld(eio()));
    }
}

#[test]
fn l10_a_record_of_another_is_left_alone() {
    for other in [record("b", 4, 0), record("b", 3, 0), record("a", 2, 0), record("a", 4, 0)] {
        let run = handover([read(6, other), done(7), done(8)]);
        assert_eq!(run.names()[6..], ["drop residency", "drop latch"]);
        assert_eq!(run.ended(), Outcome::Superseded);
    }
    let run = handover([seen(6, Seen::Record(unreadable())), done(7), done(8)]);
    assert_eq!(run.names()[6..], ["drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::RecordLeft(None));
}

#[test]
fn l10_nothing_is_removed_where_nothing_is() {
    let run = handover([absent(6), done(7), done(8)]);
    assert_eq!(run.names()[6..], ["drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::Released);
}

#[test]
fn l14_a_leader_that_waits_leaves_its_record_to_expire() {
    let run = handover([read(6, awaiting("a", 3, 0, "z")), done(7), done(8)]);
    assert_eq!(run.names()[6..], ["drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::RecordLeft(None));
}

#[test]
fn l8_a_record_that_could_not_be_removed_is_reported() {
    let own = || seen(6, Seen::Record(Content::Record(record("a", 3, 0))));
    for script in [vec![failed(6), done(7), done(8)], vec![own(), failed(7), failed(8), failed(9)]] {
        let run = handover(script);
        assert_eq!(run.names().last(), Some(&"drop latch"));
        assert_eq!(run.ended(), Outcome::RecordLeft(Some(eio())));
    }
}

#[test]
fn l15_a_latch_that_stays_taken_keeps_nobody_from_the_memory() {
    let run = release(Ending::Fenced, [done(1), done(2), done(3), latch_busy(4), done(5), done(6)]);
    assert_eq!(run.names()[4..], ["drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::RecordLeft(None));
}
