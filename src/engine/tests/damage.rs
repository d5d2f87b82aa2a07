//! Headers that lie to llama.cpp: whatever it is given after our own look ends in a model or an error, and never in the end of the process.

use std::fs;

use modeld_spec::error::Error;

use super::llama::demo_model;
use super::{PATIENCE, collect, engine, greedy};
use crate::engine::gguf;
use crate::engine::llama::Llama;
use crate::engine::{Engine, Limits, MemoryLimits, OpenRequest, Prompt};

/// A demo model with one or two of its numbers, types or sizes changed.
struct Damaged {
    bytes: Vec<u8>,
    state: u64,
}

impl Damaged {
    fn new(whole: &[u8], seed: u64) -> Self {
        let mut damaged =
            Damaged { bytes: whole.to_vec(), state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 };
        for _ in 0..=damaged.below(2) {
            match damaged.below(3) {
                0 | 1 => damaged.change_number(),
                _ => damaged.change_tensor(),
            }
        }
        damaged
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % bound
    }

    fn places_of(&self, text: &[u8]) -> Vec<usize> {
        let header = &self.bytes[..HEADER_BYTES.min(self.bytes.len())];
        let places = header.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
        places.map(|(place, _)| place).collect()
    }

    fn number_at(&self, place: usize) -> usize {
        let bytes: [u8; 4] = self.bytes[place..place + 4].try_into().unwrap();
        u32::from_le_bytes(bytes) as usize
    }

    fn put(&mut self, place: usize, number: u32) {
        self.bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
    }

    /// The value of a key of the architecture: behind the key are its type and it.
    fn change_number(&mut self) {
        let keys = self.places_of(b"llama.");
        let key = keys[self.below(keys.len())];
        let length = self.number_at(key - 8);
        if length < 100 {
            let number = NUMBERS[self.below(NUMBERS.len())];
            self.put(key + length + 4, number);
        }
    }

    /// The type or a size of a tensor: behind its name are the number of dimensions, the sizes, and the type.
    fn change_tensor(&mut self) {
        let names = self.places_of(b".weight");
        let behind = names[self.below(names.len())] + b".weight".len();
        let dimensions = self.number_at(behind);
        if dimensions == 0 || 4 < dimensions {
            return;
        }
        if self.below(2) == 0 {
            let kind = self.below(43) as u32;
            self.put(behind + 4 + 8 * dimensions, kind);
        } else {
            let (size, number) = (self.below(dimensions), NUMBERS[self.below(NUMBERS.len())]);
            self.put(behind + 4 + 8 * size, number);
        }
    }
}

async fn use_it(engine: &Engine, request: &OpenRequest) -> Result<(), Error> {
    let session = engine.open_session(request).await?;
    session.ensure_prefix(Prompt::literal("once upon a \u{1}\u{e9} time")).await?;
    collect(session.decode(greedy(2)).await?).await?;
    Ok(())
}

#[tokio::test]
async fn a_header_that_was_let_through_does_not_end_the_process() {
    let whole = fs::read(demo_model()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("damaged.gguf");
    let memory = MemoryLimits { max: Some(1 << 30), ..MemoryLimits::default() };
    let limits = Limits { sessions_max: 2, memory, ..Limits::default() };
    let (mut refused, mut tried) = (0, 0);
    for seed in 0..SEEDS {
        fs::write(&path, Damaged::new(&whole, seed).bytes).unwrap();
        if gguf::read(&path).is_err() {
            refused += 1;
            continue;
        }
        tried += 1;
        let (engine, _) = engine(Llama, limits.clone());
        if let Err(error) = use_it(&engine, &OpenRequest::new(&path)).await {
            assert!(EXPECTED.contains(&error.token()), "seed {seed}: {error}");
        }
        engine.shutdown(PATIENCE).await.unwrap();
    }
    assert!(10 < refused && 10 < tried, "{refused} were refused and {tried} were tried");
}

/// How a damaged model can end.
const EXPECTED: [&str; 4] = ["model_load_failed", "no_room", "context_overflow", "backend_failed"];

/// Numbers at the edges of what is usual, and of what can be counted.
const NUMBERS: [u32; 20] =
    [0, 1, 2, 3, 4, 7, 8, 16, 32, 33, 64, 96, 128, 256, 512, 513, 65_535, 1 << 20, 1 << 31, u32::MAX];

/// Where the header of the demo model ends at the latest.
const HEADER_BYTES: usize = 120_000;

const SEEDS: u64 = 100;
