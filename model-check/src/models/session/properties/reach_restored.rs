//! reached: a snapshot is restored.
//!
//! What never happens proves nothing.

use modeld_spec::session::effect::Answer;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a snapshot is restored";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.answers(|answer, _| matches!(answer, Ok(Answer::Restored { .. })))
}
