//! The configuration of a person's command: everything that the AWS CLI takes it from.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

/// A person who waits can wait for a few more attempts than a function.
const ATTEMPTS: u32 = 6;

/// An answer that has not begun by then is asked for again.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration of a profile: `AWS_*` variables, `~/.aws/config` and `~/.aws/credentials`,
/// `credential_process`, IAM Identity Center, web identities, and what containers and instances
/// are given. Without a name it is that of `AWS_PROFILE` or `default`; a region that is given
/// comes before the profile's.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
///
/// `AWS_ENDPOINT_URL` and its kin count, as do `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
pub async fn load(profile: Option<&str>, region: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build());
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}

/// The same configuration for another region.
#[must_use]
pub fn in_region(config: &SdkConfig, region: &str) -> SdkConfig {
    config.to_builder().region(Region::new(region.to_owned())).build()
}

/// The SDK's own client on ring, which takes proxies from the environment. The functions'
/// client takes none.
fn https_client() -> SharedHttpClient {
    type Timeouts = [Option<Duration>; 2];
    let made: Mutex<Vec<(Timeouts, SharedHttpConnector)>> = Mutex::new(vec![]);
    http_client_fn(move |settings, components| {
        // Whoever asks an instance for credentials has less patience than others.
        let timeouts = [settings.connect_timeout(), settings.read_timeout()];
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = made.iter().find(|(same, _)| *same == timeouts) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(connector(settings, components));
        made.push((timeouts, connector.clone()));
        connector
    })
}

/// The same client, for a request that no service's client makes.
#[cfg(feature = "subnets")]
pub(crate) fn connector_of(config: &SdkConfig) -> SharedHttpConnector {
    let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(config.sleep_impl());
    SharedHttpConnector::new(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build())
}

fn connector(settings: &HttpConnectorSettings, components: &RuntimeComponents) -> Connector {
    let mut builder = Connector::builder()
        .connector_settings(settings.clone())
        .proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(components.sleep_impl());
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
}
