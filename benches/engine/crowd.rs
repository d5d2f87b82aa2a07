//! Many sessions on one model: what sixteen write together against one, and eight that share a prompt against eight that do not.

use std::sync::Arc;
use std::time::Instant;

use modeld::engine::{OpenRequest, Prompt, Session};
use tokio::task::JoinHandle;

use crate::{Stage, generate, limits, median, model, text};

pub(crate) fn run(rounds: usize) {
    let stage = Stage::new(limits(CROWD[CROWD.len() - 1], CONTEXT));
    throughput(&stage, rounds);
    fan_out(&stage, rounds);
    stage.end();
}

fn open(stage: &Stage, count: usize) -> Vec<Arc<Session>> {
    let session = || {
        let opened = stage.runtime.block_on(stage.engine.open_session(&OpenRequest::new(model())));
        Arc::new(opened.expect("a session"))
    };
    (0..count).map(|_| session()).collect()
}

fn close(stage: &Stage, sessions: Vec<Arc<Session>>) {
    for session in sessions {
        stage.runtime.block_on(session.close()).expect("it is open");
    }
}

/// Tokens a second of all sessions together.
fn throughput(stage: &Stage, rounds: usize) {
    let mut rates = vec![Vec::new(); CROWD.len()];
    for _ in 0..rounds {
        for (index, count) in CROWD.into_iter().enumerate() {
            let sessions = open(stage, count);
            prefixes(stage, &sessions, |number| format!("{number}: the owner of a lease"));
            let started = Instant::now();
            let writes = sessions.iter().map(|session| {
                let session = session.clone();
                stage.runtime.spawn(async move { generate(&session, GENERATED).await })
            });
            let writes: Vec<JoinHandle<u64>> = writes.collect();
            let tokens = writes.into_iter().map(|write| stage.runtime.block_on(write).expect("no panic"));
            let tokens: u64 = tokens.sum();
            rates[index].push(tokens as f64 / started.elapsed().as_secs_f64());
            close(stage, sessions);
        }
    }
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    for (count, rate) in CROWD.into_iter().zip(&rates) {
        println!("{count:2} sessions: {rate:8.1} tokens a second, {:.2} of one", rate / rates[0]);
    }
}

/// Seconds until all have their prompt.
fn prefixes(stage: &Stage, sessions: &[Arc<Session>], prompt: impl Fn(usize) -> String) -> f64 {
    let started = Instant::now();
    let reads = sessions.iter().enumerate().map(|(number, session)| {
        let (session, text) = (session.clone(), prompt(number));
        stage.runtime.spawn(async move { session.ensure_prefix(Prompt::literal(text)).await })
    });
    let reads: Vec<_> = reads.collect();
    for read in reads {
        stage.runtime.block_on(read).expect("no panic").expect("a prefill");
    }
    started.elapsed().as_secs_f64()
}

fn fan_out(stage: &Stage, rounds: usize) {
    let long = text(|text| text.len() <= SHARED_BYTES);
    let (mut shared, mut apart) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let sessions = open(stage, FAN);
        shared.push(prefixes(stage, &sessions, |number| format!("{round}. {long}{number}")));
        close(stage, sessions);
        let sessions = open(stage, FAN);
        apart.push(prefixes(stage, &sessions, |number| format!("{number}{round}. {long}")));
        close(stage, sessions);
    }
    let (shared, apart) = (median(shared), median(apart));
    println!(
        "{FAN} sessions with a prompt of {} bytes: {:.1} ms if it is the same, {:.1} ms if it is not: {:.2} times faster",
        long.len(),
        1e3 * shared,
        1e3 * apart,
        apart / shared
    );
}

const CROWD: [usize; 5] = [1, 2, 4, 8, 16];

const FAN: usize = 8;

const GENERATED: u64 = 64;

const CONTEXT: usize = 1024;

/// Some 600 to 900 tokens.
const SHARED_BYTES: usize = 2400;
