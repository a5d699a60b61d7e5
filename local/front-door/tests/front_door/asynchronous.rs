//! Asynchronous invocations.

use serde_json::{Value, json};

use crate::moto::{DEAD_LETTERS, PROBE};
use crate::running::Running;

async fn start(door: &Running, event: Value) {
    let answer = door.client.invoke_as("Event", "probe", event).await.unwrap();
    assert_eq!(answer.status, 202);
    assert!(answer.body.is_empty());
}

fn send_failures_to_queue(door: &Running, retries: u64) {
    door.moto.contents().event_invoke_config = Some(json!({
        "MaximumRetryAttempts": retries,
        "DestinationConfig": {"OnFailure": {"Destination": DEAD_LETTERS}},
    }));
}

#[tokio::test]
async fn what_keeps_failing_ends_at_its_destination() {
    let door = Running::start().await;
    send_failures_to_queue(&door, 2);
    let event = json!({"do": "fail", "message": "never"});
    start(&door, event.clone()).await;
    let sent = json!({"function": "probe", "outcome": "ok", "target": DEAD_LETTERS});
    let sent = door.client.wait_for("destination", sent).await;
    let ends = door.client.entries("invocation-end", json!({"type": "Event"})).await;
    let attempts: Vec<_> = ends.iter().map(|end| end["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(ends.iter().all(|end| end["request_id"] == sent["request_id"]));
    let message = &door.moto.calls("SendMessage")[0].json();
    assert_eq!(message["QueueUrl"], "http://queues/dead-letters");
    let record: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(record["requestPayload"], event);
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(record["requestContext"]["functionArn"], format!("{PROBE}:$LATEST"));
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorMessage"], "never");
}

#[tokio::test]
async fn retries_end_with_success() {
    const SUCCESSES: &str = "arn:aws:sqs:us-east-1:123456789012:successes";
    let door = Running::start().await;
    door.moto.contents().event_invoke_config = Some(json!({
        "DestinationConfig": {
            "OnFailure": {"Destination": DEAD_LETTERS},
            "OnSuccess": {"Destination": SUCCESSES},
        },
    }));
    start(&door, json!({"do": "fail-until", "invocation": 2})).await;
    door.client.wait_for("destination", json!({"target": SUCCESSES, "outcome": "ok"})).await;
    let messages = door.moto.calls("SendMessage");
    assert_eq!(messages.len(), 1);
    let record = messages[0].json()["MessageBody"].as_str().unwrap().to_owned();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["requestContext"]["condition"], "Success");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responsePayload"], json!({"invocation": 2}));
}

#[tokio::test]
async fn a_destination_that_cannot_be_reached_is_reported() {
    let door = Running::start().await;
    send_failures_to_queue(&door, 0);
    let action = json!({"error": {"status": 400, "code": "AccessDenied", "message": "no"}});
    let fault = json!({"service": "sqs", "operation": "SendMessage", "action": action});
    door.client.fault(fault).await;
    start(&door, json!({"do": "exit", "code": 1})).await;
    let failed = door.client.wait_for("destination", json!({"outcome": "failed"})).await;
    assert!(failed["error"].as_str().unwrap().contains("AccessDenied"));
}
