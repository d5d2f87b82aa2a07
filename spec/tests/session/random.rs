//! Any sequence of operations, cancels and failures against a reference that knows nothing of caches: a list of tokens.

use modeld_spec::session::effect::{Answer, Ask, Effect, Failure, Refusal, Seen};
use modeld_spec::session::tape::TokenId;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::rig::{Rig, ids};

/// An operation, and after how many effects what happens to it.
#[derive(Clone, Debug)]
struct Act {
    ask: Ask,
    after: usize,
    fault: Fault,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    Cancel,
    /// The batch fails after so many tokens.
    Fails(usize),
    /// Nobody can tell what came, and so many did.
    Unknown(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let text = || vec(0u8..2, 0..6);
    let ask = prop_oneof![
        text().prop_map(|text| Ask::Prefix(ids(&text))),
        text().prop_map(|text| Ask::Suffix(ids(&text))),
        (0u64..4).prop_map(|max| Ask::Decode { max_tokens: Some(max) }),
        Just(Ask::Snapshot),
        Just(Ask::Restore(modeld_spec::session::snapshot::Digest([7; 32]))),
    ];
    let fault = prop_oneof![
        3 => Just(Fault::Nothing),
        2 => Just(Fault::Cancel),
        1 => (0usize..3).prop_map(Fault::Fails),
        1 => (0usize..3).prop_map(Fault::Unknown),
    ];
    (ask, 0usize..6, fault).prop_map(|(ask, after, fault)| Act { ask, after, fault })
}

proptest! {
    #[test]
    fn the_text_is_that_of_a_list_whatever_is_asked_and_whatever_fails(
        acts in vec(act(), 1..30),
        limit in 1usize..12,
        trims in any::<bool>(),
        written in vec(0u8..2, 0..40),
    ) {
        let mut rig = Rig::new(1, 2);
        (rig.trims, rig.writes) = (trims, ids(&written));
        let key = rig.table.open(limit).unwrap();
        let (mut text, mut saved): (Vec<TokenId>, Vec<TokenId>) = (Vec::new(), Vec::new());
        for act in acts {
            let wanted = match &act.ask {
                Ask::Prefix(tokens) => tokens.clone(),
                Ask::Suffix(tokens) => [text.clone(), tokens.clone()].concat(),
                Ask::Restore(_) => saved.clone(),
                Ask::Decode { .. } | Ask::Snapshot => text.clone(),
            };
            let prefills = matches!(act.ask, Ask::Prefix(_) | Ask::Suffix(_));
            rig.items.clear();
            let before = rig.table.clone();
            let ticket = match rig.table.ask(key, &act.ask) {
                Ok(ticket) => ticket,
                Err(refusal) => {
                    // T6: refused exactly where it does not fit, or there is nothing to go on with.
                    match refusal {
                        Refusal::Overflow { .. } => prop_assert!(prefills && limit < wanted.len()),
                        Refusal::Empty => prop_assert!(text.is_empty()),
                        other => return Err(TestCaseError::fail(other.to_string())),
                    }
                    prop_assert_eq!(&rig.table, &before);
                    continue;
                }
            };
            prop_assert!(!prefills || wanted.len() <= limit);
            let (mut answer, mut effects) = (None, 0);
            while let Some(effect) = rig.table.begin(key, 2) {
                if effects == act.after && matches!(act.fault, Fault::Cancel) {
                    rig.table.cancel(key, ticket);
                }
                if effect == Effect::Answer {
                    answer = rig.table.session(key).unwrap().answer();
                }
                let seen = match (effect, act.fault) {
                    (Effect::Evaluate { sequence, count, .. }, Fault::Fails(came) | Fault::Unknown(came))
                        if act.after <= effects =>
                    {
                        let came = came.min(count);
                        let fed: Vec<TokenId> = rig.table.session(key).unwrap().feed()[..came].to_vec();
                        rig.cache[sequence.0 as usize].extend(fed);
                        if matches!(act.fault, Fault::Unknown(_)) {
                            Seen::Unknown
                        } else {
                            Seen::Evaluated { came, failed: true }
                        }
                    }
                    _ => rig.perform(key, effect),
                };
                rig.see(key, seen);
                prop_assert!(rig.tape_is_cache(key), "after {:?} of {:?}", effect, act);
                effects += 1;
                prop_assert!(effects < 200, "it does not end");
            }
            let (now, items) = (rig.text(key), rig.items.iter().map(|item| item.token).collect::<Vec<_>>());
            let said = [wanted.clone(), items].concat();
            match answer {
                Some(Ok(Answer::Prefilled { reuse, .. })) => {
                    prop_assert_eq!(&now, &wanted);
                    prop_assert!(!trims || reuse.prefilled.0 as usize <= wanted.len());
                }
                Some(Ok(Answer::Decoded { generated, .. })) => {
                    prop_assert_eq!(generated as usize, rig.items.len());
                    // Where the cache can't be cut a cancel may leave a head of what was there.
                    prop_assert!(now == said || !trims && said.starts_with(&now));
                }
                Some(Ok(Answer::Saved { .. })) => saved = now.clone(),
                Some(Ok(Answer::Restored { .. })) => prop_assert_eq!(&now, &saved),
                Some(Err(Failure::Cancelled | Failure::Backend)) => {
                    prop_assert!(now == text || said.starts_with(&now), "{now:?} of {said:?}");
                    let appends = matches!(act.ask, Ask::Suffix(_) | Ask::Decode { .. });
                    prop_assert!(!trims || !appends || now.starts_with(&text));
                }
                Some(Err(Failure::Refused(_))) => prop_assert_eq!(&now, &text),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
            text = now;
            prop_assert!(rig.table.session(key).unwrap().tape().resident() <= limit);
        }
    }
}
