//! EC2's request throttling.

use axum::http::Method;
use serde_json::json;

use crate::moto::INTERFACE;
use crate::running::Running;

/// The answers' statuses to so many calls in a row.
async fn statuses(door: &Running, action: &str, calls: usize) -> Vec<u16> {
    let form = [("Action", action), ("ResourceId.1", INTERFACE)];
    let mut statuses = vec![];
    for _ in 0..calls {
        statuses.push(door.client.form("ec2", &form).await.unwrap().status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn bursts_are_throttled_while_it_is_switched_on() {
    let door = Running::start().await;
    assert_eq!(statuses(&door, "DeleteFlowLogs", 70).await, [200; 70]);
    let switch = |on: bool| door.client.control(Method::POST, "/throttling", json!({"ec2": on}));
    switch(true).await;
    let throttled = statuses(&door, "DeleteFlowLogs", 70).await;
    assert_eq!(throttled[..50], [200; 50]);
    assert!(throttled.contains(&503));
    let refused = json!({"operation": "DeleteFlowLogs", "error": "RequestLimitExceeded"});
    assert!(!door.client.entries("api-call", refused).await.is_empty());
    // Each operation has its own tokens, and other services have none.
    assert_eq!(statuses(&door, "DescribeFlowLogs", 70).await, [200; 70]);
    switch(false).await;
    assert_eq!(statuses(&door, "DeleteFlowLogs", 70).await, [200; 70]);
}
