//! Protocols of others that are wrong, kept to show that the checker finds what is wrong with them.

pub(crate) mod directory_lock;
