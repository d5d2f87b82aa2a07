//! Warm equals cold through the whole engine: what a session writes after edits, cancels, snapshots, restores and prefixes that it shares
//! with another is what the bare model writes behind the same tokens.
//!
//! In the reproducible mode that holds token for token, for every kind of memory. By default rows are evaluated together, and rounding
//! may make another token the likeliest one; how often it does is printed, and how far the first token's probability moves is bounded.

use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use xtask::models::{self, Kind};
use xtask::quantize::Storage;

use super::demo_model;
use crate::engine::backend::Settings;
use crate::engine::llama::Llama;
use crate::engine::tests::sixteen::{SESSIONS, close_all};
use crate::engine::tests::walk::{Act, CONTEXT, Cold, Saved, Walk, Walked, acts};
use crate::engine::tests::{PATIENCE, stored};
use crate::engine::{Limits, OpenRequest};

fn exactly() -> Settings {
    Settings { reproducible: true, ..Settings::default() }
}

/// A model in a folder of its own.
fn small_model(kind: Kind) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    models::write(&path, kind, 7).unwrap();
    (folder, path)
}

fn limits(sessions_max: usize, batch_tokens: usize) -> Limits {
    Limits {
        sessions_max,
        batch_tokens,
        context_default: CONTEXT,
        stream_items: 2,
        threads: Some(1),
        ..Limits::default()
    }
}

/// Lives of sessions side by side on one engine, which is then shut down.
fn walk(settings: Settings, model: &Path, limits: Limits, scripts: Vec<Vec<Act>>) -> Vec<Walked> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let is_crowded = scripts.len() == SESSIONS;
        let stored = stored(Llama, limits);
        let (saved, request) = (Saved::default(), OpenRequest { settings, ..OpenRequest::new(model) });
        let walks: Vec<_> = scripts
            .into_iter()
            .map(|acts| {
                let (engine, request, saved) = (stored.engine.clone(), request.clone(), saved.clone());
                tokio::spawn(Walk::through(engine, request, saved, acts))
            })
            .collect();
        let mut walked = Vec::new();
        for walk in walks {
            walked.push(walk.await.unwrap());
        }
        if is_crowded {
            let sessions = walked.iter().map(|walked| walked.session.clone()).collect();
            close_all(&stored.engine, sessions, request).await;
        }
        stored.engine.shutdown(PATIENCE).await.unwrap();
        assert_eq!(stored.engine.models(), []);
        drop(stored);
        walked
    })
}

/// Whether two sessions write what the model does behind the same tokens.
fn equals_cold(model: &Path, scripts: Vec<Vec<Act>>) {
    let walked = walk(exactly(), model, limits(scripts.len(), 64), scripts);
    let mut cold = Cold::load(&Llama, model, exactly());
    for walked in &walked {
        assert!(0 < walked.warm);
        assert!(walked.written.iter().all(|written| cold.writes_the_same(written)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, ..ProptestConfig::default() })]

    #[test]
    fn sixteen_sessions_of_a_real_model_write_what_each_would_alone(
        scripts in vec(vec(acts(HEADS, 6), 2..8), SESSIONS..=SESSIONS)
    ) {
        equals_cold(&demo_model(), scripts);
    }

    /// What a session gets by default is that of a cold run up to rounding: measured, and bounded where it begins.
    #[test]
    fn by_default_an_answer_begins_as_a_cold_one_does(scripts in vec(vec(acts(HEADS, 24), 8..24), 4..=4)) {
        for (name, (_folder, model)) in [
            ("demo", (None, demo_model())),
            ("q4_0", kept(Kind::Llama(Storage::Q4_0))),
            ("sliding window", kept(Kind::SlidingWindow)),
            ("recurrent", kept(Kind::Recurrent)),
        ] {
            let walked = walk(Settings::default(), &model, limits(scripts.len(), 64), scripts.clone());
            let mut cold = Cold::load(&Llama, &model, Settings::default());
            let (mut answers, mut others, mut most) = (0, 0, 0.0_f32);
            for written in walked.iter().flat_map(|walked| &walked.written) {
                answers += 1;
                others += usize::from(!cold.writes_the_same(written));
                most = most.max(cold.first_differs_by(written).unwrap_or(0.0));
            }
            println!("{name}: {others} of {answers} answers differ; first tokens by {most} at most (log of the probability)");
            assert!(most < ROUNDING, "{name}: {most}");
        }
    }
}

fn kept(kind: Kind) -> (Option<tempfile::TempDir>, PathBuf) {
    let (folder, path) = small_model(kind);
    (Some(folder), path)
}

/// Far more than was seen of rounding, and far less than another text makes.
const ROUNDING: f32 = 0.5;

const HEADS: &[&str] =
    &["The owner of a lease has an epoch, and it rises", "The owner of a lease is one", "A model is loaded"];

fn two_lives() -> impl Strategy<Value = Vec<Vec<Act>>> {
    vec(vec(acts(HEADS, 10), 4..14), 2..=2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn warm_equals_cold_on_the_demo_model(scripts in two_lives()) {
        equals_cold(&demo_model(), scripts);
    }

    #[test]
    fn warm_equals_cold_with_quantised_weights(scripts in two_lives(), storage in
        prop_oneof![Just(Storage::Q4_0), Just(Storage::Q8_0)]
    ) {
        equals_cold(&small_model(Kind::Llama(storage)).1, scripts);
    }

    #[test]
    fn warm_equals_cold_with_a_sliding_window(scripts in two_lives()) {
        equals_cold(&small_model(Kind::SlidingWindow).1, scripts);
    }

    #[test]
    fn warm_equals_cold_with_a_recurrent_state(scripts in two_lives()) {
        equals_cold(&small_model(Kind::Recurrent).1, scripts);
    }

    #[test]
    fn warm_equals_cold_with_a_state_beside_attention(scripts in two_lives()) {
        equals_cold(&small_model(Kind::Hybrid).1, scripts);
    }
}
