//! *Start recording*: flow logs on the gateway, exactly once.

use flowlog::RecordedFormat;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::{
    Error,
    gateway::NatGateway,
    ports::{Created, FlowLogOrder, FlowLogs, Gateways, Table, Tag, TaggedFlowLog},
    protocol::{self, attribute},
    state::{FlowLog, Recording, Started, State},
    table::Outcome,
};

/// The keys of the tags that every flow log of the recorder carries.
pub mod tag_key {
    /// The stack's name: the roles allow touching flow logs with this tag only.
    pub const STACK: &str = "nat-flow-recorder:stack";
    /// The gateway.
    pub const GATEWAY: &str = "nat-flow-recorder:gateway";
    /// The execution's ARN.
    pub const EXECUTION: &str = "nat-flow-recorder:execution";
    /// When the lease passes, in RFC 3339.
    pub const LEASE_ENDS_AT: &str = "nat-flow-recorder:lease-ends-at";
    /// What the console shows.
    pub const NAME: &str = "Name";
}

/// What a start needs to know beside its recording.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// When the step began, by Step Functions' clock.
    pub at: Timestamp,
    /// The time now.
    pub clock: fn() -> Timestamp,
}

impl Start<'_> {
    /// Creates the flow logs of a reserved recording. Repeated for the same
    /// execution it adopts what is there.
    pub async fn run(
        self,
        table: &impl Table,
        gateways: &impl Gateways,
        flow_logs: &impl FlowLogs,
        mut state: State,
    ) -> Result<State, Error> {
        let recording = &state.recording;
        hold(table, recording, protocol::claim(&recording.execution)).await?;
        let gateway = gateways.describe(&recording.nat_gateway_id).await?;
        let created = create(table, flow_logs, self.stack, recording, &gateway).await?;
        let ids: Vec<String> = created.iter().map(|flow_log| flow_log.id.clone()).collect();
        let note = protocol::note_flow_logs(&recording.execution, &ids);
        match hold(table, recording, note).await {
            Err(lost @ Error::LeaseLost { .. }) => {
                // Nobody may be left to clean up. What this does not delete, a sweep will.
                let _ = flow_logs.delete(&ids).await;
                return Err(lost);
            }
            noted => noted?,
        }
        state.minimum_ends_at = Some(minimum_ends_at(recording, (self.clock)()));
        state.started = Some(Started { at: self.at, gateway, flow_logs: created });
        Ok(state)
    }
}

/// From when the flow logs exist, to the second: Step Functions waits until this.
fn minimum_ends_at(recording: &Recording, flow_logs_exist_at: Timestamp) -> Timestamp {
    flow_logs_exist_at
        .saturating_add(SignedDuration::from_secs(recording.minimum_recording_seconds))
        .unwrap_or(flow_logs_exist_at)
}

/// Does a write that only the holder of the lease may do.
async fn hold(
    table: &impl Table,
    recording: &Recording,
    write: crate::table::Write,
) -> Result<(), Error> {
    match table.write(&recording.nat_gateway_id, write).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Refused(found) => Err(Error::LeaseLost {
            gateway: recording.nat_gateway_id.to_string(),
            execution: recording.execution.clone(),
            holder: found.text(attribute::EXECUTION).unwrap_or("nobody").to_owned(),
        }),
    }
}

/// Creates the flow logs; what stands in the way and is ours goes first.
async fn create(
    table: &impl Table,
    flow_logs: &impl FlowLogs,
    stack: &str,
    recording: &Recording,
    gateway: &NatGateway,
) -> Result<Vec<FlowLog>, Error> {
    let order = order(stack, recording, gateway, 1)?;
    if let Created::All(created) = flow_logs.create(&order).await? {
        return Ok(created);
    }
    let existing = flow_logs.on_resources(&order.resources).await?;
    let (adopted, dead) = sort_existing(&existing, stack, recording)?;
    if adopted.len() == order.resources.len() {
        return Ok(adopted);
    }
    // Whoever holds the lease may delete what an earlier holder left.
    hold(table, recording, protocol::claim(&recording.execution)).await?;
    flow_logs.delete(&dead).await?;
    create_the_rest(flow_logs, stack, recording, gateway, adopted).await
}

