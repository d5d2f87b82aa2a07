//! reached: a session is fatal.
//!
//! What never happens proves nothing.

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a session is fatal";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.sessions().any(|(_, _, session)| session.is_fatal())
}
