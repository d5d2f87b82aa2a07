//! The fence, rule by rule: what may begin, what may land, and what an owner waits for before it gives up its lease.

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::fence::commit::{self, Cause, Commit, Effect, Ownership, Refusal, Said, is_left_behind};
use modeld_spec::fence::drain::{self, Drain};
use modeld_spec::fence::entry::{self, Generation, Here, Opened, admit, admit_item, may_begin};
use modeld_spec::fence::permits::PermitWord;
use modeld_spec::follow::EpochWatch;
use modeld_spec::ids::Epoch;
use modeld_spec::lease::effect::{Content, LatchSeen};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::record::Unreadable;
use modeld_spec::lease::release::Ending;
use modeld_spec::step::{Breach, Machine, Step};
use modeld_spec::time::{BootTime, Observed, Ttl};
use proptest::prelude::*;

type Seen = commit::Seen<char, u8>;
type Outcome = commit::Outcome<u8>;

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch above zero")
}

fn ownership(instance: char, number: u64) -> Ownership<char> {
    Ownership { instance, epoch: epoch(number) }
}

fn at(ms: u64) -> BootTime {
    BootTime::from_nanos((60_000 + ms) * 1_000_000)
}

fn latched() -> Seen {
    Seen::Latch(LatchSeen::Taken)
}

fn record_of(instance: char, number: u64) -> Seen {
    Seen::Record(Said::Owner(ownership(instance, number)))
}

fn granted(number: u64) -> Seen {
    Seen::Epochs(Some(epoch(number)))
}

/// A commit of a's epoch 3: the effects it asks for, and how it ends if the script goes so far.
fn commit(script: impl IntoIterator<Item = Seen>) -> (Vec<&'static str>, Option<Outcome>) {
    let mut step = Commit::<char, u8>::start(ownership('a', 3));
    let mut names = Vec::new();
    let mut script = script.into_iter();
    while let Step::Do(effect, machine) = step {
        names.push(effect.name());
        let Some(seen) = script.next() else { return (names, None) };
        step = machine.step(seen);
    }
    let Step::Done(outcome) = step else { return (names, None) };
    assert!(script.next().is_none(), "the machine ended before its script");
    (names, Some(outcome))
}

/// A commit up to the point where the latch is in hand, and what follows.
fn under_latch(script: impl IntoIterator<Item = Seen>) -> (Vec<&'static str>, Option<Outcome>) {
    let (names, outcome) = commit([Seen::Done, latched()].into_iter().chain(script));
    (names[2..].to_vec(), outcome)
}

/// The owner of a's epoch 3, whose deadline is at 750 ms.
fn here(ms: u64) -> Here<char> {
    Here {
        ownership: ownership('a', 3),
        gate: GateWord::open_until(at(750)),
        permits: PermitWord::OPEN,
        now: at(ms),
    }
}

#[test]
fn f1_an_effect_begins_only_while_the_gate_admits() {
    assert_eq!(may_begin(&here(749)), Ok(()));
    assert_eq!(may_begin(&here(750)), Err(entry::Refusal::Fenced));
    assert_eq!(may_begin(&Here { gate: GateWord::FENCED, ..here(0) }), Err(entry::Refusal::Fenced));
    let closed = Here { permits: PermitWord::OPEN.closed(), ..here(0) };
    assert_eq!(may_begin(&closed), Err(entry::Refusal::Draining));
}

#[test]
fn f2_a_commit_of_the_owner_lands() {
    let (names, outcome) = under_latch([record_of('a', 3), granted(3), Seen::Done, Seen::Done, Seen::Done]);
    assert_eq!(names, ["read record", "read epochs", "land", "sync", "drop latch"]);
    assert_eq!(outcome, Some(Outcome::Committed));
}

#[test]
fn f2_a_commit_is_refused_once_a_later_epoch_was_granted() {
    // The successor has written its record; or its grant is all that it lived to make.
    for script in [vec![record_of('b', 4)], vec![record_of('a', 3), granted(4)]] {
        let (names, outcome) = under_latch(script.into_iter().chain([Seen::Done, Seen::Done]));
        assert!(!names.contains(&"land"), "{names:?}");
        assert_eq!(outcome, Some(Outcome::Refused(Refusal::Superseded { by: epoch(4) })));
    }
}

