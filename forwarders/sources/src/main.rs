//! Lambda function `check-sources`: tells `CloudFormation`, for a custom resource, whether the log
//! group and the bucket of its properties can feed the sinks.

mod handler;

use aws_adapters::{BucketEvents, LogGroup, LogGroups, PresignedUrl, ReadError, SdkConfig};
use jiff::Timestamp;
use lambda_kit::RuntimeError;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run_invocations(async |event, invocation| {
        let answer = async |url: &str, text: &str| PresignedUrl(url).put(text).await;
        Box::pin(handler::handle(&Account(&config), answer, &event, &invocation)).await
    })
}

struct Account<'a>(&'a SdkConfig);

impl handler::Account for Account<'_> {
    async fn log_group(&self, name: &str) -> Result<Option<LogGroup>, ReadError> {
        LogGroups::new(self.0)?.find(name, Timestamp::now()).await
    }

    async fn subscriptions(&self, log_group: &str) -> Result<Vec<String>, ReadError> {
        LogGroups::new(self.0)?.subscriptions(log_group).await
    }

    async fn reaches_event_bridge(&self, bucket: &str) -> Result<bool, ReadError> {
        BucketEvents::new(self.0).reach_event_bridge(bucket).await
    }
}
