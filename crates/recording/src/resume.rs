//! *Wait for the alarm to clear* ends here: an OK is noted, and the execution
//! that waits for it goes on.

use jiff::Timestamp;

use crate::{
    Error, NatGatewayId,
    alarm::Cleared,
    ports::{Answered, Callbacks, Table},
    protocol::{self, attribute, started_by},
    table::{Item, Outcome},
};

/// What came of an OK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// An execution waited for it and goes on.
    Resumed(Item),
    /// Noted; no execution waits for it (any more).
    Noted(Item),
    /// A newer OK is known.
    Late(Item),
}

/// Notes that the alarm cleared and answers the token of the execution that waits
/// for it. The token stays: a retry answers it again, which does no harm.
pub async fn resume(
    table: &impl Table,
    callbacks: &impl Callbacks,
    gateway: &NatGatewayId,
    cleared: &Cleared,
) -> Result<Resumed, Error> {
    let item = match table.write(gateway, protocol::note_ok(cleared.at)).await? {
        Outcome::Done(item) => item,
        Outcome::Refused(item) => return Ok(Resumed::Late(item)),
    };
    let Some(token) = token_to_answer(&item, cleared.at) else {
        return Ok(Resumed::Noted(item));
    };
    let output = serde_json::to_value(cleared).map_err(|error| {
        Error::EventRefused(format!("the cleared alarm cannot be written as JSON: {error}"))
    })?;
    match callbacks.succeed(token, &output).await? {
        Answered::Delivered => Ok(Resumed::Resumed(item)),
        Answered::TooLate => Ok(Resumed::Noted(item)),
    }
}

/// The token of an execution that waits for an OK: not one that was started by
/// hand, and not one whose alarm is newer than the OK.
fn token_to_answer(item: &Item, ok_at: Timestamp) -> Option<&str> {
    let alarm_at = item.number(attribute::LAST_ALARM_AT)?;
    let by_alarm = item.text(attribute::STARTED_BY) == Some(started_by::ALARM);
    (by_alarm && alarm_at < ok_at.as_millisecond())
        .then(|| item.text(attribute::TASK_TOKEN))
        .flatten()
}