#[test]
fn f2_the_same_epoch_of_another_is_not_ours() {
    let (names, outcome) = under_latch([record_of('b', 3), Seen::Done, Seen::Done]);
    assert_eq!(names, ["read record", "drop latch", "discard"]);
    assert_eq!(outcome, Some(Outcome::Refused(Refusal::Superseded { by: epoch(3) })));
}

#[test]
fn f2_what_does_not_name_the_owner_proves_nothing() {
    for said in
        [Said::Nobody, Said::Unreadable, Said::Owner(ownership('a', 2)), Said::Owner(ownership('b', 2))]
    {
        let (names, outcome) = under_latch([Seen::Record(said), Seen::Done, Seen::Done]);
        assert!(!names.contains(&"land"), "{said:?}: {names:?}");
        assert_eq!(outcome, Some(Outcome::Refused(Refusal::Unproven)));
    }
}

#[test]
fn f2_a_lost_store_of_epochs_keeps_no_owner_from_writing() {
    for seen in [Seen::Epochs(None), granted(2)] {
        let (names, _) = under_latch([record_of('a', 3), seen]);
        assert_eq!(names.last(), Some(&"land"));
    }
}

#[test]
fn f2_nothing_lands_without_the_latch_or_after_a_failed_look() {
    let busy = [Seen::Done, Seen::Latch(LatchSeen::Busy), Seen::Done, Seen::Done];
    let (names, outcome) = commit(busy);
    assert_eq!(names, ["prepare", "take latch", "drop latch", "discard"]);
    assert_eq!(outcome, Some(Outcome::NotDone(Cause::LatchBusy)));
    for before in 0..3 {
        let looks = [latched(), record_of('a', 3), granted(3)].into_iter().take(before);
        let script = [Seen::Done].into_iter().chain(looks).chain([Seen::Failed(5), Seen::Done, Seen::Done]);
        let (names, outcome) = commit(script);
        assert!(!names.contains(&"land"), "{names:?}");
        assert_eq!(outcome, Some(Outcome::NotDone(Cause::Failed(5))));
    }
}

#[test]
fn f2_a_lease_file_says_who_owns() {
    assert_eq!(Said::from(Content::Absent), Said::Nobody);
    assert_eq!(Said::from(Content::Unreadable(Unreadable("it ends early".to_string()))), Said::Unreadable);
}

#[test]
fn f3_an_error_of_the_landing_is_unknown() {
    for lands in [0, 1] {
        let before = [record_of('a', 3), granted(3)].into_iter().chain([Seen::Done].into_iter().take(lands));
        let (names, outcome) = under_latch(before.chain([Seen::Failed(5), Seen::Done, Seen::Done]));
        assert_eq!(names[2 + lands + 1..], ["drop latch", "discard"]);
        assert_eq!(outcome, Some(Outcome::Unknown(5)));
    }
}

#[test]
fn f3_done_is_said_after_the_sync_and_whatever_becomes_of_the_latch() {
    let script = [record_of('a', 3), granted(3), Seen::Done, Seen::Done, Seen::Failed(5)];
    assert_eq!(under_latch(script).1, Some(Outcome::Committed));
}

#[test]
fn f4_a_commit_that_did_not_land_leaves_nothing() {
    let (names, outcome) = commit([Seen::Failed(5), Seen::Failed(6)]);
    assert_eq!(names, ["prepare", "discard"]);
    assert_eq!(outcome, Some(Outcome::NotDone(Cause::Failed(5))));
    for script in [vec![record_of('b', 4)], vec![Seen::Failed(5)], vec![record_of('a', 3), granted(9)]] {
        let (names, _) = under_latch(script.into_iter().chain([Seen::Done]));
        assert_eq!(names.last(), Some(&"discard"));
    }
}

#[test]
fn f4_only_what_an_earlier_owner_prepared_is_left_behind() {
    assert!(is_left_behind(epoch(2), epoch(3)));
    assert!(!is_left_behind(epoch(3), epoch(3)));
    assert!(!is_left_behind(epoch(4), epoch(3)));
}

#[test]
fn f5_the_margin_is_what_a_drain_waits_for() {
    let ttl = Ttl::new(Duration::from_secs(4)).expect("within the bounds");
    assert_eq!(Drain::patience(ttl), Duration::from_secs(1));
    assert_eq!(ttl.deadline(at(0)).after(Drain::patience(ttl)), ttl.expiry(at(0)));
}

