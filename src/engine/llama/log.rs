//! What llama.cpp has to say: kept for the error of the load it is about, never printed.
//!
//! llama.cpp logs on the thread that called it, so what is captured on a thread belongs to the call it makes.
#![expect(unsafe_code, reason = "llama.cpp's log callback")]

use std::cell::{Cell, RefCell};
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

/// Runs `work`; gives how many bytes of buffers llama.cpp said that it took in it. There is no function that tells.
pub(super) fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    COUNTED.set(Some(0.0));
    let result = work();
    let mebibytes = COUNTED.take().unwrap_or_default();
    (result, (mebibytes * f64::from(1 << 20)) as u64)
}

/// Counts a line such as `llama_kv_cache:        CPU KV buffer size =     8.00 MiB`.
fn count(line: &str) {
    let size = line.split_once("buffer size =").and_then(|(_, size)| size.trim().strip_suffix("MiB"));
    if let (Some(size), Some(counted)) =
        (size.and_then(|size| size.trim().parse::<f64>().ok()), COUNTED.get())
    {
        COUNTED.set(Some(counted + size));
    }
}

thread_local! {
    /// The mebibytes so far, while they are counted on this thread.
    static COUNTED: Cell<Option<f64>> = const { Cell::new(None) };
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
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a text that ends with a zero byte and lives during the call; null was excluded above.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    if COUNTED.get().is_some() && level == sys::GGML_LOG_LEVEL_INFO {
        count(&text);
    }
    if !is_kept {
        return;
    }
    KEPT.with_borrow_mut(|kept| {
        let Some(kept) = kept.as_mut().filter(|kept| kept.len() < KEPT_BYTES_MAX) else { return };
        kept.extend(text.chars().take(KEPT_BYTES_MAX));
    });
}

/// How much of the log an error holds about.
const KEPT_BYTES_MAX: usize = 2048;
