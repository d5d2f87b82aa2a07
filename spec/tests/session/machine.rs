//! The rules of spec/session.md that one session keeps, each by an example.

use core::num::NonZeroUsize;

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::effect::{Answer, Ask, Effect, Failure, Refusal, Seen};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::machine::{Ending, Stale};
use modeld_spec::session::operation::Operation;
use modeld_spec::session::snapshot::{Digest, Refused};
use modeld_spec::session::table::Sharing;
use modeld_spec::session::tape::{ReuseReason, TokenCount};

use crate::rig::{Rig, ids};

type Damage = fn(&mut Rig);

const DECODE: Ask = Ask::decode(Some(2));

#[test]
fn t1_the_tape_follows_each_batch() {
    let mut rig = Rig::new(1, 1);
    let key = rig.table.open(8).unwrap();
    rig.table.ask(key, &Ask::Prefix(ids(&[1, 2, 3, 4, 5]))).unwrap();
    let mut resident = Vec::new();
    while let Some(effect) = rig.table.begin(key, 2) {
        rig.land(key, effect);
        assert!(rig.tape_is_cache(key));
        resident.push(rig.table.session(key).unwrap().tape().resident());
    }
    assert_eq!(resident, [2, 4, 5, 5]);
}

#[test]
fn t1_outputs_of_another_batch_choose_no_token() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    // A batch that leaves nothing leaves no outputs either.
    rig.table.ask(key, &Ask::Suffix(ids(&[3]))).unwrap();
    rig.table.begin(key, 1).unwrap();
    rig.see(key, Seen::Evaluated { came: 0, failed: true });
    assert_eq!(rig.run(key), Some(Err(Failure::Backend)));
    rig.table.ask(key, &DECODE).unwrap();
    assert!(matches!(rig.table.begin(key, 1), Some(Effect::Truncate { keep: 1, .. })));
    // The last token is evaluated again, and is not lost while it is not in the cache.
    assert_eq!(rig.text(key), ids(&[1, 2]));
    rig.see(key, Seen::Done);
    assert_eq!(rig.text(key), ids(&[1, 2]));
}

#[test]
fn t2_an_unknown_outcome_is_cut_back_to_what_is_known() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    rig.table.ask(key, &Ask::Suffix(ids(&[3, 4]))).unwrap();
    let effect = rig.table.begin(key, 2).unwrap();
    rig.perform(key, effect);
    rig.see(key, Seen::Unknown);
    assert!(!rig.table.session(key).unwrap().claims_cache());
    assert!(matches!(rig.table.session(key).unwrap().wants(), Some(Effect::Truncate { keep: 2, .. })));
    assert_eq!(rig.run(key), Some(Err(Failure::Backend)));
    assert!(rig.tape_is_cache(key));
    assert_eq!(rig.text(key), ids(&[1, 2]));
}

#[test]
fn t2_a_cache_that_lies_is_fatal() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    rig.table.ask(key, &Ask::Suffix(ids(&[2]))).unwrap();
    rig.table.begin(key, 1).unwrap();
    rig.see(key, Seen::Evaluated { came: 2, failed: false });
    assert_eq!(rig.run(key), Some(Err(Failure::Fatal)));
}

#[test]
fn t4_one_operation_runs_at_a_time() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    let ticket = rig.table.ask(key, &Ask::Suffix(ids(&[2, 3]))).unwrap();
    assert_eq!(rig.table.ask(key, &DECODE), Err(Refusal::Busy(Operation::PrefillSuffix)));
    let effect = rig.table.begin(key, 1).unwrap();
    rig.table.cancel(key, ticket);
    assert_eq!(rig.table.ask(key, &DECODE), Err(Refusal::NotYet));
    rig.land(key, effect);
    assert_eq!(rig.run(key), Some(Err(Failure::Cancelled)));
    assert!(rig.table.ask(key, &DECODE).is_ok());
}

#[test]
fn t5_the_after_state_of_a_cancel() {
    // Before the first effect: everything as it was, the token that waits included.
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    rig.writes = ids(&[3, 4, 5]);
    assert!(rig.call(key, &DECODE).is_ok());
    for ask in [Ask::Prefix(ids(&[1, 9])), Ask::Suffix(ids(&[5])), DECODE] {
        let before = rig.table.session(key).unwrap().head();
        let ticket = rig.table.ask(key, &ask).unwrap();
        rig.table.cancel(key, ticket);
        rig.run(key);
        assert_eq!(rig.table.session(key).unwrap().head(), before, "{ask:?}");
    }
    // A suffix: what was there, and a head of what is new.
    let ticket = rig.table.ask(key, &Ask::Suffix(ids(&[5, 6]))).unwrap();
    let effect = rig.table.begin(key, 2).unwrap();
    rig.table.cancel(key, ticket);
    rig.land(key, effect);
    assert_eq!(rig.run(key), Some(Err(Failure::Cancelled)));
    assert_eq!(rig.text(key), ids(&[1, 2, 3, 4, 5]));
    // A prefix: a head of the new one.
    let ticket = rig.table.ask(key, &Ask::Prefix(ids(&[1, 2, 8, 9]))).unwrap();
    let effect = rig.table.begin(key, 2).unwrap();
    rig.land(key, effect);
    rig.table.cancel(key, ticket);
    assert_eq!(rig.run(key), Some(Err(Failure::Cancelled)));
    assert_eq!(rig.text(key), ids(&[1, 2]));
    // A decode: what was handed out, and no token more.
    rig.writes = ids(&[3, 4, 5]);
    let ticket = rig.table.ask(key, &Ask::decode(None)).unwrap();
    rig.items.clear();
    while rig.items.len() < 2 {
        let effect = rig.table.begin(key, 2).unwrap();
        rig.land(key, effect);
    }
    rig.table.cancel(key, ticket);
    let cancelled = Answer::Decoded { finish: FinishReason::Cancelled, generated: 2, shifted: 0 };
    assert_eq!(rig.run(key), Some(Ok(cancelled)));
    assert_eq!(rig.text(key), ids(&[1, 2, 3, 4]));
    assert!(rig.tape_is_cache(key));
}

