#![doc = include_str!("../../lease.md")]

pub mod acquire;
pub mod decision;
pub mod effect;
pub mod evict;
pub mod gate;
pub mod keeper;
pub mod record;
pub mod release;
pub mod renew;
pub mod standby;
