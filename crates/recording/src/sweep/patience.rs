//! Calls that are tried again: AWS throttles whoever is in a hurry.

use std::time::Duration;

use super::{Aws, Sweep};
use crate::{Error, ports::Clock as _};

/// The pauses between the tries of a call, each of which the SDK has tried three times.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Tries again what fails for the moment, as long as the sweep has time.
pub(super) async fn patiently<T>(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    call: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    for pause in PAUSES {
        match call().await {
            Err(Error::Transient { .. }) if aws.clock().elapsed() + pause < sweep.time => {
                aws.clock().sleep(pause).await;
            }
            done => return done,
        }
    }
    call().await
}
