//! Lambda function `sweep-recordings`: deletes what recordings left behind, and announces what
//! nobody announced.
//!
//! | variable | value |
//! |---|---|
//! | `STACK_NAME` | the stack's name, the tag of its flow logs |
//! | `TABLE_NAME` | the table with one item per gateway |
//! | `STATE_MACHINE_ARN` | the recorder |
//! | `TOPIC_ARN` | the topic of the reports |
//! | `FLOW_LOG_DESTINATION` | `cloudwatch-logs` or `s3`: where the e-mails say the records are |
//! | `LOG_GROUP_NAME` | with `cloudwatch-logs`, the log group |
//! | `FOLDER`, `WORK_GROUP` | with `s3`, as report-recording has them |

mod custom_resource;
mod handler;

use aws_adapters::PresignedUrl;
use lambda_kit::{RuntimeError, settings};

fn main() -> Result<(), RuntimeError> {
    lambda_kit::run_invocations(async |event, invocation| {
        let stack = settings::text("STACK_NAME").unwrap_or_default();
        let answer = async |url: &str, text: &str| PresignedUrl(url).put(text).await;
        handler::handle(&stack, answer, event, invocation).await
    })
}
