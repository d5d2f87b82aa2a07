//! What is in a context's cache: cut, shared, moved, saved and loaded.
//!
//! | memory of the model | cut | share | move |
//! |---|---|---|---|
//! | attention, also with a sliding window | anywhere | any range: the same cells (`reproducible`: from 0, a copy) | yes, with rotary positions (`reproducible`: no) |
//! | recurrent, and hybrids with attention | at 0 | the whole, to an empty sequence | no |
//!
//! Layers with a sliding window keep all positions (`swa_full`): llama.cpp's smaller cache forgets what has left the window, and a
//! sequence cut back would look at what is gone. A saved sequence has no more than the window in those layers: once loaded it
//! goes on, and is refused a cut to where it would look at what is missing. Its cells lie otherwise then, so that with `reproducible`
//! a sequence longer than the window is neither saved nor shared.
#![expect(unsafe_code, reason = "llama.cpp's memory is C")]

use std::ops::Range;

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;

use super::backend_failed;
use super::context::Context;
use crate::engine::backend::Sequence;

impl Context {
    /// How many positions of the sequence are in the cache.
    pub(super) fn kv_len(&self, sequence: Sequence) -> usize {
        let Some(id) = self.id(sequence) else { return 0 };
        // SAFETY: the context is alive; the sequence is one of it.
        let last = unsafe { sys::llama_memory_seq_pos_max(self.memory(), id) };
        usize::try_from(last + 1).unwrap_or(0)
    }

    /// Removes the positions from `length` on.
    pub(super) fn kv_truncate(&mut self, sequence: Sequence, length: usize) -> bool {
        let (Some(id), Ok(from)) = (self.id(sequence), i32::try_from(length)) else { return false };
        if self.kv_len(sequence) <= length {
            return true;
        }
        let can = length == 0 || !self.weights.is_recurrent() && self.can_go_on(id, length);
        // SAFETY: the context is alive; the sequence is one of it; -1 is "to the end".
        let cut = can && unsafe { sys::llama_memory_seq_rm(self.memory(), id, from, -1) };
        if cut && length == 0 {
            self.shared[sequence.0 as usize] = false;
        }
        cut
    }

    /// Makes the positions `range` of `from` those of `to` as well.
    pub(super) fn kv_share(&mut self, from: Sequence, to: Sequence, range: Range<usize>) -> bool {
        let held = self.kv_len(from);
        let fits = range.start < range.end && range.end <= held && self.kv_len(to) == range.start;
        let whole = range.start == 0 && range.end == held;
        if from == to || !fits || self.weights.is_recurrent() && !whole {
            return false;
        }
        if !self.unified {
            return range.start == 0 && self.copy(from, to, range.end);
        }
        let (Some(source), Some(target)) = (self.id(from), self.id(to)) else { return false };
        if !self.weights.is_recurrent() && !self.can_go_on(source, range.end) {
            return false;
        }
        let (Ok(start), Ok(end)) = (i32::try_from(range.start), i32::try_from(range.end)) else {
            return false;
        };
        // SAFETY: the context is alive; both sequences are of it, and in one cache: nothing is copied.
        unsafe { sys::llama_memory_seq_cp(self.memory(), source, target, start, end) };
        self.shared[from.0 as usize] = true;
        self.shared[to.0 as usize] = true;
        true
    }

    /// Takes the positions `discard` out, and moves those behind them down.
    pub(super) fn kv_shift(&mut self, sequence: Sequence, discard: Range<usize>) -> bool {
        let held = self.kv_len(sequence);
        let Some(id) = self.id(sequence) else { return false };
        // Positions belong to cells: moved for one sequence they would move for all that share them.
        let can = self.shifts() && !self.shared[sequence.0 as usize] && self.first(id) == 0;
        let (Ok(start), Ok(end)) = (i32::try_from(discard.start), i32::try_from(discard.end)) else {
            return false;
        };
        if !can || end <= start || held < discard.end {
            return false;
        }
        // SAFETY: the context is alive; the sequence is one of it; its cache can move positions, which was asked above.
        unsafe {
            if !sys::llama_memory_seq_rm(self.memory(), id, start, end) {
                return false;
            }
            sys::llama_memory_seq_add(self.memory(), id, end, -1, start - end);
        }
        self.shifted = true;
        true
    }

