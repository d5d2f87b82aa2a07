//! What a model takes, from what its header says: weights, cache, recurrent state, and the room that an evaluation needs.
//!
//! A pure function with checked arithmetic: a header can say anything. Weights and cache are exact up to padding; the room for
//! evaluations is an upper estimate, since the graph that decides it is built when the model is loaded. What the load took in the end is
//! checked when it is known (S8).

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The sizes of a model that decide what it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of its tensors.
    pub weights: u64,
    /// Tokens in its vocabulary.
    pub vocabulary: u64,
    /// Elements of a token's vector.
    pub embedding: u64,
    /// Attention heads of the layer that has most.
    pub heads: u64,
    /// Elements between the two halves of the widest feed-forward layer, experts that work at once included.
    pub feed_forward: u64,
    /// Positions that a windowed layer looks back; 0 if none is windowed.
    pub window: u64,
    /// The layers.
    pub layers: Vec<Layer>,
}

/// One layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Elements of the keys of one position, all heads together; 0 for a layer without attention.
    pub key: u64,
    /// Elements of the values of one position.
    pub value: u64,
    /// Whether it looks back a window only.
    pub is_windowed: bool,
    /// Elements of recurrent state of one sequence.
    pub state: u64,
}

/// On what terms a model is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Positions of one sequence.
    pub context: u64,
    /// Sequences.
    pub sequences: u64,
    /// Rows of a batch.
    pub batch: u64,
    /// How keys are stored.
    pub keys: CacheType,
    /// How values are stored.
    pub values: CacheType,
    /// Whether a windowed layer keeps all positions all the same, so that any of them can be gone back to.
    pub full_windows: bool,
    /// Whether attention is computed without the matrix of all scores.
    pub flash: bool,
}

/// How the elements of a cache are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    /// 32 bits.
    F32,
    /// 16 bits.
    #[default]
    F16,
    /// 16 bits with the range of 32.
    Bf16,
    /// Blocks of 32 in 34 bytes.
    Q8_0,
    /// Blocks of 32 in 24 bytes.
    Q5_1,
    /// Blocks of 32 in 22 bytes.
    Q5_0,
    /// Blocks of 32 in 20 bytes.
    Q4_1,
    /// Blocks of 32 in 18 bytes.
    Q4_0,
    /// Blocks of 32 in 18 bytes, not evenly spaced.
    Iq4Nl,
}

impl CacheType {
    /// Whether elements are kept in blocks with a common scale: that needs flash attention.
    pub fn is_quantised(self) -> bool {
        !matches!(self, CacheType::F32 | CacheType::F16 | CacheType::Bf16)
    }

    /// All of them.
    pub const ALL: [CacheType; 9] = [
        CacheType::F32,
        CacheType::F16,
        CacheType::Bf16,
        CacheType::Q8_0,
        CacheType::Q5_1,
        CacheType::Q5_0,
        CacheType::Q4_1,
        CacheType::Q4_0,
        CacheType::Iq4Nl,
    ];

    /// Elements and bytes of a block.
    pub fn block(self) -> (u64, u64) {
        match self {
            CacheType::F32 => (1, 4),
            CacheType::F16 | CacheType::Bf16 => (1, 2),
            CacheType::Q8_0 => (32, 34),
            CacheType::Q5_1 => (32, 24),
            CacheType::Q5_0 => (32, 22),
            CacheType::Q4_1 => (32, 20),
            CacheType::Q4_0 | CacheType::Iq4Nl => (32, 18),
        }
    }

    /// The name that users know it by.
    pub fn name(self) -> &'static str {
        match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
            CacheType::Bf16 => "bf16",
            CacheType::Q8_0 => "q8_0",
            CacheType::Q5_1 => "q5_1",
            CacheType::Q5_0 => "q5_0",
            CacheType::Q4_1 => "q4_1",
            CacheType::Q4_0 => "q4_0",
            CacheType::Iq4Nl => "iq4_nl",
        }
    }

    /// Bytes of a row of this many elements; a block that is begun counts whole.
    fn row(self, elements: u64) -> Option<u64> {
        let (per_block, bytes) = self.block();
        elements.div_ceil(per_block).checked_mul(bytes)
    }
}