#[test]
fn t6_what_does_not_fit_is_refused_before_anything_is_changed() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(3, &[1, 2]);
    let before = rig.table.clone();
    let overflow = |resident, additional| Refusal::Overflow {
        resident: TokenCount(resident),
        additional: TokenCount(additional),
        limit: TokenCount(3),
    };
    assert_eq!(rig.table.ask(key, &Ask::Suffix(ids(&[3, 4]))), Err(overflow(2, 2)));
    assert_eq!(rig.table.ask(key, &Ask::Prefix(ids(&[3, 4, 5, 6]))), Err(overflow(0, 4)));
    assert_eq!(rig.table, before);
    // A decode ends, and says with what.
    rig.writes = ids(&[3, 4, 5, 6]);
    let answer = rig.call(key, &Ask::decode(None)).unwrap();
    let finish = FinishReason::ContextFull { resident: TokenCount(3), limit: TokenCount(3) };
    assert_eq!(answer, Answer::Decoded { finish, generated: 2, shifted: 0 });
    assert_eq!(rig.text(key), ids(&[1, 2, 3, 4]));
}

#[test]
fn t7_generated_tokens_are_reused() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    rig.writes = ids(&[2, 3, 4]);
    rig.call(key, &Ask::decode(Some(3))).unwrap();
    let Answer::Prefilled { reuse, end } = rig.call(key, &Ask::Prefix(ids(&[1, 2, 3, 4, 5]))).unwrap() else {
        panic!("a prefix was asked for")
    };
    // The last one was handed out and not in the cache yet.
    assert_eq!((reuse.reused.0, reuse.prefilled.0, reuse.dropped.0, end.0), (3, 2, 0, 5));
    assert_eq!(reuse.reason, ReuseReason::Extended);
}

#[test]
fn t8_a_late_cancel_or_observation_changes_nothing() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    let old = rig.table.session(key).unwrap().ticket();
    rig.table.ask(key, &Ask::Suffix(ids(&[2]))).unwrap();
    rig.table.begin(key, 1).unwrap();
    let before = rig.table.clone();
    rig.table.cancel(key, old);
    assert_eq!(rig.table.seen(key, old, Seen::Evaluated { came: 1, failed: false }), Err(Stale));
    assert_eq!(rig.table, before);
}

#[test]
fn t9_after_the_fence_nothing_comes_and_memory_goes() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    rig.writes = ids(&[2, 3]);
    rig.table.ask(key, &DECODE).unwrap();
    let effect = rig.table.begin(key, 1).unwrap();
    rig.land(key, effect);
    assert!(matches!(rig.table.begin(key, 1), Some(Effect::Emit(_))));
    // The gate has closed and the session has not heard of it.
    rig.see(key, Seen::Fenced);
    assert_eq!(rig.run_to_end(key), [Effect::Answer.name(), "clear"]);
    assert!(rig.items.is_empty() && rig.cache[0].is_empty());
    assert_eq!(rig.table.ask(key, &DECODE), Err(Refusal::Closed));
}

#[test]
fn t10_a_fatal_session_frees_its_memory_and_refuses() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    rig.table.ask(key, &Ask::Prefix(ids(&[1, 3]))).unwrap();
    rig.table.begin(key, 1).unwrap();
    rig.see(key, Seen::Unknown);
    rig.table.begin(key, 1).unwrap();
    rig.see(key, Seen::Unknown);
    assert_eq!(rig.run(key), Some(Err(Failure::Fatal)));
    assert!(rig.cache[0].is_empty());
    assert_eq!(rig.table.ask(key, &DECODE), Err(Refusal::Fatal));
    rig.table.end(key, Ending::Closed);
    assert_eq!(rig.table.session(key), None);
}

