//! `generate-model`: a llama-architecture GGUF with random weights, for measurements and tests.
//!
//! What such a model writes means nothing; its shape, speed and memory are those of a real one. The weights are
//! normal with the deviation `1 / sqrt(columns)`, so that activations keep their size from layer to layer. Each
//! row has its own stream of random numbers: the file depends on the seed, not on the number of threads.
//!
//! Needs memory for a few thousand rows only. The file appears under its name when it is complete; after a
//! failure or Ctrl-C nothing is left.

use std::fs::{File, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use clap::{Args, ValueEnum};
use xtask::gguf::{self, Layout, Tensor};
use xtask::llama::{self, Shape};
use xtask::quantize::Storage;
use xtask::random::Random;

use crate::failure::{Failure, OrFail, Result};
use crate::interrupt::Interrupt;
use crate::workspace;

/// Write a GGUF model with random weights, for measurements and tests
///
/// The model has the llama architecture, a byte-level BPE tokenizer and ChatML's template. What it writes means
/// nothing; its shape, speed and memory are those of a real model of its size.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The file to write, whole or not at all
    out: PathBuf,
    /// Layers and widths: `tiny` has 2 layers of 64, `tinyllama-1.1b` is 1.1 thousand million numbers
    #[arg(long, value_enum, default_value_t = ShapeName::Tiny)]
    shape: ShapeName,
    /// How the matrices are stored; with q4_0 the output matrix is q8_0, as llama.cpp's own tools do
    #[arg(long = "type", value_enum, default_value_t = TypeName::Q4_0)]
    storage: TypeName,
    /// The same seed writes the same file
    #[arg(long, default_value_t = 1234)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShapeName {
    Tiny,
    #[value(name = "tinyllama-1.1b")]
    TinyLlama,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TypeName {
    #[value(name = "q4_0")]
    Q4_0,
    #[value(name = "q8_0")]
    Q8_0,
    F16,
    F32,
}

/// Writes the model that was asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let interrupt = Interrupt::install()?;
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let started = Instant::now();
    let length = generate(arguments, threads, &interrupt)?;
    eprintln!(
        "wrote {}: {:.1} MB in {:.1} s with {threads} threads",
        arguments.out.display(),
        length as f64 / 1e6,
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn generate(arguments: &Arguments, threads: usize, interrupt: &Interrupt) -> Result<u64> {
    let shape = arguments.shape.shape();
    let storage = arguments.storage;
    let tensors = llama::tensors(&shape, storage.matrices(), storage.output());
    let layout = gguf::layout(&llama::metadata(&shape, storage.file_type(), arguments.seed), &tensors);
    let out = &arguments.out;
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let doing = || format!("could not write {}", out.display());
    // Readable by whom the umask says, as any file that a program writes; a temporary one would be private.
    let permissions = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder).or_fail(doing)?;
    file.as_file().set_len(layout.length).or_fail(doing)?;
    file.write_all(&layout.head).or_fail(doing)?;
    let job = Job {
        path: file.path(),
        seed: arguments.seed,
        layout: &layout,
        tensors: &tensors,
        chunks: chunks(&tensors),
        next: AtomicUsize::new(0),
        written: AtomicU64::new(0),
        interrupt,
    };
    job.run(threads)?;
    file.persist(out).or_fail(doing)?;
    Ok(layout.length)
}

/// The tensors' numbers, drawn and written chunk by chunk.
struct Job<'a> {
    path: &'a Path,
    seed: u64,
    layout: &'a Layout,
    tensors: &'a [Tensor],
    chunks: Vec<Chunk>,
    /// The first chunk that nobody has taken.
    next: AtomicUsize,
    /// Bytes written, for the progress line.
    written: AtomicU64,
    interrupt: &'a Interrupt,
}

/// Some rows of one tensor.
struct Chunk {
    tensor: usize,
    first_row: u64,
    rows: u64,
}

impl Job<'_> {
    fn run(&self, threads: usize) -> Result<()> {
        let done = thread::scope(|scope| {
            let workers: Vec<_> =
                (0..threads).map(|worker| scope.spawn(move || self.work(worker == 0))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Err(Failure::new("a worker thread panicked"))))
                .collect::<Vec<_>>()
        });
        if workspace::is_watched() {
            eprint!("\r\x1b[K");
        }
        done.into_iter().collect()
    }

    /// Takes chunks until none is left. Each worker has a file position of its own.
    fn work(&self, reports: bool) -> Result<()> {
        let doing = || format!("could not write {}", self.path.display());
        let mut file = File::options().write(true).open(self.path).or_fail(doing)?;
        let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
        // The counter hands out numbers and publishes nothing else, so no order is needed.
        while let Some(chunk) = self.chunks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.interrupt.check()?;
            let tensor = &self.tensors[chunk.tensor];
            bytes.clear();
            numbers.resize(tensor.columns as usize, 0.0);
            for row in chunk.first_row..chunk.first_row + chunk.rows {
                self.draw(chunk.tensor, row, &mut numbers);
                tensor.storage.append(&numbers, &mut bytes);
            }
            let row_bytes = tensor.storage.row_bytes(tensor.columns);
            let place = self.layout.offsets[chunk.tensor] + chunk.first_row * row_bytes;
            file.seek(SeekFrom::Start(place)).or_fail(doing)?;
            file.write_all(&bytes).or_fail(doing)?;
            let written = self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if reports {
                self.report(written);
            }
        }
        Ok(())
    }

    fn draw(&self, tensor: usize, row: u64, numbers: &mut [f32]) {
        // A vector is a normalisation's weights: ones leave the activations as they are.
        if self.tensors[tensor].rows.is_none() {
            numbers.fill(1.0);
        } else {
            let deviation = 1.0 / (numbers.len() as f32).sqrt();
            Random::new(self.seed, [tensor as u64, row]).fill_normal(numbers, deviation);
        }
    }

    fn report(&self, written: u64) {
        if workspace::is_watched() {
            eprint!("\rdrawing weights: {:3} %", written * 100 / self.layout.length.max(1));
        }
    }
}

