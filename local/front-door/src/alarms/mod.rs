//! CloudWatch alarms: what they tell EventBridge when their state or configuration changes, and
//! the topics among their actions.

mod actions;
mod event;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::aws::{AwsError, CLOUDWATCH};
use crate::aws_calls::{Answer, AwsCall, Refusal};
use crate::door::Door;
use crate::events::{self, DEFAULT_BUS};
use crate::pipeline;

use event::State;

/// The last state that each alarm (by ARN) was set to. Locked while an alarm changes, so that
/// events and times have one order.
#[derive(Default)]
pub(crate) struct Alarms {
    states: tokio::sync::Mutex<HashMap<String, State>>,
    /// How far CloudWatch's clock is ahead of everybody else's.
    skew: Mutex<SignedDuration>,
}

impl Alarms {
    /// Puts CloudWatch's clock ahead, or back, from now on. An alarm's times still only grow.
    pub(crate) async fn skew(&self, skew: SignedDuration) {
        // Not while an alarm changes.
        let _states = self.states.lock().await;
        *self.skew.lock() = skew;
    }

    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.saturating_add(*self.skew.lock()).unwrap_or(now)
    }
}

/// `SetAlarmState`: an event tells of a state that is another than before, and so do its actions.
pub(crate) async fn set_state(door: &Arc<Door>, call: &AwsCall) -> Result<Answer, Refusal> {
    let text = |name: &str| call.parameters.text(name);
    let name = text("AlarmName").unwrap_or_default();
    let value = text("StateValue").unwrap_or_default();
    check_state(&value, text("StateReasonData").as_deref())?;
    let mut states = door.alarms.states.lock().await;
    let alarm = describe(door, &call.region, std::slice::from_ref(&name)).await?.pop();
    let alarm = alarm.ok_or_else(|| {
        Refusal::new(404, "ResourceNotFound", &format!("There is no alarm named {name}"))
    })?;
    let answer = pipeline::forward(door, call).await;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let arn = event::arn(&alarm).to_owned();
    let previous = states.remove(&arn).unwrap_or_else(|| State::of_alarm(&alarm));
    let state = State {
        value,
        reason: text("StateReason").unwrap_or_default(),
        reason_data: text("StateReasonData"),
        timestamp: after(previous.timestamp, door.alarms.now()),
    };
    if state.value != previous.value {
        let event = event::state_change(&alarm, &state, &previous);
        events::put(door, DEFAULT_BUS, event).await;
        actions::perform(door, &alarm, &state, &previous);
    }
    states.insert(arn, state);
    Ok(answer)
}

/// Now, but later than the alarm's last change: no two changes have one time.
fn after(previous: Timestamp, now: Timestamp) -> Timestamp {
    let next = previous.saturating_add(SignedDuration::from_millis(1)).unwrap_or(previous);
    now.max(next)
}

fn check_state(value: &str, reason_data: Option<&str>) -> Result<(), Refusal> {
    if !["OK", "ALARM", "INSUFFICIENT_DATA"].contains(&value) {
        let message = format!("Value '{value}' at 'stateValue' failed to satisfy constraint");
        return Err(Refusal::new(400, "ValidationError", &message));
    }
    match reason_data.map(serde_json::from_str::<Value>) {
        Some(Err(error)) => {
            let message = format!("StateReasonData is no JSON: {error}");
            Err(Refusal::new(400, "InvalidFormat", &message))
        }
        _ => Ok(()),
    }
}

/// `PutMetricAlarm`: an event tells of a new or changed configuration.
pub(crate) async fn put(door: &Arc<Door>, call: &AwsCall) -> Result<Answer, Refusal> {
    let name = [call.parameters.text("AlarmName").unwrap_or_default()];
    let states = door.alarms.states.lock().await;
    let before = describe(door, &call.region, &name).await?.pop();
    let answer = pipeline::forward(door, call).await;
    if answer.status().is_success()
        && let Some(alarm) = describe(door, &call.region, &name).await?.pop()
    {
        let state = known(&states, &alarm);
        let event = match before {
            None => event::configuration_change(&alarm, &state, "create", None),
            Some(before) => event::configuration_change(&alarm, &state, "update", Some(&before)),
        };
        events::put(door, DEFAULT_BUS, event).await;
    }
    Ok(answer)
}

/// `DeleteAlarms`: an event tells of each alarm that is gone.
pub(crate) async fn delete(door: &Arc<Door>, call: &AwsCall) -> Result<Answer, Refusal> {
    let names = call.parameters.texts("AlarmNames");
    let mut states = door.alarms.states.lock().await;
    let alarms = describe(door, &call.region, &names).await?;
    let answer = pipeline::forward(door, call).await;
    if answer.status().is_success() {
        for alarm in alarms {
            let state = known(&states, &alarm);
            states.remove(event::arn(&alarm));
            let event = event::configuration_change(&alarm, &state, "delete", None);
            events::put(door, DEFAULT_BUS, event).await;
        }
    }
    Ok(answer)
}

fn known(states: &HashMap<String, State>, alarm: &Value) -> State {
    states.get(event::arn(alarm)).cloned().unwrap_or_else(|| State::of_alarm(alarm))
}

/// The alarms with these names that exist, as `DescribeAlarms` has them.
async fn describe(door: &Door, region: &str, names: &[String]) -> Result<Vec<Value>, Refusal> {
    let parameters = json!({"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]});
    let answer = door.moto.json(region, CLOUDWATCH, "DescribeAlarms", &parameters).await;
    let answer = answer.map_err(|error: AwsError| {
        Refusal::new(500, "InternalServiceFault", &format!("alarms unknown: {error}"))
    })?;
    let of = |list: &str| answer.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(of("MetricAlarms").into_iter().chain(of("CompositeAlarms")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_reasons_are_checked() {
        assert!(check_state("OK", Some("{}")).is_ok());
        assert!(check_state("ok", None).is_err());
        assert!(check_state("ALARM", Some("{")).is_err());
    }

    #[test]
    fn times_only_grow() {
        let future = Timestamp::now().saturating_add(SignedDuration::from_hours(1)).unwrap();
        assert!(after(future, Timestamp::now()) > future);
    }
}
