//! resume-recording

fn main() {}