fn chunks(tensors: &[Tensor]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (tensor, it) in tensors.iter().enumerate() {
        let rows = it.rows.unwrap_or(1);
        let step = (CHUNK_NUMBERS / it.columns).max(1);
        let firsts = (0..rows).step_by(step as usize);
        chunks.extend(firsts.map(|first_row| Chunk { tensor, first_row, rows: step.min(rows - first_row) }));
    }
    chunks
}

impl ShapeName {
    fn shape(self) -> Shape {
        match self {
            ShapeName::Tiny => Shape {
                name: "random-tiny",
                context: 512,
                layers: 2,
                width: 64,
                feed_forward: 192,
                heads: 4,
                kv_heads: 2,
                vocabulary: 512,
            },
            ShapeName::TinyLlama => Shape {
                name: "random-tinyllama-1.1b",
                context: 2048,
                layers: 22,
                width: 2048,
                feed_forward: 5632,
                heads: 32,
                kv_heads: 4,
                vocabulary: 32_000,
            },
        }
    }
}

impl TypeName {
    fn matrices(self) -> Storage {
        match self {
            TypeName::Q4_0 => Storage::Q4_0,
            TypeName::Q8_0 => Storage::Q8_0,
            TypeName::F16 => Storage::F16,
            TypeName::F32 => Storage::F32,
        }
    }

    fn output(self) -> Storage {
        if self == TypeName::Q4_0 { Storage::Q8_0 } else { self.matrices() }
    }

    /// What llama.cpp calls a file of mostly this type.
    fn file_type(self) -> u32 {
        match self {
            TypeName::F32 => 0,
            TypeName::F16 => 1,
            TypeName::Q4_0 => 2,
            TypeName::Q8_0 => 7,
        }
    }
}

/// Numbers that a thread draws at a time: 4 MB as f32, and some forty steps of progress a second.
const CHUNK_NUMBERS: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn tiny(folder: &Path, storage: TypeName, seed: u64) -> Arguments {
        Arguments { out: folder.join("model.gguf"), shape: ShapeName::Tiny, storage, seed }
    }

    #[test]
    fn a_file_depends_on_the_seed_and_not_on_the_threads() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = |seed, threads| {
            let arguments = tiny(folder.path(), TypeName::Q4_0, seed);
            let length = generate(&arguments, threads, &Interrupt::default()).unwrap();
            let bytes = std::fs::read(&arguments.out).unwrap();
            assert_eq!(bytes.len() as u64, length);
            bytes
        };
        let first = bytes(1, 1);
        assert!(first == bytes(1, 3), "the number of threads shows in the file");
        assert!(first != bytes(2, 1), "the seed does not show in the file");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the model is left");
    }

    #[test]
    fn the_large_shape_has_the_size_of_the_model_it_imitates() {
        let numbers: u64 = llama::tensors(&ShapeName::TinyLlama.shape(), Storage::Q4_0, Storage::Q8_0)
            .iter()
            .map(|tensor| tensor.columns * tensor.rows.unwrap_or(1))
            .sum();
        assert_eq!(numbers, 1_100_048_384);
    }

    #[test]
    fn chunks_cover_every_row_once() {
        let tensors = llama::tensors(&ShapeName::TinyLlama.shape(), Storage::F16, Storage::F16);
        let chunks = chunks(&tensors);
        for (index, tensor) in tensors.iter().enumerate() {
            let mut next = 0;
            for chunk in chunks.iter().filter(|chunk| chunk.tensor == index) {
                assert_eq!(chunk.first_row, next);
                next += chunk.rows;
            }
            assert_eq!(next, tensor.rows.unwrap_or(1), "{}", tensor.name);
        }
    }

    #[test]
    fn an_interrupted_run_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::default();
        interrupt.raise();
        let failure = generate(&tiny(folder.path(), TypeName::F32, 1), 2, &interrupt).unwrap_err();
        assert_eq!(failure.kind(), Kind::Interrupted);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let failure = generate(&tiny(Path::new("/nonexistent"), TypeName::F32, 1), 1, &Interrupt::default())
            .unwrap_err();
        assert!(failure.to_string().contains("could not write /nonexistent/model.gguf"), "{failure}");
    }
}
