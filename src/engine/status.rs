//! What can be seen of the models.

use std::path::PathBuf;

use modeld_spec::slot::entry::{Phase, Slot};

/// A model that is in memory, on its way there, or on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelStatus {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// The names that stand for it.
    pub members: Vec<String>,
    /// The number of its load.
    pub generation: u64,
    /// Where it is.
    pub phase: ModelPhase,
    /// How much of it is read, from 0 to 1; 1 once it serves.
    pub fraction: f32,
    /// Whether it serves.
    pub ready: bool,
    /// Sessions open on it.
    pub sessions: usize,
    /// Bytes that were planned for it.
    pub planned_bytes: u64,
    /// Bytes that it takes or was promised: from the end of its load on what was seen.
    pub bytes: u64,
}

/// Where a model is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPhase {
    /// It waits for the memory of others.
    Waiting,
    /// It is being loaded.
    Loading,
    /// It serves.
    Ready,
    /// It serves those who work on it until they have done, and nobody else.
    Draining,
    /// Its memory is coming back.
    Leaving,
}

impl From<&Slot> for ModelPhase {
    fn from(slot: &Slot) -> Self {
        match slot.phase {
            Phase::Room => ModelPhase::Waiting,
            Phase::Marking | Phase::Loading => ModelPhase::Loading,
            Phase::Ready(_) => ModelPhase::Ready,
            Phase::Draining { .. } => ModelPhase::Draining,
            Phase::Dropping | Phase::Breaking | Phase::Freeing => ModelPhase::Leaving,
        }
    }
}

impl ModelPhase {
    /// Whether sessions can work on it.
    pub fn serves(self) -> bool {
        matches!(self, ModelPhase::Ready | ModelPhase::Draining)
    }
}
