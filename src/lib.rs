//! `modeld`: a per-user model daemon. One process owns the resident models of a data root under a lease;
//! everyone else finds it, talks to it, or waits to take over.
//!
//! The protocol is in [`modeld_spec`]; this crate performs it on real files, clocks and models. From the bottom
//! up: [`lease`] performs the machines' effects on files, [`owner`] joins and keeps, [`engine`] holds models and
//! sessions, [`transport`] serves them, [`daemon`] puts these together; [`probe`] and [`conn`] are the client, and [`cli`] is the
//! `modeld` command.

pub mod cli;
pub mod conn;
pub mod daemon;
pub mod data_root;
pub mod engine;
#[cfg(test)]
mod harness;
pub mod lease;
pub mod os;
pub mod owner;
pub mod probe;
mod sync;
pub mod transport;
