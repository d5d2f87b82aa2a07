//! Any sequence of operations, cancels and failures against a reference that knows nothing of caches: a list of tokens.

use core::num::NonZeroUsize;

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::effect::{Answer, Ask, Effect, Failure, Refusal, Seen, Ticket};
use modeld_spec::session::machine::Session;
use modeld_spec::session::table::{Key, Sharing};
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
        (0u64..4, vec(0u8..2, 0..3), 0u8..4, 1u8..3, any::<bool>()).prop_map(
            |(max, continues, most, alike, shift)| {
                let (continues, drafts) = (ids(&continues), Drafts { most, alike });
                Ask::Decode { max_tokens: Some(max), continues, drafts, shift }
            }
        ),
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
        (neighbour, shares) in (vec(0u8..2, 0..6), any::<bool>()),
    ) {
        let mut rig = Rig::sharing(2, 3, Sharing::AtLeast(NonZeroUsize::MIN));
        (rig.trims, rig.writes, rig.shares) = (trims, ids(&written), shares);
        rig.with_text(12, &neighbour);
        let key = rig.table.open(limit).unwrap();
        let (mut text, mut saved): (Vec<TokenId>, Vec<TokenId>) = (Vec::new(), Vec::new());
        for act in acts {
            let wanted = act.wanted(&text, &saved);
            let prefills = !matches!(act.ask, Ask::Snapshot | Ask::Restore(_));
            rig.items.clear();
            rig.shifts.clear();
            let before = rig.table.clone();
            let ticket = match rig.table.ask(key, &act.ask) {
                Ok(ticket) => ticket,
                Err(refusal) => {
                    // T6: refused exactly where it does not fit, or there is nothing to go on with.
                    match refusal {
                        Refusal::Overflow { .. } => prop_assert!(prefills && limit < wanted.len()),
                        Refusal::Empty => prop_assert!(text.is_empty()),
                        Refusal::Shifted => prop_assert!(matches!(act.ask, Ask::Snapshot)),
                        other => return Err(TestCaseError::fail(other.to_string())),
                    }
                    prop_assert_eq!(&rig.table, &before);
                    continue;
                }
            };
            // A token that waits behind a full tape was handed out, and needs no room.
            prop_assert!(!prefills || wanted.len() <= limit || wanted == text);
            let answer = run(&mut rig, key, ticket, &act)?;
            let now = rig.text(key);
            check(&rig, &act, answer, Texts { before: &text, wanted: &wanted, saved: &saved, now: &now })?;
            if let Some(Ok(Answer::Saved { .. })) = answer {
                saved.clone_from(&now);
            }
            text = now;
            prop_assert!(rig.table.session(key).unwrap().tape().resident() <= limit);
        }
    }
}

impl Act {
    /// The text that it makes of `text` if it ends well and nothing is generated.
    fn wanted(&self, text: &[TokenId], saved: &[TokenId]) -> Vec<TokenId> {
        match &self.ask {
            Ask::Prefix(tokens) => tokens.clone(),
            Ask::Suffix(tokens) => [text, tokens].concat(),
            Ask::Restore(_) => saved.to_vec(),
            Ask::Decode { continues, .. } => [text, continues].concat(),
            Ask::Snapshot => text.to_vec(),
        }
    }
}

/// Performs the effects of an operation to its end, its fault among them. The answer.
fn run(rig: &mut Rig, key: Key, ticket: Ticket, act: &Act) -> Result<Option<Answered>, TestCaseError> {
    let (mut answer, mut effects) = (None, 0);
    while let Some(effect) = rig.table.begin(key, 2) {
        if effects == act.after && matches!(act.fault, Fault::Cancel) {
            rig.table.cancel(key, ticket);
        }
        if effect == Effect::Answer {
            answer = rig.table.session(key).and_then(Session::answer);
        }
        let seen = match (effect, act.fault) {
            (Effect::Evaluate { sequence, count, .. }, Fault::Fails(came) | Fault::Unknown(came))
                if act.after <= effects =>
            {
                let came = came.min(count);
                let fed =
                    rig.table.session(key).map_or_else(Vec::new, |session| session.feed()[..came].to_vec());
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
    Ok(answer)
}

/// The text that an operation wants, with every item behind it and without what went to make room.
fn said(wanted: &[TokenId], rig: &Rig) -> Vec<TokenId> {
    let mut said = wanted.to_vec();
    for number in 0..=rig.items.len() {
        for (_, start, count) in rig.shifts.iter().filter(|(after, ..)| *after == number) {
            said.drain(*start..*start + *count);
        }
        said.extend(rig.items.get(number).map(|item| item.token));
    }
    said
}

/// What the reference knows: the text before the operation, what it makes of it, what was saved last, and the text after it.
struct Texts<'a> {
    before: &'a [TokenId],
    wanted: &'a [TokenId],
    saved: &'a [TokenId],
    now: &'a [TokenId],
}

/// Holds an answer against the text.
fn check(rig: &Rig, act: &Act, answer: Option<Answered>, texts: Texts<'_>) -> Result<(), TestCaseError> {
    let Texts { before, wanted, saved, now } = texts;
    let items: Vec<TokenId> = rig.items.iter().map(|item| item.token).collect();
    let said = said(wanted, rig);
    match answer {
        Some(Ok(Answer::Prefilled { reuse, .. })) => {
            prop_assert_eq!(now, wanted);
            prop_assert!(!rig.trims || reuse.prefilled.0 as usize <= wanted.len());
            prop_assert!(rig.shares || reuse.shared.0 == 0);
        }
        Some(Ok(Answer::Decoded { generated, .. })) => {
            prop_assert_eq!(generated as usize, items.len());
            // A cancel may leave a head of the answer that was gone on with, and where the cache can't be cut of all of it.
            let cancelled = matches!(act.fault, Fault::Cancel) && items.is_empty() && now.starts_with(before);
            prop_assert!(now == said || (cancelled || !rig.trims) && said.starts_with(now));
        }
        Some(Ok(Answer::Saved { .. })) => {}
        Some(Ok(Answer::Restored { .. })) => prop_assert_eq!(now, saved),
        Some(Err(Failure::Cancelled | Failure::Backend)) => {
            prop_assert!(now == before || said.starts_with(now), "{now:?} of {said:?}");
            let appends = matches!(act.ask, Ask::Suffix(_) | Ask::Decode { .. });
            let shifted = !rig.shifts.is_empty();
            prop_assert!(!rig.trims || !appends || shifted || now.starts_with(before));
        }
        Some(Err(Failure::Refused(_))) => prop_assert_eq!(now, before),
        other => return Err(TestCaseError::fail(format!("{other:?}"))),
    }
    Ok(())
}

type Answered = Result<Answer, Failure>;
