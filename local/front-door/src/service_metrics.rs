//! The metrics of functions, state machines and queues that the stack's alarm and dashboard watch,
//! at once where AWS takes a minute. The journal has all of it but the length of the queues.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>,
//! <https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::{AwsError, CLOUDWATCH, SQS};
use crate::aws_calls::AwsCall;
use crate::door::Door;

const LAMBDA: &str = "AWS/Lambda";
const STATES: &str = "AWS/States";
const QUEUES: &str = "AWS/SQS";
const PERIOD_SECONDS: i64 = 60;

/// How far the journal has been counted.
#[derive(Default)]
pub(crate) struct ServiceMetrics {
    counted: tokio::sync::Mutex<usize>,
}

/// A metric of one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    namespace: &'static str,
    name: &'static str,
    dimension: &'static str,
    resource: String,
}

impl Metric {
    fn of_function(name: &'static str, function: &str) -> Self {
        // A caller may name a function by its ARN.
        let resource = function.rsplit(':').next().unwrap_or(function).to_owned();
        Self { namespace: LAMBDA, name, dimension: "FunctionName", resource }
    }

    fn datum(&self, minute: i64, value: f64) -> Value {
        json!({
            "MetricName": self.name,
            "Dimensions": [{"Name": self.dimension, "Value": self.resource}],
            "Timestamp": minute,
            "Value": value,
            "Unit": "Count",
        })
    }
}

/// Tells moto the metrics of these services if a call asks for one of them.
pub(crate) async fn tell(door: &Door, call: &AwsCall) -> Result<(), AwsError> {
    if !asks_for_one(&call.http.body) {
        return Ok(());
    }
    let mut counted = door.service_metrics.counted.lock().await;
    let (entries, next) = door.journal.after(*counted, Duration::ZERO).await;
    let mut sums: BTreeMap<(Metric, i64), f64> = BTreeMap::new();
    for entry in &entries {
        for (metric, value) in metrics(entry) {
            *sums.entry((metric, minute(entry))).or_default() += value;
        }
    }
    for ((metric, minute), value) in sums {
        put(door, &call.region, metric.namespace, metric.datum(minute, value)).await?;
    }
    *counted = next;
    tell_lengths(door, &call.region).await
}

/// Whether a request names one of the namespaces, however it is written.
fn asks_for_one(body: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"Lambda", b"States", b"SQS"];
    names.iter().any(|name| body.windows(name.len()).any(|part| part == *name))
}

