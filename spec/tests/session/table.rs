//! The rules of spec/session.md that the table of sessions keeps.

use modeld_spec::session::effect::{Ask, Effect, Refusal, Seen};
use modeld_spec::session::machine::Ending;
use modeld_spec::session::table::Use;

use crate::rig::{Rig, ids};

#[test]
fn t3_a_sequence_is_used_again_when_it_is_empty() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    rig.table.end(key, Ending::Closed);
    assert_eq!(rig.table.open(8), Err(Refusal::NoSequence));
    assert_eq!(rig.table.uses(), [Use::Taken]);
    rig.run_to_end(key);
    assert_eq!(rig.table.uses(), [Use::Free]);
    assert!(rig.cache[0].is_empty());
    assert!(rig.table.open(8).is_ok());
}

#[test]
fn t3_a_sequence_that_could_not_be_emptied_is_retired() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1, 2]);
    rig.table.end(key, Ending::Closed);
    assert!(matches!(rig.table.begin(key, 1), Some(Effect::Clear { .. })));
    rig.see(key, Seen::Unknown);
    assert_eq!(rig.table.uses(), [Use::Retired]);
    assert_eq!(rig.table.session(key), None);
    assert_eq!(rig.table.open(8), Err(Refusal::NoSequence));
}

#[test]
fn t3_a_session_is_not_freed_under_its_batch() {
    let mut rig = Rig::new(1, 1);
    let key = rig.table.open(8).unwrap();
    rig.table.ask(key, &Ask::Prefix(ids(&[1, 2, 3]))).unwrap();
    let effect = rig.table.begin(key, 1).unwrap();
    rig.table.end(key, Ending::Closed);
    assert_eq!(rig.table.begin(key, 1), None);
    rig.land(key, effect);
    assert_eq!(rig.run_to_end(key), ["answer", "clear"]);
}

#[test]
fn t8_a_handle_of_a_former_session_meets_nothing() {
    let mut rig = Rig::new(1, 1);
    let old = rig.with_text(8, &[1]);
    rig.table.end(old, Ending::Closed);
    rig.run_to_end(old);
    let new = rig.with_text(8, &[2]);
    assert_eq!(old.place, new.place);
    assert_eq!(rig.table.ask(old, &Ask::Snapshot), Err(Refusal::Closed));
    assert_eq!(rig.table.session(old), None);
}

#[test]
fn t11_a_restore_needs_a_sequence_of_its_own() {
    let mut rig = Rig::new(1, 1);
    let key = rig.with_text(8, &[1]);
    let before = rig.table.clone();
    let id = modeld_spec::session::snapshot::Digest([7; 32]);
    assert_eq!(rig.table.ask(key, &Ask::Restore(id)), Err(Refusal::NoSequence));
    assert_eq!(rig.table, before);
}
