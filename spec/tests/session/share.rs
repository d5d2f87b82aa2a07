//! What sessions take from each other.

use core::num::NonZeroUsize;

use modeld_spec::session::effect::{Answer, Ask, Effect};
use modeld_spec::session::table::{Key, Part, Sharing};
use modeld_spec::session::tape::Reuse;

use crate::rig::{Rig, ids};

const ALWAYS: Sharing = Sharing::AtLeast(NonZeroUsize::MIN);

fn prefix(rig: &mut Rig, key: Key, tokens: &[u8]) -> Reuse {
    match rig.call(key, &Ask::Prefix(ids(tokens))) {
        Ok(Answer::Prefilled { reuse, .. }) => reuse,
        other => panic!("a prefix was asked for: {other:?}"),
    }
}

#[test]
fn t13_a_prefix_of_many_is_evaluated_once() {
    let mut rig = Rig::sharing(3, 3, ALWAYS);
    let keys = [0, 1, 2].map(|_| rig.table.open(8).unwrap());
    for (key, own) in keys.into_iter().zip([7, 8, 9]) {
        rig.table.ask(key, &Ask::Prefix(ids(&[1, 2, 3, 4, own]))).unwrap();
    }
    // All at once: the first one evaluates, the others wait for it.
    let parts: Vec<Part> = rig.table.wishes().map(|wish| wish.part).collect();
    let follow = Part::Follow { leader: keys[0] };
    assert_eq!(parts, [Part::Prompt, follow, follow]);
    let mut evaluated = 0;
    for key in keys {
        while let Some(effect) = rig.table.begin(key, usize::MAX) {
            if let Effect::Evaluate { count, .. } = effect {
                evaluated += count;
            }
            rig.land(key, effect);
        }
    }
    assert_eq!(evaluated, 5 + 1 + 1);
    for (key, own) in keys.into_iter().zip([7, 8, 9]) {
        assert_eq!(rig.text(key), ids(&[1, 2, 3, 4, own]));
        assert!(rig.tape_is_cache(key));
    }
    // The answer says where it came from.
    let fourth = {
        rig.table.end(keys[2], modeld_spec::session::machine::Ending::Closed);
        rig.run_to_end(keys[2]);
        rig.table.open(8).unwrap()
    };
    let reuse = prefix(&mut rig, fourth, &[1, 2, 3, 4, 8, 5]);
    assert_eq!((reuse.reused.0, reuse.shared.0, reuse.prefilled.0), (0, 5, 1));
}

#[test]
fn t13_what_stands_behind_another_text_is_not_shared() {
    let mut rig = Rig::sharing(2, 2, ALWAYS);
    rig.with_text(8, &[9, 2, 3, 4]);
    let key = rig.table.open(8).unwrap();
    let reuse = prefix(&mut rig, key, &[1, 2, 3, 4, 5]);
    assert_eq!((reuse.shared.0, reuse.prefilled.0), (0, 5));
    // Nor from a session whose batch is in flight.
    let mut rig = Rig::sharing(2, 2, ALWAYS);
    let first = rig.with_text(8, &[1, 2, 3]);
    let second = rig.table.open(8).unwrap();
    rig.table.ask(first, &Ask::Suffix(ids(&[4]))).unwrap();
    rig.table.begin(first, 1).unwrap();
    rig.table.ask(second, &Ask::Prefix(ids(&[1, 2, 3, 5]))).unwrap();
    assert!(matches!(rig.table.wants(second), Some(Effect::Evaluate { count: 4, .. })));
}

#[test]
fn t13_a_cache_that_can_not_share_evaluates() {
    let mut rig = Rig::sharing(2, 2, ALWAYS);
    rig.shares = false;
    rig.with_text(8, &[1, 2, 3]);
    let key = rig.table.open(8).unwrap();
    let reuse = prefix(&mut rig, key, &[1, 2, 3, 4]);
    assert_eq!((reuse.shared.0, reuse.prefilled.0), (0, 4));
    // Fewer than are worth it are evaluated, too.
    let mut rig = Rig::sharing(2, 2, Sharing::AtLeast(NonZeroUsize::new(4).unwrap()));
    rig.with_text(8, &[1, 2, 3]);
    let key = rig.table.open(8).unwrap();
    let reuse = prefix(&mut rig, key, &[1, 2, 3, 4]);
    assert_eq!((reuse.shared.0, reuse.prefilled.0), (0, 4));
}
