//! reached: two sessions have a batch in flight.
//!
//! What never happens proves nothing.

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: two sessions have a batch in flight";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    1 < state.sessions().filter(|(_, _, session)| session.in_flight().is_some()).count()
}
