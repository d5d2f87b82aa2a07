#![doc = include_str!("../../daemon.md")]

pub mod effect;
pub mod proof;
pub mod serve;
pub mod start;
pub mod status;
pub mod stop;
