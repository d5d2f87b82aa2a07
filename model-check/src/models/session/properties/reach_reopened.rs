//! reached: a client goes on from a snapshot at the next owner.
//!
//! What never happens proves nothing.

use modeld_spec::session::reopen::Source;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a client goes on from a snapshot at the next owner";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    matches!(state.client.source, Some(Source::Snapshot(_)))
}
