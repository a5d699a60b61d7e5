use jiff::Timestamp;
use lambda_kit::Failure;
use recording::{
    ports::{FlowLogs, Gateways, Table},
    start,
    state::State,
};
use serde::Deserialize;
use tracing::info;

/// What the state machine sends.
#[derive(Deserialize)]
pub(crate) struct Request {
    state: State,
    /// When the state was entered.
    at: Timestamp,
}

/// What this function does in AWS.
pub(crate) struct Aws<T, G, F> {
    pub(crate) table: T,
    pub(crate) gateways: G,
    pub(crate) flow_logs: F,
}

pub(crate) async fn handle(
    aws: &Aws<impl Table, impl Gateways, impl FlowLogs>,
    stack: &str,
    Request { state, at }: Request,
) -> Result<State, Failure> {
    lambda_kit::about_recording(&state.recording);
    let start = start::Start { stack, at, clock: Timestamp::now };
    let state = start.run(&aws.table, &aws.gateways, &aws.flow_logs, state).await?;
    let flow_logs = state.started.iter().flat_map(|started| &started.flow_logs);
    for flow_log in flow_logs {
        info!(flowLog = flow_log.id, resource = flow_log.resource_id, "records");
    }
    Ok(state)
}
