//! Faults on request.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moto::INTERFACE;
use crate::running::{Answer, Running};

async fn create(door: &Running) -> Option<Answer> {
    let form = [("Action", "CreateFlowLogs"), ("ResourceId.1", INTERFACE)];
    door.client.form("ec2", &form).await.ok()
}

fn on_create(times: Option<u32>, action: Value) -> Value {
    json!({"service": "ec2", "operation": "CreateFlowLogs", "times": times, "action": action})
}

#[tokio::test]
async fn errors_strike_as_often_as_asked() {
    let door = Running::start().await;
    let action = json!({"error": {"status": 503, "code": "RequestLimitExceeded", "message": "m"}});
    door.client.fault(on_create(Some(1), action)).await;
    let refused = create(&door).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.error()), (503, "RequestLimitExceeded"));
    assert!(refused.text().contains("<Code>RequestLimitExceeded</Code>"));
    assert!(door.moto.calls("CreateFlowLogs").is_empty());
    assert_eq!(create(&door).await.unwrap().status, 200);
    let calls = door.client.entries("api-call", json!({"operation": "CreateFlowLogs"})).await;
    assert_eq!(calls[0]["error"], "RequestLimitExceeded");
    assert_eq!(calls[1]["status"], 200);
    assert_eq!(calls[1]["caller"], "client");
}

#[tokio::test]
async fn unsuccessful_is_no_error() {
    let door = Running::start().await;
    let action = json!({"unsuccessful": {"code": "FlowLogsLimitExceeded", "message": "m"}});
    let id = door.client.fault(on_create(None, action)).await;
    for _ in 0..3 {
        let answer = create(&door).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(&format!("<resourceId>{INTERFACE}</resourceId>")));
    }
    let removed = door.client.control(Method::DELETE, &format!("/faults/{id}"), json!(null)).await;
    assert_eq!(removed.status, 204);
    assert!(create(&door).await.unwrap().text().contains("<flowLogIdSet><item>"));
    let again = door.client.control(Method::DELETE, &format!("/faults/{id}"), json!(null)).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn a_held_call_waits_before_it_is_carried_out() {
    let door = Running::start().await;
    let id = door.client.fault(on_create(Some(1), json!({"hold": true}))).await;
    let mut held = Box::pin(create(&door));
    let entry = tokio::select! {
        _ = &mut held => panic!("it was not held"),
        entry = door.client.wait_for("held", json!({"fault": id})) => entry,
    };
    assert_eq!(entry["operation"], "CreateFlowLogs");
    assert!(door.moto.calls("CreateFlowLogs").is_empty());
    // Others pass, once the fault has struck as often as it was meant to.
    assert_eq!(create(&door).await.unwrap().status, 200);
    door.client.control(Method::DELETE, &format!("/faults/{id}"), json!(null)).await;
    assert_eq!(held.await.unwrap().status, 200);
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 2);
    door.client.wait_for("released", json!({"fault": id})).await;
}

/// Whoever waits may give up or die: the call is carried out all the same, as on AWS.
#[tokio::test]
async fn a_held_call_outlives_its_caller() {
    let door = Running::start().await;
    let id = door.client.fault(on_create(Some(1), json!({"hold": true}))).await;
    {
        let held = create(&door);
        tokio::select! {
            _ = held => panic!("it was not held"),
            _ = door.client.wait_for("held", json!({"fault": id})) => {}
        }
    }
    door.client.control(Method::DELETE, &format!("/faults/{id}"), json!(null)).await;
    let call = json!({"operation": "CreateFlowLogs", "status": 200});
    door.client.wait_for("api-call", call).await;
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_a_call_carried_out() {
    let door = Running::start().await;
    door.client.fault(on_create(Some(1), json!({"lose_answer": true}))).await;
    assert!(create(&door).await.is_none(), "the connection should have been closed");
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 1);
    assert_eq!(create(&door).await.unwrap().status, 200);
}

#[tokio::test]
async fn faults_of_invocations_name_the_function() {
    let door = Running::start().await;
    let fault = |contains: &str| {
        let action = json!({"error": {"status": 429, "code": "TooManyRequestsException",
                                      "message": "m"}});
        json!({"service": "lambda", "operation": "Invoke", "contains": contains,
               "action": action})
    };
    door.client.fault(fault("another")).await;
    assert_eq!(door.client.invoke("probe", json!({})).await.status, 200);
    door.client.fault(fault("probe")).await;
    let refused = door.client.invoke("probe", json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (429, "TooManyRequestsException"));
}

#[tokio::test]
async fn chance_has_a_seed() {
    let door = Running::start().await;
    let action = json!({"error": {"status": 503, "code": "InternalError", "message": "m"}});
    let fault = |seed: u64| {
        json!({"id": "chance", "service": "*", "operation": "*", "probability": 0.5,
               "seed": seed, "action": action})
    };
    let mut runs = vec![];
    for seed in [1, 1, 2] {
        door.client.fault(fault(seed)).await;
        let mut run = vec![];
        for _ in 0..20 {
            run.push(create(&door).await.unwrap().status.as_u16());
        }
        assert!(run.contains(&200) && run.contains(&503), "{run:?}");
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let struck = runs.iter().flatten().filter(|status| **status == 503).count();
    let entries = door.client.entries("fault", json!({"action": "error"})).await;
    assert_eq!(entries.len(), struck);
}

#[tokio::test]
async fn the_journal_says_what_a_struck_call_was_about() {
    let door = Running::start().await;
    let action = json!({"error": {"status": 429, "code": "Throttled", "message": "m"}});
    let fault = json!({"service": "sns", "operation": "Publish", "action": action});
    door.client.fault(fault).await;
    let topic = "arn:aws:sns:us-east-1:123456789012:reports";
    door.client.form("sns", &[("Action", "Publish"), ("TopicArn", topic)]).await.unwrap();
    assert_eq!(door.client.entries("fault", json!({"topic": topic})).await.len(), 1);
}

#[tokio::test]
async fn a_delayed_call_is_carried_out_later() {
    let door = Running::start().await;
    door.client.fault(on_create(Some(1), json!({"delay_ms": 300}))).await;
    let began = std::time::Instant::now();
    assert_eq!(create(&door).await.unwrap().status, 200);
    assert!(began.elapsed().as_millis() >= 300);
    assert_eq!(door.moto.calls("CreateFlowLogs").len(), 1);
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let door = Running::start().await;
    for action in [json!({"explode": true}), json!({"duplicate": 1})] {
        let fault = on_create(None, action);
        let answer = door.client.control(Method::POST, "/faults", fault).await;
        assert!(answer.status.is_client_error());
    }
}
