use jiff::Timestamp;
use lambda_kit::{Failure, Subject};
use recording::{
    ports::{FlowLogs, Table},
    quota::QuotaPeriod,
    reserve::Start,
    state::State,
    stop::{self, Failed},
};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

/// What the state machine sends: at the end of a recording its state, after a
/// failure also what the execution started with, since the reservation's answer
/// may have been lost.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    state: Value,
    /// When the state was entered.
    at: Timestamp,
    #[serde(flatten)]
    failed: Option<FailedExecution>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailedExecution {
    input: Value,
    execution: String,
    quota_period: QuotaPeriod,
}

pub(crate) async fn handle(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    request: Request,
) -> Result<Value, Failure> {
    match request.failed {
        Some(failed) => clean_up(table, flow_logs, stack, request.state, &failed, request.at).await,
        None => end(table, flow_logs, stack, request.state, request.at).await,
    }
}

async fn end(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    state: Value,
    at: Timestamp,
) -> Result<Value, Failure> {
    let state: State = serde_json::from_value(state)?;
    lambda_kit::about_recording(&state.recording);
    let state = stop::stop(table, flow_logs, stack, state, at).await?;
    if let Some(stop) = &state.stop {
        info!(flowLogs = ?stop.deleted, "stopped");
    } else {
        info!(waitSeconds = state.wait_seconds, "the spike has come back: goes on");
    }
    Ok(serde_json::to_value(state)?)
}

/// An execution whose input names no gateway reserved nothing, so there is
/// nothing to clean up.
async fn clean_up(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    mut state: Value,
    execution: &FailedExecution,
    at: Timestamp,
) -> Result<Value, Failure> {
    let Ok(start) = Start::read(&execution.input) else { return Ok(state) };
    let reserved = State::deserialize(&state).ok();
    lambda_kit::about(Subject {
        gateway: start.gateway(),
        execution: Some(&execution.execution),
        recording: reserved.as_ref().map(|state| state.recording.id()).as_deref(),
    });
    let flow_logs_known = reserved.iter().filter_map(|state| state.started.as_ref());
    let failed = Failed {
        gateway: start.gateway(),
        execution: &execution.execution,
        counter: start.counter(execution.quota_period),
        flow_log_ids: flow_logs_known
            .flat_map(|started| &started.flow_logs)
            .map(|flow_log| flow_log.id.clone())
            .collect(),
    };
    let stop = stop::clean_up(table, flow_logs, stack, &failed, at).await?;
    warn!(flowLogs = ?stop.deleted, quotaGivenBack = stop.given_back, "cleaned up after a failure");
    if let Some(state) = state.as_object_mut() {
        state.insert("stop".to_owned(), serde_json::to_value(stop)?);
    }
    Ok(state)
}
