use std::time::Duration;

use jiff::Timestamp;
use lambda_kit::{
    Failure, Invocation,
    custom_resource::{Change, Request},
};
use recording::{
    Error,
    report::Place,
    sweep::{self, Aws, Sweep, Swept},
};
use serde_json::Value;
use tracing::{info, warn};

/// The stack that is swept.
pub(crate) trait Stack: Aws {
    fn place(&self) -> Place<'_>;
    /// The state machine's ARN.
    fn state_machine(&self) -> &str;
}

/// The answer to `CloudFormation` is written to S3, three times if need be. The work ends so long
/// before Lambda ends the function.
const ANSWER_TAKES: Duration = Duration::from_secs(30);

/// A sweep stops looking for work so long before its end, since what it has begun takes its time.
const SPARE: Duration = Duration::from_secs(20);

/// Takes whatever calls this function: the schedule, the rule for executions that ended badly,
/// and `CloudFormation`, which is answered whatever happens.
pub(crate) async fn handle(
    stack: Result<impl Stack, Error>,
    answer: impl AsyncFn(&str, &str) -> Result<(), Error>,
    event: &Value,
    invocation: &Invocation,
) -> Result<(), Failure> {
    let Some(request) = Request::read(event) else {
        return sweep(&stack?, event, invocation).await;
    };
    let time = invocation.time_left.saturating_sub(ANSWER_TAKES);
    let done = lambda_kit::within(time, change(stack, &request, time, invocation)).await;
    if let Err(failure) = &done {
        warn!(error = failure.name(), "{failure}");
    }
    let done = done.map(|()| "no recording is left behind".to_owned());
    Ok(answer(&request.response_url, &request.answer("recordings", &done)).await?)
}

async fn sweep(stack: &impl Stack, event: &Value, invocation: &Invocation) -> Result<(), Failure> {
    let sweep = a_sweep(stack, invocation.time_left, invocation);
    let swept = match sweep::Request::read(event, stack.state_machine())? {
        sweep::Request::Everything => sweep::hourly(stack, &sweep).await?,
        sweep::Request::Ended(ended) => {
            lambda_kit::about_execution(ended.gateway().as_ref(), &ended.execution);
            sweep::ended(stack, &sweep, *ended).await?
        }
    };
    log(&swept);
    swept.complete()?;
    Ok(())
}

/// Nothing is swept unless the stack is deleted: an update must not end a recording.
async fn change(
    stack: Result<impl Stack, Error>,
    request: &Request,
    time: Duration,
    invocation: &Invocation,
) -> Result<(), Failure> {
    match request.change()? {
        Change::Kept => {}
        Change::Deleted => {
            let stack = stack?;
            let swept = sweep::removal(&stack, &a_sweep(&stack, time, invocation)).await?;
            log(&swept);
        }
    }
    Ok(())
}

fn a_sweep<'a>(stack: &'a impl Stack, time: Duration, invocation: &'a Invocation) -> Sweep<'a> {
    Sweep {
        place: stack.place(),
        invocation: &invocation.request_id,
        now: Timestamp::now(),
        time: time.saturating_sub(SPARE),
    }
}

fn log(swept: &Swept) {
    for left in &swept.left {
        warn!("left: {left}");
    }
    info!(
        deleted = ?swept.deleted,
        ended = ?swept.ended,
        quotaGivenBack = swept.given_back,
        announced = ?swept.announced,
        doubted = ?swept.doubted,
        gone = ?swept.gone,
        "swept"
    );
}

#[cfg(test)]
mod tests;
