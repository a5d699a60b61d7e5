//! front-door

fn main() {}
