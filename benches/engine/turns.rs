//! The next turn of a conversation: warm, with all but its end in the cache, against cold, and against the bare evaluation of what is new.
//!
//! What a warm turn takes beyond that evaluation is what the engine adds: the text is tokenized and compared, asked for and answered.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use modeld::engine::backend::{Backend, Batch, LoadRequest, Model, Row, Sequence, Settings};
use modeld::engine::llama::Llama;
use modeld::engine::{OpenRequest, Prompt, Session};
use modeld::owner::gate::Gate;
use modeld_spec::session::tape::TokenId;
use xtask::gguf::Value;
use xtask::models::{self, Kind};
use xtask::quantize::Storage;

use crate::{Stage, limits, median, model, text};

pub(crate) fn run(rounds: usize) {
    turns(&model(), rounds);
    // The demo model has no 8 k of context, and few models evaluate them quickly on a CPU.
    let folder = tempfile::tempdir().expect("a temporary directory");
    let long: PathBuf = folder.path().join("random.gguf");
    let context = [("llama.context_length", Value::U32(CONTEXT as u32))];
    models::write_with(&long, Kind::Llama(Storage::Q4_0), 7, &context).expect("the disk has room");
    turns(&long, rounds);
}

fn turns(path: &Path, rounds: usize) {
    let limits = limits(1, CONTEXT);
    let request = LoadRequest {
        path: path.to_path_buf(),
        context_tokens: CONTEXT,
        sessions_max: 1,
        batch_tokens: limits.batch_tokens,
        threads: limits.threads,
        settings: Settings::default(),
    };
    let stage = Stage::new(limits);
    let gate = stage.owner.gate().expect("this is the owner");
    let permit = gate.pass_resident().expect("the lease is fresh");
    let mut bare = Llama.load(permit, &request, &mut |_| ControlFlow::Continue(())).expect("a model");
    let opened = stage.runtime.block_on(stage.engine.open_session(&OpenRequest::new(path)));
    let session = opened.expect("a session");
    println!("{}", path.file_name().unwrap_or_default().display());
    for length in LENGTHS.into_iter().filter(|length| length + 128 < session.context_tokens()) {
        let count = |text: &str| bare.tokenize(text, true, false).map_or(usize::MAX, |tokens| tokens.len());
        let prefix = text(|text| count(text) <= length);
        let length = count(&prefix);
        let (mut warm, mut alone, mut words) = (Vec::new(), Vec::new(), Vec::new());
        let cold = (0..rounds.min(COLD_ROUNDS)).map(|_| cold(&stage, &session, &prefix)).collect();
        for round in 0..rounds {
            let turn = format!(
                "{prefix}{round}: what is new of a turn is some twenty words at most, and this is one of them."
            );
            let started = Instant::now();
            let status =
                stage.runtime.block_on(session.ensure_prefix(Prompt::literal(&turn))).expect("a turn");
            warm.push(started.elapsed().as_secs_f64());
            let started = Instant::now();
            let tokens = bare.tokenize(&turn, true, false).expect("it is text");
            words.push(started.elapsed().as_secs_f64());
            alone.push(evaluate(&mut *bare, &gate, &tokens, status.reuse.reused.0 as usize));
            assert!(status.reuse.prefilled.0 < 128, "{status:?}");
        }
        let (cold, warm, alone, words) = (median(cold), median(warm), median(alone), median(words));
        println!(
            "{:5} tokens: cold {:9.2} ms, warm {:7.2} ms ({:.0} times faster); what is new alone {:6.2} ms: {:+.2} ms, {:.2} ms of it tokenizing",
            length,
            1e3 * cold,
            1e3 * warm,
            cold / warm,
            1e3 * alone,
            1e3 * (warm - alone),
            1e3 * words
        );
    }
    drop((bare, session));
    stage.end();
}

/// Seconds of a prefill of which nothing is in the cache.
fn cold(stage: &Stage, session: &Session, prefix: &str) -> f64 {
    stage.runtime.block_on(async {
        // One other token is a beginning that differs.
        session.ensure_prefix(Prompt::literal("")).await.expect("an empty prefix");
        session.prefill_suffix(Prompt::literal("#")).await.expect("another beginning");
        let started = Instant::now();
        let status = session.ensure_prefix(Prompt::literal(prefix)).await.expect("a prefill");
        assert!(status.reuse.reused.0 <= 1, "{status:?}");
        started.elapsed().as_secs_f64()
    })
}

/// Seconds of the evaluation of the tokens from `from` on; those before are put into the cache first if they are not there.
fn evaluate(model: &mut dyn Model, gate: &Gate, tokens: &[TokenId], from: usize) -> f64 {
    model.kv_truncate(Sequence(0), from);
    let held = model.kv_len(Sequence(0));
    feed(model, gate, &tokens[held..from], held);
    let started = Instant::now();
    feed(model, gate, &tokens[from..], from);
    started.elapsed().as_secs_f64()
}

fn feed(model: &mut dyn Model, gate: &Gate, tokens: &[TokenId], from: usize) {
    let most = model.info().batch_tokens;
    for (number, chunk) in tokens.chunks(most).enumerate() {
        let row = |(index, token): (usize, &TokenId)| Row {
            token: *token,
            position: from + number * most + index,
            sequence: Sequence(0),
            output: index + 1 == chunk.len(),
        };
        let batch = Batch { rows: chunk.iter().enumerate().map(row).collect() };
        let permit = gate.pass_resident().expect("the lease is renewed");
        model.eval(permit, &batch, &|| false).expect("llama.cpp evaluates");
    }
}

const LENGTHS: [usize; 3] = [512, 2048 - 192, 8192];

/// Room for the longest prefix and a turn.
const CONTEXT: usize = 9216;

const COLD_ROUNDS: usize = 5;