#[test]
fn f6_a_call_for_another_ownership_is_refused() {
    assert_eq!(admit(&ownership('a', 3), &here(0)), Ok(()));
    for meant in [ownership('b', 3), ownership('a', 2), ownership('a', 4), ownership('b', 4)] {
        assert_eq!(admit(&meant, &here(0)), Err(entry::Refusal::NotMeant));
        // That it is fenced as well changes nothing: who asks again who owns is helped.
        assert_eq!(admit(&meant, &here(999)), Err(entry::Refusal::NotMeant));
    }
    assert_eq!(admit(&ownership('a', 3), &here(750)), Err(entry::Refusal::Fenced));
}

#[test]
fn f6_a_session_is_served_on_the_load_on_which_it_was_opened() {
    let opened = Opened { epoch: epoch(3), generation: Generation(1) };
    assert_eq!(admit_item(opened, Generation(1), &here(0)), Ok(epoch(3)));
    assert_eq!(admit_item(opened, Generation(2), &here(0)), Err(entry::Refusal::SessionGone));
    let before = Opened { epoch: epoch(2), ..opened };
    assert_eq!(admit_item(before, Generation(1), &here(0)), Err(entry::Refusal::SessionGone));
}

#[test]
fn f7_a_stream_ends_with_its_ownership() {
    let opened = Opened { epoch: epoch(3), generation: Generation(0) };
    let items: Vec<_> = [700, 749, 750, 900].map(|ms| admit_item(opened, Generation(0), &here(ms))).into();
    let fenced = Err(entry::Refusal::Fenced);
    assert_eq!(items, [Ok(epoch(3)), Ok(epoch(3)), fenced, fenced]);
}

