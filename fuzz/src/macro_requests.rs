//! Requests to the two macros.

use macro_protocol::{Outcome, Response, answer};
use serde_json::{Map, Value};

/// CloudFormation's most resources of a template.
const MOST_RESOURCES: usize = 500;

/// Any JSON is answered: with the request's ID, and with a fragment or a sentence.
pub fn check(input: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Value>(input) else { return };
    let alarms = answer(request.clone(), generate_ngw_alarms::expand);
    an_answer_is_complete(&request, &alarms);
    if let Outcome::Success { fragment } = &alarms.outcome {
        only_alarms_were_added(&request, fragment);
        expanding_twice_is_refused(request.clone(), fragment);
    }
    let integer = answer(request.clone(), string_to_int::expand);
    an_answer_is_complete(&request, &integer);
    if let Outcome::Success { fragment } = integer.outcome {
        assert!(fragment.is_i64(), "{fragment}");
    }
}

fn an_answer_is_complete(request: &Value, response: &Response) {
    let id = request.get("requestId").and_then(Value::as_str).unwrap_or_default();
    assert_eq!(response.request_id, id);
    if let Outcome::Failure { error_message } = &response.outcome {
        assert!(error_message.ends_with('.'), "{error_message}");
    }
}

fn resources(fragment: &Value) -> Map<String, Value> {
    fragment["Resources"].as_object().cloned().expect("a template with resources")
}

fn only_alarms_were_added(request: &Value, fragment: &Value) {
    let mut found = resources(fragment);
    assert!(found.len() <= MOST_RESOURCES);
    for (logical_id, before) in resources(&request["fragment"]) {
        let after = found.remove(&logical_id).map(without_gateways);
        assert_eq!(after, Some(without_gateways(before)));
    }
    assert!(!found.is_empty());
    assert!(found.values().all(|added| added["Type"] == "AWS::CloudWatch::Alarm"));
}

/// A dashboard without the variables of its body that the macro fills; anything else as it is.
fn without_gateways(mut resource: Value) -> Value {
    let variables = resource.pointer_mut("/Properties/DashboardBody/Fn::Sub/1");
    if let Some(variables) = variables.and_then(Value::as_object_mut) {
        variables.remove("GatewayCharts");
        variables.remove("GatewayMetrics");
    }
    resource
}

/// The alarms' logical IDs are made of the gateways' IDs.
fn expanding_twice_is_refused(mut request: Value, fragment: &Value) {
    request["fragment"] = fragment.clone();
    let again = answer(request, generate_ngw_alarms::expand);
    assert!(matches!(again.outcome, Outcome::Failure { .. }));
}
