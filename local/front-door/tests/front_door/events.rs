//! Alarms, rules and their targets.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moto::{Call, DEAD_LETTERS, MACHINE, PROBE, TOPIC};
use crate::running::{Answer, Running};

const ALARM: &str = "recorder/nat-0123456789abcdef0";

async fn with_rules(rules: &[(&str, Value, Value)]) -> Running {
    let door = Running::start().await;
    let mut contents = door.moto.contents();
    contents.alarms.push(json!({
        "AlarmName": ALARM,
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{ALARM}"),
        "StateValue": "OK",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": 1_795_235_380.302,
        "Metrics": [{"Id": "e1", "Expression": "m1 + m2", "ReturnData": true}],
    }));
    let owned = |(name, pattern, targets): &(&str, Value, Value)| {
        ((*name).to_owned(), pattern.clone(), targets.clone())
    };
    contents.rules = rules.iter().map(owned).collect();
    drop(contents);
    door
}

fn states(values: &[&str]) -> Value {
    json!({
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [{"prefix": "recorder/nat-"}], "state": {"value": values}},
    })
}

fn machine() -> Value {
    json!([{"Id": "machine", "Arn": MACHINE, "DeadLetterConfig": {"Arn": DEAD_LETTERS}}])
}

async fn set_state(door: &Running, value: &str) -> Answer {
    let parameters = json!({"AlarmName": ALARM, "StateValue": value, "StateReason": "a test"});
    door.client.json("monitoring", "SetAlarmState", parameters).await
}

#[tokio::test]
async fn an_alarm_starts_the_machine_of_the_rules_that_match() {
    let door = with_rules(&[
        ("cleared", states(&["OK", "INSUFFICIENT_DATA"]), json!([])),
        ("disabled-raised", states(&["ALARM"]), machine()),
        ("raised", states(&["ALARM"]), machine()),
    ])
    .await;
    assert_eq!(set_state(&door, "ALARM").await.status, 200);
    let event = door.client.wait_for("event", json!({"rules": ["raised"]})).await["event"].clone();
    assert_eq!(event["detail"]["state"]["value"], "ALARM");
    assert_eq!(event["detail"]["state"]["reason"], "a test");
    assert_eq!(event["detail"]["previousState"]["value"], "OK");
    assert_eq!(event["detail"]["previousState"]["timestamp"], "2026-11-21T04:29:40.302+0000");
    let delivery = door.client.wait_for("delivery", json!({"outcome": "ok"})).await;
    assert_eq!(delivery["attempts"], 1);
    let started = door.moto.calls("StartExecution");
    assert_eq!(started.len(), 1);
    let started = started[0].json();
    let input: Value = serde_json::from_str(started["input"].as_str().unwrap()).unwrap();
    assert_eq!(input, event);
    let name = started["name"].as_str().unwrap();
    assert_eq!((name.len(), name.matches('_').count()), (73, 1));
    assert!(delivery["execution_arn"].as_str().unwrap().ends_with(name));
}

#[tokio::test]
async fn an_alarms_actions_are_mails_of_every_change_to_their_state() {
    let door = with_rules(&[]).await;
    door.moto.contents().alarms[0]["AlarmActions"] = json!([TOPIC]);
    for value in ["ALARM", "ALARM", "OK"] {
        set_state(&door, value).await;
    }
    let action = json!({"alarm": ALARM, "action": TOPIC, "outcome": "ok"});
    door.client.wait_for("alarm-action", action).await;
    let subject = format!("ALARM: \"{ALARM}\" in US East (N. Virginia)");
    let mail = door.client.wait_for("email", json!({"subject": subject})).await;
    assert!(mail["body"].as_str().unwrap().contains("has entered the ALARM state"));
    let publish = door.client.entries("api-call", json!({"operation": "Publish"})).await;
    let callers: Vec<_> = publish.iter().map(|call| &call["caller"]).collect();
    assert_eq!(callers, ["cloudwatch"]);
}

