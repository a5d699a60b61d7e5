//! The lines that Lambda itself writes around an invocation, in text or JSON.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::process::Failure;
use super::settings::FunctionSettings;
use crate::clock;

/// Writes them for one function.
pub(super) struct Platform {
    is_json: bool,
    memory_mb: u64,
}

impl Platform {
    pub(super) fn of(function: &FunctionSettings) -> Self {
        Self { is_json: function.logs_json, memory_mb: function.memory_mb }
    }

    /// The first lines of an invocation.
    pub(super) fn start(&self, request_id: &str) -> Vec<String> {
        if self.is_json {
            let record = json!({"requestId": request_id, "version": "$LATEST"});
            return vec![json_line("platform.start", &record)];
        }
        vec![format!("START RequestId: {request_id} Version: $LATEST")]
    }

    /// The last lines of an invocation. A function's own errors are in its own lines.
    pub(super) fn end(
        &self,
        request_id: &str,
        took: Duration,
        failure: Option<&Failure>,
    ) -> Vec<String> {
        let milliseconds = took.as_secs_f64() * 1000.0;
        if self.is_json {
            let status = match failure.map(|failure| failure.outcome) {
                None => "success",
                Some("timeout") => "timeout",
                Some("crash") => "failure",
                Some(_) => "error",
            };
            let mut record = json!({
                "requestId": request_id,
                "metrics": {"durationMs": milliseconds, "memorySizeMB": self.memory_mb},
                "status": status,
            });
            if let (Value::Object(record), Some(failure)) = (&mut record, failure) {
                record.insert("errorType".to_owned(), json!(failure.error_type));
            }
            return vec![json_line("platform.report", &record)];
        }
        let of_lambda = failure.filter(|failure| failure.outcome != "error");
        let message = of_lambda.map(|failure| String::from_utf8_lossy(&failure.body).into_owned());
        let end = format!("END RequestId: {request_id}");
        let report = format!(
            "REPORT RequestId: {request_id}\tDuration: {milliseconds:.2} ms\tMemory Size: {} MB",
            self.memory_mb
        );
        message.into_iter().chain([end, report]).collect()
    }
}

fn json_line(kind: &str, record: &Value) -> String {
    let time = clock::rfc3339_millis(Timestamp::now());
    json!({"time": time, "type": kind, "record": record}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout() -> Failure {
        Failure::of_lambda("timeout", "Sandbox.Timedout", "id", "Task timed out after 1.00 seconds")
    }

    #[test]
    fn text_says_what_lambda_says() {
        let platform = Platform { is_json: false, memory_mb: 128 };
        assert_eq!(platform.start("id"), ["START RequestId: id Version: $LATEST"]);
        let lines = platform.end("id", Duration::from_millis(1500), Some(&timeout()));
        assert!(lines[0].contains("Task timed out"));
        assert_eq!(lines[1], "END RequestId: id");
        let report = "REPORT RequestId: id\tDuration: 1500.00 ms\tMemory Size: 128 MB";
        assert_eq!(lines[2], report);
        assert_eq!(platform.end("id", Duration::ZERO, None).len(), 2);
    }

    #[test]
    fn json_says_the_same() {
        let platform = Platform { is_json: true, memory_mb: 128 };
        let parse = |lines: Vec<String>| -> Value { serde_json::from_str(&lines[0]).unwrap() };
        assert_eq!(parse(platform.start("id"))["type"], "platform.start");
        let report = parse(platform.end("id", Duration::from_millis(1500), Some(&timeout())));
        assert_eq!(report["record"]["status"], "timeout");
        assert_eq!(report["record"]["errorType"], "Sandbox.Timedout");
        assert_eq!(report["record"]["metrics"]["durationMs"], 1500.0);
        let report = parse(platform.end("id", Duration::ZERO, None));
        assert_eq!(report["record"]["status"], "success");
    }
}
