//! A session's decisions: tape, text, stop strings, parameters, and the machine that holds them together.

mod client;
mod machine;
mod random;
mod retention;
mod rig;
mod table;
mod text;
