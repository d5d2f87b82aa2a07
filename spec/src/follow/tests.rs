//! Histories of one answer: owners that die, hand over, or send what they should not.

use alloc::string::{String, ToString};
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::ids::InstanceId;

const NOW: BootTime = BootTime::from_nanos(1_000_000_000);
const PATIENCE: Duration = Duration::from_secs(60);

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).unwrap()
}

fn text(tokens: &[i32]) -> DecodeEvent {
    DecodeEvent::Text {
        text: String::new(),
        tokens: tokens.iter().copied().map(TokenId).collect(),
        logprobs: Vec::new(),
    }
}

fn follow(max_tokens: u64) -> Follow {
    Follow::new(Some(max_tokens), Some(7), PATIENCE, NOW)
}

#[test]
fn an_older_epoch_is_refused_and_counted() {
    let mut watch = EpochWatch::default();
    assert_eq!(watch.admit(epoch(2)), Ok(()));
    assert_eq!(watch.admit(epoch(2)), Ok(()));
    assert_eq!(watch.admit(epoch(1)), Err(Error::StaleEpoch { got: epoch(1), seen: epoch(2) }));
    assert_eq!((watch.highest(), watch.refused()), (Some(epoch(2)), 1));
}

#[test]
fn the_next_owner_is_asked_for_the_rest() {
    let mut follow = follow(5);
    follow.opened(epoch(1)).unwrap();
    follow.item(epoch(1), 0, &text(&[10, 11])).unwrap();
    assert_eq!(follow.lost(epoch(1), Loss::Connection, NOW), Ok(Floor::From(epoch(1))));
    let rest = follow.opened(epoch(2)).unwrap();
    assert_eq!(rest.tokens, vec![TokenId(10), TokenId(11)]);
    assert_eq!((rest.max_tokens, rest.seed), (Some(3), Some(9)));
    assert_eq!(follow.epochs(), [epoch(1), epoch(2)]);
}

#[test]
fn an_epoch_that_has_ended_serves_no_more() {
    for error in [Error::Fenced { epoch: epoch(4) }, Error::Draining] {
        let mut follow = follow(5);
        follow.opened(epoch(4)).unwrap();
        assert_eq!(follow.lost(epoch(4), Loss::Owner(error), NOW), Ok(Floor::Above(epoch(4))));
        // The record still names it for a while, and a connection to it fails: it stays ended.
        assert_eq!(follow.lost(epoch(4), Loss::Connection, NOW), Ok(Floor::Above(epoch(4))));
        assert_eq!(follow.opened(epoch(4)), None);
        assert!(follow.opened(epoch(5)).is_some());
    }
}

#[test]
fn a_stale_fence_points_at_whoever_answered() {
    let mut follow = follow(5);
    let stale = Error::StaleFence {
        expected_instance: "a".to_string(),
        expected_epoch: 1,
        instance: InstanceId::new("b").unwrap(),
        epoch: epoch(3),
    };
    assert_eq!(follow.lost(epoch(1), Loss::Owner(stale), NOW), Ok(Floor::From(epoch(3))));
}

#[test]
fn items_that_are_missing_repeated_or_of_another_epoch_are_not_taken() {
    let mut follow = follow(9);
    assert_eq!(follow.item(epoch(1), 0, &text(&[1])), Err(BadItem::NotServing));
    follow.opened(epoch(2)).unwrap();
    follow.item(epoch(2), 0, &text(&[1, 2])).unwrap();
    assert_eq!(follow.item(epoch(2), 0, &text(&[1, 2])), Err(BadItem::Gap { expected: 2, got: 0 }));
    assert_eq!(follow.item(epoch(2), 3, &text(&[4])), Err(BadItem::Gap { expected: 2, got: 3 }));
    let other = BadItem::OtherEpoch { got: epoch(1), session: epoch(2) };
    assert_eq!(follow.item(epoch(1), 2, &text(&[3])), Err(other));
    assert_eq!(follow.tokens(), [TokenId(1), TokenId(2)]);
}

#[test]
fn a_failure_that_is_not_about_the_owner_ends_the_answer() {
    let mut follow = follow(9);
    let error = Error::ModelNotFound { model: "m".to_string() };
    assert_eq!(follow.lost(epoch(1), Loss::Owner(error.clone()), NOW), Err(GivenUp::Failed(error)));
}

#[test]
fn a_busy_device_is_waited_for_only_once_the_answer_has_begun() {
    let busy = Loss::Owner(Error::DeviceBusy { holder: None });
    assert!(matches!(follow(9).lost(epoch(1), busy.clone(), NOW), Err(GivenUp::Failed(_))));
    let mut begun = follow(9);
    begun.opened(epoch(1)).unwrap();
    begun.lost(epoch(1), Loss::Connection, NOW).unwrap();
    assert_eq!(begun.lost(epoch(2), busy, NOW), Ok(Floor::From(epoch(2))));
}

