//! Which snapshots go, and the names of digests.

use std::time::Duration;

use modeld_spec::session::retention::{Retention, Room, Stored, total};
use modeld_spec::session::snapshot::Digest;
use proptest::prelude::*;

const NOW: Duration = Duration::from_secs(1_000);

fn stored(id: u8, bytes: u64, used: u64) -> Stored {
    Stored { id: Digest([id; 32]), bytes, used: Duration::from_secs(used) }
}

fn retention(bytes_max: u64) -> Retention {
    Retention { bytes_max, age_max: Duration::from_secs(500), count_max: 10 }
}

fn room(bytes: u64) -> Room {
    Room { bytes, count: usize::from(0 < bytes) }
}

fn collected(retention: Retention, all: &[Stored], room: Room) -> Vec<u8> {
    retention.collect(all, room, NOW).iter().map(|id| id.0[0]).collect()
}

#[test]
fn what_fits_stays() {
    let all = [stored(1, 40, 900), stored(2, 60, 800)];
    assert_eq!(collected(retention(100), &all, room(0)), [0_u8; 0]);
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let all = [stored(1, 40, 900), stored(2, 60, 800), stored(3, 10, 700)];
    assert_eq!(collected(retention(109), &all, room(0)), [3]);
    assert_eq!(collected(retention(110), &all, room(10)), [3]);
    assert_eq!(collected(retention(110), &all, room(11)), [3, 2]);
    assert_eq!(collected(retention(110), &all, room(111)), [3, 2, 1]);
}

#[test]
fn what_is_too_old_goes_even_where_it_fits() {
    let all = [stored(1, 1, 500), stored(2, 1, 501), stored(3, 1, 0)];
    assert_eq!(collected(retention(100), &all, room(0)), [3, 1]);
}

#[test]
fn there_are_no_more_than_may_be() {
    let all: Vec<Stored> = (0..12).map(|id| stored(id, 1, 900 + u64::from(id))).collect();
    assert_eq!(collected(retention(100), &all, room(0)), [0, 1]);
    assert_eq!(collected(retention(100), &all, room(1)), [0, 1, 2]);
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_old() {
    let all = [stored(1, 60, 5_000), stored(2, 60, 900)];
    assert_eq!(collected(retention(100), &all, room(0)), [2]);
    assert_eq!(collected(retention(200), &all, room(0)), [0_u8; 0]);
}

#[test]
fn a_snapshot_that_is_too_large_is_not_admitted() {
    assert!(retention(100).admits(100));
    assert!(!retention(100).admits(101));
    assert!(!Retention { count_max: 0, ..retention(100) }.admits(1));
}

proptest! {
    #[test]
    fn the_rest_fits_and_nothing_went_without_need(
        all in prop::collection::vec((0..200_u64, 400..1_200_u64), 0..20),
        bytes_max in 0..1_500_u64,
        more in 0..300_u64,
        turn in 0..20_usize,
    ) {
        let mut all: Vec<Stored> =
            all.iter().zip(0..).map(|((bytes, used), id)| stored(id, *bytes, *used)).collect();
        let retention = retention(bytes_max);
        let gone = retention.collect(&all, room(more), NOW);
        let fits = |kept: &[Stored]| {
            total(kept) + more <= bytes_max && kept.len() + room(more).count <= retention.count_max
        };
        let is_old = |stored: &Stored| retention.age_max <= NOW.saturating_sub(stored.used);
        let kept = |gone: &[Digest]| -> Vec<Stored> {
            all.iter().filter(|stored| !gone.contains(&stored.id)).copied().collect()
        };
        let rest = kept(&gone);
        prop_assert!(!rest.iter().any(is_old));
        prop_assert!(fits(&rest) || rest.is_empty());
        if let Some((last, before)) = gone.split_last() {
            let last = all.iter().find(|stored| stored.id == *last).copied();
            prop_assert!(!fits(&kept(before)) || last.is_some_and(|last| is_old(&last)));
        }
        if !all.is_empty() {
            let turn = turn % all.len();
            all.rotate_left(turn);
        }
        prop_assert_eq!(retention.collect(&all, room(more), NOW), gone);
    }

    #[test]
    fn a_digest_is_read_as_it_is_written(bytes in any::<[u8; 32]>()) {
        let text = Digest(bytes).to_string();
        prop_assert_eq!(text.len(), 64);
        prop_assert_eq!(text.parse(), Ok(Digest(bytes)));
    }
}

#[test]
fn what_is_no_digest_is_refused() {
    let good = "0f".repeat(32);
    assert!(good.parse::<Digest>().is_ok());
    for bad in [
        String::new(),
        good[1..].to_string(),
        format!("{good}0"),
        format!("{good}00"),
        good.to_uppercase(),
        good.replacen("0f", "/.", 1),
        good.replacen("0f", "é", 1),
        "../".repeat(21) + "x",
    ] {
        let error = bad.parse::<Digest>().unwrap_err();
        assert!(error.given.len() < 130, "{error}");
    }
}
