//! Alarm events as CloudWatch writes them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::alarm_timestamp;
use crate::events;

const SOURCE: &str = "aws.cloudwatch";

/// A state of an alarm and since when it has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) value: String,
    pub(super) reason: String,
    /// JSON.
    pub(super) reason_data: Option<String>,
    pub(super) timestamp: Timestamp,
}

impl State {
    /// The state that `DescribeAlarms` tells.
    pub(super) fn of_alarm(alarm: &Value) -> Self {
        let text = |name: &str| alarm.get(name).and_then(Value::as_str);
        Self {
            value: text("StateValue").unwrap_or("INSUFFICIENT_DATA").to_owned(),
            reason: text("StateReason").unwrap_or_default().to_owned(),
            reason_data: text("StateReasonData").filter(|data| *data != "{}").map(str::to_owned),
            timestamp: time(alarm, "StateUpdatedTimestamp"),
        }
    }

    fn to_json(&self) -> Value {
        let mut state = json!({
            "value": self.value,
            "reason": self.reason,
            "timestamp": alarm_timestamp(self.timestamp),
        });
        if let (Value::Object(state), Some(data)) = (&mut state, &self.reason_data) {
            state.insert("reasonData".to_owned(), json!(data));
        }
        state
    }
}

/// Seconds since 1970, as the JSON protocols write times.
pub(super) fn time(alarm: &Value, name: &str) -> Timestamp {
    let seconds = alarm.get(name).and_then(Value::as_f64).unwrap_or_default();
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| Timestamp::from_duration(since).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The alarm's ARN.
pub(super) fn arn(alarm: &Value) -> &str {
    alarm.get("AlarmArn").and_then(Value::as_str).unwrap_or_default()
}

/// "CloudWatch Alarm State Change".
pub(super) fn state_change(alarm: &Value, state: &State, previous: &State) -> Value {
    let detail = json!({
        "alarmName": alarm.get("AlarmName"),
        "configuration": watched(alarm),
        "previousState": previous.to_json(),
        "state": state.to_json(),
    });
    events::aws_event(SOURCE, "CloudWatch Alarm State Change", arn(alarm), &detail)
}

/// "CloudWatch Alarm Configuration Change" with the operation `create`, `update` or `delete`.
pub(super) fn configuration_change(
    alarm: &Value,
    state: &State,
    operation: &str,
    before: Option<&Value>,
) -> Value {
    let mut detail = json!({
        "alarmName": alarm.get("AlarmName"),
        "operation": operation,
        "state": {"value": state.value, "timestamp": alarm_timestamp(state.timestamp)},
        "configuration": configuration(alarm),
    });
    if let (Value::Object(detail), Some(before)) = (&mut detail, before) {
        detail.insert("previousConfiguration".to_owned(), configuration(before));
    }
    events::aws_event(SOURCE, "CloudWatch Alarm Configuration Change", arn(alarm), &detail)
}

/// What a state change says about the alarm: the metrics, an expression first.
fn watched(alarm: &Value) -> Value {
    let mut configuration = Map::new();
    copy(alarm, "AlarmDescription", &mut configuration, "description");
    if alarm.get("AlarmRule").is_some() {
        for (from, to) in COMPOSITE {
            copy(alarm, from, &mut configuration, to);
        }
    } else {
        let mut metrics = metrics(alarm);
        metrics.sort_by_key(|metric| metric.get("expression").is_none());
        configuration.insert("metrics".to_owned(), json!(metrics));
    }
    Value::Object(configuration)
}

/// What a configuration change says about the alarm: everything, an expression last.
fn configuration(alarm: &Value) -> Value {
    let mut configuration = Map::new();
    for (from, to) in EVERYTHING.into_iter().chain(COMPOSITE) {
        copy(alarm, from, &mut configuration, to);
    }
    if alarm.get("AlarmRule").is_none() {
        let mut metrics = metrics(alarm);
        metrics.sort_by_key(|metric| metric.get("expression").is_some());
        configuration.insert("metrics".to_owned(), json!(metrics));
    }
    let changed = time(alarm, "AlarmConfigurationUpdatedTimestamp");
    configuration.insert("timestamp".to_owned(), json!(alarm_timestamp(changed)));
    Value::Object(configuration)
}

const EVERYTHING: [(&str, &str); 11] = [
    ("AlarmName", "alarmName"),
    ("AlarmDescription", "description"),
    ("ActionsEnabled", "actionsEnabled"),
    ("OKActions", "okActions"),
    ("AlarmActions", "alarmActions"),
    ("InsufficientDataActions", "insufficientDataActions"),
    ("EvaluationPeriods", "evaluationPeriods"),
    ("DatapointsToAlarm", "datapointsToAlarm"),
    ("Threshold", "threshold"),
    ("ComparisonOperator", "comparisonOperator"),
    ("TreatMissingData", "treatMissingData"),
];

const COMPOSITE: [(&str, &str); 4] = [
    ("AlarmRule", "alarmRule"),
    ("ActionsSuppressor", "actionsSuppressor"),
    ("ActionsSuppressorWaitPeriod", "actionsSuppressorWaitPeriod"),
    ("ActionsSuppressorExtensionPeriod", "actionsSuppressorExtensionPeriod"),
];

fn copy(from: &Value, name: &str, to: &mut Map<String, Value>, as_name: &str) {
    if let Some(value) = from.get(name).filter(|value| !value.is_null()) {
        to.insert(as_name.to_owned(), value.clone());
    }
}

fn metrics(alarm: &Value) -> Vec<Value> {
    match alarm.get("Metrics").and_then(Value::as_array).filter(|metrics| !metrics.is_empty()) {
        Some(metrics) => metrics.iter().map(metric).collect(),
        // An alarm on one metric has it in its own members, and gets an ID nobody chose.
        None => vec![json!({
            "id": Uuid::new_v4().to_string(),
            "metricStat": metric_stat(alarm, alarm, "Statistic"),
            "returnData": true,
        })],
    }
}

fn metric(query: &Value) -> Value {
    let mut metric = Map::new();
    for (from, to) in [("Id", "id"), ("Expression", "expression"), ("Label", "label")] {
        copy(query, from, &mut metric, to);
    }
    let return_data = query.get("ReturnData").and_then(Value::as_bool).unwrap_or(true);
    metric.insert("returnData".to_owned(), json!(return_data));
    if let Some(stat) = query.get("MetricStat").filter(|stat| !stat.is_null()) {
        let of = stat.get("Metric").unwrap_or(&Value::Null);
        metric.insert("metricStat".to_owned(), metric_stat(stat, of, "Stat"));
    }
    Value::Object(metric)
}

fn metric_stat(stat: &Value, metric: &Value, statistic: &str) -> Value {
    let dimensions = metric.get("Dimensions").and_then(Value::as_array);
    let pair = |dimension: &Value| {
        let name = dimension.get("Name")?.as_str()?.to_owned();
        Some((name, dimension.get("Value")?.clone()))
    };
    let dimensions: Map<_, _> = dimensions.into_iter().flatten().filter_map(pair).collect();
    json!({
        "metric": {
            "namespace": metric.get("Namespace"),
            "name": metric.get("MetricName"),
            "dimensions": dimensions,
        },
        "period": stat.get("Period"),
        "stat": stat.get(statistic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric_query(id: &str, name: &str) -> Value {
        json!({
            "Id": id,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/NATGateway",
                    "MetricName": name,
                    "Dimensions": [{"Name": "NatGatewayId", "Value": "nat-1"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": false,
        })
    }

    fn alarm() -> Value {
        json!({
            "AlarmName": "r/nat-1",
            "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:r/nat-1",
            "AlarmDescription": "d",
            "StateValue": "OK",
            "StateReason": "Unchecked: Initial alarm creation",
            "StateReasonData": "{}",
            "StateUpdatedTimestamp": 1_795_235_380.302,
            "AlarmConfigurationUpdatedTimestamp": 1_795_235_380.302,
            "Threshold": 1.0,
            "Dimensions": [],
            "Metrics": [
                metric_query("m1", "BytesInFromSource"),
                {"Id": "e1", "Expression": "m1 + m2", "Label": "Bytes", "ReturnData": true},
                metric_query("m2", "BytesInFromDestination"),
            ],
        })
    }

    fn raised() -> State {
        State {
            value: "ALARM".to_owned(),
            reason: "because".to_owned(),
            reason_data: Some("{\"a\":1}".to_owned()),
            timestamp: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        }
    }

    /// The shape of a state change with metric math, member for member, as AWS documents it.
    #[test]
    fn a_state_change_has_the_documented_shape() {
        let alarm = alarm();
        let event = state_change(&alarm, &raised(), &State::of_alarm(&alarm));
        assert_eq!(event["region"], "eu-west-1");
        assert_eq!(event["account"], "123456789012");
        assert_eq!(event["resources"], json!([alarm["AlarmArn"]]));
        let metric = |name: &str, id: &str| {
            json!({
                "id": id,
                "metricStat": {
                    "metric": {
                        "dimensions": {"NatGatewayId": "nat-1"},
                        "name": name,
                        "namespace": "AWS/NATGateway",
                    },
                    "period": 60,
                    "stat": "Sum",
                },
                "returnData": false,
            })
        };
        let expected = json!({
            "alarmName": "r/nat-1",
            "configuration": {
                "description": "d",
                "metrics": [
                    {"id": "e1", "expression": "m1 + m2", "label": "Bytes", "returnData": true},
                    metric("BytesInFromSource", "m1"),
                    metric("BytesInFromDestination", "m2"),
                ],
            },
            "previousState": {
                "value": "OK",
                "reason": "Unchecked: Initial alarm creation",
                "timestamp": "2026-11-21T04:29:40.302+0000",
            },
            "state": {
                "value": "ALARM",
                "reason": "because",
                "reasonData": "{\"a\":1}",
                "timestamp": "2026-01-02T03:04:05.678+0000",
            },
        });
        assert_eq!(event["detail"], expected);
    }

    #[test]
    fn a_deletion_has_the_expression_last() {
        let event = configuration_change(&alarm(), &raised(), "delete", None);
        assert_eq!(event["detail-type"], "CloudWatch Alarm Configuration Change");
        let detail = &event["detail"];
        assert_eq!(detail["operation"], "delete");
        assert_eq!(detail["configuration"]["metrics"][2]["id"], "e1");
        assert_eq!(detail["configuration"]["threshold"], 1.0);
        assert_eq!(detail["state"]["timestamp"], "2026-01-02T03:04:05.678+0000");
        assert!(detail["state"].get("reason").is_none());
    }

    #[test]
    fn one_metric_and_composites_have_their_own_shapes() {
        let single = json!({
            "AlarmName": "a", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
            "Period": 300, "Statistic": "Average",
        });
        let metrics = &watched(&single)["metrics"];
        assert_eq!(metrics[0]["metricStat"]["stat"], "Average");
        assert_eq!(metrics[0]["returnData"], true);
        let composite = watched(&json!({"AlarmName": "a", "AlarmRule": "ALARM(b)"}));
        assert_eq!(composite, json!({"alarmRule": "ALARM(b)"}));
    }
}
