//! *Stop recording* and *Clean up after the failure*: no flow log is left.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    Error, NatGatewayId,
    ports::{FlowLogs, Table, Tag},
    protocol::{self, attribute},
    start::tag_key,
    state::{State, Stop},
    table::{Item, Outcome},
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
    let counter = failed.counter.as_deref();
    let marked =
        mark(table, failed.gateway, failed.execution, counter.filter(|_| nothing_recorded)).await;
    // The tags are all that tells the next try not to give the quota back.
    if let Err(error @ Error::Transient { .. }) = &marked
        && (counter.is_some() && failed.flow_log_ids.is_empty() && !nothing_recorded)
    {
        return Err(error.clone());
    }
    // Otherwise also when the table is down: a flow log costs, a lease passes.
    let noted = marked.iter().flat_map(|marked| &marked.flow_log_ids);
    let known = failed.flow_log_ids.iter().chain(noted).cloned().collect();
    let deleted = delete_all(flow_logs, stack, failed.execution, known).await;
    // A release before the count is given back would keep it for ever.
    let given_back = marked?.given_back;
    table.write(failed.gateway, protocol::release(failed.execution)).await?;
    Ok(deleted?.stop(at, given_back))
}

/// What became of the lease of a recording that failed.
pub(crate) struct Marked {
    /// Whether its count was given back.
    pub(crate) given_back: bool,
    /// The flow logs that the table knows.
    pub(crate) flow_log_ids: Vec<String>,
}

/// Marks a recording that failed as stopping. With a counter, which says that nothing was
/// recorded, gives its count back with it, unless the table knows better; otherwise the count is
/// kept for good.
pub(crate) async fn mark(
    table: &impl Table,
    gateway: &NatGatewayId,
    execution: &str,
    counter: Option<&str>,
) -> Result<Marked, Error> {
    if let Some(counter) = counter
        && let Outcome::Done(_) =
            table.write(gateway, protocol::give_back(execution, counter)).await?
    {
        return Ok(Marked { given_back: true, flow_log_ids: Vec::new() });
    }
    let flow_log_ids = match table.write(gateway, protocol::keep_count(execution)).await? {
        Outcome::Done(item) => noted_flow_logs(&item),
        Outcome::Refused(_) => Vec::new(),
    };
    Ok(Marked { given_back: false, flow_log_ids })
}

/// The flow logs that an item names.
pub(crate) fn noted_flow_logs(item: &Item) -> Vec<String> {
    let noted = item.text(attribute::FLOW_LOG_IDS).unwrap_or_default();
    noted.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect()
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

/// The tags of an execution's flow logs.
pub(crate) fn of_execution(stack: &str, execution: &str) -> [Tag; 2] {
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
