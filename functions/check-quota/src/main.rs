//! check-quota

fn main() {}
