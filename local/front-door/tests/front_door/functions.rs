//! Synchronous invocations.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::moto::{Call, PROBE};
use crate::running::{Answer, Running};

fn is_function_error(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200);
    answer.headers.get("x-amz-function-error").is_some_and(|error| error == "Unhandled")
}

#[tokio::test]
async fn a_function_answers_and_stays_warm() {
    let door = Running::start().await;
    let first = door.client.invoke("probe", json!({"a": 1})).await;
    assert!(!is_function_error(&first));
    let first = first.json();
    assert_eq!(first["event"], json!({"a": 1}));
    assert_eq!(first["function"], PROBE);
    // An ARN, percent-encoded as the SDKs do, names the same function.
    let second = door.client.invoke(&PROBE.replace(':', "%3A"), json!({})).await.json();
    assert_eq!(second["pid"], first["pid"]);
    assert_eq!(second["invocation"], 2);
    assert_ne!(second["request_id"], first["request_id"]);
    let about = json!({"request_id": second["request_id"], "function": "probe", "outcome": "ok"});
    let end = door.client.wait_for("invocation-end", about).await;
    assert_eq!(end["type"], "RequestResponse");
    assert!(end["duration_ms"].is_u64());
}

#[tokio::test]
async fn the_environment_is_lambdas_and_the_functions_own() {
    let door = Running::start().await;
    door.moto.contents().environment =
        json!({"TABLE_NAME": "table", "AWS_LAMBDA_FUNCTION_NAME": "forged"});
    for (name, expected) in [
        ("TABLE_NAME", "table"),
        ("AWS_LAMBDA_FUNCTION_NAME", "probe"),
        ("AWS_REGION", "us-east-1"),
        ("_HANDLER", "bootstrap"),
        ("AWS_ENDPOINT_URL", &door.client.url),
    ] {
        let answer = door.client.invoke("probe", json!({"do": "environment", "name": name})).await;
        assert_eq!(answer.json(), expected, "{name}");
    }
    // Nothing of the environment of whoever started this.
    let answer = door.client.invoke("probe", json!({"do": "environment", "name": "HOME"})).await;
    assert_eq!(answer.json(), Value::Null);
    // Its calls are known as its own.
    let name = "AWS_ACCESS_KEY_ID";
    let key = door.client.invoke("probe", json!({"do": "environment", "name": name})).await.json();
    assert!(key.as_str().unwrap().starts_with("AKIALOCAL"));
}

#[tokio::test]
async fn a_changed_configuration_needs_a_new_process() {
    let door = Running::start().await;
    let old = door.client.invoke("probe", json!({})).await.json();
    door.moto.contents().environment = json!({"TABLE_NAME": "new"});
    let new = door.client.invoke("probe", json!({})).await.json();
    assert_ne!(old["pid"], new["pid"]);
}

#[tokio::test]
async fn an_error_keeps_its_name() {
    let door = Running::start().await;
    let answer = door.client.invoke("probe", json!({"do": "fail", "message": "no"})).await;
    assert!(is_function_error(&answer));
    assert_eq!(answer.json()["errorType"], "ProbeFailed");
    assert_eq!(answer.json()["errorMessage"], "no");
    let about = json!({"outcome": "error", "error_type": "ProbeFailed", "error_message": "no"});
    door.client.wait_for("invocation-end", about).await;
    // It goes on serving.
    let next = door.client.invoke("probe", json!({})).await.json();
    assert_eq!(next["invocation"], 2);
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed_with_its_children() {
    let door = Running::start().await;
    door.moto.contents().timeout = 1;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = door.client.invoke("probe", json!({"do": "fork", "address": address})).await;
    assert!(is_function_error(&answer));
    assert_eq!(answer.json()["errorType"], "Sandbox.Timedout");
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    door.client.wait_for("invocation-end", json!({"outcome": "timeout"})).await;
    // The connection ends when both processes that hold it are gone.
    let (mut connection, _) = listener.accept().await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap_or_default(), 0);
    let next = door.client.invoke("probe", json!({})).await.json();
    assert_eq!(next["invocation"], 1);
}

