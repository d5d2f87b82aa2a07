//! What the engine costs and what it saves, each as a ratio within one run: `cargo bench --bench engine [PART ...]`.
//!
//! | part | what is compared |
//! |---|---|
//! | `overhead` | prefill and generation, through the engine and through a bare loop over llama.cpp |
//! | `turns` | a turn of which all but the end is in the cache, a cold one, and the bare evaluation of what is new |
//! | `crowd` | sixteen sessions and fewer against one; eight that share a prompt against eight that do not |
//! | `snapshots` | save and restore of a session against the same bytes written and read |
//!
//! The model is `$MODELD_BENCH_MODEL`, else the demo model; `turns` also takes a model with random weights and a long context. What is
//! compared alternates, so that a disturbance of the machine meets both, and medians are printed.

mod crowd;
mod overhead;
mod snapshots;
mod turns;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use modeld::data_root::DataRoot;
use modeld::engine::llama::Llama;
use modeld::engine::manifest::FileDigests;
use modeld::engine::snapshots::{SnapshotLimits, SnapshotStore};
use modeld::engine::{Engine, Limits, Session, Stores};
use modeld::owner::{self, Config, Owner};
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Run = fn(usize);

/// The parts, each with as many rounds as show something.
const PARTS: [(&str, Run, usize); 4] = [
    ("overhead", overhead::run, 12),
    ("turns", turns::run, 20),
    ("crowd", crowd::run, 5),
    ("snapshots", snapshots::run, 10),
];

fn main() {
    // Without the flag of `cargo bench` it is run as a test: one round shows that it works.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, run, rounds) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            println!("== {name}");
            run(if is_bench { rounds } else { 1 });
        }
    }
}

/// An owner and its engine.
struct Stage {
    engine: Engine,
    runtime: Runtime,
    owner: Owner,
    directory: TempDir,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = DataRoot::new(directory.path());
        let owner = owner::join(Config::new(root.clone())).expect("nobody else owns it");
        let (gate, committer) = owner.gate().zip(owner.committer()).expect("this is the owner");
        let permit = gate.pass().expect("the lease is fresh");
        let store = SnapshotStore::open(&root, committer, &permit, SnapshotLimits::default());
        let store = store.expect("the directory is writable");
        let stores = Stores { snapshots: Some((Arc::new(store), Arc::new(FileDigests::of(&root)))) };
        drop(permit);
        let engine = Engine::new(gate, Box::new(Llama), limits).with_stores(stores);
        let runtime = Runtime::new().expect("a runtime");
        Stage { engine, runtime, owner, directory }
    }

    fn end(self) {
        let stopped = self.runtime.block_on(self.engine.shutdown(Duration::from_secs(60)));
        stopped.expect("the models are freed");
        let _ = self.owner.release(&mut ());
    }
}

/// So many sessions with so much context, and as many threads as `$MODELD_BENCH_THREADS` says: on a busy machine several wait for each
/// other longer than they evaluate, and nothing else is measured.
fn limits(sessions_max: usize, context_default: usize) -> Limits {
    let threads = env::var("MODELD_BENCH_THREADS").ok().and_then(|threads| threads.parse().ok());
    Limits { sessions_max, context_default, threads, ..Limits::default() }
}

/// The model that was asked for, or the one that is there.
fn model() -> PathBuf {
    let demo = || Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/demo.gguf");
    env::var_os("MODELD_BENCH_MODEL").map_or_else(demo, PathBuf::from)
}

/// A greedy decode.
fn greedy(max_tokens: u64) -> DecodeParams {
    DecodeParams {
        sampling: SamplingParams::new(Sampling::greedy()).expect("greedy is in range"),
        max_tokens: Some(max_tokens),
        ..DecodeParams::default()
    }
}

/// Generates, and says how many tokens came.
async fn generate(session: &Session, max_tokens: u64) -> u64 {
    use modeld_spec::session::report::DecodeEvent;
    let mut stream = session.decode(greedy(max_tokens)).await.expect("a decode");
    loop {
        if let DecodeEvent::End(end) = stream.next().await.expect("an end").expect("no failure").event {
            return end.generated_tokens.0;
        }
    }
}

/// A text of as many words as `fits` lets through, in which no two places look alike for long.
fn text(fits: impl Fn(&str) -> bool) -> String {
    let words = "The owner of a lease holds its epoch until the deadline has passed".split(' ').cycle();
    let mut text = String::new();
    let mut step = String::new();
    for (number, word) in words.enumerate() {
        step.push_str(word);
        step.push(' ');
        if number % 16 == 15 {
            step.push_str(&format!("{number} "));
            if !fits(&format!("{text}{step}")) {
                break;
            }
            text.push_str(&step);
            step.clear();
        }
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
