//! Attempts to acquire: what is asked for in which order, and what every end leaves behind.

use modeld_spec::lease::acquire::{Acquire, Outcome};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{Effect, LockSeen, Observation, ProcessSeen, Seen};
use modeld_spec::lease::record::{Record, Residency};

use crate::harness::{
    Run, absent, at, claim, domain, done, drive, eio, epoch, epochs, failed, file, free, granted, held,
    latch_busy, latched, process, read, record, refused, seen, taken_by_another,
};

fn attempt(script: impl IntoIterator<Item = Observation>) -> Run<Acquire> {
    drive(Acquire::start(claim("b"), None), script)
}

#[test]
fn a_fresh_data_root_is_acquired() {
    let run = attempt([latched(1), absent(2), free(3), epochs(4, None), granted(5), done(6), done(7)]);
    let names = [
        "take latch",
        "read record",
        "try residency",
        "read epochs",
        "claim epoch",
        "replace record",
        "drop latch",
    ];
    assert_eq!(run.names(), names);
    // L4: the stamp is that of the decision, before anything was written.
    let expected = record("b", 1, 3);
    assert_eq!(run.effects.get(5), Some(&Effect::ReplaceRecord(expected.clone())));
    let Outcome::Acquired(owned) = run.ended() else { panic!("not acquired") };
    assert_eq!(owned.record, expected);
    assert_eq!(owned.deadline(), at(753));
}

#[test]
fn l3_the_next_epoch_is_above_all_that_is_remembered() {
    let expired = record("a", 7, 0);
    let claimed = |content: Observation, stored: Option<u64>| {
        let run = attempt([latched(2000), content, free(2002), epochs(2003, stored)]);
        match run.effects.last() {
            Some(Effect::ClaimEpoch(epoch)) => epoch.get(),
            other => panic!("{other:?} instead of a claim"),
        }
    };
    assert_eq!(claimed(read(2001, expired.clone()), Some(9)), 10);
    assert_eq!(claimed(read(2001, expired.clone()), Some(2)), 8);
    assert_eq!(claimed(read(2001, expired), None), 8);
    assert_eq!(claimed(absent(2001), Some(9)), 10);
    assert_eq!(claimed(absent(2001), None), 1);
}

#[test]
fn l3_a_refused_epoch_is_never_claimed_again() {
    // The store goes on saying 4 although 5 is taken: the next claim is for 6 all the same.
    let run = attempt([
        latched(1),
        absent(2),
        free(3),
        epochs(4, Some(4)),
        refused(5),
        epochs(6, Some(4)),
        granted(7),
    ]);
    let claims: Vec<u64> = run
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::ClaimEpoch(epoch) => Some(epoch.get()),
            _ => None,
        })
        .collect();
    assert_eq!(claims, [5, 6]);
    assert!(
        matches!(run.effects.last(), Some(Effect::ReplaceRecord(record)) if record.epoch == epoch(6)),
        "the record carries the epoch that was granted"
    );
}

