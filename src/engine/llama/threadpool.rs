//! The threads that evaluate: ggml's own pool, one a model.
#![expect(unsafe_code, reason = "ggml's thread pool is C")]

use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;

/// A pool of threads; the thread that evaluates is one of them.
pub(super) struct ThreadPool(NonNull<sys::ggml_threadpool>);

impl ThreadPool {
    /// Starts the threads.
    pub(super) fn new(threads: usize) -> Result<Self, String> {
        let count = i32::try_from(threads.min(THREADS_MAX)).unwrap_or(1);
        // SAFETY: only fills a struct.
        let mut params = unsafe { sys::ggml_threadpool_params_default(count) };
        // SAFETY: `params` was filled by ggml and is only read.
        let pool = unsafe { sys::ggml_threadpool_new(&raw mut params) };
        NonNull::new(pool)
            .map(ThreadPool)
            .ok_or_else(|| format!("no pool of {count} threads could be started"))
    }

    pub(super) fn as_ptr(&self) -> *mut sys::ggml_threadpool {
        self.0.as_ptr()
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        // SAFETY: made by `ggml_threadpool_new` and freed once; the context that used it is freed before (field order there).
        unsafe { sys::ggml_threadpool_free(self.0.as_ptr()) };
    }
}

/// ggml's own bound (`GGML_MAX_N_THREADS`).
const THREADS_MAX: usize = 512;
