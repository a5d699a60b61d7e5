//! Calling a rule's target, again if need be, and its dead-letter queue in the end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::inputs;
use crate::aws::{self, AwsError, SQS, STATES};
use crate::door::Door;

/// The most retries here; AWS's policies allow 185 within a day.
const MOST_RETRIES: u32 = 3;
/// The pause before the first retry; the next ones are as many times longer.
const PAUSE: Duration = Duration::from_millis(100);

/// A target as `ListTargetsByRule` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    id: String,
    arn: String,
    input: Option<String>,
    input_path: Option<String>,
    input_transformer: Option<Value>,
    dead_letter_config: Option<DeadLetterConfig>,
    retry_policy: Option<RetryPolicy>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetryPolicy {
    maximum_retry_attempts: Option<u32>,
}

impl Target {
    fn retries(&self) -> u32 {
        let asked = self.retry_policy.as_ref().and_then(|policy| policy.maximum_retry_attempts);
        asked.unwrap_or(MOST_RETRIES).min(MOST_RETRIES)
    }

    fn dead_letter_queue(&self) -> Option<&str> {
        self.dead_letter_config.as_ref()?.arn.as_deref()
    }

    /// What the target is called with.
    pub(super) fn input(&self, event: &Value) -> Result<String, AwsError> {
        if self.input_transformer.is_some() {
            return Err(AwsError::Answer("the local AWS has no InputTransformer".to_owned()));
        }
        inputs::input(event, self.input.as_deref(), self.input_path.as_deref())
            .map_err(AwsError::Answer)
    }
}

/// Delivers an event to a target of a rule.
pub(super) async fn deliver(door: Arc<Door>, rule_arn: String, target: Target, event: Value) {
    let (attempts, outcome) = attempt(&door, &target, &event).await;
    let mut fields = fields(&target, attempts, &event, &outcome);
    let dead_letter = match &outcome {
        Ok(_) => None,
        Err(error) => {
            let attributes = dead_letter_attributes(&rule_arn, &target, attempts, error);
            Some(dead_letter(&door, &target, &event.to_string(), attributes).await)
        }
    };
    if let Value::Object(fields) = &mut fields {
        fields.insert("rule".to_owned(), json!(rule_arn.rsplit('/').next()));
        fields.extend(dead_letter.map(|queue| ("dead_letter".to_owned(), queue)));
    }
    door.journal.record("delivery", fields);
}

/// Calls a target until that succeeds, or another try would be of no use.
pub(super) async fn attempt(
    door: &Arc<Door>,
    target: &Target,
    event: &Value,
) -> (u32, Result<About, AwsError>) {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match send(door, target, event).await {
            Err(error) if error.is_transient() && attempts <= target.retries() => {
                tokio::time::sleep(PAUSE * attempts).await;
            }
            outcome => return (attempts, outcome),
        }
    }
}

/// What the journal says of a delivery, whoever asked for it.
pub(super) fn fields(
    target: &Target,
    attempts: u32,
    event: &Value,
    outcome: &Result<About, AwsError>,
) -> Value {
    let mut fields = json!({
        "event_id": event.get("id"),
        "target": target.arn,
        "target_id": target.id,
        "attempts": attempts,
        "outcome": if outcome.is_ok() { "ok" } else { "failed" },
    });
    if let Value::Object(fields) = &mut fields {
        match outcome {
            Ok(about) => fields.extend(about.clone()),
            Err(error) => {
                fields.insert("error".to_owned(), json!(error.code()));
                fields.insert("message".to_owned(), json!(error.to_string()));
            }
        }
    }
    fields
}

/// The execution that a delivery has started, as a member of its entry in the journal.
pub(super) type About = Option<(String, Value)>;

