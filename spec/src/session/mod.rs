//! A session: what is on its tape, what of it can be reused, when its text ends.
//!
//! ```text
//!              ensure_prefix / prefill_suffix            decode
//!     Idle ------------------------------> Prefilling   Idle -----> Decoding
//!      ^  <-- done, cancelled, overflow ------|          ^  <-- end -----|
//!      |                                                 |
//!      '--- Closed and Fatal: nothing leads out of them -'
//! ```
//!
//! The tape is the list of token ids that are in the KV cache, in order: index is position. Every decision about it
//! is made here; whoever evaluates tokens performs the decision and reports what the cache holds after it.

pub mod effect;
pub mod finish;
pub mod machine;
pub mod operation;
pub mod params;
pub mod reader;
pub mod reopen;
pub mod report;
pub mod snapshot;
pub mod stop;
pub mod table;
pub mod tape;
pub mod text;