/// What an entry of the journal adds to which metrics.
fn metrics(entry: &Value) -> Vec<(Metric, f64)> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    match text("/kind") {
        Some("invocation-end") => {
            let function = text("/function").unwrap_or_default();
            let failed = if text("/outcome") == Some("ok") { 0.0 } else { 1.0 };
            vec![
                (Metric::of_function("Invocations", function), 1.0),
                (Metric::of_function("Errors", function), failed),
            ]
        }
        Some("api-call") if is_throttled_invocation(entry) => {
            vec![(Metric::of_function("Throttles", text("/function").unwrap_or_default()), 1.0)]
        }
        Some("event") => {
            let status = text("/event/detail/status").and_then(execution_metric);
            let machine = text("/event/detail/stateMachineArn");
            let metric = status.zip(machine).map(|(name, machine)| Metric {
                namespace: STATES,
                name,
                dimension: "StateMachineArn",
                resource: machine.to_owned(),
            });
            metric.map(|metric| (metric, 1.0)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn is_throttled_invocation(call: &Value) -> bool {
    call.get("service").is_some_and(|service| service == "lambda")
        && call.get("operation").is_some_and(|operation| operation == "Invoke")
        && call.get("status").is_some_and(|status| status == 429)
}

fn execution_metric(status: &str) -> Option<&'static str> {
    match status {
        "RUNNING" => Some("ExecutionsStarted"),
        "SUCCEEDED" => Some("ExecutionsSucceeded"),
        "FAILED" => Some("ExecutionsFailed"),
        "ABORTED" => Some("ExecutionsAborted"),
        "TIMED_OUT" => Some("ExecutionsTimedOut"),
        _ => None,
    }
}

/// The minute of an entry: seconds since 1970.
fn minute(entry: &Value) -> i64 {
    let at = entry.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    start_of_minute(at.unwrap_or(Timestamp::UNIX_EPOCH))
}

fn start_of_minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(PERIOD_SECONDS) * PERIOD_SECONDS
}

/// Of every queue the messages that could be received now.
async fn tell_lengths(door: &Door, region: &str) -> Result<(), AwsError> {
    let queues = door.moto.json(region, SQS, "ListQueues", &json!({})).await?;
    let urls = queues.get("QueueUrls").and_then(Value::as_array).cloned().unwrap_or_default();
    for url in urls.iter().filter_map(Value::as_str) {
        let name = "ApproximateNumberOfMessages";
        let asked = json!({"QueueUrl": url, "AttributeNames": [name]});
        let answer = door.moto.json(region, SQS, "GetQueueAttributes", &asked).await?;
        let length = answer.pointer(&format!("/Attributes/{name}")).and_then(Value::as_str);
        let metric = Metric {
            namespace: QUEUES,
            name: "ApproximateNumberOfMessagesVisible",
            dimension: "QueueName",
            resource: url.rsplit('/').next().unwrap_or(url).to_owned(),
        };
        let length = length.and_then(|length| length.parse().ok()).unwrap_or_default();
        let datum = metric.datum(start_of_minute(Timestamp::now()), length);
        put(door, region, QUEUES, datum).await?;
    }
    Ok(())
}

async fn put(door: &Door, region: &str, namespace: &str, datum: Value) -> Result<(), AwsError> {
    let parameters = json!({"Namespace": namespace, "MetricData": [datum]});
    door.moto.json(region, CLOUDWATCH, "PutMetricData", &parameters).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(entry: &Value) -> Vec<(&'static str, String, f64)> {
        let of = metrics(entry).into_iter();
        of.map(|(metric, value)| (metric.name, metric.resource, value)).collect()
    }

    #[test]
    fn an_invocation_counts_whether_it_fails_or_not() {
        let mut entry = json!({"kind": "invocation-end", "function": "f", "outcome": "ok"});
        let two = |failed| vec![("Invocations", "f".into(), 1.0), ("Errors", "f".into(), failed)];
        assert_eq!(counted(&entry), two(0.0));
        for outcome in ["error", "timeout", "crash"] {
            entry["outcome"] = json!(outcome);
            assert_eq!(counted(&entry), two(1.0));
        }
    }

    #[test]
    fn only_refused_invocations_are_throttles() {
        let mut call = json!({
            "kind": "api-call", "service": "lambda", "operation": "Invoke", "status": 429,
            "function": "arn:aws:lambda:us-east-1:123456789012:function:f",
        });
        assert_eq!(counted(&call), [("Throttles", "f".to_owned(), 1.0)]);
        call["status"] = json!(200);
        assert!(counted(&call).is_empty());
    }

    #[test]
    fn an_execution_counts_when_it_starts_and_when_it_ends() {
        let name = |status: &str| {
            let detail = json!({"status": status, "stateMachineArn": "machine"});
            let entry = json!({"kind": "event", "event": {"detail": detail}});
            counted(&entry).first().map(|(name, ..)| *name)
        };
        assert_eq!(name("RUNNING"), Some("ExecutionsStarted"));
        assert_eq!(name("TIMED_OUT"), Some("ExecutionsTimedOut"));
        assert_eq!(name("ALARM"), None);
    }

    #[test]
    fn a_request_names_its_namespace_in_any_protocol() {
        assert!(asks_for_one(b"{\"Namespace\": \"AWS/Lambda\"}"));
        assert!(asks_for_one(b"Namespace=AWS%2FSQS"));
        assert!(!asks_for_one(b"{\"Namespace\": \"AWS/NATGateway\"}"));
    }
}
