//! A session's decisions: tape, text, stop strings, parameters, and the machine that holds them together.

mod batch;
mod client;
mod guess;
mod machine;
mod random;
mod retention;
mod rig;
mod share;
mod table;
mod text;
