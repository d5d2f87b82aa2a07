//! The table of L2, and the rows of L4, L7 and L14 that it rests on.

use modeld_spec::lease::decision::{Verdict, Watched, Why, decide};
use modeld_spec::lease::effect::{Content, LockSeen};
use modeld_spec::lease::record::{Record, Residency};

use crate::harness::{at, awaiting, domain, epoch, file, here, process, record, unreadable};

const FREE: fn() -> LockSeen = || LockSeen::Taken(file(1));
const HELD: fn() -> LockSeen = || LockSeen::Held(file(1));

/// What a claimant does at 500 ms.
fn judge(content: &Content, lock: LockSeen) -> Verdict {
    decide(&here(), None, content, lock, at(500))
}

fn of(record: Record) -> Content {
    Content::Record(record)
}

#[test]
fn l2_every_row_of_the_table() {
    let valid = record("a", 3, 0);
    let expired = Record { acquired_at: at(0), renewed_at: at(0), ..record("a", 3, 0) };
    let late = at(1000);
    let another_boot = Record { clock: domain("boot-0", 1), ..valid.clone() };
    let from_the_future = record("a", 3, 600);
    let leads = Verdict::Lead { file: file(1), holder: Some(process("a")) };

    // none, or of another boot
    assert_eq!(judge(&Content::Absent, FREE()), Verdict::Acquire(file(1)));
    assert_eq!(judge(&Content::Absent, HELD()), Verdict::Follow(Why::Draining));
    assert_eq!(judge(&of(another_boot.clone()), FREE()), Verdict::Acquire(file(1)));
    assert_eq!(judge(&of(another_boot), HELD()), Verdict::Follow(Why::Draining));
    // valid
    assert_eq!(judge(&of(valid.clone()), HELD()), Verdict::Follow(Why::Held(valid.clone())));
    assert_eq!(judge(&of(valid.clone()), FREE()), Verdict::Acquire(file(1)));
    let waiting = awaiting("b", 4, 0, "a");
    assert_eq!(judge(&of(waiting.clone()), FREE()), Verdict::Follow(Why::Held(waiting)));
    let elsewhere = Record { residency: Residency::Held(file(2)), ..valid };
    assert_eq!(judge(&of(elsewhere.clone()), FREE()), Verdict::Follow(Why::Held(elsewhere)));
    // expired, from the very instant of the expiry
    let content = of(expired);
    assert_eq!(decide(&here(), None, &content, FREE(), late), Verdict::Acquire(file(1)));
    assert_eq!(decide(&here(), None, &content, HELD(), late), leads);
    // unreadable, or renewed in the future
    assert_eq!(judge(&unreadable(), FREE()), Verdict::Acquire(file(1)));
    assert_eq!(judge(&unreadable(), HELD()), Verdict::Follow(Why::HeldByUnknown));
    assert_eq!(judge(&of(from_the_future.clone()), FREE()), Verdict::Acquire(file(1)));
    assert_eq!(judge(&of(from_the_future), HELD()), Verdict::Follow(Why::HeldByUnknown));
}

#[test]
fn l2_a_record_is_honoured_to_its_last_nanosecond() {
    let content = of(record("a", 3, 0));
    let last = modeld_spec::time::BootTime::from_nanos(at(1000).as_nanos() - 1);
    assert!(matches!(decide(&here(), None, &content, HELD(), last), Verdict::Follow(Why::Held(_))));
    assert!(matches!(decide(&here(), None, &content, HELD(), at(1000)), Verdict::Lead { .. }));
}

