//! What is checked of the sessions: each configuration with the counts that it has to yield.

use super::Sessions;
use super::state::Budget;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Sessions>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Sessions>> {
    let small = Sessions::SMALL;
    vec![Configuration::quick("calm", small, (0, 0, 0))]
}

fn deep() -> Vec<Configuration<Sessions>> {
    let _ = Budget { ..Sessions::NOTHING };
    Vec::new()
}
