use std::time::{Duration, Instant};

use aws_smithy_async::rt::sleep::{AsyncSleep as _, TokioSleep};
use recording::ports::Clock;

/// The function's own clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for Stopwatch {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        TokioSleep::new().sleep(length).await;
    }
}
