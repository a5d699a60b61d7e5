//! What the front door does not do itself goes to moto as it came.

use axum::http::Method;
use serde_json::json;

use crate::running::Running;

#[tokio::test]
async fn other_calls_pass_untouched() {
    let door = Running::start().await;
    let headers = [
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKIAX/20260102/eu-west-1/glue/aws4_request"),
        ("x-anything", "at all"),
    ];
    let path = "/a%2Fb/../c?d=e%20f";
    let body = vec![7_u8; 3_000_000];
    let answer = door.client.send(Method::PUT, path, &headers, body.clone()).await.unwrap();
    assert_eq!(answer.text(), "as moto says");
    let call = door.moto.contents().calls.pop().unwrap();
    assert_eq!(call.path, path);
    assert_eq!(call.body, body);
    assert_eq!(call.headers["x-anything"], "at all");
    // The URLs in moto's answers are made from it: they must lead back to the front door.
    assert_eq!(format!("http://{}", call.headers["host"].to_str().unwrap()), door.client.url);
    let entry = door.client.wait_for("api-call", json!({"service": "glue"})).await;
    assert_eq!(entry["region"], "eu-west-1");
}

#[tokio::test]
async fn moto_errors_are_in_the_journal() {
    let door = Running::start().await;
    let put = json!({"logGroupName": "nobody", "logStreamName": "s", "logEvents": []});
    let answer = door.client.json("logs", "PutLogEvents", put).await;
    assert_eq!(answer.status, 400);
    let error = json!({"operation": "PutLogEvents", "error": "ResourceNotFoundException"});
    door.client.wait_for("api-call", error).await;
}
