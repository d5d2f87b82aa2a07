//! Memory comes back: sixteen sessions on a real model, ended in every way, and then the engine shut down, again and again.
//!
//! It is a process of its own with one test, because what it looks at is the memory of the process.
#![cfg(feature = "llama")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use modeld::data_root::DataRoot;
use modeld::engine::llama::Llama;
use modeld::engine::{Engine, Limits, OpenRequest, Prompt, Session};
use modeld::owner::{self, Config};
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use tokio::task::JoinHandle;

const SESSIONS: usize = 16;

/// Longer than anything here takes on a busy machine; a test that waits for it fails.
const BOUND: Duration = Duration::from_secs(120);

/// What an allocator may keep of what was freed. Far less than a model with its sixteen contexts takes, which is what would stay.
const KEPT: u64 = 24 << 20;

/// After the first round, which touches code and tables that stay, each must end where the one before did.
const ROUNDS: usize = 3;

#[test]
fn sixteen_sessions_and_their_model_give_their_memory_back() {
    let directory = tempfile::tempdir().expect("it works");
    let owner = owner::join(Config::new(DataRoot::new(directory.path()))).expect("it works");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it works");
    let mut after = Vec::new();
    for round in 0..ROUNDS {
        let gate = owner.gate().expect("this is the owner");
        let limits = limits();
        let engine = Engine::new(gate, Box::new(Llama), limits);
        let resident = runtime.block_on(live(&engine));
        runtime.block_on(engine.shutdown(BOUND)).expect("it works");
        assert_eq!(engine.models(), []);
        drop(engine);
        let left = resident_bytes();
        println!(
            "round {round}: {} MB while it served, {} MB after it",
            resident / 1_000_000,
            left / 1_000_000
        );
        assert!(left + KEPT < resident, "the model and its contexts are more than what an allocator keeps");
        after.push(left);
    }
    for (round, left) in after.iter().enumerate().skip(1) {
        assert!(*left < after[0] + KEPT, "round {round} left {left} bytes, and the first {}", after[0]);
    }
    let _ = owner.release(&mut ());
}

fn limits() -> Limits {
    // One thread that evaluates: several wait for each other by spinning, which on a busy machine takes minutes.
    Limits { sessions_max: SESSIONS, context_default: 1024, threads: Some(1), ..Limits::default() }
}

/// Sixteen sessions that read and write at once and end in different ways; the memory while all were open.
async fn live(engine: &Engine) -> u64 {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/demo.gguf");
    let mut lives: Vec<JoinHandle<Session>> = Vec::new();
    for number in 0..SESSIONS {
        let session = engine.open_session(&OpenRequest::new(&model)).await.expect("it works");
        lives.push(tokio::spawn(one(session, number)));
    }
    let mut sessions = Vec::new();
    for life in lives {
        sessions.push(
            tokio::time::timeout(BOUND, life).await.expect("it ends within the bound").expect("it works"),
        );
    }
    let resident = resident_bytes();
    // Half of them are closed, and half are open when the engine shuts down.
    for session in sessions.iter().step_by(2) {
        session.close().await.expect("it works");
    }
    resident
}

async fn one(session: Session, number: usize) -> Session {
    let prompt = format!("The owner of lease {number} has an epoch. ").repeat(2 + number / 4);
    session.ensure_prefix(Prompt::literal(prompt)).await.expect("it works");
    let params = DecodeParams {
        sampling: SamplingParams::new(Sampling::greedy()).expect("it works"),
        max_tokens: Some(24),
        ..DecodeParams::default()
    };
    let mut stream = session.decode(params).await.expect("it works");
    match number % 3 {
        0 => while stream.next().await.is_some_and(|item| item.is_ok()) {},
        1 => stream.cancel(),
        // A client that is gone.
        _ => assert!(stream.next().await.expect("it works").is_ok()),
    }
    session
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("it works");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}
