//! Whose tokens go into a batch.

use std::collections::BTreeMap;

use modeld_spec::ids::Epoch;
use modeld_spec::session::batch::{Bounds, Portion, Scheduler};
use modeld_spec::session::table::{Key, Part, Wish};
use proptest::collection::vec;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { batch: 8, share: 4, together: usize::MAX };

fn key(place: usize) -> Key {
    Key { epoch: Epoch::FIRST, place, life: 1 }
}

fn wishes(parts: &[(Part, usize)]) -> Vec<Wish> {
    let wish = |(place, (part, tokens)): (usize, &(Part, usize))| Wish {
        key: key(place),
        tokens: *tokens,
        part: *part,
    };
    parts.iter().enumerate().map(wish).collect()
}

fn rows(batch: &[Portion]) -> Vec<(usize, usize)> {
    batch.iter().map(|portion| (portion.key.place, portion.tokens)).collect()
}

#[test]
fn t15_everyone_who_generates_is_in_every_batch() {
    let mut scheduler = Scheduler::new();
    let all = wishes(&[(Part::Generate, 3), (Part::Prompt, 100), (Part::Generate, 1)]);
    // The guesses of one do not take the row of another, and the prompt gets its share.
    assert_eq!(rows(&scheduler.next(&all, BOUNDS)), [(0, 3), (2, 1), (1, 4)]);
    let tight = Bounds { batch: 3, ..BOUNDS };
    assert_eq!(rows(&scheduler.next(&all, tight)), [(0, 1), (2, 1), (1, 1)]);
    // More than there are rows: in turn, prompts too.
    let tight = Bounds { batch: 2, ..BOUNDS };
    assert_eq!(rows(&scheduler.next(&all, tight)), [(0, 1), (1, 1)]);
    assert_eq!(rows(&scheduler.next(&all, tight)), [(2, 1), (0, 1)]);
    let mut scheduler = Scheduler::new();
    let crowd = wishes(&[(Part::Generate, 1); 3]);
    assert_eq!(rows(&scheduler.next(&crowd, tight)), [(0, 1), (1, 1)]);
    assert_eq!(rows(&scheduler.next(&crowd, tight)), [(2, 1), (0, 1)]);
    assert_eq!(rows(&scheduler.next(&crowd, tight)), [(1, 1), (2, 1)]);
}

#[test]
fn t15_prompts_take_turns() {
    let mut scheduler = Scheduler::new();
    let all = wishes(&[(Part::Prompt, 100), (Part::Prompt, 3), (Part::Follow { leader: key(0) }, 9)]);
    assert_eq!(rows(&scheduler.next(&all, BOUNDS)), [(0, 8)]);
    assert_eq!(rows(&scheduler.next(&all, BOUNDS)), [(1, 3), (0, 5)]);
    assert_eq!(rows(&scheduler.next(&all[2..], BOUNDS)), []);
}

#[derive(Clone, Copy, Debug)]
struct Session {
    generates: bool,
    tokens: usize,
}

proptest! {
    #[test]
    fn t15_no_batch_is_larger_than_its_bounds(
        sessions in vec((any::<bool>(), 1usize..40).prop_map(|(generates, tokens)| Session { generates, tokens }), 1..12),
        (batch, share, together) in (1usize..16, 1usize..8, 1usize..40),
    ) {
        let bounds = Bounds { batch, share, together };
        let mut scheduler = Scheduler::new();
        let part = |session: &Session| if session.generates { Part::Generate } else { Part::Prompt };
        let wishes =
            wishes(&sessions.iter().map(|session| (part(session), session.tokens)).collect::<Vec<_>>());
        let generating = sessions.iter().filter(|session| session.generates).count();
        let mut idle: BTreeMap<usize, usize> = BTreeMap::new();
        for _ in 0..50 {
            let portions = scheduler.next(&wishes, bounds);
            prop_assert!(!portions.is_empty());
            let sum: usize = portions.iter().map(|portion| portion.tokens).sum();
            prop_assert!(sum <= batch);
            for portion in &portions {
                let wished = sessions[portion.key.place].tokens;
                prop_assert!(0 < portion.tokens && portion.tokens <= wished.min(together));
            }
            let of = |generates: bool| {
                let is_of = |portion: &&Portion| sessions[portion.key.place].generates == generates;
                portions.iter().filter(is_of).map(|portion| portion.tokens).collect::<Vec<usize>>()
            };
            let is_crowded = batch < generating + usize::from(generating < sessions.len());
            prop_assert!(is_crowded || generating == 0 || of(false).iter().sum::<usize>() <= share);
            prop_assert!(is_crowded || of(true).len() == generating);
            // Nobody waits for longer than all others of its kind together.
            for place in 0..sessions.len() {
                let is_in = portions.iter().any(|portion| portion.key.place == place);
                let waits = idle.entry(place).or_default();
                *waits = if is_in { 0 } else { *waits + 1 };
                prop_assert!(*waits <= sessions.len(), "{place} waits for {waits}");
            }
        }
    }
}
