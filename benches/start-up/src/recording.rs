//! A recording that goes well, as the state machine and CloudFormation would ask
//! the functions for it.

use serde_json::{Value, json};

pub(crate) const GATEWAY: &str = "nat-0123456789abcdef0";
pub(crate) const EXECUTION: &str =
    "arn:aws:states:eu-west-1:123456789012:execution:Recorder:2dde0eb1-528b-d2d5-9ca6-6d590caf2329";
/// 2026-01-02T03:04:05.678Z
pub(crate) const ALARM_AT_MS: i64 = 1_767_323_045_678;
/// 2026-01-02T03:04:07Z
pub(crate) const RESERVED_AT_MS: i64 = 1_767_323_047_000;

/// A function and what makes its event out of the answer of the one before it.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) event: fn(&Value) -> Value,
}

/// In the order in which one needs the answer of another.
pub(crate) const FUNCTIONS: [Function; 8] = [
    Function { name: "check-quota", event: |_| reservation() },
    Function {
        name: "start-recording",
        event: |state| json!({ "state": state, "at": "2026-01-02T03:04:08.123Z" }),
    },
    Function {
        name: "stop-recording",
        event: |state| json!({ "state": state, "at": "2026-01-02T03:34:08.123Z" }),
    },
    Function { name: "report-recording", event: |state| json!({ "state": state }) },
    Function { name: "resume-recording", event: |_| cleared() },
    // Of the hour: it deletes the flow log, which names no execution.
    Function { name: "sweep-recordings", event: |_| json!({}) },
    Function { name: "generate-ngw-alarms", event: |_| alarms_macro() },
    Function { name: "string-to-int", event: |_| integer_macro() },
];

/// What the template sets for the functions of a stack that records into a bucket:
/// a report on a log group would be waiting for its queries most of the time.
pub(crate) const ENVIRONMENT: [(&str, &str); 10] = [
    ("RUST_LOG", "info"),
    ("TABLE_NAME", "recordings"),
    ("STACK_NAME", "nat-flow-recorder"),
    ("FLOW_LOG_DESTINATION", "s3"),
    ("FOLDER", "recordings-1a2b3c/text"),
    ("FOLDER_ARN", "arn:aws:s3:::recordings-1a2b3c/text"),
    ("FILE_FORMAT", "text"),
    ("WORK_GROUP", "nat-flow-recorder"),
    ("STATE_MACHINE_ARN", "arn:aws:states:eu-west-1:123456789012:stateMachine:Recorder"),
    ("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:reports"),
];

fn reservation() -> Value {
    json!({
        "input": alarm_event("ALARM", "2026-01-02T03:04:05.678+0000"),
        "execution": EXECUTION,
        "at": "2026-01-02T03:04:07Z",
        "settings": {
            "recordingSeconds": 86_400,
            "minimumRecordingSeconds": 600,
            "reportDelaySeconds": 900,
            "recordingsAllowed": 5,
            "quotaPeriod": "month",
        },
    })
}

fn cleared() -> Value {
    alarm_event("OK", "2026-01-02T03:24:05.678+0000")
}

fn alarm_event(state: &str, at: &str) -> Value {
    json!({
        "version": "0",
        "id": "2dde0eb1-528b-d2d5-9ca6-6d590caf2329",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-01-02T03:24:06Z",
        "region": "eu-west-1",
        "resources": [
            format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:nat-flow-recorder/{GATEWAY}"),
        ],
        "detail": {
            "alarmName": format!("nat-flow-recorder/{GATEWAY}"),
            "configuration": { "metrics": [
                { "id": "processed", "expression": "m1 + m2", "returnData": true },
                metric("m1", "BytesInFromSource"),
                metric("m2", "BytesInFromDestination"),
            ] },
            "state": {
                "value": state,
                "reason": "Threshold Crossed: 1 out of the last 1 datapoints",
                "timestamp": at,
            },
        },
    })
}

fn metric(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "metricStat": {
            "metric": {
                "namespace": "AWS/NATGateway",
                "name": name,
                "dimensions": { "NatGatewayId": GATEWAY },
            },
            "period": 60,
            "stat": "Sum",
        },
        "returnData": false,
    })
}

fn alarms_macro() -> Value {
    macro_request(
        &json!({ "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } } }),
        &json!({}),
        &json!({
            "NatGatewayIDs": [GATEWAY, "nat-0123456789abcdef1"],
            "SamplingPeriod": "60",
            "EvaluationPeriods": "5",
            "DatapointsToAlarm": "3",
            "Threshold": "1000000000",
        }),
    )
}

fn integer_macro() -> Value {
    macro_request(
        &json!({}),
        &json!({ "Value": "0", "WhenZero": 86_400, "Minimum": 1, "Maximum": 86_400 }),
        &json!({}),
    )
}

fn macro_request(fragment: &Value, parameters: &Value, template_parameters: &Value) -> Value {
    json!({
        "region": "eu-west-1",
        "accountId": "123456789012",
        "fragment": fragment,
        "transformId": "123456789012::Macro",
        "params": parameters,
        "requestId": "5dba79b5-f117-4de0-9ce4-d40363bfb6ab",
        "templateParameterValues": template_parameters,
    })
}
