//! What the engine costs on top of llama.cpp: the same prompt and the same number of tokens through the engine's interface, and
//! through a bare loop over the same library in the same process.
//!
//! On the demo model the engine's fixed cost per token weighs far more than on a real one. The line at the end compares the
//! medians: `ratio prefill X generation Y`, above 1 if the engine was faster.

use std::path::Path;
use std::time::{Duration, Instant};

use modeld::engine::llama::bare::Bare;
use modeld::engine::{OpenRequest, Prompt, Session};
use modeld_spec::session::report::DecodeEvent;
use tokio::runtime::Runtime;

use crate::{Stage, greedy, limits, median, model};

/// Both ways to one model.
struct Both<'a> {
    runtime: &'a Runtime,
    session: Session,
    bare: Bare,
    text: String,
    tokens: Vec<i32>,
}

impl<'a> Both<'a> {
    fn open(stage: &'a Stage, model: &Path) -> Self {
        let runtime = &stage.runtime;
        let session =
            runtime.block_on(stage.engine.open_session(&OpenRequest::new(model))).expect("a session");
        let info = session.info();
        let bare = Bare::load(model, info.context_tokens as u32, info.batch_tokens as u32, info.threads);
        let bare = bare.expect("the bare loop loads what the engine loads");
        let most = PROMPT_TOKENS.min(info.context_tokens - GENERATED_TOKENS as usize - 1);
        let (text, tokens) = prompt(&bare, most);
        Both { runtime, session, bare, text, tokens }
    }

    /// The time of the prefill and of the tokens after the first one, through the engine.
    fn engine(&mut self, generated: u64) -> (Duration, Duration) {
        let (session, text) = (&self.session, &self.text);
        self.runtime.block_on(async {
            // Nothing may be reused: one other token is a beginning that differs.
            session.ensure_prefix(Prompt::literal("")).await.expect("an empty prefix");
            session.prefill_suffix(Prompt::literal("#")).await.expect("another beginning");
            let started = Instant::now();
            let status = session.ensure_prefix(Prompt::literal(text.as_str())).await.expect("a prefill");
            let prefill = started.elapsed();
            assert!(status.reuse.reused.0 <= 1, "{status:?}");
            let mut stream = session.decode(greedy(generated)).await.expect("a decode");
            let (mut first, mut count) = (None, 0);
            loop {
                let item = stream.next().await.expect("an end").expect("no failure");
                first.get_or_insert_with(Instant::now);
                if let DecodeEvent::End(end) = item.event {
                    count += end.generated_tokens.0;
                    break;
                }
            }
            let spent = first.map_or(Duration::ZERO, |first| first.elapsed());
            // A model may end its text early: what is compared is the time of a token.
            (prefill, spent.mul_f64((generated - 1) as f64 / count.saturating_sub(1).max(1) as f64))
        })
    }

    fn bare(&mut self, generated: u64) -> (Duration, Duration) {
        let run = self.bare.run(&self.tokens, generated as usize).expect("llama.cpp evaluates");
        (run.prefill, run.generation)
    }
}

pub(crate) fn run(rounds: usize) {
    // One session: the memory of the others would be the same for both.
    let stage = Stage::new(limits(1, 1024));
    let model = model();
    let mut both = Both::open(&stage, &model);
    println!("{}: {} tokens of prompt, {GENERATED_TOKENS} generated", model.display(), both.tokens.len());
    for _ in 0..WARM_UP_ROUNDS {
        both.engine(GENERATED_TOKENS);
        both.bare(GENERATED_TOKENS);
    }
    let (mut engines, mut bares) = (Times::default(), Times::default());
    for round in 0..rounds {
        // Who goes first alternates: the other's threads still spin for a moment.
        let (engine, bare) = if round % 2 == 0 {
            let engine = both.engine(GENERATED_TOKENS);
            (engine, both.bare(GENERATED_TOKENS))
        } else {
            let bare = both.bare(GENERATED_TOKENS);
            (both.engine(GENERATED_TOKENS), bare)
        };
        println!("round {round}: engine {engine:.2?}, bare {bare:.2?}");
        engines.push(engine);
        bares.push(bare);
    }
    let prefill = median(bares.prefill) / median(engines.prefill);
    let generation = median(bares.generation) / median(engines.generation);
    println!("ratio prefill {prefill:.3} generation {generation:.3}");
    drop(both);
    stage.end();
}

/// Seconds, by round.
#[derive(Default)]
struct Times {
    prefill: Vec<f64>,
    generation: Vec<f64>,
}

impl Times {
    fn push(&mut self, (prefill, generation): (Duration, Duration)) {
        self.prefill.push(prefill.as_secs_f64());
        self.generation.push(generation.as_secs_f64());
    }
}

/// A text of as many tokens as fit into `most`, by words.
fn prompt(bare: &Bare, most: usize) -> (String, Vec<i32>) {
    let (mut text, mut tokens) = (String::new(), Vec::new());
    for word in "The owner of a lease holds its epoch until the deadline has passed".split(' ').cycle() {
        let longer = format!("{text}{word} ");
        let more = bare.tokenize(&longer).expect("words are tokens");
        if most < more.len() || MOST_BYTES < longer.len() {
            break;
        }
        (text, tokens) = (longer, more);
    }
    (text, tokens)
}

const PROMPT_TOKENS: usize = 512;

const GENERATED_TOKENS: u64 = 64;

/// The first evaluations touch the weights for the first time.
const WARM_UP_ROUNDS: usize = 2;

const MOST_BYTES: usize = 1 << 16;
