use lambda_kit::{Failure, Subject};
use recording::{
    ports::Clock as _,
    report::{self, Email, Failed, Place, Published, Sources},
    reserve::Start,
    state::{self, State},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

/// What the state machine sends: the execution's data, and after a failure also
/// what it started with.
#[derive(Deserialize)]
pub(crate) struct Request {
    state: Value,
    #[serde(flatten)]
    failed: Option<FailedExecution>,
}

#[derive(Deserialize)]
pub(crate) struct FailedExecution {
    input: Value,
    execution: String,
}

/// What the state machine caught, beside whatever the execution had got to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failures {
    failure: state::Failure,
    clean_up_failure: Option<state::Failure>,
}

pub(crate) async fn handle(
    place: Place<'_>,
    sources: &impl Sources,
    request: Request,
) -> Result<Published, Failure> {
    let published = match request.failed {
        // Programs learn of a failure from the execution itself.
        Some(execution) => {
            Published { email: failed(place, request.state, &execution)?, json: String::new() }
        }
        None => recorded(place, sources, request.state).await?,
    };
    info!(
        subject = published.email.subject,
        bodyBytes = published.email.body.len(),
        jsonBytes = published.json.len(),
        milliseconds = sources.clock().elapsed().as_millis(),
        "wrote the report"
    );
    Ok(published)
}

async fn recorded(
    place: Place<'_>,
    sources: &impl Sources,
    state: Value,
) -> Result<Published, Failure> {
    let state: State = serde_json::from_value(state)?;
    lambda_kit::about_recording(&state.recording);
    Ok(report::recorded(&state, place, sources).await)
}

fn failed(place: Place<'_>, state: Value, execution: &FailedExecution) -> Result<Email, Failure> {
    let failures = Failures::deserialize(&state)?;
    let state: Option<State> = serde_json::from_value(state).ok();
    let start = Start::read(&execution.input).ok();
    if let Some(start) = &start {
        lambda_kit::about(Subject {
            gateway: start.gateway(),
            execution: Some(&execution.execution),
            recording: state.as_ref().map(|state| state.recording.id()).as_deref(),
        });
    }
    let failed = Failed {
        gateway: start.as_ref().map(Start::gateway),
        execution: &execution.execution,
        state: state.as_ref(),
        failure: &failures.failure,
        clean_up_failure: failures.clean_up_failure.as_ref(),
    };
    Ok(report::failed(&failed, place))
}
