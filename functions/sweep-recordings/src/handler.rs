use lambda_kit::{Failure, Invocation};
use serde_json::Value;
use tracing::info;

use crate::custom_resource::{ANSWER_TAKES, Change, Request};

/// Takes whatever calls this function: the schedule, the rule for executions that ended badly,
/// and `CloudFormation`.
pub(crate) async fn handle(
    stack: &str,
    answer: impl AsyncFn(&str, &str) -> Result<(), recording::Error>,
    event: Value,
    invocation: Invocation,
) -> Result<(), Failure> {
    let Some(request) = Request::read(&event) else {
        info!("nothing is swept yet");
        return Ok(());
    };
    let time = invocation.time_left.saturating_sub(ANSWER_TAKES);
    let done = lambda_kit::within(time, carry_out(&request)).await;
    let text = request.answer(stack, done.as_ref().map(|()| ()));
    answer(&request.response_url, &text).await?;
    Ok(())
}

async fn carry_out(request: &Request) -> Result<(), Failure> {
    match request.change()? {
        Change::Kept => {}
        Change::Deleted => info!("nothing is swept yet"),
    }
    Ok(())
}
