//! Requests as CloudFormation sends them, and what becomes of them.

use generate_ngw_alarms::expand;
use macro_protocol::{Outcome, answer};
use serde_json::{Value, json};

/// The values of a template's parameters in a deployment that works: two gateways.
pub(crate) fn parameter_values() -> Value {
    json!({
        "NatGatewayIDs": ["nat-0123456789abcdef0", "nat-1a2b3c4d"],
        "SamplingPeriod": "60",
        "EvaluationPeriods": "3",
        "Threshold": "100000000",
        "DatapointsToAlarm": "1",
        "RecordingTime": "900",
        "MinimumRecordingTime": "180",
    })
}

/// A template with one resource.
pub(crate) fn template() -> Value {
    json!({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
}

/// Expands `fragment`.
pub(crate) fn expanded(fragment: &Value, params: &Value, parameter_values: &Value) -> Outcome {
    let request = json!({
        "region": "us-east-1",
        "accountId": "123456789012",
        "fragment": fragment,
        "transformId": "123456789012::GenerateNgwAlarms",
        "params": params,
        "requestId": "r",
        "templateParameterValues": parameter_values,
    });
    answer(request, expand).outcome
}

/// Expands [`template`] and unwraps its resources.
#[track_caller]
pub(crate) fn resources(params: &Value, parameter_values: &Value) -> Value {
    match expanded(&template(), params, parameter_values) {
        Outcome::Success { mut fragment } => fragment["Resources"].take(),
        Outcome::Failure { error_message } => panic!("{error_message}"),
    }
}
