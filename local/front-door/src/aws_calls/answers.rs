//! Answers in the caller's protocol.

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::HeaderValue;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Answer, AwsCall, Protocol, cbor};
use crate::xml;

/// An error that AWS would answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: String,
    message: String,
    /// What else the error says, where it is written in JSON.
    details: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        let details = Map::new();
        Self { status, code: code.to_owned(), message: message.to_owned(), details }
    }

    /// The same with another member in its JSON.
    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.details.insert(member.to_owned(), value);
        self
    }
}

pub(super) fn refuse(call: &AwsCall, refusal: &Refusal) -> Answer {
    let Refusal { code, message, .. } = refusal;
    let mut members = refusal.details.clone();
    members.insert("__type".to_owned(), json!(code));
    members.insert("message".to_owned(), json!(message));
    let document = Value::Object(members);
    let (kind, body) = match call.protocol {
        Protocol::Ec2 => ("text/xml", ec2_error(call, refusal).into()),
        Protocol::Query => ("text/xml", query_error(call, refusal).into()),
        Protocol::RestXml => ("application/xml", s3_error(call, refusal).into()),
        Protocol::Json => ("application/x-amz-json-1.1", document.to_string().into()),
        Protocol::Cbor => ("application/cbor", cbor::write(&document)),
        Protocol::RestJson => {
            let body = json!({"Type": fault_of(refusal), "Message": message, "message": message});
            ("application/json", body.to_string().into())
        }
    };
    let mut answer = answer(refusal.status, kind, body);
    let headers = answer.headers_mut();
    for (name, value) in [
        ("x-amzn-errortype", code.clone()),
        ("x-amzn-query-error", format!("{code};{}", fault_of(refusal))),
        ("x-amzn-requestid", call.request_id.clone()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if call.protocol == Protocol::Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    answer
}

/// Whose fault it is, in AWS's words.
fn fault_of(refusal: &Refusal) -> &'static str {
    if refusal.status < 500 { "Sender" } else { "Receiver" }
}

fn code_and_message(refusal: &Refusal) -> String {
    let (code, message) = (xml::escape(&refusal.code), xml::escape(&refusal.message));
    format!("<Code>{code}</Code><Message>{message}</Message>")
}

fn ec2_error(call: &AwsCall, refusal: &Refusal) -> String {
    let error = code_and_message(refusal);
    let id = &call.request_id;
    format!(
        "<Response><Errors><Error>{error}</Error></Errors><RequestID>{id}</RequestID></Response>"
    )
}

fn query_error(call: &AwsCall, refusal: &Refusal) -> String {
    let (fault, error) = (fault_of(refusal), code_and_message(refusal));
    let id = &call.request_id;
    format!(
        "<ErrorResponse><Error><Type>{fault}</Type>{error}</Error>\
         <RequestId>{id}</RequestId></ErrorResponse>"
    )
}

fn s3_error(call: &AwsCall, refusal: &Refusal) -> String {
    let error = code_and_message(refusal);
    format!("<Error>{error}<RequestId>{}</RequestId></Error>", call.request_id)
}

fn answer(status: u16, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A JSON answer.
pub(crate) fn json_answer(status: u16, document: &Value) -> Answer {
    answer(status, "application/json", document.to_string().into())
}

/// An XML answer with status 200.
pub(crate) fn xml_answer(body: String) -> Answer {
    answer(200, "text/xml", body.into())
}

/// The error code of an answer that is an error, whatever its protocol.
pub(crate) fn error_code(answer: &Answer) -> Option<String> {
    if answer.status().is_success() {
        return None;
    }
    let header = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    if let Some(code) = header {
        return Some(bare_code(code));
    }
    let text = String::from_utf8_lossy(answer.body());
    if let Ok(document) = serde_json::from_str::<Value>(&text) {
        return document.get("__type")?.as_str().map(bare_code);
    }
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.to_owned())
}

/// `Code` of `com.amazonaws.service#Code:http://…`.
fn bare_code(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).to_owned()
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, Method};

    use super::super::{HttpCall, Parameters};
    use super::*;

    fn call(protocol: Protocol) -> AwsCall {
        AwsCall {
            service: "ec2".to_owned(),
            operation: "CreateFlowLogs".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: String::new(),
            protocol,
            parameters: Parameters::of_form(b""),
            request_id: "id".to_owned(),
            http: HttpCall {
                method: Method::POST,
                uri: "/".parse().unwrap(),
                headers: HeaderMap::new(),
                body: Bytes::new(),
            },
        }
    }

    #[test]
    fn every_protocol_carries_the_code() {
        let refusal = Refusal::new(400, "InvalidParameter", "a < b");
        for protocol in [
            Protocol::Ec2,
            Protocol::Query,
            Protocol::RestXml,
            Protocol::Json,
            Protocol::Cbor,
            Protocol::RestJson,
        ] {
            let mut answer = call(protocol).refuse(&refusal);
            assert_eq!(answer.status(), 400);
            assert_eq!(error_code(&answer).as_deref(), Some("InvalidParameter"));
            answer.headers_mut().remove("x-amzn-errortype");
            if matches!(protocol, Protocol::Ec2 | Protocol::Query | Protocol::RestXml) {
                assert_eq!(error_code(&answer).as_deref(), Some("InvalidParameter"));
                assert!(String::from_utf8_lossy(answer.body()).contains("a &lt; b"));
            }
        }
    }

    #[test]
    fn codes_are_read_without_their_namespace() {
        let body = json!({"__type": "com.amazonaws.x#ConditionalCheckFailedException"});
        let code = error_code(&json_answer(400, &body));
        assert_eq!(code.as_deref(), Some("ConditionalCheckFailedException"));
        assert_eq!(error_code(&json_answer(200, &body)), None);
    }
}
