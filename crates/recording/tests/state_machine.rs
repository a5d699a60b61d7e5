//! What the state machine and this crate must agree on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use recording::{protocol, reserve::ALL_RETRIES_SECONDS, table::Value};
use serde::Deserialize;
use std::collections::BTreeMap;

const DEFINITION: &str = include_str!("../../../statemachine/recorder.asl.yaml");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    states: BTreeMap<String, State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    parameters: Option<serde_json::Value>,
    timeout_seconds: Option<i64>,
    #[serde(default)]
    retry: Vec<Retry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retry {
    interval_seconds: i64,
    backoff_rate: i64,
    max_delay_seconds: i64,
    max_attempts: u32,
}

fn definition() -> Definition {
    serde_saphyr::from_str(DEFINITION).unwrap()
}

/// The state stores its own token, so its condition stands in the definition too.
#[test]
fn the_state_that_waits_writes_what_the_protocol_says() {
    let written = definition().states["Wait for the alarm to clear"].parameters.clone().unwrap();
    let rendered = protocol::store_token("$$.Execution.Id", "$$.Task.Token").render();

    assert_eq!(written["ConditionExpression"], rendered.condition);
    assert_eq!(written["UpdateExpression"], rendered.update);
    assert_eq!(written["ExpressionAttributeNames"], serde_json::json!(rendered.names));
    for (name, value) in &rendered.values {
        let written = &written["ExpressionAttributeValues"][name];
        let Value::Text(text) = value else { panic!("{name} is no text") };
        let written = written.get("S").or_else(|| written.get("S.$")).unwrap();
        assert_eq!(written, text, "{name}");
    }
    let values = written["ExpressionAttributeValues"].as_object().unwrap();
    assert_eq!(values.len(), rendered.values.len());
}

/// A lease outlasts every retry of every step that ends before the release.
#[test]
fn the_lease_has_room_for_all_retries() {
    let steps =
        ["Reserve a recording", "Start recording", "Stop recording", "Clean up after the failure"];
    let definition = definition();
    let longest: i64 = steps.iter().map(|step| longest(&definition.states[*step])).sum();
    assert!(longest <= ALL_RETRIES_SECONDS, "{longest} s of retries, {ALL_RETRIES_SECONDS} s");
}

fn longest(state: &State) -> i64 {
    let timeout = state.timeout_seconds.unwrap();
    let retries = state.retry.iter().map(|retry| {
        let pauses = (0..retry.max_attempts).map(|attempt| {
            (retry.interval_seconds * retry.backoff_rate.pow(attempt)).min(retry.max_delay_seconds)
        });
        pauses.sum::<i64>() + i64::from(retry.max_attempts) * timeout
    });
    timeout + retries.sum::<i64>()
}
