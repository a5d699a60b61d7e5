//! Where the macro finds its parameters and in which forms it takes them.

use crate::requests::{parameter_values, resources};
use serde_json::{Value, json};

#[track_caller]
fn assert_same_as_default(gateways: Value) {
    let mut values = parameter_values();
    values["NatGatewayIDs"] = gateways;
    assert_eq!(resources(&json!({}), &values), resources(&json!({}), &parameter_values()));
}

#[test]
fn gateways_are_a_list_or_a_string() {
    assert_same_as_default(json!("nat-0123456789abcdef0,nat-1a2b3c4d"));
    assert_same_as_default(json!(["nat-0123456789abcdef0,nat-1a2b3c4d"]));
}

#[test]
fn spaces_and_a_trailing_comma_do_no_harm() {
    assert_same_as_default(json!(" nat-0123456789abcdef0 , nat-1a2b3c4d,"));
    assert_same_as_default(json!(["nat-0123456789abcdef0", " nat-1a2b3c4d ", ""]));
}

#[test]
fn parameters_of_the_macro_win() {
    let resources = resources(&json!({"SamplingPeriod": 300}), &parameter_values());
    let alarm = &resources["NatSpikeAlarm1a2b3c4d"]["Properties"];
    assert_eq!(alarm["Metrics"][1]["MetricStat"]["Period"], 300);
    assert_eq!(alarm["EvaluationPeriods"], 3);
}

#[test]
fn parameters_of_the_macro_may_be_references() {
    let values = json!({
        "Gateways": ["nat-0123456789abcdef0"],
        "Other": "nat-1a2b3c4d",
        "Seconds": "60",
        "Three": "3",
        "Bytes": "100000000",
        "One": "1",
    });
    let params = json!({
        "NatGatewayIDs": {"Ref": "Gateways"},
        "SamplingPeriod": {"Ref": "Seconds"},
        "EvaluationPeriods": {"Ref": "Three"},
        "Threshold": {"Ref": "Bytes"},
        "DatapointsToAlarm": {"Ref": "One"},
    });
    let mut mixed = params.clone();
    mixed["NatGatewayIDs"] = json!([{"Ref": "Other"}, "nat-0123456789abcdef0"]);
    assert_eq!(resources(&params, &values).as_object().unwrap().len(), 2);
    assert_eq!(resources(&mixed, &values), resources(&json!({}), &parameter_values()));
}

#[test]
fn numbers_are_numbers_in_the_alarm() {
    for (given, expected) in [
        (json!("100000000"), json!(100_000_000)),
        (json!(100_000_000), json!(100_000_000)),
        (json!("0"), json!(0)),
        (json!(" 1.5 "), json!(1.5)),
        (json!("1e8"), json!(1e8)),
    ] {
        let resources = resources(&json!({"Threshold": given}), &parameter_values());
        assert_eq!(resources["NatSpikeAlarm1a2b3c4d"]["Properties"]["Threshold"], expected);
    }
}

#[test]
fn a_week_is_evaluated_with_periods_of_an_hour() {
    resources(&json!({"SamplingPeriod": 60, "EvaluationPeriods": 1440}), &parameter_values());
    resources(&json!({"SamplingPeriod": 3600, "EvaluationPeriods": 168}), &parameter_values());
}

#[test]
fn recording_time_of_zero_is_a_day() {
    let params = json!({"RecordingTime": 0, "MinimumRecordingTime": 86400});
    resources(&params, &parameter_values());
}

#[test]
fn minimum_may_equal_recording_time() {
    let params = json!({"RecordingTime": 5, "MinimumRecordingTime": 5});
    resources(&params, &parameter_values());
}

#[test]
fn alarms_wait_for_no_rule_where_there_is_none() {
    let resources = resources(&json!({}), &parameter_values());
    assert_eq!(resources["NatSpikeAlarm1a2b3c4d"].get("DependsOn"), None);
}

#[test]
fn as_many_gateways_as_a_parameter_value_holds() {
    let gateways: Vec<_> = (0..186).map(|number| format!("nat-{number:017x}")).collect();
    assert!(gateways.join(",").len() <= 4096);
    let resources = resources(&json!({"NatGatewayIDs": gateways}), &parameter_values());
    assert_eq!(resources.as_object().unwrap().len(), 187);
}
