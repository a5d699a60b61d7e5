use jiff::Timestamp;
use lambda_kit::{Failure, Subject};
use recording::{
    NatGatewayId, alarm,
    ports::{Callbacks, Table},
    protocol::attribute,
    resume::{self, Resumed},
    state,
    table::Item,
};
use tracing::info;

/// Takes the event of EventBridge as it is; nobody reads the answer.
pub(crate) async fn handle(
    table: &impl Table,
    callbacks: &impl Callbacks,
    event: serde_json::Value,
) -> Result<(), Failure> {
    let (gateway, cleared) = alarm::cleared(&event)?;
    lambda_kit::about(Subject { gateway: &gateway, execution: None, recording: None });
    let resumed = resume::resume(table, callbacks, &gateway, &cleared).await?;
    let (item, outcome) = match &resumed {
        Resumed::Resumed(item) => (item, "the alarm cleared: the execution goes on"),
        Resumed::Noted(item) => (item, "the alarm cleared: noted, no execution waits for it"),
        Resumed::Late(item) => (item, "a newer OK is known: nothing to do"),
    };
    lambda_kit::about(Subject {
        gateway: &gateway,
        execution: item.text(attribute::EXECUTION),
        recording: recording_id(&gateway, item).as_deref(),
    });
    info!(how = ?cleared.how, at = %cleared.at, "{outcome}");
    Ok(())
}

fn recording_id(gateway: &NatGatewayId, item: &Item) -> Option<String> {
    let reserved_at = Timestamp::from_millisecond(item.number(attribute::RESERVED_AT)?).ok()?;
    Some(state::recording_id(gateway, reserved_at))
}
