//! What the engine accepts at most, and what it takes where nothing is said.

use std::time::Duration;

use super::capacity::MemoryLimits;

/// The bounds of an engine. `Default` is what the daemon starts with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Which part of the machine's memory models may have.
    pub memory: MemoryLimits,
    /// How long a model that nobody uses stays at least, and less than twice that at most; `None`: until its memory is needed.
    pub idle_unload: Option<Duration>,
    /// How long an unload waits at least for those who work on the model, and less than twice that at most.
    pub drain: Duration,
    /// Sessions of one model at once: each has its own sequence in the KV cache.
    pub sessions_max: usize,
    /// Tokens of context that a session has when its first opener asks for none; less if the model was trained on less.
    pub context_default: usize,
    /// The most tokens of context that a session can ask for.
    pub context_max: usize,
    /// Tokens evaluated in one step at most: the prefill chunk.
    pub batch_tokens: usize,
    /// Tokens of prompt in a step while other sessions decode: what their next token waits for.
    pub shared_chunk_tokens: usize,
    /// Bytes of text in one request.
    pub text_bytes_max: usize,
    /// Items of a stream that wait for their reader; a reader that is slower stalls its own session.
    pub stream_items: usize,
    /// Commands that wait for a model's thread.
    pub commands: usize,
    /// Threads that evaluate; `None`: the cores that this process may use.
    pub threads: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: MemoryLimits::default(),
            idle_unload: Some(Duration::from_secs(300)),
            drain: Duration::from_secs(30),
            // Every session's context is set aside at load, so this multiplies the KV memory.
            sessions_max: 4,
            context_default: 4096,
            context_max: 1 << 20,
            // llama.cpp's own default; larger batches gain nothing on a CPU.
            batch_tokens: 512,
            // About a quarter of a second of a 1 B model on two cores.
            shared_chunk_tokens: 64,
            text_bytes_max: 4 << 20,
            stream_items: 32,
            commands: 256,
            threads: None,
        }
    }
}
