//! wardctl.
fn main() {}