    /// Whether positions can be moved. In llama.cpp a recurrent state says so too, but nothing can be taken out of it; and with
    /// `reproducible` the order of the cells has to be that of the positions.
    pub(super) fn shifts(&self) -> bool {
        // SAFETY: the context is alive.
        self.unified && !self.weights.is_recurrent() && unsafe { sys::llama_memory_can_shift(self.memory()) }
    }

    /// Appends the state of a sequence.
    pub(super) fn kv_save(&mut self, sequence: Sequence, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let id = self.id(sequence).ok_or_else(|| backend_failed("there is no such sequence"))?;
        if self.shifted {
            return Err(backend_failed(
                "positions were moved, and nothing was evaluated since: that turns the keys",
            ));
        }
        if !self.unified
            && self.weights.window().is_some_and(|window| (window as usize) < self.kv_len(sequence))
        {
            let feature = "saving a sequence longer than the sliding window, reproducibly".to_string();
            return Err(Error::UnsupportedFeature { backend: "llama".to_string(), feature });
        }
        // SAFETY: the context is alive; the sequence is one of it.
        let size = unsafe { sys::llama_state_seq_get_size(self.inner.0.as_ptr(), id) };
        let start = bytes.len();
        bytes.resize(start + size, 0);
        // SAFETY: as above; the pointer is to `size` bytes.
        let written = unsafe {
            sys::llama_state_seq_get_data(self.inner.0.as_ptr(), bytes[start..].as_mut_ptr(), size, id)
        };
        if size == 0 || written != size {
            bytes.truncate(start);
            return Err(backend_failed("llama.cpp could not write the sequence's state"));
        }
        Ok(())
    }

    /// Loads the state of a sequence, which is empty again if that fails.
    pub(super) fn kv_load(&mut self, sequence: Sequence, bytes: &[u8]) -> Result<usize, Error> {
        let id = self.id(sequence).ok_or_else(|| backend_failed("there is no such sequence"))?;
        if self.kv_len(sequence) != 0 {
            return Err(backend_failed("the sequence is not empty"));
        }
        // SAFETY: the context is alive, the sequence is one of it, and the pointer is to that many bytes, which were written by
        // `kv_save` (their digest was compared).
        let read =
            unsafe { sys::llama_state_seq_set_data(self.inner.0.as_ptr(), bytes.as_ptr(), bytes.len(), id) };
        let length = self.kv_len(sequence);
        let is_whole = read == bytes.len() && (self.weights.is_recurrent() || self.can_go_on(id, length));
        if !is_whole {
            self.kv_truncate(sequence, 0);
            return Err(backend_failed("llama.cpp could not read the sequence's state"));
        }
        Ok(length)
    }

    /// Copies the first positions of a sequence to an empty one.
    fn copy(&mut self, from: Sequence, to: Sequence, length: usize) -> bool {
        let mut state = Vec::new();
        let copied = self.kv_save(from, &mut state).and_then(|()| self.kv_load(to, &state));
        copied.is_ok() && self.kv_truncate(to, length)
    }

    /// Whether a token behind the first `length` positions of the sequence finds all that it looks at.
    fn can_go_on(&self, id: sys::llama_seq_id, length: usize) -> bool {
        let first = self.first(id);
        let window = self.weights.window().map_or(usize::MAX, |window| window as usize);
        first == 0 || first.saturating_add(window) <= length + 1
    }

    /// The first position of the sequence that every layer has; 0 if the sequence is empty.
    fn first(&self, id: sys::llama_seq_id) -> usize {
        // SAFETY: the context is alive; the sequence is one of it.
        usize::try_from(unsafe { sys::llama_memory_seq_pos_min(self.memory(), id) }).unwrap_or(0)
    }

    fn id(&self, sequence: Sequence) -> Option<sys::llama_seq_id> {
        i32::try_from(sequence.0).ok().filter(|_| (sequence.0 as usize) < self.sizes.sequences)
    }

    /// Null if the model keeps nothing.
    pub(super) fn memory(&self) -> sys::llama_memory_t {
        // SAFETY: a read of a live context.
        unsafe { sys::llama_get_memory(self.inner.0.as_ptr()) }
    }
}
