//! What an alarm does when its state changes: messages to topics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event::{self, State};
use crate::aws::{self, AwsError};
use crate::clock::alarm_timestamp;
use crate::door::Door;

/// SNS takes fewer than 100 characters.
const SUBJECT_CHARACTERS: usize = 99;

/// Performs the actions that an alarm has for its new state, in the background.
pub(super) fn perform(door: &Arc<Door>, alarm: &Value, state: &State, previous: &State) {
    for topic in topics(alarm, &state.value) {
        let message = Message::new(alarm, state, previous);
        tokio::spawn(publish(Arc::clone(door), topic, message));
    }
}

/// The topics among the actions for a state; the local AWS has no other kind of action.
fn topics(alarm: &Value, state: &str) -> Vec<String> {
    if alarm.get("ActionsEnabled").and_then(Value::as_bool) == Some(false) {
        return Vec::new();
    }
    let actions = match state {
        "ALARM" => "AlarmActions",
        "OK" => "OKActions",
        _ => "InsufficientDataActions",
    };
    let actions = alarm.get(actions).and_then(Value::as_array);
    let is_topic = |arn: &&str| arn.split(':').nth(2) == Some("sns");
    let arns = actions.into_iter().flatten().filter_map(Value::as_str).filter(is_topic);
    arns.map(str::to_owned).collect()
}

/// What CloudWatch says of a change.
#[derive(Debug)]
struct Message {
    alarm: String,
    subject: String,
    /// For programs.
    json: Value,
    /// For people.
    email: String,
}

impl Message {
    fn new(alarm: &Value, state: &State, previous: &State) -> Self {
        let text = |name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("AlarmName");
        let region = region_name(aws::region_of(event::arn(alarm)));
        Self {
            alarm: name.to_owned(),
            subject: subject(&state.value, name, region),
            json: json(alarm, state, previous, region),
            email: email(alarm, state, previous, region),
        }
    }
}

async fn publish(door: Arc<Door>, topic: String, message: Message) {
    let both = json!({"default": message.json.to_string(), "email": message.email}).to_string();
    let parameters = [
        ("TopicArn", topic.as_str()),
        ("Subject", message.subject.as_str()),
        ("Message", both.as_str()),
        ("MessageStructure", "json"),
    ];
    let region = aws::region_of(&topic);
    let version = "2010-03-31";
    let sent = door.as_cloudwatch.query(region, "sns", version, "Publish", &parameters).await;
    door.journal.record(
        "alarm-action",
        json!({
            "alarm": message.alarm,
            "action": topic,
            "outcome": if sent.is_ok() { "ok" } else { "failed" },
            "error": sent.err().as_ref().map(AwsError::code),
        }),
    );
}

fn subject(state: &str, name: &str, region: &str) -> String {
    let around = format!("{state}: \"\" in {region}").chars().count();
    let room = SUBJECT_CHARACTERS.saturating_sub(around);
    let shown = if name.chars().count() > room {
        let kept: String = name.chars().take(room.saturating_sub(3)).collect();
        format!("{kept}...")
    } else {
        name.to_owned()
    };
    format!("{state}: \"{shown}\" in {region}")
}

fn json(alarm: &Value, state: &State, previous: &State, region: &str) -> Value {
    let mut message = Map::new();
    let mut copy = |name: &str| {
        message.insert(name.to_owned(), alarm.get(name).cloned().unwrap_or_default());
    };
    for name in ["AlarmName", "AlarmDescription", "AlarmArn"] {
        copy(name);
    }
    for name in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
        copy(name);
    }
    let account = event::arn(alarm).split(':').nth(4).unwrap_or_default();
    let changed = event::time(alarm, "AlarmConfigurationUpdatedTimestamp");
    message.extend([
        ("AWSAccountId".to_owned(), json!(account)),
        ("AlarmConfigurationUpdatedTimestamp".to_owned(), json!(alarm_timestamp(changed))),
        ("NewStateValue".to_owned(), json!(state.value)),
        ("NewStateReason".to_owned(), json!(state.reason)),
        ("StateChangeTime".to_owned(), json!(alarm_timestamp(state.timestamp))),
        ("Region".to_owned(), json!(region)),
        ("OldStateValue".to_owned(), json!(previous.value)),
        ("Trigger".to_owned(), trigger(alarm)),
    ]);
    Value::Object(message)
}

/// What raises the alarm: one metric in its own members, or an expression among `Metrics`.
fn trigger(alarm: &Value) -> Value {
    let mut trigger = Map::new();
    for name in [
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "ComparisonOperator",
        "Threshold",
        "TreatMissingData",
    ] {
        if let Some(value) = alarm.get(name).filter(|value| !value.is_null()) {
            trigger.insert(name.to_owned(), value.clone());
        }
    }
    trigger.insert("EvaluateLowSampleCountPercentile".to_owned(), json!(""));
    let own = |name: &str| alarm.get(name).cloned().unwrap_or_default();
    match alarm.get("Metrics").and_then(Value::as_array).filter(|metrics| !metrics.is_empty()) {
        Some(metrics) => {
            let metrics: Vec<_> = metrics.iter().map(metric).collect();
            trigger.insert("Metrics".to_owned(), json!(metrics));
        }
        None => trigger.extend([
            ("MetricName".to_owned(), own("MetricName")),
            ("Namespace".to_owned(), own("Namespace")),
            ("StatisticType".to_owned(), json!("Statistic")),
            ("Statistic".to_owned(), json!(own("Statistic").as_str().map(str::to_uppercase))),
            ("Unit".to_owned(), own("Unit")),
            ("Dimensions".to_owned(), dimensions(alarm)),
            ("Period".to_owned(), own("Period")),
        ]),
    }
    Value::Object(trigger)
}

