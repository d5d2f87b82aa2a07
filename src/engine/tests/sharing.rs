//! What sessions take from each other, and guesses, through the whole engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::DecodeParams;

use super::{PATIENCE, collect, engine, greedy, open};
use crate::engine::toy::{BatchTest, EvalHook, Toy};
use crate::engine::{Limits, OpenRequest, Prompt};

/// A toy, and how many rows it has evaluated.
fn counted() -> (Toy, Arc<AtomicUsize>) {
    let rows = Arc::new(AtomicUsize::new(0));
    let counter = rows.clone();
    let hook: EvalHook = Arc::new(move |batch| {
        counter.fetch_add(batch.rows.len(), Ordering::Relaxed);
    });
    (Toy { before_eval: Some(hook), ends: false, ..Toy::default() }, rows)
}

#[tokio::test]
async fn t13_a_prompt_that_all_have_is_evaluated_once() {
    let (toy, rows) = counted();
    let limits = Limits { sessions_max: 8, batch_tokens: 64, ..Limits::default() };
    let (engine, _) = engine(toy, limits);
    let system = "you are an agent and you have these tools ".repeat(20);
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(open(&engine).await);
    }
    let prefixes = sessions.iter().enumerate().map(|(number, session)| {
        let (session, text) = (session.clone(), format!("{system}number {number}"));
        tokio::spawn(async move { session.ensure_prefix(Prompt::literal(text)).await })
    });
    let prefixes: Vec<_> = prefixes.collect();
    let length = system.len() + "number 0".len() + 1;
    let mut shared = 0;
    for prefix in prefixes {
        let reuse = prefix.await.unwrap().unwrap().reuse;
        assert_eq!(reuse.shared.0 + reuse.prefilled.0, length as u64);
        shared += usize::from(0 < reuse.shared.0);
    }
    assert_eq!(shared, 7);
    // The prompt once, and of the others what is their own.
    assert_eq!(rows.load(Ordering::Relaxed), length + 7);
    // Each goes on as it would alone.
    for (number, session) in sessions.iter().enumerate() {
        let alone = open_alone(&format!("{system}number {number}")).await;
        let output = collect(session.decode(greedy(12)).await.unwrap()).await.unwrap();
        assert_eq!(output.tokens, alone);
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

async fn open_alone(prompt: &str) -> Vec<modeld_spec::session::tape::TokenId> {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal(prompt)).await.unwrap();
    let tokens = collect(session.decode(greedy(12)).await.unwrap()).await.unwrap().tokens;
    engine.shutdown(PATIENCE).await.unwrap();
    tokens
}

#[tokio::test]
async fn t14_what_is_written_with_guesses_is_what_is_written_without() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    for drafts in [Drafts::NONE, Drafts { most: 8, alike: 1 }, Drafts { most: 3, alike: 2 }] {
        session.ensure_prefix(Prompt::literal("abc abc abc")).await.unwrap();
        let params = DecodeParams { drafts, ..greedy(60) };
        let output = collect(session.decode(params).await.unwrap()).await.unwrap();
        assert_eq!(output.tokens, plain().await, "{drafts:?}");
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

async fn plain() -> Vec<modeld_spec::session::tape::TokenId> {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("abc abc abc")).await.unwrap();
    let tokens = collect(session.decode(greedy(60)).await.unwrap()).await.unwrap().tokens;
    engine.shutdown(PATIENCE).await.unwrap();
    tokens
}

#[tokio::test]
async fn t16_an_allowed_shift_goes_on_where_the_context_is_full() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let request = OpenRequest { context_tokens: Some(32), ..OpenRequest::new("toy:small") };
    let session = engine.open_session(&request).await.unwrap();
    session.ensure_prefix(Prompt::literal("stable")).await.unwrap();
    let full = collect(session.decode(greedy(60)).await.unwrap()).await.unwrap();
    assert!(matches!(full.end.finish, FinishReason::ContextFull { .. }));
    assert_eq!(full.end.shifted.0, 0);
    let params = DecodeParams { shift: true, ..greedy(60) };
    let on = collect(session.decode(params).await.unwrap()).await.unwrap();
    assert_eq!((on.end.finish, on.tokens.len()), (FinishReason::Length, 60));
    assert!(0 < on.end.shifted.0 && on.end.room.resident.0 <= 32);
    let refused = session.snapshot().await.unwrap_err();
    assert!(refused.to_string().contains("gone to make room"), "{refused}");
    // What comes next does not use what was computed behind the gap.
    let status = session.ensure_prefix(Prompt::literal("stable")).await.unwrap();
    assert_eq!(status.reuse.prefilled.0, 0);
    let again = collect(session.decode(greedy(5)).await.unwrap()).await.unwrap();
    assert_eq!(again.tokens, full.tokens[..5]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_fails_is_tried_session_by_session_and_nobody_waits_for_ever() {
    // Whatever has rows of several sessions fails.
    let refuses: BatchTest = Arc::new(|batch| {
        batch.rows.iter().any(|row| Some(row.sequence) != batch.rows.first().map(|row| row.sequence))
    });
    let toy = Toy { refuses: Some(refuses), ends: false, ..Toy::default() };
    let (engine, _) = engine(toy, Limits { sessions_max: 6, ..Limits::default() });
    let shared = "what three of them have in common, and more than is worth sharing ".repeat(3);
    let mut answers = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(open(&engine).await);
    }
    for (number, session) in sessions.into_iter().enumerate() {
        let own = if number % 2 == 0 { format!("{shared}{number}") } else { format!("{number} alone") };
        answers.push(tokio::spawn(async move {
            session.ensure_prefix(Prompt::literal(&own)).await.unwrap();
            (own, collect(session.decode(greedy(12)).await.unwrap()).await.unwrap().tokens)
        }));
    }
    for answer in answers {
        let (own, tokens) = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert_eq!(tokens, open_alone(&own).await, "{own}");
    }
    engine.shutdown(PATIENCE).await.unwrap();
}
