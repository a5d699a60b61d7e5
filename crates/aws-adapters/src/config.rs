use std::{env, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
pub use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::https;

/// A call that takes longer than this is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// The SDK's configuration from the variables that Lambda sets: region and
/// credentials, and `AWS_ENDPOINT_URL` where there is one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
///
/// It does without the SDK's credential chain, which a function never needs.
#[must_use]
pub fn from_environment() -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .http_client(https::client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build(),
        );
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.build()
}

/// Lambda renews the credentials by starting a new process, so reading them once
/// is enough.
fn credentials() -> Credentials {
    Credentials::new(
        variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
        variable("AWS_SESSION_TOKEN"),
        None,
        "lambda-environment",
    )
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
