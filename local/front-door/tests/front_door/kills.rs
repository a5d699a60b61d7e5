//! Functions killed on request, around their calls and their invocations.

use serde_json::{Value, json};

use crate::running::Running;

async fn with_group() -> Running {
    let door = Running::start().await;
    door.moto.contents().log_groups.push("probe".to_owned());
    door
}

fn calls() -> Value {
    json!({"do": "call", "operations": ["First", "Second", "Third"]})
}

async fn invoke_with(door: &Running, service: &str, operation: &str, moment: &str) -> Value {
    let fault = json!({"service": service, "operation": operation, "times": 1,
                       "action": {"kill": moment}});
    door.client.fault(fault).await;
    door.client.invoke("probe", calls()).await.json()
}

fn carried_out(door: &Running) -> Vec<&'static str> {
    let operations = ["First", "Second", "Third"];
    operations.into_iter().filter(|operation| !door.moto.calls(operation).is_empty()).collect()
}

#[tokio::test]
async fn without_a_fault_every_call_is_answered() {
    let door = with_group().await;
    let answer = door.client.invoke("probe", calls()).await.json();
    assert_eq!(answer, json!(["HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]));
}

#[tokio::test]
async fn killed_before_its_call_it_has_not_called() {
    let door = with_group().await;
    let answer = invoke_with(&door, "logs", "Second", "before").await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    assert_eq!(carried_out(&door), ["First"]);
    let end = json!({"function": "probe", "outcome": "crash"});
    door.client.wait_for("invocation-end", end).await;
}

#[tokio::test]
async fn killed_during_its_call_the_call_is_carried_out() {
    let door = with_group().await;
    let answer = invoke_with(&door, "logs", "Second", "during").await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    door.client.wait_for("api-call", json!({"operation": "Second", "caller": "probe"})).await;
    assert_eq!(carried_out(&door), ["First", "Second"]);
}

#[tokio::test]
async fn killed_after_its_call_it_calls_no_more() {
    let door = with_group().await;
    let answer = invoke_with(&door, "logs", "Second", "after").await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    assert_eq!(carried_out(&door), ["First", "Second"]);
}

#[tokio::test]
async fn killed_after_its_last_call_it_does_not_answer() {
    let door = with_group().await;
    let answer = invoke_with(&door, "logs", "Third", "after").await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    assert_eq!(carried_out(&door), ["First", "Second", "Third"]);
    // The next one is another process, and nobody kills it.
    let answer = door.client.invoke("probe", calls()).await.json();
    assert_eq!(answer.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn invocations_are_killed_before_during_and_after() {
    for (moment, expected) in
        [("before", vec![]), ("during", vec![]), ("after", vec!["First", "Second", "Third"])]
    {
        let door = with_group().await;
        let answer = invoke_with(&door, "lambda", "Invoke", moment).await;
        assert_eq!(answer["errorType"], "Runtime.ExitError", "{moment}");
        assert_eq!(carried_out(&door), expected, "{moment}");
    }
}

#[tokio::test]
async fn an_asynchronous_invocation_is_killed_once() {
    let door = with_group().await;
    let fault = json!({"service": "lambda", "operation": "Invoke", "action": {"kill": "after"}});
    door.client.fault(fault).await;
    door.client.invoke_as("Event", "probe", calls()).await.unwrap();
    let second = json!({"function": "probe", "attempt": 2, "outcome": "ok"});
    door.client.wait_for("invocation-end", second).await;
    let first = door.client.entries("invocation-end", json!({"attempt": 1})).await;
    assert_eq!(first[0]["outcome"], "crash");
}

#[tokio::test]
async fn whoever_is_no_function_is_not_killed() {
    let door = with_group().await;
    let fault = json!({"service": "*", "operation": "*", "times": 1, "action": {"kill": "before"}});
    door.client.fault(fault).await;
    let group = json!({"logGroupName": "probe"});
    assert_eq!(door.client.json("logs", "First", group).await.status, 200);
    // It waits for one.
    let answer = door.client.invoke("probe", calls()).await.json();
    assert_eq!(answer["errorType"], "Runtime.ExitError");
}
