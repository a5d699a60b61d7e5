//! Synthetic records, from the creation of a flow log to its deletion.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moto::{GATEWAY, INTERFACE};
use crate::running::Running;

const FORMAT: &str = "${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${interface-id}";

async fn set_traffic(door: &Running, flows: Value) {
    let traffic = json!({"nat_gateway_id": GATEWAY, "flows": flows, "every_ms": 50});
    let answer = door.client.control(Method::POST, "/traffic", traffic).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn flows() -> Value {
    json!([{
        "client": "10.0.1.5", "peer": "203.0.113.5", "client_port": 40000, "peer_port": 443,
        "protocol": 6, "peer_service": null,
        "upload_bytes_per_second": 1_000_000, "download_bytes_per_second": 1_000_000,
    }])
}

#[tokio::test]
async fn records_are_written_while_a_flow_log_exists() {
    let door = Running::start().await;
    door.moto.contents().log_groups.push("records".to_owned());
    set_traffic(&door, flows()).await;
    let create = [("Action", "CreateFlowLogs"), ("ResourceId.1", INTERFACE), ("LogFormat", FORMAT)];
    door.client.form("ec2", &create).await.unwrap();
    let created = json!({"operation": "CreateFlowLogs"});
    let created = door.client.wait_for("api-call", created).await;
    let id = created["flow_log_ids"][0].as_str().unwrap();
    let records = door.client.wait_for("records", json!({"flow_log_id": id})).await;
    assert!(records["seq"].as_u64() > created["seq"].as_u64());
    assert_eq!((&records["count"], &records["log_group"]), (&json!(4), &json!("records")));
    let put = door.moto.calls("PutLogEvents")[0].json();
    assert_eq!(put["logStreamName"], format!("{INTERFACE}-all"));
    assert_eq!(door.moto.calls("CreateLogStream")[0].json()["logStreamName"], put["logStreamName"]);
    assert_eq!(
        put["logEvents"][0]["message"],
        format!("10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5 {INTERFACE}")
    );
    let delete = [("Action", "DeleteFlowLogs"), ("FlowLogId.1", id)];
    door.client.form("ec2", &delete).await.unwrap();
    let before = door.moto.calls("DescribeFlowLogs").len();
    // What was under way when it was deleted may still come; nothing after that.
    wait_for_looks(&door, before + 2).await;
    let written = door.moto.calls("PutLogEvents").len();
    wait_for_looks(&door, before + 5).await;
    assert_eq!(door.moto.calls("PutLogEvents").len(), written);
}

/// What the gateway takes in is metered whether or not there is a flow log, and once.
#[tokio::test]
async fn traffic_is_metered_without_a_flow_log() {
    let door = Running::start().await;
    set_traffic(&door, flows()).await;
    wait_for_looks(&door, 3).await;
    set_traffic(&door, json!([])).await;
    let read = || door.client.json("monitoring", "GetMetricData", json!({}));
    assert_eq!(read().await.status, 200);
    let puts = door.moto.calls("PutMetricData");
    let mut sums = std::collections::BTreeMap::<String, u64>::new();
    for datum in puts.iter().flat_map(|put| put.json()["MetricData"].as_array().unwrap().clone()) {
        assert_eq!(datum["Dimensions"][0]["Value"], GATEWAY);
        assert_eq!(datum["Timestamp"].as_i64().unwrap() % 60, 0);
        let name = datum["MetricName"].as_str().unwrap().to_owned();
        *sums.entry(name).or_default() += datum["Value"].as_u64().unwrap();
    }
    assert!(sums["BytesInFromSource"] >= 100_000, "{sums:?}");
    assert_eq!(sums["BytesInFromSource"], sums["BytesInFromDestination"]);
    assert_eq!((sums["ConnectionAttemptCount"], sums["PacketsDropCount"]), (1, 0));
    // The next reader puts nothing again.
    read().await;
    assert_eq!(door.moto.calls("PutMetricData").len(), puts.len());
}

/// Returns when the front door has looked for flow logs so many times.
async fn wait_for_looks(door: &Running, count: usize) {
    door.moto.wait_for("DescribeFlowLogs", |calls| calls.len() >= count).await;
}

#[tokio::test]
async fn nonsense_is_refused() {
    let door = Running::start().await;
    let flows = json!([{"client": "nowhere"}]);
    let traffic = json!({"nat_gateway_id": GATEWAY, "flows": flows});
    let answer = door.client.control(Method::POST, "/traffic", traffic).await;
    assert!(answer.status.is_client_error());
}
