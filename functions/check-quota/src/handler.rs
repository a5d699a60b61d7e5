use lambda_kit::{Failure, Subject};
use recording::{
    ports::Table,
    reserve::{self, Answer, Request, Start},
};
use tracing::info;

pub(crate) async fn handle(table: &impl Table, request: Request) -> Result<Answer, Failure> {
    let start = Start::read(&request.input)?;
    lambda_kit::about(Subject {
        gateway: start.gateway(),
        execution: Some(&request.execution),
        recording: None,
    });
    let answer = reserve::reserve(table, &request).await?;
    match &answer {
        Answer::Record(state) => {
            lambda_kit::about_recording(&state.recording);
            info!(leaseEndsAt = %state.recording.lease_ends_at, "reserved a recording");
        }
        Answer::Refuse(refusal) => info!(decision = ?refusal.decision, "{}", refusal.reason),
    }
    Ok(answer)
}
