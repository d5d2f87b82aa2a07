//! What is checked of the start: each configuration with the counts that it has to yield.

use super::Starting;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Starting>> {
    vec![Configuration::quick("calm", Starting::CALM, (0, 0, 0))]
}

/// The marks that the searches of the quick profile leave.
pub(super) const MARKS: &[&str] = &["start: x"];