#[test]
fn t11_a_snapshot_restores_what_it_says_or_is_refused() {
    let mut rig = Rig::new(1, 2);
    let key = rig.with_text(8, &[1, 2]);
    rig.writes = ids(&[3, 4]);
    rig.call(key, &DECODE).unwrap();
    let Answer::Saved { id, covers } = rig.call(key, &Ask::Snapshot).unwrap() else {
        panic!("a snapshot was asked for")
    };
    assert_eq!(covers, TokenCount(4));
    rig.call(key, &Ask::Prefix(ids(&[9]))).unwrap();
    let kept = rig.file.clone();
    let damages: [(Damage, Refused); 5] = [
        (|rig| rig.file = None, Refused::Absent),
        (|rig| rig.file.as_mut().unwrap().1.identity = Digest([2; 32]), Refused::Identity),
        (
            |rig| rig.file.as_mut().unwrap().1.tokens = ids(&[0; 9]),
            Refused::Overflow { resident: TokenCount(9), limit: TokenCount(8) },
        ),
        (|rig| rig.file.as_mut().unwrap().1.prefix = 9, Refused::Malformed),
        (|rig| rig.file.as_mut().unwrap().2.clear(), Refused::Unproven),
    ];
    for (damage, refused) in damages {
        rig.file = kept.clone();
        damage(&mut rig);
        let before = rig.table.session(key).unwrap().head();
        assert_eq!(rig.call(key, &Ask::Restore(id)), Err(Failure::Refused(refused)));
        assert_eq!(rig.table.session(key).unwrap().head(), before);
        assert!(rig.tape_is_cache(key));
    }
    // Bytes that are not those of the name.
    rig.file = kept.clone();
    rig.table.ask(key, &Ask::Restore(id)).unwrap();
    rig.table.begin(key, 1).unwrap();
    rig.see(key, Seen::Read(Ok((kept.clone().unwrap().1, Digest([8; 32])))));
    assert_eq!(rig.run(key), Some(Err(Failure::Refused(Refused::Digest))));

    rig.file = kept;
    assert_eq!(rig.call(key, &Ask::Restore(id)), Ok(Answer::Restored { covers: TokenCount(4) }));
    assert_eq!(rig.text(key), ids(&[1, 2, 3, 4]));
    assert!(rig.tape_is_cache(key));
}

#[test]
fn t16_a_shift_is_allowed_told_and_never_reused() {
    let mut rig = Rig::sharing(2, 2, Sharing::AtLeast(NonZeroUsize::MIN));
    let key = rig.table.open(5).unwrap();
    rig.call(key, &Ask::Prefix(ids(&[1, 2]))).unwrap();
    rig.call(key, &Ask::Suffix(ids(&[3, 4]))).unwrap();
    rig.writes = ids(&[5, 6, 7, 8]);
    let ask = Ask::Decode { max_tokens: Some(4), continues: vec![], drafts: Drafts::NONE, shift: true };
    let answer = rig.call(key, &ask).unwrap();
    assert_eq!(answer, Answer::Decoded { finish: FinishReason::Length, generated: 4, shifted: 2 });
    // The prefix stays; 3 is gone, and then 4.
    assert_eq!(rig.text(key), ids(&[1, 2, 5, 6, 7, 8]));
    assert!(rig.tape_is_cache(key));
    assert_eq!(rig.table.ask(key, &Ask::Snapshot), Err(Refusal::Shifted));
    // Only the prefix is what these tokens alone make of it: for others, and for the session itself.
    let other = rig.table.open(8).unwrap();
    let Ok(Answer::Prefilled { reuse, .. }) = rig.call(other, &Ask::Prefix(ids(&[1, 2, 5, 6, 7]))) else {
        panic!("a prefix was asked for")
    };
    assert_eq!((reuse.shared.0, reuse.prefilled.0), (2, 3));
    rig.table.end(other, Ending::Closed);
    rig.run_to_end(other);
    let Ok(Answer::Prefilled { reuse, .. }) = rig.call(key, &Ask::Prefix(ids(&[1, 2, 5, 6, 7]))) else {
        panic!("a prefix was asked for")
    };
    assert_eq!((reuse.reused.0, reuse.prefilled.0), (2, 3));
    rig.call(key, &Ask::Snapshot).unwrap();
}

#[test]
fn t16_without_leave_a_full_context_ends_the_decode() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(3, &[1, 2]);
    rig.writes = ids(&[3, 4, 5]);
    let ask = |shift| Ask::Decode { max_tokens: None, continues: vec![], drafts: Drafts::NONE, shift };
    let full = FinishReason::ContextFull { resident: TokenCount(3), limit: TokenCount(3) };
    let answer = rig.call(key, &ask(false)).unwrap();
    assert_eq!(answer, Answer::Decoded { finish: full, generated: 2, shifted: 0 });
    // Nor with it, where all is prefix or the cache can't.
    rig.call(key, &Ask::Prefix(ids(&[1, 2, 3]))).unwrap();
    rig.writes = ids(&[4, 5]);
    assert_eq!(
        rig.call(key, &ask(true)).unwrap(),
        Answer::Decoded { finish: full, generated: 1, shifted: 0 }
    );
    rig.call(key, &Ask::Prefix(ids(&[1]))).unwrap();
    (rig.trims, rig.writes) = (false, ids(&[2, 3, 4, 5]));
    let answer = rig.call(key, &ask(true)).unwrap();
    assert!(matches!(answer, Answer::Decoded { finish: FinishReason::ContextFull { .. }, shifted: 0, .. }));
}
