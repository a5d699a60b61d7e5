//! The Invoke API.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};

use super::asynchronous;
use super::functions::{Finished, Request};
use super::process::Failure;
use super::settings::{FunctionSettings, function_name};
use crate::aws::AwsError;
use crate::aws_calls::{Answer, AwsCall, Refusal};
use crate::door::Door;
use crate::faults::Moment;

/// Lambda's limit for what a function takes and answers, in bytes.
const SYNCHRONOUS_BYTES: usize = 6_291_556;
/// Lambda's limit for an asynchronous invocation, in bytes.
const ASYNCHRONOUS_BYTES: usize = 1_048_576;

/// `Invoke`; its process may be killed.
pub(crate) async fn invoke(
    door: &Arc<Door>,
    call: &AwsCall,
    kill: Option<Moment>,
) -> Result<Answer, Refusal> {
    let kind = call.http.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let reference = call.function_in_path().unwrap_or_default();
    let function = settings(door, &call.region, &reference).await?;
    match kind {
        "RequestResponse" => {
            let payload = payload(call, SYNCHRONOUS_BYTES)?;
            synchronous(door, call, &function, payload, kill).await
        }
        "Event" => {
            let payload = payload(call, ASYNCHRONOUS_BYTES)?;
            let id = call.request_id.clone();
            let request = Request { id, kind: "Event", attempt: 1, payload, kill };
            asynchronous::start(Arc::clone(door), function, request);
            Ok(empty(call, StatusCode::ACCEPTED))
        }
        "DryRun" => Ok(empty(call, StatusCode::NO_CONTENT)),
        other => {
            let message = format!("Unknown invocation type {other}");
            Err(Refusal::new(400, "InvalidParameterValueException", &message))
        }
    }
}

async fn settings(door: &Door, region: &str, reference: &str) -> Result<FunctionSettings, Refusal> {
    let name = function_name(reference);
    FunctionSettings::read(&door.moto, region, name).await.map_err(|error| match error {
        AwsError::Service { status: 404, .. } => {
            let message = format!("Function not found: {reference}");
            Refusal::new(404, "ResourceNotFoundException", &message)
        }
        error => Refusal::new(500, "ServiceException", &format!("{reference}: {error}")),
    })
}

fn payload(call: &AwsCall, limit: usize) -> Result<Bytes, Refusal> {
    let payload = &call.http.body;
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if payload.len() > limit {
        let message =
            format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
        return Err(Refusal::new(413, "RequestTooLargeException", &message));
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(payload).map_err(|error| {
        let message = format!("Could not parse request body into json: {error}");
        Refusal::new(400, "InvalidRequestContentException", &message)
    })?;
    Ok(payload.clone())
}

async fn synchronous(
    door: &Door,
    call: &AwsCall,
    function: &FunctionSettings,
    payload: Bytes,
    kill: Option<Moment>,
) -> Result<Answer, Refusal> {
    let id = call.request_id.clone();
    let request = Request { id, kind: "RequestResponse", attempt: 1, payload, kill };
    let finished = door.functions.run(function, &request).await;
    let Finished { result, tail } = finished
        .map_err(|error| Refusal::new(502, "InvalidRuntimeException", &error.to_string()))?;
    let result = result.and_then(|answer| check_size(call, answer));
    let mut answer = empty(call, StatusCode::OK);
    let headers = answer.headers_mut();
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if result.is_err() {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    if call.http.header("x-amz-log-type") == Some("Tail") {
        insert(headers, "x-amz-log-result", &STANDARD.encode(tail));
    }
    *answer.body_mut() = result.unwrap_or_else(|failure| failure.body);
    Ok(answer)
}

fn check_size(call: &AwsCall, answer: Bytes) -> Result<Bytes, Failure> {
    if answer.len() <= SYNCHRONOUS_BYTES {
        return Ok(answer);
    }
    let message = format!(
        "Response payload size ({} bytes) exceeded maximum allowed payload size \
         ({SYNCHRONOUS_BYTES} bytes).",
        answer.len()
    );
    let (outcome, error_type) = ("error", "Function.ResponseSizeTooLarge");
    Err(Failure::of_lambda(outcome, error_type, &call.request_id, &message))
}

fn empty(call: &AwsCall, status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    insert(headers, "x-amzn-requestid", &call.request_id);
    answer
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
