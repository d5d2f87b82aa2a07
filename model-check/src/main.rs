//! Exhaustive checks of modeld's machines.
fn main() {}
