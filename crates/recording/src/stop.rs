//! *Stop recording* and *Clean up after the failure*: no flow log is left.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    Error, NatGatewayId,
    ports::{FlowLogs, Table, Tag},
    protocol::{self, attribute},
    start::tag_key,
    state::{State, Stop},
    table::Outcome,
};

/// Stops a recording, unless the spike has come back and it has time left: then
/// [`State::stopped`] is false. Repeating it does no harm.
pub async fn stop(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    mut state: State,
    at: Timestamp,
) -> Result<State, Error> {
    let recording = &state.recording;
    let left = seconds_left(&state, at);
    let write = protocol::begin_stop(&recording.execution, left == 0);
    if let Outcome::Refused(found) = table.write(&recording.nat_gateway_id, write).await?
        && found.text(attribute::EXECUTION) == Some(&recording.execution)
    {
        state.stopped = Some(false);
        state.came_back += 1;
        state.wait_seconds = left;
        return Ok(state);
    }
    let known = state.started.iter().flat_map(|started| &started.flow_logs);
    let known: Vec<String> = known.map(|flow_log| flow_log.id.clone()).collect();
    let deleted = delete_all(flow_logs, stack, &recording.execution, known).await?;
    table.write(&recording.nat_gateway_id, protocol::release(&recording.execution)).await?;
    state.stopped = Some(true);
    state.stop = Some(deleted.stop(at, false));
    Ok(state)
}

/// What is known of a recording that failed: little, when the reservation's own
/// answer was lost.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    /// The gateway.
    pub gateway: &'a NatGatewayId,
    /// The execution's ARN.
    pub execution: &'a str,
    /// The counter that it was or would have been counted in.
    pub counter: Option<String>,
    /// The flow logs that it is known to have created.
    pub flow_log_ids: Vec<String>,
}

/// Ends a recording that failed: gives the quota back when no flow log became
/// active, deletes the flow logs, and releases the lease even when a flow log
/// could not be deleted, so that the gateway's next spike is recorded.
pub async fn clean_up(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    failed: &Failed<'_>,
    at: Timestamp,
) -> Result<Stop, Error> {
    let found = flow_logs.find(&of_execution(stack, failed.execution)).await?;
    let nothing_recorded = found.is_empty() && failed.flow_log_ids.is_empty();
    let marked = mark(table, failed, nothing_recorded).await;
    // Also when the table is down: a flow log costs, a lease passes.
    let deleted = delete_all(flow_logs, stack, failed.execution, failed.flow_log_ids.clone()).await;
    // A release before the count is given back would keep it for ever.
    let given_back = marked?;
    table.write(failed.gateway, protocol::release(failed.execution)).await?;
    Ok(deleted?.stop(at, given_back))
}

/// Marks the recording as stopping; tells whether its count was given back with it.
async fn mark(
    table: &impl Table,
    failed: &Failed<'_>,
    nothing_recorded: bool,
) -> Result<bool, Error> {
    let given_back = nothing_recorded && give_back(table, failed).await?;
    if !given_back {
        let write = protocol::begin_stop(failed.execution, true);
        table.write(failed.gateway, write).await?;
    }
    Ok(given_back)
}

async fn give_back(table: &impl Table, failed: &Failed<'_>) -> Result<bool, Error> {
    let Some(counter) = &failed.counter else { return Ok(false) };
    let write = protocol::give_back(failed.execution, counter);
    Ok(matches!(table.write(failed.gateway, write).await?, Outcome::Done(_)))
}

/// Deletes the known flow logs of the execution and those that only their tags
/// tell of, since start-recording may have died before it answered.
async fn delete_all(
    flow_logs: &impl FlowLogs,
    stack: &str,
    execution: &str,
    known: Vec<String>,
) -> Result<Deleted, Error> {
    let found = flow_logs.find(&of_execution(stack, execution)).await?;
    let delivery_errors =
        found.iter().filter_map(|found| found.delivery_error.clone()).collect::<BTreeSet<_>>();
    let ids: BTreeSet<String> =
        known.into_iter().chain(found.into_iter().map(|found| found.flow_log.id)).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    if !ids.is_empty() {
        flow_logs.delete(&ids).await?;
    }
    Ok(Deleted { ids, delivery_errors: delivery_errors.into_iter().collect() })
}

struct Deleted {
    ids: Vec<String>,
    delivery_errors: Vec<String>,
}

impl Deleted {
    fn stop(self, at: Timestamp, given_back: bool) -> Stop {
        Stop { at, deleted: self.ids, delivery_errors: self.delivery_errors, given_back }
    }
}

fn of_execution(stack: &str, execution: &str) -> [Tag; 2] {
    [
        Tag { key: tag_key::STACK, value: stack.to_owned() },
        Tag { key: tag_key::EXECUTION, value: execution.to_owned() },
    ]
}

/// Seconds that the recording may still go on; 0 when its time is used up.
fn seconds_left(state: &State, at: Timestamp) -> i64 {
    let timed_out = state.ended.as_ref().is_some_and(crate::state::Ended::timed_out);
    let Some(started) = state.started.as_ref().filter(|_| !timed_out) else { return 0 };
    let recorded = at.duration_since(started.at).as_secs();
    state.recording.recording_seconds.saturating_sub(recorded).max(0)
}
