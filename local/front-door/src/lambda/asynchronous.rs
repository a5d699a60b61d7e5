//! Asynchronous invocations: tried again, then sent to a destination or a dead-letter queue.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::functions::Request;
use super::settings::{FunctionSettings, encoded};
use crate::aws::AwsError;
use crate::clock;
use crate::door::Door;
use crate::events;

/// AWS tries twice more unless told otherwise.
const RETRIES: u64 = 2;
/// The pause before the first retry, twice as long before the second. AWS waits a minute.
const PAUSE: Duration = Duration::from_millis(100);

/// How an asynchronous invocation ended.
struct Ending {
    attempts: u32,
    /// The function's answer, or the error's type and JSON.
    result: Result<Value, (String, Value)>,
}

/// Runs an invocation in the background.
pub(super) fn start(door: Arc<Door>, function: FunctionSettings, request: Request) {
    tokio::spawn(async move {
        let configuration = configuration(&door, &function).await;
        let (id, payload) = (request.id.clone(), request.payload.clone());
        let ending = run(&door, &function, &configuration, request).await;
        let sent = finish(&door, &function, &configuration, &id, &payload, &ending).await;
        if let Err((target, error)) = sent {
            tracing::error!(function = function.name, target, %error, "destination not reached");
        }
    });
}

/// The function's `EventInvokeConfig`; `null` without one.
async fn configuration(door: &Door, function: &FunctionSettings) -> Value {
    let path = format!("/2019-09-25/functions/{}/event-invoke-config", encoded(&function.name));
    door.moto.get_json(&function.region, "lambda", &path).await.unwrap_or_default()
}

async fn run(
    door: &Door,
    function: &FunctionSettings,
    configuration: &Value,
    mut request: Request,
) -> Ending {
    let retries = configuration.get("MaximumRetryAttempts").and_then(Value::as_u64);
    let retries = u32::try_from(retries.unwrap_or(RETRIES)).unwrap_or(u32::MAX);
    let mut function = function.clone();
    loop {
        let result = attempt_once(door, &function, &request).await;
        if result.is_ok() || request.attempt > retries {
            return Ending { attempts: request.attempt, result };
        }
        tokio::time::sleep(PAUSE * request.attempt).await;
        request.attempt += 1;
        // Whoever is killed is killed once.
        request.kill = None;
        // The function may have been repaired in the meantime.
        let current = FunctionSettings::read(&door.moto, &function.region, &function.name).await;
        function = current.unwrap_or(function);
    }
}

async fn attempt_once(
    door: &Door,
    function: &FunctionSettings,
    request: &Request,
) -> Result<Value, (String, Value)> {
    let finished = door.functions.run(function, request).await.map_err(|error| {
        let error_type = "Lambda.Code".to_owned();
        (error_type.clone(), json!({"errorType": error_type, "errorMessage": error.to_string()}))
    })?;
    match finished.result {
        Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap_or_default()),
        Err(failure) => {
            Err((failure.error_type, serde_json::from_slice(&failure.body).unwrap_or_default()))
        }
    }
}

/// Sends the outcome where the function's configuration says.
async fn finish(
    door: &Arc<Door>,
    function: &FunctionSettings,
    configuration: &Value,
    request_id: &str,
    payload: &Bytes,
    ending: &Ending,
) -> Result<(), (String, AwsError)> {
    let which = if ending.result.is_ok() { "OnSuccess" } else { "OnFailure" };
    let pointer = format!("/DestinationConfig/{which}/Destination");
    if let Some(destination) = configuration.pointer(&pointer).and_then(Value::as_str) {
        let record = record(function, request_id, payload, ending);
        let sent = send(door, destination, &record).await;
        note(door, function, request_id, destination, sent.as_ref().err());
        sent.map_err(|error| (destination.to_owned(), error))?;
    }
    if let (Err((error_type, error)), Some(target)) = (&ending.result, &function.dead_letter_target)
    {
        let sent = dead_letter(door, target, request_id, payload, (error_type, error)).await;
        note(door, function, request_id, target, sent.as_ref().err());
        sent.map_err(|error| (target.clone(), error))?;
    }
    Ok(())
}

fn note(
    door: &Door,
    function: &FunctionSettings,
    request_id: &str,
    target: &str,
    error: Option<&AwsError>,
) {
    let fields = json!({
        "function": function.name,
        "request_id": request_id,
        "target": target,
        "outcome": if error.is_none() { "ok" } else { "failed" },
        "error": error.map(ToString::to_string),
    });
    door.journal.record("destination", fields);
}

/// The record that a destination gets.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
fn record(
    function: &FunctionSettings,
    request_id: &str,
    payload: &Bytes,
    ending: &Ending,
) -> Value {
    let failed = ending.result.is_err();
    let mut response_context = json!({"statusCode": 200, "executedVersion": "$LATEST"});
    if let (Value::Object(context), true) = (&mut response_context, failed) {
        context.insert("functionError".to_owned(), json!("Unhandled"));
    }
    let (Ok(response) | Err((_, response))) = &ending.result;
    json!({
        "version": "1.0",
        "timestamp": clock::rfc3339_millis(Timestamp::now()),
        "requestContext": {
            "requestId": request_id,
            "functionArn": format!("{}:$LATEST", function.arn),
            "condition": if failed { "RetriesExhausted" } else { "Success" },
            "approximateInvokeCount": ending.attempts,
        },
        "requestPayload": serde_json::from_slice::<Value>(payload).unwrap_or_default(),
        "responseContext": response_context,
        "responsePayload": response,
    })
}

async fn send(door: &Arc<Door>, destination: &str, record: &Value) -> Result<(), AwsError> {
    let service = destination.split(':').nth(2).unwrap_or_default();
    match service {
        "sqs" => events::send_message(door, destination, &record.to_string(), json!({})).await,
        "sns" => events::publish(door, destination, &record.to_string()).await,
        "lambda" => events::invoke(door, destination, &record.to_string()).await,
        _ => Err(AwsError::Answer(format!("no destination of this kind: {destination}"))),
    }
}

/// A dead-letter queue or topic gets the event itself.
async fn dead_letter(
    door: &Arc<Door>,
    target: &str,
    request_id: &str,
    payload: &Bytes,
    (error_type, error): (&str, &Value),
) -> Result<(), AwsError> {
    let body = String::from_utf8_lossy(payload);
    if target.split(':').nth(2) == Some("sns") {
        return events::publish(door, target, &body).await;
    }
    let message = error.get("errorMessage").and_then(Value::as_str).unwrap_or(error_type);
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({
        "RequestID": text(request_id),
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": text(message),
    });
    events::send_message(door, target, &body, attributes).await
}
