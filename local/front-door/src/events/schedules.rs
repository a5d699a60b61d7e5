//! EventBridge Scheduler: a schedule's settings are checked, and its target is called when a test
//! says so. No clock does.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::delivery::{self, Target};
use super::{aws_event, expressions};
use crate::aws::AwsError;
use crate::aws_calls::{AwsCall, Refusal};
use crate::door::Door;

/// The group of schedules that name none.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// What no schedule's and no group's name has: `[0-9a-zA-Z-_.]+`.
const NOT_IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// A flexible window's length, in minutes.
const WINDOW_MINUTES: std::ops::RangeInclusive<i64> = 1..=1440;

/// Refuses a schedule that `CreateSchedule` and `UpdateSchedule` would not take.
///
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
pub(crate) fn check(call: &AwsCall) -> Result<(), Refusal> {
    let expression = call.parameters.text("ScheduleExpression").unwrap_or_default();
    let window = call.parameters.value("FlexibleTimeWindow").unwrap_or(&Value::Null);
    expressions::check(&expression)
        .map_err(|error| format!("Invalid Schedule Expression {expression}: {error}"))
        .and_then(|()| check_window(window))
        .map_err(|message| Refusal::new(400, "ValidationException", &message))
}

fn check_window(window: &Value) -> Result<(), String> {
    let minutes = window.get("MaximumWindowInMinutes");
    match (window.get("Mode").and_then(Value::as_str), minutes) {
        (Some("OFF"), None) => Ok(()),
        (Some("FLEXIBLE"), Some(minutes))
            if minutes.as_i64().is_some_and(|minutes| WINDOW_MINUTES.contains(&minutes)) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "FlexibleTimeWindow is {window}: it must be OFF without MaximumWindowInMinutes, or \
             FLEXIBLE with 1 to 1440 of them"
        )),
    }
}

/// Calls a schedule's target as when its time has come; answers the schedule's ARN. The delivery
/// goes on in the background.
pub(crate) async fn fire(
    door: &Arc<Door>,
    region: &str,
    group: &str,
    name: &str,
) -> Result<String, AwsError> {
    let encoded = |text: &str| utf8_percent_encode(text, NOT_IN_NAMES).to_string();
    let path = format!("/schedules/{}?groupName={}", encoded(name), encoded(group));
    let schedule = door.moto.get_json(region, "scheduler", &path).await?;
    let text = |name: &str| schedule.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("State") != "ENABLED" {
        return Err(AwsError::Answer(format!("the schedule {name} is {}", text("State"))));
    }
    let arn = text("Arn").to_owned();
    let target = target(name, &schedule)?;
    door.journal.record(
        "schedule",
        json!({"schedule": name, "group": group, "expression": text("ScheduleExpression")}),
    );
    // What a target gets whose schedule has no Input.
    let event = aws_event("aws.scheduler", "Scheduled Event", &arn, &json!({}));
    tokio::spawn(deliver(Arc::clone(door), name.to_owned(), arn.clone(), target, event));
    Ok(arn)
}

/// A schedule's target as one of a rule, whose ID is the schedule's name.
fn target(name: &str, schedule: &Value) -> Result<Target, AwsError> {
    let mut target = schedule.get("Target").cloned().unwrap_or_default();
    if let Value::Object(target) = &mut target {
        target.insert("Id".to_owned(), json!(name));
    }
    serde_json::from_value(target).map_err(|error| AwsError::Answer(error.to_string()))
}

async fn deliver(door: Arc<Door>, name: String, arn: String, target: Target, event: Value) {
    let (attempts, outcome) = delivery::attempt(&door, &target, &event).await;
    let mut fields = delivery::fields(&target, attempts, &event, &outcome);
    let dead_letter = match &outcome {
        Ok(_) => None,
        Err(error) => {
            let attributes = dead_letter_attributes(&arn, &target, attempts, error);
            let input = target.input(&event).unwrap_or_default();
            Some(delivery::dead_letter(&door, &target, &input, attributes).await)
        }
    };
    if let Value::Object(fields) = &mut fields {
        fields.insert("rule".to_owned(), Value::Null);
        fields.insert("schedule".to_owned(), json!(name));
        fields.extend(dead_letter.map(|queue| ("dead_letter".to_owned(), queue)));
    }
    door.journal.record("delivery", fields);
}

/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>
fn dead_letter_attributes(
    schedule_arn: &str,
    target: &Target,
    attempts: u32,
    error: &AwsError,
) -> Value {
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let mut attributes = delivery::failure_attributes(target, attempts, error);
    if let Value::Object(attributes) = &mut attributes {
        attributes.insert("SCHEDULE_ARN".to_owned(), text(schedule_arn));
        attributes.insert("IS_PAYLOAD_TRUNCATED".to_owned(), text("false"));
    }
    attributes
}
