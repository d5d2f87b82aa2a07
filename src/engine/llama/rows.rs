//! A batch in the form that llama.cpp reads.

use llama_cpp_sys_2 as sys;

use crate::engine::backend::Batch;

/// The columns that a batch of llama.cpp points to.
pub(super) struct Rows {
    tokens: Vec<sys::llama_token>,
    positions: Vec<sys::llama_pos>,
    sequence_counts: Vec<i32>,
    sequences: Vec<sys::llama_seq_id>,
    sequence_pointers: Vec<*mut sys::llama_seq_id>,
    outputs: Vec<i8>,
}

impl Rows {
    /// Room for so many rows.
    pub(super) fn new(most: usize) -> Self {
        Rows {
            tokens: Vec::with_capacity(most),
            positions: Vec::with_capacity(most),
            sequence_counts: Vec::with_capacity(most),
            sequences: Vec::with_capacity(most),
            sequence_pointers: Vec::with_capacity(most),
            outputs: Vec::with_capacity(most),
        }
    }

    /// The batch in llama.cpp's form; it points into `self`. The numbers were checked to be in their ranges.
    pub(super) fn fill(&mut self, batch: &Batch) -> sys::llama_batch {
        let Rows { tokens, positions, sequence_counts, sequences, sequence_pointers, outputs } = self;
        tokens.clear();
        positions.clear();
        sequences.clear();
        outputs.clear();
        for row in &batch.rows {
            tokens.push(row.token.0);
            positions.push(row.position as sys::llama_pos);
            sequences.push(row.sequence.0 as sys::llama_seq_id);
            outputs.push(i8::from(row.output));
        }
        sequence_counts.clear();
        sequence_counts.resize(batch.rows.len(), 1);
        // Taken after the last push: a push may move what is pointed to.
        sequence_pointers.clear();
        sequence_pointers.extend(sequences.iter_mut().map(std::ptr::from_mut));
        sys::llama_batch {
            n_tokens: tokens.len() as i32,
            token: tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: positions.as_mut_ptr(),
            n_seq_id: sequence_counts.as_mut_ptr(),
            seq_id: sequence_pointers.as_mut_ptr(),
            logits: outputs.as_mut_ptr(),
        }
    }
}