/// Creates what is not adopted. EC2 may answer a repeated token with its first
/// answer, so the request that follows a deletion has a token of its own.
async fn create_the_rest(
    flow_logs: &impl FlowLogs,
    stack: &str,
    recording: &Recording,
    gateway: &NatGateway,
    mut adopted: Vec<FlowLog>,
) -> Result<Vec<FlowLog>, Error> {
    let mut order = order(stack, recording, gateway, 2)?;
    order.resources.retain(|resource| adopted.iter().all(|have| have.resource_id != *resource));
    match flow_logs.create(&order).await? {
        Created::All(created) => {
            adopted.extend(created);
            Ok(adopted)
        }
        Created::AlreadyExists => Err(Error::Transient {
            operation: "ec2:CreateFlowLogs",
            message: format!(
                "EC2 still knows the flow log of {} that was just deleted",
                order.resources.join(", ")
            ),
        }),
    }
}

/// Splits the flow logs that stand in the way into those of this execution and
/// the IDs of those that an earlier execution of this stack left.
fn sort_existing(
    existing: &[TaggedFlowLog],
    stack: &str,
    recording: &Recording,
) -> Result<(Vec<FlowLog>, Vec<String>), Error> {
    let mut adopted = Vec::new();
    let mut dead = Vec::new();
    for found in existing {
        if found.stack.as_deref() != Some(stack) {
            return Err(Error::FlowLogTaken {
                resource: found.flow_log.resource_id.clone(),
                flow_log: found.flow_log.id.clone(),
            });
        }
        if found.execution.as_deref() == Some(&recording.execution) {
            adopted.push(found.flow_log.clone());
        } else {
            dead.push(found.flow_log.id.clone());
        }
    }
    Ok((adopted, dead))
}

fn order(
    stack: &str,
    recording: &Recording,
    gateway: &NatGateway,
    number: u32,
) -> Result<FlowLogOrder, Error> {
    let resources = if gateway.regional {
        vec![recording.nat_gateway_id.to_string()]
    } else {
        gateway.network_interface_ids.clone()
    };
    if gateway.state != "available" || resources.is_empty() {
        return Err(Error::GatewayNotFound {
            gateway: recording.nat_gateway_id.to_string(),
            found: format!(
                "it is {} and has {} network interfaces",
                gateway.state,
                gateway.network_interface_ids.len()
            ),
        });
    }
    Ok(FlowLogOrder {
        resources,
        regional: gateway.regional,
        log_format: recorded_format(gateway).format().to_string(),
        client_token: client_token(&recording.execution, number),
        tags: tags(stack, recording),
    })
}

/// The records of a regional gateway name no interface.
pub(crate) fn recorded_format(gateway: &NatGateway) -> RecordedFormat {
    if gateway.regional { RecordedFormat::Regional } else { RecordedFormat::Zonal }
}

/// 64 hexadecimal digits, which is all that EC2 takes and an ARN is longer than.
fn client_token(execution: &str, number: u32) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(format!("{execution} {number}"));
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn tags(stack: &str, recording: &Recording) -> Vec<Tag> {
    let gateway = recording.nat_gateway_id.to_string();
    vec![
        Tag { key: tag_key::NAME, value: format!("{stack}/{gateway}") },
        Tag { key: tag_key::STACK, value: stack.to_owned() },
        Tag { key: tag_key::GATEWAY, value: gateway },
        Tag { key: tag_key::EXECUTION, value: recording.execution.clone() },
        Tag { key: tag_key::LEASE_ENDS_AT, value: recording.lease_ends_at.to_string() },
    ]
}
