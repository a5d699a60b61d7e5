use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_adapters::SdkConfig;
use lambda_kit::{Failure, Invocation};
use netflow_forwarding::{Error, Forwarder, Settings};
use notifications::PartialFailures;
use serde_json::Value;

use crate::aws::{S3, Table};

/// Answers the messages of SQS that must come again, or nothing for any other event.
pub(crate) async fn handle(
    config: &SdkConfig,
    event: &Value,
    invocation: &Invocation,
) -> Result<Option<PartialFailures>, Failure> {
    let told = notifications::read(event).map_err(|error| failure(&error.into()))?;
    let settings = Settings::read(|name| env::var(name).ok()).map_err(|error| failure(&error))?;
    let buckets = S3::new(config);
    let table = Table::new(config, &settings.table_name);
    let forwarder = Forwarder::new(&settings, &buckets, &table);
    let done = forwarder.forward(&told, &token(invocation), invocation.time_left).await;
    done.map(|done| done.answer).map_err(|error| failure(&error))
}

fn failure(error: &Error) -> Failure {
    Failure::new(error.name(), error.to_string())
}

/// An event that Lambda tries again has its request's ID again, but not the time.
fn token(invocation: &Invocation) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}/{}", invocation.request_id, since.as_nanos())
}
