//! start-recording

fn main() {}
