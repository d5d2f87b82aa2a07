#![doc = include_str!("../../fence.md")]

pub mod commit;
pub mod drain;
pub mod entry;
pub mod permits;
