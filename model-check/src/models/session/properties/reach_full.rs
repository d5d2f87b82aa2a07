//! reached: a decode ends because the context is full.
//!
//! What never happens proves nothing.

use modeld_spec::session::effect::Answer;
use modeld_spec::session::finish::FinishReason;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a decode ends because the context is full";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.answers(|answer, _| {
        matches!(answer, Ok(Answer::Decoded { finish: FinishReason::ContextFull { .. }, .. }))
    })
}
