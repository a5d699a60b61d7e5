//! How long this thread was on a processor: what else runs on the machine hardly matters.

use std::fs;

use anyhow::Result;

/// Nanoseconds, in the kernel too, as Linux counts them.
pub(crate) fn nanoseconds() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
