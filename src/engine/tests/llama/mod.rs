//! The llama.cpp backend: the engine on the demo model here, the rest on small models of other architectures.

mod adapters;
mod architectures;
mod choosing;
mod embedding;
mod hostile;
mod small;
mod warm;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use modeld_spec::error::Error;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::stop::StopStrings;
use modeld_spec::session::tape::ReuseReason;

use super::{PATIENCE, collect, engine, gate, greedy};
use crate::engine::backend::{
    Backend, Batch, DeviceKind, EvalError, LoadRequest, Model, Row, Sequence, Settings,
};
use crate::engine::chat::ChatMessage;
use crate::engine::llama::{Llama, bare::Bare};
use crate::engine::{Engine, Limits, OpenRequest, Prompt, Session};

pub(super) fn demo_model() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/demo.gguf");
    assert!(path.is_file(), "the demo model {} is missing", path.display());
    path
}

fn small() -> Limits {
    Limits { context_default: 256, threads: Some(2), ..Limits::default() }
}

async fn open(engine: &Engine) -> Session {
    engine.open_session(&OpenRequest::new(demo_model())).await.unwrap()
}

async fn generate(session: &Session, prompt: &str, params: DecodeParams) -> super::Output {
    session.ensure_prefix(Prompt::literal(prompt)).await.unwrap();
    collect(session.decode(params).await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn greedy_tokens_are_those_of_a_bare_loop() {
    let (engine, _) = engine(Llama, Limits { batch_tokens: 16, ..small() });
    let session = open(&engine).await;
    let prompt = "A lease is granted to one process at a time, and the epoch of the owner rises";
    let status = session.ensure_prefix(Prompt::literal(prompt)).await.unwrap();
    let output = collect(session.decode(greedy(48)).await.unwrap()).await.unwrap();
    let mut bare = Bare::load(&demo_model(), 256, 16, 2).unwrap();
    let tokens = bare.tokenize(prompt).unwrap();
    assert_eq!(status.prefix.0 as usize, tokens.len());
    let expected = bare.run(&tokens, 48).unwrap();
    let got: Vec<i32> = output.tokens.iter().map(|token| token.0).collect();
    assert!(!got.is_empty());
    assert_eq!(got[..], expected.tokens[..got.len()]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn sessions_side_by_side_begin_as_each_does_alone() {
    let (engine, _) = engine(Llama, small());
    let prompts = ["The owner of the lease", "A model is loaded once", "When the process ends", "Nothing is"];
    let mut alone = Vec::new();
    for prompt in prompts {
        let session = open(&engine).await;
        alone.push(generate(&session, prompt, greedy(32)).await);
        session.close().await.unwrap();
    }
    let mut sessions = Vec::new();
    for _ in prompts {
        sessions.push(open(&engine).await);
    }
    let running: Vec<_> = prompts
        .into_iter()
        .zip(sessions)
        .map(|(prompt, session)| tokio::spawn(async move { generate(&session, prompt, greedy(32)).await }))
        .collect();
    for (task, alone) in running.into_iter().zip(alone) {
        let together = task.await.unwrap();
        // A batch of another size rounds otherwise, which may show after many tokens; another session's content shows at once.
        assert_eq!(together.tokens[..8], alone.tokens[..8]);
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_seed_repeats_and_a_drawn_one_is_reported() {
    let (engine, _) = engine(Llama, small());
    let session = open(&engine).await;
    let sampling =
        Sampling { temperature: 1.0, repeat_penalty: 1.1, presence_penalty: 0.2, ..Sampling::default() };
    let params = DecodeParams {
        sampling: SamplingParams::new(sampling).unwrap(),
        max_tokens: Some(24),
        ..DecodeParams::default()
    };
    let first = generate(&session, "The lease", params.clone()).await;
    let again = DecodeParams { seed: Some(first.end.seed), ..params.clone() };
    let second = generate(&session, "The lease", again).await;
    assert_eq!(first.tokens, second.tokens);
    let third = generate(&session, "The lease", params).await;
    assert_ne!((first.end.seed, first.tokens), (third.end.seed, third.tokens));
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_second_turn_of_a_chat_reuses_the_first() {
    let (engine, _) = engine(Llama, small());
    let session = open(&engine).await;
    let mut chat = vec![ChatMessage::user("What is a lease?")];
    let rendered = session.render_chat(&chat).unwrap();
    assert!(rendered.contains("What is a lease?"));
    let first = session.ensure_prefix(Prompt::rendered(&rendered)).await.unwrap();
    let answer = collect(session.decode(greedy(16)).await.unwrap()).await.unwrap();
    chat.push(ChatMessage::new("assistant", answer.text));
    chat.push(ChatMessage::user("And who has it?"));
    let rendered = session.render_chat(&chat).unwrap();
    let second = session.ensure_prefix(Prompt::rendered(&rendered)).await.unwrap();
    assert!(first.prefix <= second.reuse.reused, "{second:?}");
    assert_ne!(second.reuse.reason, ReuseReason::Empty);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_stop_string_ends_the_text_before_it() {
    let (engine, _) = engine(Llama, small());
    let session = open(&engine).await;
    let whole = generate(&session, "The owner", greedy(40)).await.text;
    let stop: String = whole.chars().skip(10).take(4).collect();
    let params = DecodeParams { stop: StopStrings::new(vec![stop.clone()]).unwrap(), ..greedy(40) };
    let stopped = generate(&session, "The owner", params).await;
    assert_eq!(stopped.end.finish, FinishReason::StopString);
    assert_eq!(stopped.text, whole[..whole.find(&stop).unwrap()]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_full_context_ends_the_decode_with_numbers() {
    let (engine, _) = engine(Llama, small());
    let request = OpenRequest { context_tokens: Some(24), ..OpenRequest::new(demo_model()) };
    let session = engine.open_session(&request).await.unwrap();
    let output = generate(&session, "One owner", DecodeParams { max_tokens: None, ..greedy(0) }).await;
    match output.end.finish {
        FinishReason::ContextFull { resident, limit } => assert_eq!((resident.0, limit.0), (24, 24)),
        FinishReason::EndOfGeneration => assert!(output.end.room.resident.0 < 24),
        other => panic!("{other:?}"),
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_prefill_dropped_in_the_middle_leaves_a_session_that_goes_on() {
    let (engine, _) = engine(Llama, small());
    let session = open(&engine).await;
    let long = "The lease is held by one process at a time. ".repeat(8);
    let expected = generate(&session, "The owner", greedy(8)).await;
    for _ in 0..4 {
        let operation = tokio::spawn({
            let (session, long) = (session.clone(), long.clone());
            async move { session.ensure_prefix(Prompt::literal(long)).await }
        });
        tokio::task::yield_now().await;
        operation.abort();
        // Wherever it was: the tape is the cache, which this would not go on from otherwise.
        assert_eq!(session.explain().await.unwrap().operation, None);
        assert_eq!(generate(&session, "The owner", greedy(8)).await.tokens, expected.tokens);
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

#[test]
fn a_copied_sequence_goes_on_like_the_one_it_was_copied_from() {
    let (gate, _) = gate();
    let request = LoadRequest {
        path: demo_model(),
        context_tokens: 64,
        sessions_max: 2,
        batch_tokens: 32,
        threads: Some(1),
        settings: Settings::default(),
    };
    let load = Llama.load(gate.pass_resident().unwrap(), &request, &mut |_| ControlFlow::Continue(()));
    let mut model = load.unwrap();
    let tokens = model.tokenize("The owner of the lease", true, false).unwrap();
    let rows = |sequence: u32, from: usize| Batch {
        rows: (from..tokens.len())
            .map(|position| Row {
                token: tokens[position],
                position,
                sequence: Sequence(sequence),
                output: position + 1 == tokens.len(),
            })
            .collect(),
    };
    let last = tokens.len() - 1;
    let eval = |model: &mut dyn Model, batch: Batch| {
        model.eval(gate.pass_resident().unwrap(), &batch, &|| false).unwrap();
        let row = batch.rows.len() - 1;
        assert!(batch.rows.len() == 1 || model.logits(0).is_err());
        let mut sampler = model.sampler(&greedy(1).sampling, 0).unwrap();
        sampler.sample(model.logits(row).unwrap()).unwrap()
    };
    let expected = eval(&mut *model, rows(0, 0));
    assert!(model.kv_share(Sequence(0), Sequence(1), 0..last));
    assert_eq!((model.kv_len(Sequence(0)), model.kv_len(Sequence(1))), (tokens.len(), last));
    // What is removed from one stays in the other.
    assert!(model.kv_truncate(Sequence(0), 0));
    assert_eq!(eval(&mut *model, rows(1, last)), expected);
    assert!(!model.kv_share(Sequence(0), Sequence(1), 0..1));
    let stopped = model.eval(gate.pass_resident().unwrap(), &rows(0, 0), &|| true);
    assert_eq!((stopped, model.kv_len(Sequence(0))), (Err(EvalError::Stopped), 0));
}

#[tokio::test]
async fn what_is_no_model_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let whole = fs::read(demo_model()).unwrap();
    let mut damaged = whole.clone();
    damaged[100..400].fill(0xFF);
    let (engine, _) = engine(Llama, small());
    let cases = [
        (directory.path().join("nothing.gguf"), "there is no model"),
        (directory.path().to_path_buf(), "it is a directory"),
        (file("text.gguf", b"once upon a time"), "it is no GGUF file"),
        (file("empty.gguf", b""), "it is no GGUF file"),
        (file("cut.gguf", &whole[..whole.len() / 2]), "it is cut off: the tensor"),
        (file("header.gguf", &whole[..1000]), "it is cut off: it ends within its header"),
        (file("version.gguf", b"GGUF\x09\0\0\0"), "version 9"),
        (file("damaged.gguf", &damaged), "could not be loaded"),
    ];
    for (path, expected) in cases {
        let error = engine.open_session(&OpenRequest::new(&path)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains(&*path.to_string_lossy()), "{text}");
        let known = matches!(error, Error::ModelNotFound { .. } | Error::ModelLoadFailed { .. });
        assert!(known, "{error:?}");
    }
    assert_eq!(engine.models(), []);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[test]
fn the_processor_is_among_the_devices() {
    let devices = Llama.devices();
    let processor = devices.iter().find(|device| device.kind == DeviceKind::Cpu).unwrap();
    assert!(!processor.name.is_empty() && 0 < processor.memory_total, "{devices:?}");
}
