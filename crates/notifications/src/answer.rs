//! What Lambda is told of the messages of SQS.

use serde::Serialize;

/// The messages that SQS must bring again. The event source mapping needs
/// `ReportBatchItemFailures`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartialFailures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl PartialFailures {
    /// Adds a message.
    pub fn add(&mut self, message_id: &str) {
        self.batch_item_failures.push(Failure { item_identifier: message_id.to_owned() });
    }

    /// Whether every message was handled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batch_item_failures.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_what_lambda_reads() {
        let mut failures = PartialFailures::default();
        assert_eq!(serde_json::to_string(&failures).unwrap(), r#"{"batchItemFailures":[]}"#);
        failures.add("m1");
        let expected = r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#;
        assert_eq!(serde_json::to_string(&failures).unwrap(), expected);
    }
}
