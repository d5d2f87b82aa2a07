#![doc = include_str!("../../holder.md")]

pub mod ask;
pub mod close;
pub mod effect;
pub mod frame;
pub mod line;
pub mod member;
pub mod serve;
pub mod spawn;
pub mod wait;
