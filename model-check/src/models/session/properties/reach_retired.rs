//! reached: a sequence is retired.
//!
//! What never happens proves nothing.

use modeld_spec::session::table::Use;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a sequence is retired";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.owners.iter().flatten().any(|owner| owner.table.uses().contains(&Use::Retired))
}