/// What a model takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Weights, and the vocabulary.
    pub weights: u64,
    /// Keys and values of all sequences.
    pub cache: u64,
    /// Recurrent state of all sequences.
    pub state: u64,
    /// Room for evaluations, at most.
    pub compute: u64,
}

impl Footprint {
    /// All of it.
    pub fn total(&self) -> u64 {
        let parts = [self.weights, self.cache, self.state, self.compute];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

/// What `shape` takes on these terms; `None` if it is more than can be counted.
pub fn footprint(shape: &Shape, terms: &Terms) -> Option<Footprint> {
    let positions = terms.context.checked_mul(terms.sequences)?.checked_next_multiple_of(CELLS)?;
    let footprint = Footprint {
        weights: shape.weights.checked_add(shape.vocabulary.checked_mul(VOCABULARY_ENTRY)?)?,
        cache: cache(shape, terms, positions)?,
        state: shape
            .layers
            .iter()
            .try_fold(0_u64, |sum, layer| sum.checked_add(layer.state))?
            .checked_mul(terms.sequences)?
            .checked_mul(FLOAT)?,
        compute: compute(shape, terms, positions)?,
    };
    let parts = [footprint.weights, footprint.cache, footprint.state, footprint.compute];
    parts.into_iter().try_fold(0_u64, u64::checked_add)?;
    Some(footprint)
}

fn cache(shape: &Shape, terms: &Terms, positions: u64) -> Option<u64> {
    let behind = shape.window.checked_mul(terms.sequences)?.checked_add(terms.batch)?;
    let windowed = behind.checked_next_multiple_of(CELLS)?.min(positions);
    shape.layers.iter().try_fold(0_u64, |sum, layer| {
        let cells = if layer.is_windowed && !terms.full_windows { windowed } else { positions };
        let cell = terms.keys.row(layer.key)?.checked_add(terms.values.row(layer.value)?)?;
        sum.checked_add(cell.checked_mul(cells)?)
    })
}

/// The largest of the stages, which use the same room one after the other, and what stays throughout.
fn compute(shape: &Shape, terms: &Terms, positions: u64) -> Option<u64> {
    let rows = |elements: u64| elements.checked_mul(terms.batch)?.checked_mul(FLOAT);
    let widest = shape.layers.iter().map(|layer| layer.key.max(layer.value)).max().unwrap_or(0);
    let logits = rows(shape.vocabulary)?;
    let projections = rows(shape.embedding.max(widest).checked_mul(PROJECTIONS)?)?;
    let scores = if terms.flash { 0 } else { rows(positions)?.checked_mul(shape.heads)?.checked_mul(2)? };
    let attention = projections.checked_add(scores)?;
    let feed_forward = rows(shape.feed_forward.checked_mul(HALVES)?)?;
    let stage = logits.max(attention).max(feed_forward);
    // The mask is kept as it comes and as attention takes it.
    let mask = rows(positions)?.checked_mul(2)?;
    let residual = rows(shape.embedding.checked_mul(RESIDUALS)?)?;
    let outputs = shape.vocabulary.checked_mul(terms.sequences.checked_add(1)?)?.checked_mul(FLOAT)?;
    [stage, mask, residual, outputs].into_iter().try_fold(GRAPH, u64::checked_add)
}

/// A cache has a multiple of this many positions: llama.cpp's kernels want that.
const CELLS: u64 = 256;

/// Bytes of a number that is computed with.
const FLOAT: u64 = 4;

/// Bytes that an entry of the vocabulary takes beside the file: its text twice, and its place in two maps.
const VOCABULARY_ENTRY: u64 = 256;

/// Vectors that attention has at once: queries, keys, values, each before and after rotation, and the result.
const PROJECTIONS: u64 = 8;

/// The two halves of a gated feed-forward layer, and their product.
const HALVES: u64 = 3;

/// Vectors of every row that live as long as a layer.
const RESIDUALS: u64 = 4;

/// The graph itself and the tables of the scheduler: some thousand nodes of some hundred bytes, more than once.
const GRAPH: u64 = 16 << 20;
