//! What is checked of the holder protocol: each configuration with the counts that it has to yield.

use super::Bind;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Bind>> {
    vec![Configuration::quick("small", Bind::SMALL, (0, 0, 0))]
}
