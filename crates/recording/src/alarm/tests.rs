use serde_json::{Value, json};

use super::*;

const GATEWAY: &str = "nat-0123456789abcdef0";

fn nat_metric(gateway: &str, name: &str) -> Value {
    json!({
        "id": name.to_lowercase(),
        "metricStat": {
            "metric": {
                "namespace": "AWS/NATGateway",
                "name": name,
                "dimensions": { "NatGatewayId": gateway },
            },
            "period": 60,
            "stat": "Sum",
        },
        "returnData": false,
    })
}

fn expression() -> Value {
    json!({ "id": "e1", "expression": "m1 + m2", "label": "Bytes", "returnData": true })
}

fn event(detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": "0a1b",
        "detail-type": detail_type,
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-11-21T04:11:04Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"],
        "detail": detail,
    })
}

fn state_change(value: &str, metrics: &[Value]) -> Value {
    event(
        STATE_CHANGE,
        &json!({
            "alarmName": "recorder/nat-0123456789abcdef0",
            "state": {
                "value": value,
                "reason": "Threshold Crossed",
                "timestamp": "2026-11-21T04:11:03.678+0000",
            },
            "previousState": { "value": "OK", "timestamp": "2026-11-21T03:00:00.000+0000" },
            "configuration": { "description": "d", "metrics": metrics },
        }),
    )
}

fn metric_math() -> Vec<Value> {
    vec![
        expression(),
        nat_metric(GATEWAY, "BytesInFromSource"),
        nat_metric(GATEWAY, "BytesInFromDestination"),
    ]
}

#[test]
fn a_raised_alarm_names_its_gateway_wherever_the_expression_stands() {
    let mut metrics = metric_math();
    for _ in 0..metrics.len() {
        metrics.rotate_left(1);
        let (gateway, alarm) = raised(&state_change("ALARM", &metrics)).unwrap();
        assert_eq!(gateway.as_str(), GATEWAY);
        assert_eq!(alarm.at.to_string(), "2026-11-21T04:11:03.678Z");
        assert_eq!(alarm.reason, "Threshold Crossed");
    }
}

#[test]
fn an_alarm_on_a_single_metric_is_understood() {
    let single = [nat_metric(GATEWAY, "BytesInFromSource")];
    assert_eq!(raised(&state_change("ALARM", &single)).unwrap().0.as_str(), GATEWAY);
}

#[test]
fn metrics_of_other_namespaces_do_not_matter() {
    let mut metrics = metric_math();
    metrics.insert(
        0,
        json!({ "id": "i", "metricStat": { "metric": {
        "namespace": "AWS/EC2", "name": "NetworkIn", "dimensions": { "InstanceId": "i-1" },
    } } }),
    );
    assert_eq!(raised(&state_change("ALARM", &metrics)).unwrap().0.as_str(), GATEWAY);
}

#[test]
fn other_alarms_are_refused_in_a_sentence() {
    let composite = event(
        STATE_CHANGE,
        &json!({
            "alarmName": "composite",
            "state": { "value": "ALARM", "timestamp": "2026-11-21T04:11:03.678+0000" },
            "configuration": { "alarmRule": "ALARM(a) OR ALARM(b)" },
        }),
    );
    let two = [nat_metric(GATEWAY, "BytesInFromSource"), nat_metric("nat-0fedcba987654321f", "X")];
    let wrong_id = [nat_metric("nat-XYZ", "BytesInFromSource")];
    let anomaly = [
        json!({ "id": "m1", "metricStat": { "metric": { "namespace": "AWS/EC2", "name": "CPU" } } }),
        json!({ "id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 1)" }),
    ];
    for (event, why) in [
        (composite, "\"composite\" is not used: it watches no metric of a NAT gateway"),
        (state_change("ALARM", &two), "it watches several NAT gateways"),
        (state_change("ALARM", &anomaly), "it watches no metric of a NAT gateway"),
        (state_change("ALARM", &wrong_id), "\"nat-XYZ\" is no NAT gateway ID"),
        (state_change("OK", &metric_math()), "its state is OK, expected ALARM"),
        (json!({ "hello": 1 }), "the input is no CloudWatch alarm event: missing field"),
        (json!(7), "the input is no CloudWatch alarm event"),
    ] {
        let error = raised(&event).unwrap_err();
        assert_eq!(error.name(), crate::ErrorName::EventRefused);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn ok_and_insufficient_data_clear() {
    for (state, how) in
        [("OK", ClearedHow::Ok), ("INSUFFICIENT_DATA", ClearedHow::InsufficientData)]
    {
        let (gateway, cleared) = cleared(&state_change(state, &metric_math())).unwrap();
        assert_eq!(gateway.as_str(), GATEWAY);
        assert_eq!(cleared.how, how);
        assert_eq!(cleared.at.to_string(), "2026-11-21T04:11:03.678Z");
    }
    let error = cleared(&state_change("ALARM", &metric_math())).unwrap_err();
    assert!(error.to_string().contains("its state is ALARM, expected OK"), "{error}");
}

/// Its `state.timestamp` is that of the alarm; only the event's time is new.
#[test]
fn a_deletion_is_newer_than_the_alarm_of_the_same_second() {
    let mut metrics = metric_math();
    metrics.rotate_left(1);
    let deletion = |operation| {
        event(
            CONFIGURATION_CHANGE,
            &json!({
                "alarmName": "recorder/nat-0123456789abcdef0",
                "operation": operation,
                "state": { "value": "ALARM", "timestamp": "2026-11-21T04:11:04.678+0000" },
                "configuration": { "evaluationPeriods": 3, "threshold": 1, "metrics": metrics },
            }),
        )
    };
    let (gateway, at) = cleared(&deletion("delete")).map(|(id, news)| (id, news.at)).unwrap();
    assert_eq!(gateway.as_str(), GATEWAY);
    assert_eq!(at.to_string(), "2026-11-21T04:11:04.999Z");
    let error = cleared(&deletion("update")).unwrap_err();
    assert!(error.to_string().contains("its operation is update, expected delete"), "{error}");
}
