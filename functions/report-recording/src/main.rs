//! report-recording

fn main() {}
