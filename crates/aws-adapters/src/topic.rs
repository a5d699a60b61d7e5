use aws_sdk_sns::{Client, error::BuildError, types::MessageAttributeValue};
use aws_types::SdkConfig;
use recording::{Error, ports::Topic, report::Email};

use crate::error;

const OPERATION: &str = "sns:Publish";

/// A topic of SNS.
#[derive(Clone, Debug)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// The topic of this ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, arn: String) -> Self {
        Self { client: Client::new(config), arn }
    }
}

impl Topic for SnsTopic {
    /// With the attribute that the state machine gives an e-mail for people: the subscription's
    /// filter knows it.
    async fn publish(&self, email: &Email) -> Result<(), Error> {
        let call = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .subject(&email.subject)
            .message(&email.body)
            .message_attributes("format", text("text").map_err(|error| unbuilt(&error))?);
        call.send().await.map_err(|failed| error::of_call(OPERATION, &failed))?;
        Ok(())
    }
}

fn text(value: &str) -> Result<MessageAttributeValue, BuildError> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build()
}

fn unbuilt(error: &BuildError) -> Error {
    Error::AwsRefused {
        operation: OPERATION,
        code: "not sent".to_owned(),
        message: error.to_string(),
    }
}
