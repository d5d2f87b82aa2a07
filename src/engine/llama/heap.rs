//! What is freed goes back to the system, and not to an allocator that may want it again.
//!
//! glibc takes large blocks from the system one by one, until the first of them is freed: from then on it keeps blocks of that size for
//! itself, so a daemon that unloads a model may stay as large as it was. It is told not to.
#![cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "the allocator's C interface"))]

/// Lets the caches of models be blocks of their own, which go back to the system when they are freed. Said before the first load; saying
/// it again changes nothing.
pub(super) fn give_back_what_is_freed() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes two numbers and no pointer, and may be called on any thread at any time.
        unsafe { mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES) };
    }
}

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    /// `malloc.h`: sets a parameter of the allocator; whether there is such a one.
    fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
}

/// `malloc.h`: from which size on a block is taken from the system by itself. Setting it once keeps it from being moved.
#[cfg(target_env = "gnu")]
const M_MMAP_THRESHOLD: std::ffi::c_int = -3;

/// Buffers of models are larger; what a request takes is smaller.
#[cfg(target_env = "gnu")]
const BLOCK_BYTES: std::ffi::c_int = 1 << 20;
