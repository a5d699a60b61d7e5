//! Smithy's RPC v2 with CBOR, which CloudWatch's newer clients speak and moto does not: a call
//! goes on as JSON, and its answer comes back as CBOR.
//!
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use bytes::Bytes;
use ciborium::Value as Cbor;
use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::http::HeaderValue;
use serde_json::Value;

use super::identify::rpc_v2_operation;
use super::{Answer, AwsCall, HttpCall, Parameters};

/// CBOR's tag of a time in seconds since 1970 (RFC 8949, section 3.4.2).
const EPOCH_TIME: u64 = 1;

/// CBOR as JSON. Times are numbers, as in AWS's JSON.
pub(super) fn read(body: &Bytes) -> Value {
    ciborium::from_reader(body.as_ref()).map(json).unwrap_or_default()
}

/// JSON as CBOR.
pub(super) fn write(document: &Value) -> Bytes {
    let mut body = Vec::new();
    match ciborium::into_writer(&cbor("", document), &mut body) {
        Ok(()) => body.into(),
        Err(_) => Bytes::new(),
    }
}

/// The call, written as JSON.
pub(crate) fn as_json_call(call: &AwsCall) -> HttpCall {
    let mut http = call.http.clone();
    let named = rpc_v2_operation(http.uri.path());
    let named = named.map(|(target, operation)| format!("{target}.{operation}"));
    http.method = Method::POST;
    http.uri = hyper::Uri::from_static("/");
    if let Parameters::Document(document) = &call.parameters {
        http.body = document.to_string().into();
    }
    http.headers.remove("smithy-protocol");
    http.headers.remove(ACCEPT);
    http.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Some(Ok(operation)) = named.as_deref().map(HeaderValue::from_str) {
        http.headers.insert("x-amz-target", operation);
    }
    http
}

/// An answer in JSON, written as CBOR.
pub(crate) fn of_json_answer(answer: Answer) -> Answer {
    let (mut parts, body) = answer.into_parts();
    let document = serde_json::from_slice(&body).unwrap_or_else(|_| Value::Object(<_>::default()));
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
    parts.headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    Answer::from_parts(parts, write(&document))
}

fn json(value: Cbor) -> Value {
    match value {
        Cbor::Tag(_, inner) => json(*inner),
        Cbor::Array(items) => items.into_iter().map(json).collect(),
        Cbor::Map(members) => {
            let members = members.into_iter();
            let named = members.filter_map(|(name, value)| Some((name.into_text().ok()?, value)));
            Value::Object(named.map(|(name, value)| (name, json(value))).collect())
        }
        plain => plain.deserialized().unwrap_or_default(),
    }
}

/// A member of this name: whether it is a time, only its name tells.
fn cbor(name: &str, value: &Value) -> Cbor {
    match value {
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor(name, item)).collect()),
        Value::Object(members) => {
            let members = members.iter();
            Cbor::Map(
                members.map(|(name, value)| (name.as_str().into(), cbor(name, value))).collect(),
            )
        }
        Value::Number(seconds) if is_time(name) => {
            let seconds = Cbor::Float(seconds.as_f64().unwrap_or_default());
            Cbor::Tag(EPOCH_TIME, Box::new(seconds))
        }
        plain => Cbor::serialized(plain).unwrap_or(Cbor::Null),
    }
}

fn is_time(name: &str) -> bool {
    ["Timestamp", "Timestamps", "Time"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_tagged_and_numbers_are_not() {
        let document = json!({
            "MetricDataResults": [{"Id": "a", "Timestamps": [60, 120], "Values": [1.5, 2]}],
        });
        let body = write(&document);
        let read_back: Cbor = ciborium::from_reader(body.as_ref()).unwrap();
        let text = format!("{read_back:?}");
        assert_eq!(text.matches("Tag(1, Float(").count(), 2, "{text}");
        let times_as_written = json!({
            "MetricDataResults": [{"Id": "a", "Timestamps": [60.0, 120.0], "Values": [1.5, 2]}],
        });
        assert_eq!(read(&body), times_as_written);
    }
}
