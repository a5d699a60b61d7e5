//! Logs Insights over the events that moto holds.

use axum::http::Method;
use serde_json::{Value, json};

use crate::running::{Answer, Running};

const GROUP: &str = "flows";
const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:flows";
const BY_CLIENT: &str = "parse @message \"* *\" as client, bytes \
     | stats sum(bytes) as total by client | sort total desc";

async fn with_records() -> Running {
    let door = Running::start().await;
    let mut contents = door.moto.contents();
    // Another group's name begins alike.
    contents.log_groups = vec!["flows-of-others".to_owned(), GROUP.to_owned()];
    let messages = ["10.0.1.5 900", "10.0.1.6 1000", "10.0.1.5 600", "10.0.1.7 1"];
    contents.log_events =
        (0_i64..).zip(messages).map(|(number, text)| event(number, text)).collect();
    drop(contents);
    door
}

/// An event `number` seconds after 2000.
fn event(number: i64, message: &str) -> Value {
    json!({
        "logGroup": GROUP,
        "eventId": format!("event-{number}"),
        "timestamp": (2000 + number) * 1000,
        "ingestionTime": 0,
        "logStreamName": "eni-1-all",
        "message": message,
    })
}

async fn start(door: &Running, changes: Value) -> Answer {
    let mut request = json!({"logGroupName": GROUP, "startTime": 2000, "endTime": 2003,
                             "queryString": BY_CLIENT});
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    door.client.json("logs", "StartQuery", request).await
}

async fn results(door: &Running, id: &Value) -> Value {
    door.client.json("logs", "GetQueryResults", json!({"queryId": id})).await.json()
}

/// The results of a query that has ended.
async fn ended(door: &Running, changes: Value) -> Value {
    let id = start(door, changes).await.json()["queryId"].clone();
    door.client.wait_for("query", json!({"query_id": id})).await;
    results(door, &id).await
}

/// `client=10.0.1.5 total=1500` for each row.
fn rows(results: &Value) -> Vec<String> {
    let cell = |cell: &Value| {
        format!("{}={}", cell["field"].as_str().unwrap(), cell["value"].as_str().unwrap())
    };
    let row = |row: &Value| row.as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join(" ");
    results["results"].as_array().unwrap().iter().map(row).collect()
}

