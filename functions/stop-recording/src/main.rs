//! stop-recording

fn main() {}
