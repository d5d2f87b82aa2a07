//! reached: a cancelled prefill has left a part on the tape.
//!
//! What never happens proves nothing.

use modeld_spec::session::effect::Failure;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a cancelled prefill has left a part on the tape";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.answers(|answer, begun| answer == Err(Failure::Cancelled) && 0 < begun.evaluated)
}