fn metric(query: &Value) -> Value {
    let mut query = query.clone();
    if let Some(metric) = query.pointer_mut("/MetricStat/Metric") {
        let named = dimensions(metric);
        if let Some(metric) = metric.as_object_mut() {
            metric.insert("Dimensions".to_owned(), named);
        }
    }
    query
}

/// The members of a dimension are written small here.
fn dimensions(metric: &Value) -> Value {
    let dimensions = metric.get("Dimensions").and_then(Value::as_array);
    let named = dimensions
        .into_iter()
        .flatten()
        .map(|own| json!({"name": own.get("Name"), "value": own.get("Value")}));
    Value::Array(named.collect())
}

fn email(alarm: &Value, state: &State, previous: &State, region: &str) -> String {
    let text = |name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or_default();
    let State { value, reason, timestamp, .. } = state;
    let (name, arn, at) = (text("AlarmName"), event::arn(alarm), in_words(*timestamp));
    format!(
        "You are receiving this email because your Amazon CloudWatch Alarm \"{name}\" in the \
         {region} region has entered the {value} state, because \"{reason}\" at \"{at}\".\n\n\
         Alarm Details:\n\
         - Name: {name}\n\
         - Description: {}\n\
         - State Change: {} -> {value}\n\
         - Reason for State Change: {reason}\n\
         - Timestamp: {at}\n\
         - AWS Account: {}\n\
         - Alarm Arn: {arn}\n",
        text("AlarmDescription"),
        previous.value,
        arn.split(':').nth(4).unwrap_or_default(),
    )
}

/// `Friday 02 January, 2026 03:04:05 UTC`.
fn in_words(at: Timestamp) -> String {
    at.strftime("%A %d %B, %Y %H:%M:%S UTC").to_string()
}

/// As CloudWatch's messages call a region.
fn region_name(code: &str) -> &str {
    match code {
        "us-east-1" => "US East (N. Virginia)",
        "us-west-2" => "US West (Oregon)",
        "eu-central-1" => "EU (Frankfurt)",
        "eu-west-1" => "EU (Ireland)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:reports";

    fn alarm() -> Value {
        json!({
            "AlarmName": "recorder-events-not-handled",
            "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:recorder-events",
            "AlarmDescription": "Look into the queue.",
            "ActionsEnabled": true,
            "AlarmActions": [TOPIC, "arn:aws:automate:us-east-1:ec2:stop"],
            "OKActions": [],
            "InsufficientDataActions": [],
            "Threshold": 0.0,
            "TreatMissingData": "notBreaching",
            "Metrics": [
                {"Id": "e", "Expression": "FILL(m, 0)", "ReturnData": true},
                {"Id": "m", "ReturnData": false, "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": "ApproximateNumberOfMessagesVisible",
                        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                }},
            ],
        })
    }

    fn state(value: &str) -> State {
        State {
            value: value.to_owned(),
            reason: "because".to_owned(),
            reason_data: None,
            timestamp: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        }
    }

    #[test]
    fn actions_are_those_of_the_state_and_only_if_they_are_enabled() {
        let mut alarm = alarm();
        assert_eq!(topics(&alarm, "ALARM"), [TOPIC]);
        assert!(topics(&alarm, "OK").is_empty());
        assert!(topics(&alarm, "INSUFFICIENT_DATA").is_empty());
        alarm["ActionsEnabled"] = json!(false);
        assert!(topics(&alarm, "ALARM").is_empty());
    }

    /// The members that AWS's messages have for an alarm on an expression.
    #[test]
    fn programs_get_cloudwatchs_document() {
        let message = Message::new(&alarm(), &state("ALARM"), &state("OK"));
        assert_eq!(
            message.subject,
            "ALARM: \"recorder-events-not-handled\" in US East (N. Virginia)"
        );
        let json = message.json;
        assert_eq!(json["NewStateValue"], "ALARM");
        assert_eq!(json["OldStateValue"], "OK");
        assert_eq!(json["AWSAccountId"], "123456789012");
        assert_eq!(json["StateChangeTime"], "2026-01-02T03:04:05.678+0000");
        assert_eq!(json["Trigger"]["Metrics"][0]["Expression"], "FILL(m, 0)");
        assert_eq!(
            json["Trigger"]["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"],
            json!([{"name": "QueueName", "value": "q"}])
        );
        assert!(json["Trigger"].get("MetricName").is_none());
    }

    #[test]
    fn an_alarm_on_one_metric_has_it_in_its_trigger() {
        let alarm = json!({
            "AlarmName": "a", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
            "Period": 300, "Statistic": "Average",
        });
        let trigger = trigger(&alarm);
        assert_eq!(trigger["Statistic"], "AVERAGE");
        assert_eq!(trigger["Dimensions"], json!([{"name": "InstanceId", "value": "i-1"}]));
    }

    #[test]
    fn people_read_sentences() {
        let email = Message::new(&alarm(), &state("ALARM"), &state("OK")).email;
        assert!(email.contains("has entered the ALARM state, because \"because\""), "{email}");
        assert!(email.contains("- Description: Look into the queue.\n"), "{email}");
        assert!(email.contains("- Timestamp: Friday 02 January, 2026 03:04:05 UTC\n"), "{email}");
    }

    #[test]
    fn a_subject_is_never_too_long_for_sns() {
        let subject = subject("INSUFFICIENT_DATA", &"x".repeat(255), "US East (N. Virginia)");
        assert_eq!(subject.len(), SUBJECT_CHARACTERS);
        assert!(subject.contains("xxx...\" in US East"));
    }
}