#[test]
fn l4_a_record_of_another_time_namespace_is_watched_for_a_ttl() {
    // Its own clock says that it was renewed ages ago, or in our future: neither says anything here.
    for renewed_at in [0, 500_000] {
        let foreign = Record { clock: domain("boot-1", 2), ..record("a", 3, renewed_at) };
        let content = of(foreign.clone());
        let first = Watched::after(None, &foreign, at(0));
        let verdict = |ms, lock| decide(&here(), Some(&first), &content, lock, at(ms));
        assert_eq!(verdict(999, HELD()), Verdict::Follow(Why::Held(foreign.clone())));
        assert_eq!(verdict(1000, HELD()), Verdict::Lead { file: file(1), holder: Some(process("a")) });
        // A lock that its owner had and is free proves death whatever the clocks say.
        assert_eq!(verdict(1, FREE()), Verdict::Acquire(file(1)));
    }
}

#[test]
fn l4_a_watch_begins_anew_when_anything_changed() {
    let before = record("a", 3, 0);
    let watch = Watched::after(None, &before, at(10));
    assert_eq!(watch, Watched { epoch: epoch(3), renewed_at: at(0), since: at(10) });
    assert_eq!(Watched::after(Some(&watch), &before, at(20)).since, at(10));
    let renewed = Record { renewed_at: at(5), ..before.clone() };
    assert_eq!(Watched::after(Some(&watch), &renewed, at(20)).since, at(20));
    let succeeded = Record { epoch: epoch(4), ..before };
    assert_eq!(Watched::after(Some(&watch), &succeeded, at(20)).since, at(20));
}

#[test]
fn l7_a_leader_that_waits_is_not_dead() {
    let leader = awaiting("b", 4, 0, "a");
    assert_eq!(judge(&of(leader.clone()), FREE()), Verdict::Follow(Why::Held(leader.clone())));
    assert_eq!(judge(&of(leader.clone()), HELD()), Verdict::Follow(Why::Held(leader.clone())));
    // Once its record expires a leader is as good as gone; the predecessor goes on being named.
    let verdict = |lock| decide(&here(), None, &of(leader.clone()), lock, at(1000));
    assert_eq!(verdict(FREE()), Verdict::Acquire(file(1)));
    assert_eq!(verdict(HELD()), Verdict::Lead { file: file(1), holder: Some(process("a")) });
}

#[test]
fn l14_a_replaced_lock_file_proves_nothing() {
    let owner = Record { residency: Residency::Held(file(1)), ..record("a", 3, 0) };
    let replaced = LockSeen::Taken(file(2));
    assert_eq!(judge(&of(owner.clone()), replaced), Verdict::Follow(Why::Held(owner.clone())));
    // Expired is not enough either: memory may still be taken, and only the owner's end gives it back.
    let verdict = decide(&here(), None, &of(owner), replaced, at(1000));
    assert_eq!(verdict, Verdict::Inspect(process("a"), file(2)));
}

#[test]
fn l14_a_leader_hands_on_which_file_matters() {
    // a is paused and has the lock on file 1; b led and waited for it; its record is all that tells.
    let leader = of(awaiting("b", 4, 0, "a"));
    let verdict = |lock| decide(&here(), None, &leader, lock, at(1000));
    assert_eq!(verdict(LockSeen::Taken(file(2))), Verdict::Inspect(process("a"), file(2)));
    let follow = Verdict::Follow(Why::LockReplaced(process("a")));
    assert_eq!(verdict(LockSeen::Held(file(2))), follow);
    // Where nobody is named, nobody can be shown to be gone.
    let nameless = Residency::Awaited { file: file(1), holder: None };
    let nameless = of(Record { residency: nameless, ..awaiting("b", 4, 0, "a") });
    for lock in [LockSeen::Taken(file(2)), LockSeen::Held(file(2))] {
        let verdict = decide(&here(), None, &nameless, lock, at(1000));
        assert_eq!(verdict, Verdict::Follow(Why::HeldByUnknown));
    }
    // An owner that had file 1, and somebody with the lock on file 2: to wait for the latter proves nothing.
    let owner = of(record("a", 3, 0));
    assert_eq!(decide(&here(), None, &owner, LockSeen::Held(file(2)), at(1000)), follow);
}
