//! The `modeld` command.
fn main() {}