async fn send(door: &Arc<Door>, target: &Target, event: &Value) -> Result<About, AwsError> {
    let input = target.input(event)?;
    match target.arn.split(':').nth(2) {
        Some("states") => start_execution(door, &target.arn, &input).await,
        Some("lambda") => invoke(door, &target.arn, &input).await.map(|()| None),
        Some("sns") => publish(door, &target.arn, &input).await.map(|()| None),
        Some("sqs") => send_message(door, &target.arn, &input, json!({})).await.map(|()| None),
        _ => Err(AwsError::Answer(format!("the local AWS has no such target: {}", target.arn))),
    }
}

async fn start_execution(door: &Door, arn: &str, input: &str) -> Result<About, AwsError> {
    // As EventBridge names executions: a target cannot choose.
    let name = format!("{}_{}", Uuid::new_v4(), Uuid::new_v4());
    let parameters = json!({"stateMachineArn": arn, "name": name, "input": input});
    let region = aws::region_of(arn);
    let answer = door.as_events.json(region, STATES, "StartExecution", &parameters).await?;
    let execution = answer.get("executionArn").cloned().unwrap_or_default();
    Ok(Some(("execution_arn".to_owned(), execution)))
}

/// Invokes a function asynchronously.
pub(crate) async fn invoke(door: &Door, arn: &str, input: &str) -> Result<(), AwsError> {
    let function = utf8_percent_encode(arn, NON_ALPHANUMERIC);
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let asynchronous = [("x-amz-invocation-type", "Event")];
    let input = Bytes::copy_from_slice(input.as_bytes());
    let call = (Method::POST, path.as_str());
    door.as_events.rest(aws::region_of(arn), "lambda", call, &asynchronous, input).await?;
    Ok(())
}

/// Publishes a message.
pub(crate) async fn publish(door: &Door, arn: &str, message: &str) -> Result<(), AwsError> {
    let parameters = [("TopicArn", arn), ("Message", message)];
    let region = aws::region_of(arn);
    door.as_events.query(region, "sns", "2010-03-31", "Publish", &parameters).await?;
    Ok(())
}

/// Puts a message into the queue with this ARN.
pub(crate) async fn send_message(
    door: &Door,
    queue: &str,
    body: &str,
    attributes: Value,
) -> Result<(), AwsError> {
    let url = aws::queue_url(&door.moto, queue).await?;
    let message = json!({"QueueUrl": url, "MessageBody": body, "MessageAttributes": attributes});
    door.as_events.json(aws::region_of(queue), SQS, "SendMessage", &message).await?;
    Ok(())
}

/// Puts what could not be delivered into the target's dead-letter queue; tells which, or why not.
pub(super) async fn dead_letter(
    door: &Door,
    target: &Target,
    body: &str,
    attributes: Value,
) -> Value {
    let Some(queue) = target.dead_letter_queue() else { return Value::Null };
    match send_message(door, queue, body, attributes).await {
        Ok(()) => json!(queue),
        Err(error) => json!(format!("{queue} was not reached: {error}")),
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html>
fn dead_letter_attributes(
    rule_arn: &str,
    target: &Target,
    attempts: u32,
    error: &AwsError,
) -> Value {
    let mut attributes = failure_attributes(target, attempts, error);
    if let Value::Object(attributes) = &mut attributes {
        let rule = json!({"DataType": "String", "StringValue": rule_arn});
        attributes.insert("RULE_ARN".to_owned(), rule);
    }
    attributes
}

/// A dead letter's attributes that say what has failed, and how.
pub(super) fn failure_attributes(target: &Target, attempts: u32, error: &AwsError) -> Value {
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let condition = if error.is_transient() { "MaximumRetryAttempts" } else { "NotRetryable" };
    json!({
        "TARGET_ARN": text(&target.arn),
        "ERROR_CODE": text(error.code()),
        "ERROR_MESSAGE": text(&error.to_string()),
        "RETRY_ATTEMPTS": text(&attempts.saturating_sub(1).to_string()),
        "EXHAUSTED_RETRY_CONDITION": text(condition),
    })
}
