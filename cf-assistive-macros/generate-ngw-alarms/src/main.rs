//! generate-ngw-alarms

fn main() {}