#[test]
fn f8_a_client_accepts_nothing_older_than_it_has_seen() {
    let mut watch = EpochWatch::default();
    assert_eq!([3, 4, 4].map(|number| watch.admit(epoch(number))), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(watch.admit(epoch(3)), Err(Error::StaleEpoch { got: epoch(3), seen: epoch(4) }));
}

#[test]
fn f9_nothing_more_begins_once_the_permits_are_closed() {
    let one = PermitWord::OPEN.entered().expect("nothing is closed");
    let closed = one.closed();
    assert_eq!(closed.entered(), None);
    assert!(!closed.is_drained());
    let drained = closed.left().expect("one is under way");
    assert!(drained.is_drained());
    assert_eq!((drained.left(), drained.entered(), drained.closed()), (None, None, drained));
    assert!(!PermitWord::OPEN.is_drained());
}

#[test]
fn f9_the_last_permit_ends_the_drain() {
    let two = PermitWord::OPEN.entered().and_then(PermitWord::entered).expect("nothing is closed").closed();
    let one = two.left().expect("two are under way");
    let none = one.left().expect("one is under way");
    let run = drain([(0, two), (10, one), (20, none)]);
    let wait = drain::Effect::Await { until: at(100) };
    assert_eq!(run, (vec![drain::Effect::Close, wait, wait], Some(drain::Outcome::Drained)));
}

#[test]
fn f9_a_word_that_was_not_closed_drains_nothing() {
    for word in [PermitWord::OPEN, PermitWord::OPEN.entered().expect("nothing is closed")] {
        let breach = Some(drain::Outcome::Breach(Breach { expected: "close" }));
        assert_eq!(drain([(0, word)]), (vec![drain::Effect::Close], breach));
    }
}

#[test]
fn f10_at_the_bound_the_process_ends() {
    let stuck = PermitWord::OPEN.entered().expect("nothing is closed").closed();
    let (effects, outcome) = drain([(0, stuck), (99, stuck), (100, stuck)]);
    assert_eq!(effects.last(), Some(&drain::Effect::EndProcess));
    assert_eq!(outcome, None);
    // Nobody survives it: whatever comes back is a defect, and releases nothing.
    let drained = PermitWord::OPEN.closed();
    let breach = Some(drain::Outcome::Breach(Breach { expected: "end process" }));
    assert_eq!(drain([(0, stuck), (100, stuck), (101, drained)]).1, breach);
    // Who has drained when the bound comes has drained.
    assert_eq!(drain([(0, stuck), (100, drained)]).1, Some(drain::Outcome::Drained));
}

#[test]
fn f11_the_gate_decides_how_an_ownership_ends() {
    let gate = GateWord::open_until(at(750));
    assert_eq!(Ending::of(gate, at(749)), Ending::Handover);
    assert_eq!(Ending::of(gate, at(750)), Ending::Fenced);
    assert_eq!(Ending::of(GateWord::FENCED, at(0)), Ending::Fenced);
}

/// A drain until 100 ms.
fn drain(
    script: impl IntoIterator<Item = (u64, PermitWord)>,
) -> (Vec<drain::Effect>, Option<drain::Outcome>) {
    let mut step = Drain::start(at(100));
    let mut effects = Vec::new();
    for (ms, what) in script {
        let Step::Do(effect, machine) = step else { panic!("the machine ended before its script") };
        effects.push(effect);
        step = machine.step(Observed { at: at(ms), what });
    }
    match step {
        Step::Do(effect, _) => {
            effects.push(effect);
            (effects, None)
        }
        Step::Done(outcome) => (effects, Some(outcome)),
    }
}

/// Every kind of answer that a durable effect can have.
fn answers() -> Vec<Seen> {
    vec![
        latched(),
        Seen::Latch(LatchSeen::Busy),
        Seen::Record(Said::Nobody),
        Seen::Record(Said::Unreadable),
        record_of('a', 3),
        record_of('a', 2),
        record_of('b', 4),
        Seen::Epochs(None),
        granted(3),
        granted(4),
        Seen::Done,
        Seen::Failed(5),
    ]
}

fn fits(effect: Effect, seen: &Seen) -> bool {
    match seen {
        Seen::Failed(_) => true,
        Seen::Latch(_) => effect == Effect::TakeLatch,
        Seen::Record(_) => effect == Effect::ReadRecord,
        Seen::Epochs(_) => effect == Effect::ReadEpochs,
        Seen::Done => !matches!(effect, Effect::TakeLatch | Effect::ReadRecord | Effect::ReadEpochs),
    }
}

#[test]
fn an_answer_that_does_not_fit_is_a_breach_and_names_the_effect() {
    let mut states = Vec::new();
    let mut frontier = vec![Commit::<char, u8>::start(ownership('a', 3))];
    while let Some(step) = frontier.pop() {
        let Step::Do(effect, machine) = step else { continue };
        if states.contains(&(effect, machine)) {
            continue;
        }
        states.push((effect, machine));
        for seen in answers() {
            let next = machine.step(seen);
            if fits(effect, &seen) {
                frontier.push(next);
            } else {
                let breach = Breach { expected: effect.name() };
                assert_eq!(next, Step::Done(commit::Outcome::Breach(breach)), "{effect:?}: {seen:?}");
            }
        }
    }
    assert_eq!(
        states.len(),
        17,
        "six before the outcome is known, six that drop the latch, five that discard"
    );
}

proptest! {
    /// F2, F3 and F4 over every history: landed only with both looks favourable, reported as it was, tidied up after.
    #[test]
    fn what_is_reported_is_what_happened(picks in proptest::collection::vec(0usize..12, 0..12)) {
        let mut step = Commit::<char, u8>::start(ownership('a', 3));
        let (mut looked, mut tried, mut synced, mut discarded) = (Vec::new(), false, false, false);
        for pick in picks {
            let Step::Do(effect, machine) = step else { break };
            let fitting: Vec<Seen> = answers().into_iter().filter(|seen| fits(effect, seen)).collect();
            let seen = fitting[pick % fitting.len()];
            match effect {
                Effect::ReadRecord | Effect::ReadEpochs => looked.push(seen),
                Effect::Land => {
                    prop_assert_eq!(looked.first(), Some(&record_of('a', 3)));
                    prop_assert!(matches!(looked.get(1), Some(Seen::Epochs(_))) && looked.get(1) != Some(&granted(4)));
                    tried = true;
                }
                Effect::Sync => synced = seen == Seen::Done,
                Effect::Discard => discarded = true,
                Effect::Prepare | Effect::TakeLatch | Effect::DropLatch => {}
            }
            step = machine.step(seen);
        }
        if let Step::Done(outcome) = step {
            prop_assert_eq!(outcome == Outcome::Committed, tried && synced);
            prop_assert_eq!(matches!(outcome, Outcome::Unknown(_)), tried && !synced);
            prop_assert_eq!(discarded, outcome != Outcome::Committed);
        }
    }
}