#[tokio::test]
async fn a_crash_is_told_from_an_error() {
    let door = Running::start().await;
    let answer = door.client.invoke("probe", json!({"do": "exit", "code": 4})).await;
    assert!(is_function_error(&answer));
    assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
    assert!(answer.json()["errorMessage"].as_str().unwrap().contains("exit status: 4"));
    door.client.wait_for("invocation-end", json!({"outcome": "crash"})).await;
    let next = door.client.invoke("probe", json!({})).await.json();
    assert_eq!(next["invocation"], 1);
}

#[tokio::test]
async fn a_function_that_cannot_start_is_a_crash() {
    let door = Running::start().await;
    door.moto.contents().environment = json!({"PROBE_FAILS_TO_START": "1"});
    let answer = door.client.invoke("probe", json!({})).await;
    assert!(is_function_error(&answer));
    assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
    assert!(answer.json()["errorMessage"].as_str().unwrap().contains("exit status: 3"));
}

#[tokio::test]
async fn concurrent_invocations_have_a_process_each() {
    let door = Running::start().await;
    let sleep = json!({"do": "sleep", "milliseconds": 700});
    let began = std::time::Instant::now();
    let (one, two, three) = tokio::join!(
        door.client.invoke("probe", sleep.clone()),
        door.client.invoke("probe", sleep.clone()),
        door.client.invoke("probe", sleep.clone()),
    );
    assert!(began.elapsed().as_millis() < 2100, "they ran one after the other");
    let mut pids = [one, two, three].map(|answer| answer.json()["pid"].as_u64().unwrap());
    pids.sort_unstable();
    assert!(pids[0] != pids[1] && pids[1] != pids[2]);
    let next = door.client.invoke("probe", json!({})).await.json();
    assert!(pids.contains(&next["pid"].as_u64().unwrap()), "none of them was kept");
}

#[tokio::test]
async fn lines_go_to_journal_group_and_tail() {
    let door = Running::start().await;
    door.moto.contents().log_groups.push("/aws/lambda/probe".to_owned());
    let answer = door.client.invoke("probe", json!({"do": "log", "line": "hello"})).await;
    let request_id = answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    let log = |line| json!({"function": "probe", "request_id": request_id, "line": line});
    door.client.wait_for("log", log("out: hello")).await;
    door.client.wait_for("log", log("err: hello")).await;
    // Whatever comes first, the end of the log is encoded in the answer.
    let tail = STANDARD.decode(&answer.headers["x-amz-log-result"]).unwrap();
    assert!(String::from_utf8(tail).unwrap().contains(&format!("START RequestId: {request_id}")));
    // A crash is written after everything before it; its report is the last line.
    door.client.invoke("probe", json!({"do": "exit", "code": 1})).await;
    let is_report = |line: &String| line.starts_with("REPORT ");
    let both = |calls: &[Call]| calls.iter().flat_map(lines).filter(is_report).count() == 2;
    let calls = door.moto.wait_for("PutLogEvents", both).await;
    let written: Vec<String> = calls.iter().flat_map(lines).collect();
    assert!(written.contains(&"out: hello".to_owned()));
    assert!(written.iter().any(|line| line.contains("Runtime.ExitError")));
    let stream = door.moto.calls("CreateLogStream")[0].json();
    assert!(stream["logStreamName"].as_str().unwrap().contains("/[$LATEST]"));
}

fn lines(call: &Call) -> Vec<String> {
    let call = call.json();
    let events = call["logEvents"].as_array().unwrap();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn unknown_functions_and_nonsense_are_refused() {
    let door = Running::start().await;
    let unknown = door.client.invoke("nobody", json!({})).await;
    assert_eq!((unknown.status.as_u16(), unknown.error()), (404, "ResourceNotFoundException"));
    let path = "/2015-03-31/functions/probe/invocations";
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAX/20260102/us-east-1/lambda/aws4_request";
    let headers = [("authorization", authorization)];
    let nonsense = door.client.send(axum::http::Method::POST, path, &headers, "{").await.unwrap();
    assert_eq!(nonsense.error(), "InvalidRequestContentException");
    let dry = door.client.invoke_as("DryRun", "probe", json!({})).await.unwrap();
    assert_eq!(dry.status, 204);
}
