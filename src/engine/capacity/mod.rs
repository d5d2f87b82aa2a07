//! How much memory there is for models.
//!
//! What a model takes is computed from its header ([`modeld_spec::slot::footprint`]); here is what the machine has. The plan of what fits
//! is made by the table of slots.

pub(super) mod live;

/// Which part of the machine's memory models may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Bytes for all models together at most; `None`: as many as there are.
    pub max: Option<u64>,
    /// Bytes that are left to others in any case.
    pub reserve: u64,
    /// Of what is available, how many hundredths may be used.
    pub share: u8,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        // What the kernel calls available is an estimate, and other programs grow too.
        MemoryLimits { max: None, reserve: 256 << 20, share: 90 }
    }
}
