use aws_sdk_sfn::Client;
use aws_types::SdkConfig;
use recording::{
    Error,
    ports::{Answered, Callbacks},
};

use crate::error;

/// Task tokens of Step Functions.
#[derive(Clone, Debug)]
pub struct StepFunctionsCallbacks {
    client: Client,
}

impl StepFunctionsCallbacks {
    /// Step Functions of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl Callbacks for StepFunctionsCallbacks {
    async fn succeed(
        &self,
        task_token: &str,
        output: &serde_json::Value,
    ) -> Result<Answered, Error> {
        let answer =
            self.client.send_task_success().task_token(task_token).output(output.to_string());
        match answer.send().await {
            Ok(_) => Ok(Answered::Delivered),
            Err(failed) if failed.as_service_error().is_some_and(nobody_waits) => {
                Ok(Answered::TooLate)
            }
            Err(failed) => Err(error::of_call("states:SendTaskSuccess", &failed)),
        }
    }
}

/// A token whose task was answered, timed out or ended with its execution.
fn nobody_waits(error: &aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError) -> bool {
    error.is_task_timed_out() || error.is_task_does_not_exist() || error.is_invalid_token()
}