#[test]
fn l3_the_last_epoch_ends_the_data_root() {
    let run = attempt([latched(1), absent(2), free(3), epochs(4, Some(u64::MAX)), done(5), done(6)]);
    assert_eq!(run.names()[4..], ["drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::EpochsExhausted);
}

#[test]
fn a_leader_says_whose_lock_it_waits_for() {
    let run = attempt([
        latched(1000),
        read(1001, record("a", 3, 0)),
        taken_by_another(1002),
        epochs(1003, Some(3)),
        granted(1004),
        done(1005),
        done(1006),
    ]);
    let Outcome::Acquired(owned) = run.ended() else { panic!("not acquired") };
    assert_eq!(owned.record.residency, Residency::Awaited { file: file(1), holder: Some(process("a")) });
    assert_eq!(owned.epoch(), epoch(4));
}

#[test]
fn a_follower_drops_what_it_took_and_knows_until_when() {
    let owner = record("a", 3, 0);
    let run = attempt([latched(1), read(2, owner.clone()), taken_by_another(3), done(4), done(5)]);
    assert_eq!(run.names()[3..], ["drop residency", "drop latch"]);
    let Outcome::Follower { why, until, watched } = run.ended() else { panic!("not a follower") };
    assert_eq!(why, Why::Held(owner));
    assert_eq!(until, Some(at(1000)));
    assert_eq!(watched.map(|watch| watch.since), Some(at(3)));
}

#[test]
fn l4_a_record_of_another_time_namespace_is_waited_out_on_our_clock() {
    let foreign = Record { clock: domain("boot-1", 2), ..record("a", 3, 0) };
    let script = |ms| [latched(ms), read(ms, foreign.clone()), taken_by_another(ms)];
    let first = attempt(script(5000).into_iter().chain([done(5001), done(5002)]));
    let Outcome::Follower { until, watched, .. } = first.ended() else { panic!("not a follower") };
    assert_eq!(until, Some(at(6000)));
    // The watch is handed from attempt to attempt, and goes on.
    let early = drive(Acquire::start(claim("b"), watched.clone()), script(5999));
    assert_eq!(early.effects.last(), Some(&Effect::DropResidency));
    let late = drive(Acquire::start(claim("b"), watched), script(6000));
    assert_eq!(late.effects.last(), Some(&Effect::ReadEpochs));
}

#[test]
fn l8_a_failed_effect_decides_nothing() {
    // Every effect of an acquisition fails in its turn; the last two are the drops, which can't fail.
    let success =
        [latched(1), absent(2), free(3), epochs(4, None), granted(5), done(6)].map(Some).into_iter();
    let script: Vec<Observation> = success.flatten().collect();
    for broken in 0..script.len() {
        let (before, _) = script.split_at(broken);
        let run = attempt(before.iter().cloned().chain([failed(9), failed(10), failed(11)]));
        assert_eq!(run.names()[broken + 1..], ["drop residency", "drop latch"]);
        assert_eq!(run.ended(), Outcome::Failed(eio()), "after {broken} effects");
    }
}

#[test]
fn l14_only_the_end_of_the_owner_frees_what_another_lock_file_guarded() {
    let expired = record("a", 3, 0);
    let until_inspect =
        [latched(1000), read(1001, expired), seen(1002, Seen::Residency(LockSeen::Taken(file(2))))];
    let inspected = |seen_process| {
        attempt(until_inspect.iter().cloned().chain([seen(1003, Seen::Process(seen_process))]))
    };
    assert_eq!(attempt(until_inspect.clone()).effects.last(), Some(&Effect::InspectProcess(process("a"))));
    assert_eq!(inspected(ProcessSeen::Gone).effects.last(), Some(&Effect::ReadEpochs));
    for unproven in [ProcessSeen::Alive, ProcessSeen::Unverifiable] {
        assert_eq!(inspected(unproven).effects.last(), Some(&Effect::DropResidency));
    }
}

#[test]
fn l12_a_leader_never_names_its_own_process_as_the_one_in_its_way() {
    // The claimant owned before and could not remove its record; a third process has the lock by now.
    let own = Record { process: process("b"), ..record("b-before", 3, 0) };
    let inherited =
        Record { residency: Residency::Awaited { file: file(1), holder: Some(process("b")) }, ..own.clone() };
    for left in [own, inherited] {
        let run = attempt([
            latched(1000),
            read(1001, left),
            taken_by_another(1002),
            epochs(1003, Some(3)),
            granted(1004),
        ]);
        let Some(Effect::ReplaceRecord(record)) = run.effects.last() else { panic!("no record") };
        assert_eq!(record.residency, Residency::Awaited { file: file(1), holder: None });
    }
}

#[test]
fn l15_a_latch_that_stays_taken_is_an_answer() {
    let run = attempt([latch_busy(1), done(2), done(3)]);
    assert_eq!(run.names(), ["take latch", "drop residency", "drop latch"]);
    assert_eq!(run.ended(), Outcome::LatchBusy);
}

#[test]
fn a_lock_in_hand_is_named_in_the_record() {
    let run = attempt([latched(1), absent(2), free(3), epochs(4, None), granted(5)]);
    let Some(Effect::ReplaceRecord(record)) = run.effects.last() else { panic!("no record") };
    assert_eq!(record.residency, held());
}
