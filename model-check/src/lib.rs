//! Exhaustive checks of modeld's machines: models, promises, mutants, specimens.
//!
//! A [`study::Study`] is a model with its claims; [`registry`] lists them all; [`search`] goes through their
//! states to the end, [`liveness`] looks for what never comes; [`story`] tells the paths that it finds; [`commands`] are what the binary offers.

pub mod commands;
pub mod configuration;
pub mod coverage;
pub mod liveness;
pub mod models;
pub mod registry;
pub mod schedule;
pub mod search;
pub mod specimens;
pub mod story;
pub mod study;
pub mod subject;
