//! Warm equals cold, for every kind of memory that a model can have: whatever a cache went through, what follows is what follows
//! on the same tokens in an empty one.
//!
//! In the reproducible mode, each token in a batch of one row, that holds bit by bit. Else a batch of another size rounds otherwise:
//! the logits of these models then differ in the last bits.

use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;
use xtask::models::{Kind, WINDOW};
use xtask::quantize::Storage;

use super::small::{Small, difference};
use crate::engine::backend::{Batch, CacheType, EvalError, FlashAttention, Row, Sequence, Settings};

const KINDS: [Kind; 5] = [
    Kind::Llama(Storage::F32),
    Kind::Llama(Storage::Q8_0),
    Kind::Llama(Storage::Q4_0),
    Kind::SlidingWindow,
    Kind::Recurrent,
];

/// What happens to a cache before the rest of the text is evaluated.
#[derive(Clone, Copy, Debug)]
enum Path {
    /// A tail that is cut off again.
    Cut,
    /// The beginning comes from another session, which is then emptied.
    Shared,
    /// The beginning is saved and loaded elsewhere.
    Saved,
}

/// Brings the head of the text into sequence 1 along a path, with other sessions at work; `None` if the cache can't.
fn warm(small: &mut Small, path: Path, head: &[TokenId], together: usize) -> Option<()> {
    let other = small.tokens("something else entirely, of another length");
    small.feed(2, &other, together);
    match path {
        Path::Cut => {
            small.feed(1, head, together);
            small.feed(1, &other[..9], together);
            small.cut(1, head.len()).then_some(())?;
        }
        Path::Shared => {
            small.feed(0, head, together);
            small.share(0, 1, 0..head.len()).then_some(())?;
            assert!(small.cut(0, 0));
            small.feed(0, &other, together);
        }
        Path::Saved => {
            small.feed(0, head, together);
            let bytes = small.save(0);
            small.feed(0, &other[..5], together);
            assert_eq!(small.load(1, &bytes), head.len());
        }
    }
    assert_eq!(small.model.kv_len(Sequence(1)), head.len());
    Some(())
}

/// The greedy answer to a text, and the logits along it: cold, and along a path.
fn compare(kind: Kind, path: Path, settings: &Settings, text: &str, together: usize) -> Option<f32> {
    let mut cold = Small::new(kind, settings.clone());
    let tokens = cold.tokens(text);
    let logits = cold.feed(0, &tokens, together);
    let expected = cold.greedy(0, logits.clone(), 24);
    let mut small = Small::new(kind, settings.clone());
    let (head, tail) = tokens.split_at(tokens.len() - 6);
    warm(&mut small, path, head, together)?;
    let found = small.feed(1, tail, together);
    let mut most = difference(&logits, &found);
    let found = small.greedy(1, found, 24);
    assert_eq!(found.0, expected.0, "{kind:?} {path:?}");
    for (a, b) in expected.1.iter().zip(&found.1) {
        most = most.max(difference(a, b));
    }
    Some(most)
}

const TEXT: &str = "The owner of the lease";

#[test]
fn reproducible_is_the_same_bit_by_bit() {
    let settings = Settings { reproducible: true, ..Settings::default() };
    for kind in KINDS {
        for path in [Path::Cut, Path::Shared, Path::Saved] {
            match compare(kind, path, &settings, &TEXT[..16], 1) {
                Some(difference) => assert_eq!(difference, 0.0, "{kind:?} {path:?}"),
                None => assert!(matches!((kind, path), (Kind::Recurrent, Path::Cut)), "{kind:?} {path:?}"),
            }
        }
    }
}

#[test]
fn by_default_only_the_rounding_differs() {
    for kind in KINDS {
        for path in [Path::Cut, Path::Shared, Path::Saved] {
            match compare(kind, path, &Settings::default(), TEXT, 64) {
                Some(difference) => assert!(difference < 0.05, "{kind:?} {path:?}: {difference}"),
                None => assert!(matches!((kind, path), (Kind::Recurrent, Path::Cut)), "{kind:?} {path:?}"),
            }
        }
    }
}

#[test]
fn a_quantised_cache_is_smaller_and_reproducible_too() {
    let with = |cache_type| Settings { cache_type, reproducible: true, ..Settings::default() };
    let bytes = |cache_type| Small::new(Kind::Llama(Storage::F32), with(cache_type)).model.context_bytes();
    let (f32, f16, q8, q4) =
        (bytes(CacheType::F32), bytes(CacheType::F16), bytes(CacheType::Q8_0), bytes(CacheType::Q4_0));
    assert!(q4 < q8 && q8 < f16 && f16 < f32, "{q4} {q8} {f16} {f32}");
    for cache_type in [CacheType::F32, CacheType::Bf16, CacheType::Q8_0, CacheType::Q4_0] {
        let kind = Kind::Llama(Storage::F32);
        assert_eq!(compare(kind, Path::Saved, &with(cache_type), TEXT, 1), Some(0.0), "{cache_type:?}");
    }
}

#[test]
fn what_a_model_can_do_is_declared() {
    let capabilities = |kind, settings| Small::new(kind, settings).model.info().capabilities;
    let usual = capabilities(Kind::Llama(Storage::Q4_0), Settings::default());
    assert!(
        usual.generates && usual.embeds && usual.trims && usual.shares && usual.shifts && !usual.reproducible
    );
    let sliding = capabilities(Kind::SlidingWindow, Settings::default());
    assert_eq!((sliding.window, sliding.trims), (Some(WINDOW), true));
    let recurrent = capabilities(Kind::Recurrent, Settings { reproducible: true, ..Settings::default() });
    assert!(recurrent.generates && recurrent.reproducible);
    assert!(!recurrent.trims && !recurrent.shares && !recurrent.shifts);
}

