//! EC2's request throttling, when it is switched on: a bucket of tokens for each operation.
//!
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::aws_calls::{AwsCall, Refusal};

/// How many calls in a row pass, and how many a second after that.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// Operations that only describe.
const DESCRIBING: Rate = Rate { burst: 100.0, per_second: 20.0 };
/// Operations that change something.
const MUTATING: Rate = Rate { burst: 50.0, per_second: 5.0 };

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// Takes a token, if there is one at this time.
    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = seconds.mul_add(rate.per_second, self.tokens).min(rate.burst);
        self.filled_at = now;
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }
}

/// A region and an operation.
type Key = (String, String);

/// The buckets of EC2's operations; none while it is switched off.
#[derive(Default)]
pub(crate) struct Throttling {
    ec2: Mutex<Option<HashMap<Key, Bucket>>>,
}

impl Throttling {
    /// Switches it on, with full buckets, or off.
    pub(crate) fn switch(&self, is_on: bool) {
        *self.ec2.lock() = is_on.then(HashMap::new);
    }

    /// Refuses a call for which there is no token.
    pub(crate) fn check(&self, call: &AwsCall) -> Result<(), Refusal> {
        if call.service != "ec2" || self.has_token(&call.region, &call.operation) {
            return Ok(());
        }
        Err(Refusal::new(503, "RequestLimitExceeded", "Request limit exceeded."))
    }

    fn has_token(&self, region: &str, operation: &str) -> bool {
        let mut buckets = self.ec2.lock();
        let Some(buckets) = buckets.as_mut() else { return true };
        let rate = if operation.starts_with("Describe") { DESCRIBING } else { MUTATING };
        let now = Instant::now();
        let key = (region.to_owned(), operation.to_owned());
        let full = || Bucket { tokens: rate.burst, filled_at: now };
        buckets.entry(key).or_insert_with(full).take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn passed(throttling: &Throttling, operation: &str, calls: usize) -> usize {
        (0..calls).filter(|_| throttling.has_token("us-east-1", operation)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_so_many_a_second() {
        let throttling = Throttling::default();
        assert_eq!(passed(&throttling, "CreateFlowLogs", 200), 200);
        throttling.switch(true);
        assert_eq!(passed(&throttling, "CreateFlowLogs", 200), 50);
        assert_eq!(passed(&throttling, "DescribeFlowLogs", 200), 100);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(passed(&throttling, "CreateFlowLogs", 200), 10);
        assert_eq!(passed(&throttling, "DescribeFlowLogs", 200), 40);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(passed(&throttling, "CreateFlowLogs", 200), 50);
        throttling.switch(false);
        assert_eq!(passed(&throttling, "CreateFlowLogs", 200), 200);
    }
}
