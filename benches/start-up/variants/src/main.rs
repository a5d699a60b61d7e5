//! A function that writes one item to DynamoDB for each event, unless the event
//! says `{"call": false}`. Its features are the settings that are compared.

use aws_adapters::SdkConfig;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

fn main() -> Result<(), Error> {
    #[cfg(feature = "logs")]
    write_logs();
    runtime().enable_all().build()?.block_on(run())
}

/// As crates/lambda-kit/src/logs.rs does it.
#[cfg(feature = "logs")]
fn write_logs() {
    use tracing_subscriber::{fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

    tracing_subscriber::registry().with(filter()).with(fmt::layer().json()).init();
}

#[cfg(feature = "env-filter")]
fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::from_default_env()
}

#[cfg(all(feature = "logs", not(feature = "env-filter")))]
fn filter() -> tracing_subscriber::filter::Targets {
    std::env::var("RUST_LOG").unwrap_or_default().parse().unwrap_or_default()
}

#[cfg(feature = "multi-thread")]
fn runtime() -> tokio::runtime::Builder {
    tokio::runtime::Builder::new_multi_thread()
}

#[cfg(not(feature = "multi-thread"))]
fn runtime() -> tokio::runtime::Builder {
    tokio::runtime::Builder::new_current_thread()
}

async fn run() -> Result<(), Error> {
    let client = Client::new(&config().await);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload.get("call").and_then(Value::as_bool) != Some(false) {
            write(&client).await?;
        }
        Ok::<_, Error>(())
    }))
    .await
}

async fn write(client: &Client) -> Result<(), Error> {
    let id = AttributeValue::S("nat-0123456789abcdef0".to_owned());
    client.update_item().table_name("recordings").key("natGatewayId", id).send().await?;
    Ok(())
}

#[cfg(feature = "sdk-defaults")]
async fn config() -> SdkConfig {
    aws_config::load_from_env().await
}

#[cfg(not(any(feature = "sdk-defaults", feature = "sdk-https", feature = "aws-lc")))]
async fn config() -> SdkConfig {
    aws_adapters::from_environment()
}

#[cfg(any(feature = "sdk-https", feature = "aws-lc"))]
async fn config() -> SdkConfig {
    use aws_smithy_http_client::{
        Builder,
        tls::{Provider, rustls_provider::CryptoMode},
    };

    #[cfg(feature = "aws-lc")]
    let mode = CryptoMode::AwsLc;
    #[cfg(not(feature = "aws-lc"))]
    let mode = CryptoMode::Ring;
    let client = Builder::new().tls_provider(Provider::Rustls(mode)).build_https();
    aws_adapters::from_environment().into_builder().http_client(client).build()
}