#[test]
fn patience_counts_from_the_loss_and_is_not_prolonged() {
    let mut follow = follow(9);
    follow.opened(epoch(1)).unwrap();
    follow.lost(epoch(1), Loss::Connection, NOW).unwrap();
    let later = NOW.after(Duration::from_secs(59));
    follow.lost(epoch(1), Loss::Connection, later).unwrap();
    assert_eq!(follow.time_left(later), Ok(Duration::from_secs(1)));
    let over = NOW.after(PATIENCE);
    assert_eq!(follow.time_left(over), Err(GivenUp::NoOwner(PATIENCE)));
    assert_eq!(follow.lost(epoch(1), Loss::Connection, over), Err(GivenUp::NoOwner(PATIENCE)));
}

#[test]
fn a_request_that_ends_owners_is_not_handed_on_for_ever() {
    let mut follow = follow(9);
    let lose = |follow: &mut Follow, number, tokens: &[i32]| {
        follow.opened(epoch(number)).unwrap();
        follow.item(epoch(number), 0, &text(tokens)).unwrap();
        follow.lost(epoch(number), Loss::Connection, NOW)
    };
    assert!(lose(&mut follow, 1, &[]).is_ok());
    assert!(lose(&mut follow, 2, &[]).is_ok());
    // One more token is progress: the count begins anew.
    assert!(lose(&mut follow, 3, &[1]).is_ok());
    assert!(lose(&mut follow, 4, &[]).is_ok());
    assert_eq!(lose(&mut follow, 5, &[]), Err(GivenUp::Fruitless(3)));
}

#[test]
fn an_owner_that_dies_while_it_loads_counts_and_one_that_can_not_be_reached_does_not() {
    let mut follow = follow(9);
    for _ in 0..10 {
        assert!(follow.lost(epoch(1), Loss::Connection, NOW).is_ok());
    }
    let loaded = NOW.after(PATIENCE * 2);
    for number in 1..3 {
        follow.asked();
        assert!(
            follow.lost(epoch(number), Loss::Connection, loaded).is_ok(),
            "patience begins with the loss"
        );
    }
    follow.asked();
    assert_eq!(follow.lost(epoch(3), Loss::Connection, loaded), Err(GivenUp::Fruitless(3)));
}

#[test]
fn owners_that_hand_over_in_order_are_not_counted() {
    let mut follow = follow(9);
    for number in 1..10 {
        follow.asked();
        follow.opened(epoch(number)).unwrap();
        assert!(follow.lost(epoch(number), Loss::Owner(Error::Draining), NOW).is_ok());
    }
}

/// What happens to one item on its way, or to the owner before it.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Repeated,
    FromTheOwnerBefore,
    OwnerDies,
}

proptest! {
    /// Owners continue a fixed sequence; whatever is repeated, late, or lost with its owner, the sequence is received.
    #[test]
    fn what_is_received_is_what_one_owner_would_have_sent(
        wanted in 1u64..40,
        sizes in prop::collection::vec(0usize..4, 1..20),
        fates in prop::collection::vec(
            prop_oneof![
                6 => Just(Fate::Arrives), 1 => Just(Fate::Repeated),
                1 => Just(Fate::FromTheOwnerBefore), 1 => Just(Fate::OwnerDies),
            ],
            1..80,
        ),
    ) {
        let whole: Vec<TokenId> = (0..wanted as i32).map(TokenId).collect();
        let mut follow = follow(wanted);
        let mut owner = 1;
        let mut rest = follow.opened(epoch(owner)).unwrap();
        let mut sent = 0;
        for (step, fate) in fates.into_iter().enumerate() {
            let from = rest.tokens.len() + sent;
            let to = (from + sizes[step % sizes.len()]).min(whole.len());
            let event = DecodeEvent::Text { text: String::new(), tokens: whole[from..to].to_vec(), logprobs: Vec::new() };
            let before = follow.tokens().to_vec();
            match fate {
                Fate::Arrives => {
                    prop_assert_eq!(follow.item(epoch(owner), sent as u64, &event), Ok(()));
                    sent += to - from;
                }
                Fate::Repeated if 0 < sent => {
                    prop_assert!(follow.item(epoch(owner), 0, &event).is_err());
                    prop_assert_eq!(follow.tokens(), &before[..]);
                }
                Fate::FromTheOwnerBefore if 1 < owner => {
                    prop_assert!(follow.item(epoch(owner - 1), sent as u64, &event).is_err());
                    prop_assert_eq!(follow.tokens(), &before[..]);
                }
                Fate::Repeated | Fate::FromTheOwnerBefore => {}
                Fate::OwnerDies => {
                    if follow.lost(epoch(owner), Loss::Connection, NOW).is_err() {
                        break;
                    }
                    owner += 1;
                    rest = follow.opened(epoch(owner)).unwrap();
                    sent = 0;
                }
            }
            prop_assert_eq!(follow.tokens(), &whole[..follow.tokens().len()]);
            prop_assert_eq!(rest.max_tokens, Some(wanted - rest.tokens.len() as u64));
            prop_assert!(follow.epochs().is_sorted());
        }
    }

    #[test]
    fn no_epoch_below_one_seen_is_admitted(numbers in prop::collection::vec(1u64..6, 1..40)) {
        let mut watch = EpochWatch::default();
        let mut highest = 0;
        for number in numbers {
            prop_assert_eq!(watch.admit(epoch(number)).is_ok(), highest <= number);
            highest = highest.max(number);
        }
    }
}
