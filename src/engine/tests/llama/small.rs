//! A small model and the loop around it: what the tests of this folder have in common.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use modeld_spec::session::params::{Sampling, SamplingParams};
use modeld_spec::session::tape::TokenId;
use tempfile::TempDir;
use xtask::models::{self, Kind};

use crate::engine::backend::{Backend, Batch, LoadRequest, Model, Row, Sequence, Settings};
use crate::engine::llama::Llama;
use crate::engine::tests::gate;
use crate::owner::gate::Gate;

/// A loaded model, its file's folder, and the gate that it passes.
pub(super) struct Small {
    pub(super) model: Box<dyn Model>,
    pub(super) gate: std::sync::Arc<Gate>,
    _folder: TempDir,
}

impl Small {
    /// A model of this kind with three sequences of 256 positions.
    pub(super) fn new(kind: Kind, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        models::write(&path, kind, 7).unwrap();
        let (gate, _) = gate();
        let model = load(&gate, &path, settings).unwrap();
        Small { model, gate, _folder: folder }
    }

    /// Evaluates tokens in batches of so many rows, and gives the logits behind the last.
    pub(super) fn feed(&mut self, sequence: u32, tokens: &[TokenId], together: usize) -> Vec<f32> {
        let mut start = self.model.kv_len(Sequence(sequence));
        for chunk in tokens.chunks(together) {
            let row = |(index, token): (usize, &TokenId)| Row {
                token: *token,
                position: start + index,
                sequence: Sequence(sequence),
                output: index + 1 == chunk.len(),
            };
            let batch = Batch { rows: chunk.iter().enumerate().map(row).collect() };
            self.model.eval(self.gate.pass_resident().unwrap(), &batch, &|| false).unwrap();
            start += chunk.len();
        }
        let last = tokens.chunks(together).last().map_or(0, <[_]>::len) - 1;
        self.model.logits(last).unwrap().to_vec()
    }

    /// So many greedy tokens behind these logits, and the logits behind each.
    pub(super) fn greedy(
        &mut self,
        sequence: u32,
        mut logits: Vec<f32>,
        count: usize,
    ) -> (Vec<TokenId>, Vec<Vec<f32>>) {
        let params = SamplingParams::new(Sampling::greedy()).unwrap();
        let mut sampler = self.model.sampler(&params, 0).unwrap();
        let (mut tokens, mut seen) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let token = sampler.sample(&logits).unwrap();
            tokens.push(token);
            logits = self.feed(sequence, &[token], 1);
            seen.push(logits.clone());
        }
        (tokens, seen)
    }

    pub(super) fn tokens(&self, text: &str) -> Vec<TokenId> {
        self.model.tokenize(text, true, false).unwrap()
    }

    pub(super) fn save(&mut self, sequence: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.model.kv_save(self.gate.pass_resident().unwrap(), Sequence(sequence), &mut bytes).unwrap();
        bytes
    }

    pub(super) fn load(&mut self, sequence: u32, bytes: &[u8]) -> usize {
        self.model.kv_load(self.gate.pass_resident().unwrap(), Sequence(sequence), bytes).unwrap()
    }

    pub(super) fn cut(&mut self, sequence: u32, length: usize) -> bool {
        self.model.kv_truncate(Sequence(sequence), length)
    }

    pub(super) fn share(&mut self, from: u32, to: u32, range: Range<usize>) -> bool {
        self.model.kv_share(Sequence(from), Sequence(to), range)
    }
}

/// Loads the model at `path`.
pub(super) fn load(
    gate: &Gate,
    path: &Path,
    settings: Settings,
) -> Result<Box<dyn Model>, modeld_spec::error::Error> {
    let request = LoadRequest {
        path: path.to_path_buf(),
        context_tokens: 256,
        sessions_max: 3,
        batch_tokens: 64,
        threads: Some(1),
        settings,
    };
    Llama.load(gate.pass_resident().unwrap(), &request, &mut |_| ControlFlow::Continue(()))
}

/// The largest difference of two lists of logits.
pub(super) fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
