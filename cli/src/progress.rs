//! A bar for long inputs.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::inputs::Input;

/// Shorter inputs are read before a bar can be looked at.
const LONG_BYTES: u64 = 64_000_000;

/// How far reading has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many bytes were read from the inputs, before any inflating.
    pub count: Arc<AtomicU64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing to be seen.
    #[must_use]
    pub(crate) fn hidden() -> Self {
        Self::default()
    }

    /// A bar, if the inputs are long, their length is known and standard error is a terminal.
    #[must_use]
    pub(crate) fn of(inputs: &[Input]) -> Self {
        let length: u64 = inputs.iter().map(|input| input.length).sum();
        let is_known = inputs.iter().all(Input::has_length);
        if !is_known || length < LONG_BYTES || !io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = ProgressBar::new(length);
        let style = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { count: Arc::default(), bar: Some(bar) }
    }

    /// Shows how far reading has come. Cheap: the bar is drawn a few times a second.
    pub(crate) fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.count.load(Ordering::Relaxed));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
