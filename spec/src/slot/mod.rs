#![doc = include_str!("../../slot.md")]

pub mod entry;
pub mod event;
pub mod footprint;
pub mod member;
pub mod plan;
pub mod table;
