//! string-to-int

fn main() {}
