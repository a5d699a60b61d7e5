//! What memory this process has taken.

use std::fs;

/// The most there was at a time, as Linux writes it: `12345 kB`.
pub(crate) fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
