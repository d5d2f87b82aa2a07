#![doc = include_str!("../../session.md")]

pub mod batch;
pub mod draft;
pub mod effect;
pub mod finish;
pub mod machine;
pub mod operation;
pub mod params;
pub mod reader;
pub mod reopen;
pub mod report;
pub mod retention;
pub mod snapshot;
mod state;
pub mod stop;
pub mod table;
pub mod tape;
pub mod text;