#[test]
fn a_window_keeps_what_has_left_it_until_it_is_saved() {
    let mut small = Small::new(Kind::SlidingWindow, Settings::default());
    let long = small.tokens(&"a text that is far longer than the window ".repeat(3));
    assert!(3 * WINDOW as usize <= long.len());
    let expected = small.feed(0, &long[..20], 64);
    small.feed(0, &long[20..], 64);
    assert!(small.cut(0, 19));
    assert!(difference(&small.feed(0, &long[19..20], 1), &expected) < 0.05);
    small.feed(0, &long[20..], 64);
    let bytes = small.save(0);
    assert_eq!(small.load(1, &bytes), long.len());
    // What it would look at there was not saved.
    assert!(!small.cut(1, 19));
    assert!(!small.share(1, 2, 0..19));
    assert_eq!(small.model.kv_len(Sequence(1)), long.len());
    let (a, b) = (small.feed(0, &long[..1], 1), small.feed(1, &long[..1], 1));
    assert!(difference(&a, &b) < 0.05);
    let reproducible = Settings { reproducible: true, ..Settings::default() };
    let mut small = Small::new(Kind::SlidingWindow, reproducible);
    small.feed(0, &long, 64);
    let saved = small.model.kv_save(small.gate.pass_resident().unwrap(), Sequence(0), &mut Vec::new());
    assert!(matches!(saved, Err(Error::UnsupportedFeature { .. })));
    assert!(!small.share(0, 1, 0..long.len()));
}

#[test]
fn a_state_is_shared_whole_or_not_at_all() {
    let mut small = Small::new(Kind::Recurrent, Settings::default());
    let tokens = small.tokens(TEXT);
    small.feed(0, &tokens, 64);
    assert!(!small.share(0, 1, 0..tokens.len() - 1));
    assert!(!small.cut(0, tokens.len() - 1));
    assert_eq!(small.model.kv_len(Sequence(0)), tokens.len());
    assert!(small.share(0, 1, 0..tokens.len()));
    // What is added to one is not in the other.
    small.feed(0, &tokens[..3], 1);
    assert_eq!(small.model.kv_len(Sequence(1)), tokens.len());
    let alone = {
        let mut other = Small::new(Kind::Recurrent, Settings::default());
        other.feed(0, &tokens, 64);
        other.feed(0, &tokens[4..6], 1)
    };
    assert!(difference(&small.feed(1, &tokens[4..6], 1), &alone) < 0.05);
}

#[test]
fn a_stopped_evaluation_leaves_a_cache_that_tells_the_truth() {
    for kind in KINDS {
        let mut small = Small::new(kind, Settings::default());
        let tokens = small.tokens(TEXT);
        small.feed(0, &tokens[..5], 64);
        let row =
            |position: usize| Row { token: tokens[position], position, sequence: Sequence(0), output: true };
        let batch = Batch { rows: (5..12).map(row).collect() };
        let stopped = small.model.eval(small.gate.pass_resident().unwrap(), &batch, &|| true);
        assert_eq!(stopped, Err(EvalError::Stopped));
        let held = small.model.kv_len(Sequence(0));
        assert_eq!(held, if kind == Kind::Recurrent { 0 } else { 5 }, "{kind:?}");
        let warm = small.feed(0, &tokens[held..], 64);
        let cold = Small::new(kind, Settings::default()).feed(0, &tokens, 64);
        assert!(difference(&warm, &cold) < 0.05, "{kind:?}");
    }
}

#[test]
fn positions_are_moved_down_and_not_under_another_session() {
    let mut small = Small::new(Kind::Llama(Storage::F32), Settings::default());
    let tokens = small.tokens(TEXT);
    small.feed(0, &tokens, 64);
    assert!(small.share(0, 1, 0..8));
    assert!(!small.model.kv_shift(Sequence(0), 2..4), "cells are shared");
    assert!(small.cut(1, 0) && small.cut(0, 0));
    small.feed(0, &tokens, 64);
    assert!(!small.model.kv_shift(Sequence(0), 4..4) && !small.model.kv_shift(Sequence(0), 4..99));
    assert!(small.model.kv_shift(Sequence(0), 4..8));
    assert_eq!(small.model.kv_len(Sequence(0)), tokens.len() - 4);
    let early = small.model.kv_save(small.gate.pass_resident().unwrap(), Sequence(0), &mut Vec::new());
    assert!(matches!(early, Err(Error::BackendFailed { .. })), "the keys are not turned");
    let logits = small.feed(0, &tokens[..1], 1);
    assert!(logits.iter().all(|logit| logit.is_finite()));
    assert!(!small.save(0).is_empty());
    let mut recurrent = Small::new(Kind::Recurrent, Settings::default());
    recurrent.feed(0, &tokens, 64);
    assert!(!recurrent.model.kv_shift(Sequence(0), 4..8));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    xtask::models::write(&path, Kind::Llama(Storage::F32), 1).unwrap();
    let (gate, _) = crate::engine::tests::gate();
    let settings =
        Settings { cache_type: CacheType::Q8_0, flash_attention: FlashAttention::Off, ..Settings::default() };
    let refused = super::small::load(&gate, &path, settings).err();
    assert!(matches!(refused, Some(Error::InvalidArgument { argument, .. }) if argument == "cache_type"));
}