#[tokio::test]
async fn a_query_runs_over_the_records_and_counts_them() {
    let door = with_records().await;
    let results = ended(&door, json!({})).await;
    assert_eq!(results["status"], "Complete");
    assert_eq!(
        rows(&results),
        ["client=10.0.1.5 total=1500", "client=10.0.1.6 total=1000", "client=10.0.1.7 total=1"]
    );
    let statistics = &results["statistics"];
    assert_eq!(
        (&statistics["recordsScanned"], &statistics["recordsMatched"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(statistics["bytesScanned"], 12 + 13 + 12 + 10);
    assert_eq!(statistics["logGroupsScanned"], 1);
}

#[tokio::test]
async fn both_ends_of_the_time_are_part_of_it() {
    let door = with_records().await;
    let results = ended(&door, json!({"startTime": 2001, "endTime": 2002})).await;
    assert_eq!(rows(&results), ["client=10.0.1.6 total=1000", "client=10.0.1.5 total=600"]);
}

#[tokio::test]
async fn rows_that_are_events_can_be_found_again() {
    let door = with_records().await;
    let query = "fields @timestamp, @message, @logStream, nothing | sort @timestamp asc";
    let results = ended(&door, json!({"queryString": query, "limit": 1})).await;
    let expected = "@timestamp=1970-01-01 00:33:20.000 @message=10.0.1.5 900 @logStream=eni-1-all \
                    @ptr=event-0";
    assert_eq!(rows(&results), [expected]);
}

#[tokio::test]
async fn groups_may_be_named_by_identifiers() {
    let door = with_records().await;
    let results = ended(&door, json!({"logGroupName": null, "logGroupIdentifiers": [ARN]})).await;
    assert_eq!(rows(&results).len(), 3);
}

#[tokio::test]
async fn what_cannot_run_is_refused_before_it_runs() {
    let door = with_records().await;
    for (changes, code) in [
        (json!({"queryString": "explode"}), "MalformedQueryException"),
        (json!({"logGroupName": "nothing"}), "ResourceNotFoundException"),
        (json!({"logGroupNames": [GROUP]}), "InvalidParameterException"),
        (json!({"startTime": 2004}), "InvalidParameterException"),
        (json!({"limit": 10_001}), "InvalidParameterException"),
        (json!({"queryLanguage": "SQL"}), "InvalidParameterException"),
        // Before the group was created.
        (json!({"startTime": 1, "endTime": 999}), "MalformedQueryException"),
    ] {
        let refusal = start(&door, changes.clone()).await;
        assert_eq!((refusal.status.as_u16(), refusal.error()), (400, code), "{changes}");
    }
    assert!(door.moto.calls("FilterLogEvents").is_empty());
}

#[tokio::test]
async fn a_mistake_in_a_query_has_its_place() {
    let door = with_records().await;
    let refusal = start(&door, json!({"queryString": "fields @message\n| explode"})).await.json();
    let location = json!({"startCharOffset": 18, "endCharOffset": 25});
    assert_eq!(refusal["queryCompileError"]["location"], location);
    assert!(refusal["message"].as_str().unwrap().contains("explode"));
}

#[tokio::test]
async fn unknown_queries_are_refused() {
    let door = with_records().await;
    for operation in ["GetQueryResults", "StopQuery"] {
        let refusal = door.client.json("logs", operation, json!({"queryId": "none"})).await;
        assert_eq!(refusal.error(), "ResourceNotFoundException");
    }
}

fn on_start(action: Value) -> Value {
    json!({"service": "logs", "operation": "StartQuery", "action": action})
}

#[tokio::test]
async fn a_query_may_end_with_a_part_of_its_rows() {
    let door = with_records().await;
    door.client.fault(on_start(json!({"query": {"status": "Timeout", "rows": 1}}))).await;
    let results = ended(&door, json!({})).await;
    assert_eq!(results["status"], "Timeout");
    assert_eq!(rows(&results), ["client=10.0.1.5 total=1500"]);
}

#[tokio::test]
async fn a_query_may_run_until_it_is_released() {
    let door = with_records().await;
    let fault = on_start(json!({"query": {"status": "Running", "rows": 2}}));
    let fault = door.client.fault(fault).await;
    let id = start(&door, json!({})).await.json()["queryId"].clone();
    door.client.wait_for("query", json!({"query_id": id, "status": "Running"})).await;
    let partial = results(&door, &id).await;
    assert_eq!((&partial["status"], rows(&partial).len()), (&json!("Running"), 2));
    door.client.control(Method::DELETE, &format!("/faults/{fault}"), json!(null)).await;
    door.client.wait_for("query", json!({"query_id": id, "status": "Complete"})).await;
    assert_eq!(rows(&results(&door, &id).await).len(), 3);
}

#[tokio::test]
async fn only_a_query_under_way_can_be_stopped() {
    let door = with_records().await;
    let fault = door.client.fault(on_start(json!({"query": {"status": "Running"}}))).await;
    let id = start(&door, json!({})).await.json()["queryId"].clone();
    door.client.wait_for("query", json!({"query_id": id})).await;
    let stop = || door.client.json("logs", "StopQuery", json!({"queryId": id}));
    assert_eq!(stop().await.json(), json!({"success": true}));
    assert_eq!(results(&door, &id).await["status"], "Cancelled");
    let refusal = stop().await;
    assert_eq!(refusal.error(), "InvalidParameterException");
    // Its fault's end does not bring it back.
    door.client.control(Method::DELETE, &format!("/faults/{fault}"), json!(null)).await;
    ended(&door, json!({})).await;
    assert_eq!(results(&door, &id).await["status"], "Cancelled");
}

#[tokio::test]
async fn only_so_many_queries_run_at_once() {
    let door = with_records().await;
    door.moto.contents().infrequent = vec![GROUP.to_owned()];
    let fault = door.client.fault(on_start(json!({"query": {"status": "Running"}}))).await;
    for _ in 0..5 {
        assert_eq!(start(&door, json!({})).await.status, 200);
    }
    assert_eq!(start(&door, json!({})).await.error(), "LimitExceededException");
    // The other class has its own.
    let others = json!({"logGroupName": "flows-of-others"});
    assert_eq!(start(&door, others).await.status, 200);
    let quota = json!({"STANDARD": 1, "INFREQUENT_ACCESS": 6});
    door.client.control(Method::POST, "/concurrent-queries", quota).await;
    let sixth = start(&door, json!({})).await.json()["queryId"].clone();
    assert_eq!(start(&door, json!({})).await.error(), "LimitExceededException");
    door.client.control(Method::DELETE, &format!("/faults/{fault}"), json!(null)).await;
    door.client.wait_for("query", json!({"query_id": sixth, "status": "Complete"})).await;
    assert_eq!(start(&door, json!({})).await.status, 200);
}

#[tokio::test]
async fn queries_are_described_the_newest_first() {
    let door = with_records().await;
    ended(&door, json!({})).await;
    ended(&door, json!({"queryString": "limit 1"})).await;
    let describe = |parameters: Value| door.client.json("logs", "DescribeQueries", parameters);
    let page = describe(json!({"logGroupName": GROUP, "maxResults": 1})).await.json();
    assert_eq!(page["queries"][0]["queryString"], "limit 1");
    assert_eq!(page["queries"][0]["status"], "Complete");
    let next = page["nextToken"].clone();
    let page = describe(json!({"logGroupName": GROUP, "nextToken": next})).await.json();
    assert_eq!(page["queries"][0]["queryString"], BY_CLIENT);
    assert_eq!(page["queries"].as_array().unwrap().len(), 1);
    let others = describe(json!({"logGroupName": "flows-of-others"})).await.json();
    assert_eq!(others["queries"], json!([]));
}

#[tokio::test]
async fn calls_about_queries_can_fail_like_any_other() {
    let door = with_records().await;
    let action = json!({"error": {"status": 400, "code": "ThrottlingException", "message": "m"}});
    let fault = json!({"service": "logs", "operation": "GetQueryResults", "times": 1,
                       "action": action});
    door.client.fault(fault).await;
    let id = start(&door, json!({})).await.json()["queryId"].clone();
    let refusal = door.client.json("logs", "GetQueryResults", json!({"queryId": id})).await;
    assert_eq!(refusal.error(), "ThrottlingException");
    door.client.wait_for("query", json!({"query_id": id})).await;
    assert_eq!(results(&door, &id).await["status"], "Complete");
}

#[tokio::test]
async fn infrequent_access_has_no_filter_log_events() {
    let door = with_records().await;
    let filter = || door.client.json("logs", "FilterLogEvents", json!({"logGroupName": GROUP}));
    assert_eq!(filter().await.status, 200);
    door.moto.contents().infrequent = vec![GROUP.to_owned()];
    let refusal = filter().await;
    assert_eq!((refusal.status.as_u16(), refusal.error()), (400, "InvalidOperationException"));
    // Queries work on it.
    assert_eq!(ended(&door, json!({})).await["status"], "Complete");
}