#[tokio::test]
async fn only_a_change_is_an_event_and_every_change_is_later() {
    let door = with_rules(&[]).await;
    for value in ["ALARM", "ALARM", "OK", "ALARM"] {
        set_state(&door, value).await;
    }
    let events = door.client.entries("event", json!({})).await;
    let states: Vec<_> = events
        .iter()
        .map(|event| event["event"]["detail"]["state"]["value"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["ALARM", "OK", "ALARM"]);
    let times = |which: &str| -> Vec<String> {
        let at = |event: &Value| event["event"]["detail"][which]["timestamp"].to_string();
        events.iter().map(at).collect()
    };
    let (since, before) = (times("state"), times("previousState"));
    assert!(since.is_sorted_by(|earlier, later| earlier < later));
    assert_eq!(since[1], before[2]);
    assert_eq!(door.moto.calls("SetAlarmState").len(), 4);
}

/// Waits until so many events were delivered, and answers the states that they tell of.
async fn delivered(door: &Running, count: usize) -> Vec<String> {
    let started = door.moto.wait_for("StartExecution", |calls| calls.len() >= count).await;
    let state = |call: &Call| {
        let input: Value = serde_json::from_str(call.json()["input"].as_str().unwrap()).unwrap();
        input["detail"]["state"]["value"].as_str().unwrap().to_owned()
    };
    started.iter().map(state).collect()
}

fn on_delivery(action: Value, contains: &str) -> Value {
    json!({"service": "events", "operation": "Deliver", "contains": contains, "times": 1,
           "action": action})
}

#[tokio::test]
async fn an_event_may_be_delivered_twice() {
    let door = with_rules(&[("any", states(&["ALARM", "OK"]), machine())]).await;
    door.client.fault(on_delivery(json!({"duplicate": 1}), ALARM)).await;
    set_state(&door, "ALARM").await;
    assert_eq!(delivered(&door, 2).await, ["ALARM", "ALARM"]);
    let inputs: Vec<_> = door.moto.calls("StartExecution").iter().map(Call::json).collect();
    assert_eq!(inputs[0]["input"], inputs[1]["input"]);
    assert_ne!(inputs[0]["name"], inputs[1]["name"]);
    set_state(&door, "OK").await;
    assert_eq!(delivered(&door, 3).await.len(), 3);
}

#[tokio::test]
async fn events_may_be_delivered_out_of_order() {
    let door = with_rules(&[("any", states(&["ALARM", "OK"]), machine())]).await;
    let held = door.client.fault(on_delivery(json!({"hold": true}), "\"value\":\"ALARM\"")).await;
    set_state(&door, "ALARM").await;
    door.client.wait_for("held", json!({"fault": held})).await;
    set_state(&door, "OK").await;
    assert_eq!(delivered(&door, 1).await, ["OK"]);
    door.client.control(Method::DELETE, &format!("/faults/{held}"), json!(null)).await;
    assert_eq!(delivered(&door, 2).await, ["OK", "ALARM"]);
}

#[tokio::test]
async fn cloudwatch_may_have_another_time_than_others() {
    let door = with_rules(&[]).await;
    let skew = json!({"alarms_ms": 3_600_000});
    door.client.control(Method::POST, "/clock-skew", skew).await;
    set_state(&door, "ALARM").await;
    let entry = door.client.wait_for("event", json!({})).await;
    let at = |text: &Value| -> jiff::Timestamp {
        text.as_str().unwrap().replace("+0000", "Z").parse().unwrap()
    };
    let ahead =
        at(&entry["event"]["detail"]["state"]["timestamp"]).duration_since(at(&entry["at"]));
    assert!((3590..=3600).contains(&ahead.as_secs()), "{ahead:?}");
}

#[tokio::test]
async fn an_unknown_alarm_has_no_state() {
    let door = with_rules(&[]).await;
    let parameters = json!({"AlarmName": "nobody", "StateValue": "OK", "StateReason": "r"});
    let refusal = door.client.json("monitoring", "SetAlarmState", parameters).await;
    assert_eq!((refusal.status.as_u16(), refusal.error()), (404, "ResourceNotFound"));
    assert!(door.moto.calls("SetAlarmState").is_empty());
}

#[tokio::test]
async fn a_deleted_alarm_is_told_of_too() {
    let deleted = json!({
        "detail-type": ["CloudWatch Alarm Configuration Change"],
        "detail": {"operation": ["delete"], "alarmName": [{"prefix": "recorder/nat-"}]},
    });
    let function = json!([{"Id": "resume", "Arn": PROBE}]);
    let door = with_rules(&[("cleared", deleted, function)]).await;
    set_state(&door, "ALARM").await;
    let names = json!({"AlarmNames": [ALARM, "nobody"]});
    assert_eq!(door.client.json("monitoring", "DeleteAlarms", names).await.status, 200);
    let end = json!({"function": "probe", "type": "Event", "outcome": "ok"});
    door.client.wait_for("invocation-end", end).await;
    let events = door.client.entries("event", json!({"rules": ["cleared"]})).await;
    assert_eq!(events.len(), 1);
    let detail = &events[0]["event"]["detail"];
    assert_eq!(detail["state"]["value"], "ALARM");
    assert_eq!(detail["configuration"]["metrics"][0]["expression"], "m1 + m2");
}

#[tokio::test]
async fn what_cannot_be_delivered_is_a_dead_letter() {
    let gone = json!([{
        "Id": "machine",
        "Arn": MACHINE.replace("recorder", "gone"),
        "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    }]);
    let door = with_rules(&[("raised", states(&["ALARM"]), gone)]).await;
    set_state(&door, "ALARM").await;
    let failed = json!({"outcome": "failed", "error": "StateMachineDoesNotExist"});
    let delivery = door.client.wait_for("delivery", failed).await;
    assert_eq!(delivery["attempts"], 1, "it is of no use to try again");
    assert_eq!(delivery["dead_letter"], DEAD_LETTERS);
    let letter = door.moto.calls("SendMessage")[0].json();
    let body: Value = serde_json::from_str(letter["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(body["id"], delivery["event_id"]);
    let attributes = &letter["MessageAttributes"];
    assert_eq!(attributes["ERROR_CODE"]["StringValue"], "StateMachineDoesNotExist");
    assert_eq!(attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"], "NotRetryable");
}

#[tokio::test]
async fn throttling_is_tried_again() {
    let door = with_rules(&[("raised", states(&["ALARM"]), machine())]).await;
    let action = json!({"error": {"status": 400, "code": "ThrottlingException", "message": "m"}});
    let fault = json!({"service": "states", "operation": "StartExecution", "action": action,
                       "times": 2});
    door.client.fault(fault).await;
    set_state(&door, "ALARM").await;
    let delivery = door.client.wait_for("delivery", json!({"outcome": "ok"})).await;
    assert_eq!(delivery["attempts"], 3);
    assert!(door.moto.calls("SendMessage").is_empty());
}

#[tokio::test]
async fn a_retry_policy_ends_the_tries() {
    let mut target = machine();
    target[0]["RetryPolicy"] = json!({"MaximumRetryAttempts": 1});
    let door = with_rules(&[("raised", states(&["ALARM"]), target)]).await;
    let action = json!({"error": {"status": 503, "code": "ServiceUnavailable", "message": "m"}});
    let fault = json!({"service": "stepfunctions", "operation": "StartExecution",
                       "action": action});
    door.client.fault(fault).await;
    set_state(&door, "ALARM").await;
    let delivery = door.client.wait_for("delivery", json!({"outcome": "failed"})).await;
    assert_eq!(delivery["attempts"], 2);
    assert_eq!(delivery["dead_letter"], DEAD_LETTERS);
}

#[tokio::test]
async fn a_duplicate_is_delivered_again() {
    let door = with_rules(&[("raised", states(&["ALARM"]), machine())]).await;
    set_state(&door, "ALARM").await;
    let event = door.client.wait_for("event", json!({"rules": ["raised"]})).await["event"].clone();
    let put = json!({"event": event});
    let answer = door.client.control(Method::POST, "/events", put).await.json();
    assert_eq!(answer["id"], event["id"]);
    let started = door.moto.wait_for("StartExecution", |calls| calls.len() == 2).await;
    assert_eq!(started[0].json()["input"], started[1].json()["input"]);
    assert_ne!(started[0].json()["name"], started[1].json()["name"]);
}

#[tokio::test]
async fn custom_events_are_put_one_by_one() {
    let ours = json!({"source": ["ours"], "detail": {"n": [{"numeric": [">", 1]}]}});
    let door = with_rules(&[("ours", ours, machine())]).await;
    let entry =
        |n: u8| json!({"Source": "ours", "DetailType": "t", "Detail": format!("{{\"n\":{n}}}")});
    let forged = json!({"Source": "aws.ec2", "DetailType": "t", "Detail": "{}"});
    let entries = json!({"Entries": [entry(1), entry(2), forged]});
    let answer = door.client.json("events", "PutEvents", entries).await.json();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert_eq!(answer["Entries"][2]["ErrorCode"], "NotAuthorizedForSourceException");
    let delivery = door.client.wait_for("delivery", json!({"outcome": "ok"})).await;
    assert_eq!(delivery["event_id"], answer["Entries"][1]["EventId"]);
    assert_eq!(door.client.entries("delivery", json!({})).await.len(), 1);
    assert!(door.moto.calls("PutEvents").is_empty(), "moto would deliver it in its own way");
}

#[tokio::test]
async fn a_rule_that_nobody_understands_is_refused_and_never_silent() {
    let door = with_rules(&[("odd", json!({"source": [{"prefx": "a"}]}), machine())]).await;
    let rule = json!({"Name": "odd", "EventPattern": "{\"source\": [{\"prefx\": \"a\"}]}"});
    let refusal = door.client.json("events", "PutRule", rule).await;
    assert_eq!(refusal.error(), "InvalidEventPatternException");
    set_state(&door, "ALARM").await;
    let event = door.client.wait_for("event", json!({})).await;
    assert!(event["error"].as_str().unwrap().contains("rule odd"));
}
