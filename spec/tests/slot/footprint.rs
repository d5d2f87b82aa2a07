//! What a model takes: numbers that can be checked by hand, and that nothing overflows.

use modeld_spec::slot::footprint::{CacheType, Layer, Shape, Terms, footprint};
use proptest::prelude::*;

const TERMS: Terms = Terms {
    context: 4096,
    sequences: 4,
    batch: 512,
    keys: CacheType::F16,
    values: CacheType::F16,
    full_windows: true,
    flash: true,
};

/// 8 key and value heads of 128 in 32 layers, as many have.
fn shape() -> Shape {
    let layer = Layer { key: 1024, value: 1024, is_windowed: false, state: 0 };
    Shape {
        weights: 4_000_000_000,
        vocabulary: 128_256,
        embedding: 4096,
        heads: 32,
        feed_forward: 14_336,
        window: 0,
        layers: vec![layer; 32],
    }
}

#[test]
fn s6_the_cache_is_counted_by_type_and_layer() {
    let cache = |terms: Terms| footprint(&shape(), &terms).unwrap().cache;
    // 2 bytes * 2048 elements * 32 layers * 16384 positions.
    assert_eq!(cache(TERMS), 2 << 30);
    assert_eq!(cache(Terms { keys: CacheType::F32, ..TERMS }), 3 << 30);
    assert_eq!(cache(Terms { keys: CacheType::Q8_0, ..TERMS }), (1 << 30) + (1 << 30) * 34 / 64);
    assert_eq!(cache(Terms { values: CacheType::Q4_0, ..TERMS }), (1 << 30) + (1 << 30) * 18 / 64);
    // Positions come in blocks of 256.
    assert_eq!(cache(Terms { context: 1, sequences: 1, ..TERMS }), 256 * 2 * 2048 * 32);
}

#[test]
fn s6_a_layer_of_its_own_size_counts_as_that() {
    let mut shape = shape();
    shape.layers[0] = Layer { key: 512, value: 256, is_windowed: false, state: 0 };
    shape.layers[1] = Layer { key: 0, value: 0, is_windowed: false, state: 1000 };
    let found = footprint(&shape, &TERMS).unwrap();
    assert_eq!(found.cache, 16_384 * 2 * (30 * 2048 + 768));
    assert_eq!(found.state, 1000 * 4 * 4);
}

#[test]
fn s6_a_window_is_less_only_if_what_is_behind_it_is_dropped() {
    let mut shape = shape();
    shape.window = 512;
    shape.layers.iter_mut().step_by(2).for_each(|layer| layer.is_windowed = true);
    let full = footprint(&shape, &TERMS).unwrap();
    assert_eq!(full.cache, 2 << 30);
    let cut = footprint(&shape, &Terms { full_windows: false, ..TERMS }).unwrap();
    // Four windows and a batch: 2560 positions.
    assert_eq!(cut.cache, (1 << 30) + 2560 * 2 * 2048 * 16);
    // A window beyond the context is no larger than that.
    let small = Terms { context: 256, sequences: 1, full_windows: false, ..TERMS };
    assert_eq!(footprint(&shape, &small).unwrap().cache, 256 * 2 * 2048 * 32);
}

#[test]
fn s6_the_parts_add_up() {
    let found = footprint(&shape(), &TERMS).unwrap();
    assert_eq!(found.weights, 4_000_000_000 + 128_256 * 256);
    assert_eq!(found.total(), found.weights + found.cache + found.state + found.compute);
    // The logits of a batch decide: 512 * 128256 * 4, and some tens of MiB beside.
    assert!((262_668_288..400_000_000).contains(&found.compute), "{}", found.compute);
    let scores = footprint(&shape(), &Terms { flash: false, ..TERMS }).unwrap();
    assert!(512 * 16_384 * 32 * 4 < scores.compute);
}

#[test]
fn s6_what_can_not_be_counted_is_none() {
    let huge = Shape { weights: u64::MAX, ..shape() };
    assert_eq!(footprint(&huge, &TERMS), None);
    assert_eq!(footprint(&shape(), &Terms { context: u64::MAX, ..TERMS }), None);
    let wide = Layer { key: u64::MAX, value: u64::MAX, is_windowed: true, state: u64::MAX };
    assert_eq!(footprint(&Shape { layers: vec![wide; 2], ..shape() }, &TERMS), None);
}

proptest! {
    #[test]
    fn s6_more_of_anything_takes_no_less(
        sizes in prop::array::uniform6(any::<u64>()), context in any::<u64>(), sequences in any::<u64>(),
        keys in 0..9_usize, flash: bool, full_windows: bool,
    ) {
        // Hostile numbers as well as usual ones: by how far they are shifted.
        let [weights, vocabulary, embedding, feed_forward, window, key] = sizes.map(|size| size >> (size % 64));
        let layer = Layer { key, value: key / 2, is_windowed: key % 2 == 0, state: window };
        let shape = Shape { weights, vocabulary, embedding, heads: 8, feed_forward, window, layers: vec![layer; 3] };
        let (context, sequences) = (context >> (context % 64), sequences >> (sequences % 64));
        let terms = Terms { context, sequences, keys: CacheType::ALL[keys], flash, full_windows, ..TERMS };
        if let Some(found) = footprint(&shape, &terms) {
            prop_assert!(weights <= found.weights && found.weights <= found.total());
            let more = Terms { context: context.saturating_add(1), ..terms };
            if let Some(more) = footprint(&shape, &more) {
                prop_assert!(found.total() <= more.total());
            }
        }
    }
}
