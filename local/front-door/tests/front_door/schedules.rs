//! EventBridge Scheduler.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moto::{DEAD_LETTERS, PROBE, SCHEDULE};
use crate::running::{Answer, Running};

/// As CloudFormation names schedules.
const NAME: &str = "stack-Hourly_1.2";

async fn with_schedule(state: &str, target: Value) -> Running {
    let door = Running::start().await;
    door.moto.contents().hourly = Some(json!({
        "Arn": SCHEDULE,
        "Name": NAME,
        "State": state,
        "ScheduleExpression": "rate(1 hour)",
        "Target": target,
    }));
    door
}

fn target(arn: &str) -> Value {
    json!({"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": "{\"n\": 1}",
           "DeadLetterConfig": {"Arn": DEAD_LETTERS}})
}

async fn fire(door: &Running, name: &str) -> Answer {
    let due = json!({"name": name, "region": "us-east-1"});
    door.client.control(Method::POST, "/schedules", due).await
}

#[tokio::test]
async fn a_schedule_that_is_due_calls_its_target() {
    let door = with_schedule("ENABLED", target(PROBE)).await;
    assert_eq!(fire(&door, NAME).await.json()["arn"], SCHEDULE);
    let due = json!({"schedule": NAME, "group": "default", "expression": "rate(1 hour)"});
    door.client.wait_for("schedule", due).await;
    let delivered = json!({"schedule": NAME, "rule": null, "outcome": "ok", "attempts": 1});
    door.client.wait_for("delivery", delivered).await;
    let end = json!({"function": "probe", "type": "Event", "outcome": "ok"});
    door.client.wait_for("invocation-end", end).await;
    let calls = door.client.entries("api-call", json!({"operation": "Invoke"})).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["caller"], "events");
}

#[tokio::test]
async fn what_cannot_be_delivered_is_a_dead_letter() {
    let gone = PROBE.replace("probe", "gone");
    let door = with_schedule("ENABLED", target(&gone)).await;
    fire(&door, NAME).await;
    let failed = json!({"outcome": "failed", "error": "ResourceNotFoundException"});
    let delivery = door.client.wait_for("delivery", failed).await;
    assert_eq!(delivery["dead_letter"], DEAD_LETTERS);
    let letter = door.moto.calls("SendMessage")[0].json();
    assert_eq!(letter["MessageBody"], "{\"n\": 1}");
    let attributes = &letter["MessageAttributes"];
    assert_eq!(attributes["SCHEDULE_ARN"]["StringValue"], SCHEDULE);
    assert_eq!(attributes["TARGET_ARN"]["StringValue"], gone);
    assert_eq!(attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"], "NotRetryable");
    assert!(attributes.get("RULE_ARN").is_none());
}

#[tokio::test]
async fn what_is_disabled_or_unknown_is_never_due() {
    let door = with_schedule("DISABLED", target(PROBE)).await;
    for (name, reason) in [(NAME, "is DISABLED"), ("daily", "ResourceNotFoundException")] {
        let refusal = fire(&door, name).await;
        assert_eq!(refusal.status, 409);
        assert!(refusal.text().contains(reason), "{}", refusal.text());
    }
    assert!(door.client.entries("delivery", json!({})).await.is_empty());
}

async fn create(door: &Running, expression: &str, window: Value) -> Answer {
    let schedule = json!({"ScheduleExpression": expression, "FlexibleTimeWindow": window,
                          "Target": target(PROBE)});
    let signature = "AWS4-HMAC-SHA256 Credential=AKIAX/20260102/us-east-1/scheduler/aws4_request, \
                     SignedHeaders=host, Signature=0";
    let headers = [("authorization", signature)];
    let path = format!("/schedules/{NAME}");
    door.client.send(Method::POST, &path, &headers, schedule.to_string()).await.unwrap()
}

#[tokio::test]
async fn a_schedule_that_scheduler_would_not_take_is_refused() {
    let door = Running::start().await;
    let flexible = |minutes: Value| json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes});
    assert_eq!(create(&door, "rate(1 hour)", flexible(json!(15))).await.status, 200);
    assert_eq!(create(&door, "rate(1 hour)", json!({"Mode": "OFF"})).await.status, 200);
    for (expression, window) in [
        ("hourly", json!({"Mode": "OFF"})),
        ("rate(1 hour)", flexible(json!(0))),
        ("rate(1 hour)", flexible(Value::Null)),
        ("rate(1 hour)", json!({"Mode": "OFF", "MaximumWindowInMinutes": 15})),
        ("rate(1 hour)", json!({})),
    ] {
        let refusal = create(&door, expression, window).await;
        assert_eq!((refusal.status.as_u16(), refusal.error()), (400, "ValidationException"));
    }
    let operations = door.client.entries("api-call", json!({"service": "scheduler"})).await;
    assert!(operations.iter().all(|call| call["operation"] == "CreateSchedule"));
    assert_eq!(door.moto.calls(&format!("POST /schedules/{NAME}")).len(), 2);
}
