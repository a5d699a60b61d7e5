use aws_sdk_s3::Client;
use aws_types::SdkConfig;

use crate::ReadError;

/// Whom buckets tell of their objects.
#[derive(Clone, Debug)]
pub struct BucketEvents(Client);

impl BucketEvents {
    /// Of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let path_style = config.endpoint_url().is_some();
        let builder = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style);
        Self(Client::from_conf(builder.build()))
    }

    /// Whether `EventBridge` is among them.
    pub async fn reach_event_bridge(&self, bucket: &str) -> Result<bool, ReadError> {
        let call = self.0.get_bucket_notification_configuration().bucket(bucket);
        let answer = call.send().await;
        let operation = "s3:GetBucketNotificationConfiguration";
        let answer = answer.map_err(|error| ReadError::of_call(operation, &error))?;
        Ok(answer.event_bridge_configuration().is_some())
    }
}
