//! What llama.cpp has to say: kept for the error of the load it is about, never printed.
//!
//! llama.cpp logs on the thread that called it, so what is captured on a thread belongs to the call it makes.
#![expect(unsafe_code, reason = "llama.cpp's log callback")]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::sync::Once;

use llama_cpp_sys_2 as sys;

/// Initialises llama.cpp; the first call does it, all wait until it is done.
pub(super) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: `keep` may be called from any thread at any time, and needs no data.
        unsafe { sys::llama_log_set(Some(keep), std::ptr::null_mut()) };
        // SAFETY: called once, before anything else of llama.cpp.
        unsafe { sys::llama_backend_init() };
    });
}

/// Runs `work`; gives what llama.cpp warned of and complained about in it.
pub(super) fn captured<T>(work: impl FnOnce() -> T) -> (T, String) {
    KEPT.with_borrow_mut(|kept| *kept = Some(String::new()));
    let result = work();
    let kept = KEPT.take().unwrap_or_default();
    (result, kept.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; "))
}

thread_local! {
    /// The text so far, while something is captured on this thread.
    static KEPT: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether the message that a continuation continues was kept.
    static CONTINUES: RefCell<bool> = const { RefCell::new(false) };
}

unsafe extern "C" fn keep(level: sys::ggml_log_level, text: *const c_char, _data: *mut c_void) {
    let is_kept = match level {
        sys::GGML_LOG_LEVEL_ERROR => true,
        sys::GGML_LOG_LEVEL_CONT => CONTINUES.with_borrow(|continues| *continues),
        _ => false,
    };
    CONTINUES.with_borrow_mut(|continues| *continues = is_kept);
    if !is_kept || text.is_null() {
        return;
    }
    KEPT.with_borrow_mut(|kept| {
        let Some(kept) = kept.as_mut().filter(|kept| kept.len() < KEPT_BYTES_MAX) else { return };
        // SAFETY: llama.cpp passes a text that ends with a zero byte and lives during the call; null was excluded above.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        kept.extend(text.chars().take(KEPT_BYTES_MAX));
    });
}

/// How much of the log an error holds about.
const KEPT_BYTES_MAX: usize = 2048;
