//! What AWS refuses and moto does not.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moto::{GATEWAY, INTERFACE, TOPIC};
use crate::running::{Answer, Running};

async fn create(door: &Running, token: &str, format: &str) -> Answer {
    let form = [
        ("Action", "CreateFlowLogs"),
        ("Version", "2016-11-15"),
        ("ResourceId.1", INTERFACE),
        ("ClientToken", token),
        ("LogFormat", format),
    ];
    door.client.form("ec2", &form).await.unwrap()
}

#[tokio::test]
async fn a_client_token_makes_one_flow_log() {
    let door = Running::start().await;
    let token = "a".repeat(64);
    let first = create(&door, &token, "${bytes}").await;
    assert_eq!(create(&door, &token, "${bytes}").await.body, first.body);
    let other = create(&door, &token, "${bytes} ${end}").await;
    assert_eq!((other.status.as_u16(), other.error()), (400, "IdempotentParameterMismatch"));
    assert_ne!(create(&door, "another", "${bytes}").await.body, first.body);
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 2);
    let calls = door.client.entries("api-call", json!({"operation": "CreateFlowLogs"})).await;
    assert_eq!(calls[0]["flow_log_ids"], calls[1]["flow_log_ids"]);
    assert_eq!(calls[0]["resource_ids"], json!([INTERFACE]));
    assert_eq!(calls[2]["error"], "IdempotentParameterMismatch");
}

/// Two at once: the second waits for the first and gets its answer.
#[tokio::test]
async fn a_client_token_makes_one_flow_log_at_once() {
    let door = Running::start().await;
    let (first, second) =
        tokio::join!(create(&door, "token", "${bytes}"), create(&door, "token", "${bytes}"));
    assert_eq!(first.body, second.body);
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 1);
}

#[tokio::test]
async fn long_tokens_and_unknown_fields_are_refused() {
    let door = Running::start().await;
    let long = create(&door, &"a".repeat(65), "${bytes}").await;
    assert_eq!((long.status.as_u16(), long.error()), (400, "InvalidParameterValue"));
    let unknown = create(&door, "token", "${bytes} ${mood}").await;
    assert_eq!((unknown.status.as_u16(), unknown.error()), (400, "InvalidParameter"));
    assert!(unknown.text().contains("`mood`"), "{}", unknown.text());
    assert!(door.moto.calls("CreateFlowLogs").is_empty());
}

#[tokio::test]
async fn an_unknown_gateway_is_an_error() {
    let door = Running::start().await;
    let describe = async |id| {
        let form = [("Action", "DescribeNatGateways"), ("NatGatewayId.1", id)];
        door.client.form("ec2", &form).await.unwrap()
    };
    assert_eq!(describe(GATEWAY).await.status, 200);
    let unknown = describe("nat-0").await;
    assert_eq!((unknown.status.as_u16(), unknown.error()), (400, "NatGatewayNotFound"));
    assert!(unknown.text().contains("nat-0"));
}

async fn publish(door: &Running, subject: &str) -> Answer {
    let form = [
        ("Action", "Publish"),
        ("TopicArn", TOPIC),
        ("Subject", subject),
        ("Message", "two\nlines"),
    ];
    door.client.form("sns", &form).await.unwrap()
}

#[tokio::test]
async fn every_subscriber_gets_a_mail() {
    let door = Running::start().await;
    assert_eq!(publish(&door, "Recorded").await.status, 200);
    let mailbox = door.client.control(Method::GET, "/mailbox", Value::Null).await.json();
    let to: Vec<_> = mailbox.as_array().unwrap().iter().map(|mail| mail["to"].clone()).collect();
    assert_eq!(to, ["noc@example.com", "cto@example.com"]);
    assert_eq!(mailbox[0]["subject"], "Recorded");
    assert_eq!(mailbox[0]["body"], "two\nlines");
    let mail = json!({"to": "cto@example.com", "topic": TOPIC});
    door.client.wait_for("email", mail).await;
}

#[tokio::test]
async fn a_subscription_gets_what_its_filter_lets_pass() {
    let door = Running::start().await;
    let form = [
        ("Action", "Publish"),
        ("TopicArn", TOPIC),
        ("Message", "{}"),
        ("MessageAttributes.entry.1.Name", "format"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "json"),
    ];
    door.client.form("sns", &form).await.unwrap();
    let mailbox = door.client.control(Method::GET, "/mailbox", Value::Null).await.json();
    let to: Vec<_> = mailbox.as_array().unwrap().iter().map(|mail| mail["to"].clone()).collect();
    assert_eq!(to, ["noc@example.com", "programs@example.com", "cto@example.com"]);
}

#[tokio::test]
async fn a_subject_that_sns_refuses_is_no_mail() {
    let door = Running::start().await;
    for subject in ["", "two\nlines", "Grüße", &"x".repeat(100)] {
        let refusal = publish(&door, subject).await;
        assert_eq!((refusal.status.as_u16(), refusal.error()), (400, "InvalidParameter"));
    }
    assert!(door.moto.calls("Publish").is_empty());
    let mailbox = door.client.control(Method::GET, "/mailbox", Value::Null).await.json();
    assert_eq!(mailbox, json!([]));
}
