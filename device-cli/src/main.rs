//! The room is being furnished.
fn main() {}
