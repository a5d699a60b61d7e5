//! `CreateFlowLogs` and `DeleteFlowLogs`: what AWS refuses, and client tokens.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flowlog::Format;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::aws_calls::{Answer, AwsCall, Parameters, Refusal, xml_answer};
use crate::door::Door;
use crate::{pipeline, xml};

/// EC2's limit for a client token, in characters.
const CLIENT_TOKEN_CHARACTERS: usize = 64;

/// What was asked with a token, and what was answered. Locked while the first call is under way.
type Remembered = tokio::sync::Mutex<Option<(BTreeMap<String, String>, Answer)>>;

/// A region and a token.
type Key = (String, String);

/// The client tokens seen. A token's second call waits for the first.
#[derive(Default)]
pub(crate) struct FlowLogTokens {
    answers: Mutex<HashMap<Key, Arc<Remembered>>>,
}

impl FlowLogTokens {
    fn of(&self, region: &str, token: &str) -> Arc<Remembered> {
        let key = (region.to_owned(), token.to_owned());
        Arc::clone(self.answers.lock().entry(key).or_default())
    }
}

/// `CreateFlowLogs`.
pub(crate) async fn create(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    check(call)?;
    let Some(token) = call.parameters.text("ClientToken") else {
        return Ok(pipeline::forward(door, call).await);
    };
    let request = call.parameters.form().cloned().unwrap_or_default();
    let remembered = door.flow_log_tokens.of(&call.region, &token);
    let mut remembered = remembered.lock().await;
    match remembered.as_ref() {
        Some((first, answer)) if *first == request => return Ok(answer.clone()),
        Some((first, _)) => return Err(mismatch(first, &request)),
        None => {}
    }
    let answer = pipeline::forward(door, call).await;
    if answer.status().is_success() {
        *remembered = Some((request, answer.clone()));
    }
    Ok(answer)
}

fn check(call: &AwsCall) -> Result<(), Refusal> {
    let parameters = &call.parameters;
    if let Some(token) = parameters.text("ClientToken") {
        let length = token.chars().count();
        if length > CLIENT_TOKEN_CHARACTERS {
            let message = format!(
                "Invalid value for parameter ClientToken: it has {length} characters, \
                 {CLIENT_TOKEN_CHARACTERS} are allowed"
            );
            return Err(Refusal::new(400, "InvalidParameterValue", &message));
        }
    }
    if let Some(format) = parameters.text("LogFormat") {
        Format::parse_known(&format).map_err(|error| {
            let message = format!("Invalid value for parameter LogFormat: {error}");
            Refusal::new(400, "InvalidParameter", &message)
        })?;
    }
    Ok(())
}

fn mismatch(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> Refusal {
    let names: Vec<_> = first
        .keys()
        .chain(second.keys().filter(|name| !first.contains_key(*name)))
        .filter(|name| first.get(*name) != second.get(*name))
        .map(String::as_str)
        .collect();
    let message = format!(
        "The client token was used by an earlier request with other parameters: {}",
        names.join(", ")
    );
    Refusal::new(400, "IdempotentParameterMismatch", &message)
}

/// An answer with status 200 that did nothing: every resource is unsuccessful.
pub(crate) fn unsuccessful(call: &AwsCall, code: &str, message: &str) -> Answer {
    let resources = call.parameters.texts("ResourceId").into_iter();
    let items: String = resources
        .chain(call.parameters.texts("FlowLogId"))
        .map(|resource| unsuccessful_item(&resource, code, message))
        .collect();
    nothing_done(call, &items)
}

/// An answer with status 200 that did nothing and does not say so.
pub(crate) fn pretended(call: &AwsCall) -> Answer {
    nothing_done(call, "")
}

fn nothing_done(call: &AwsCall, items: &str) -> Answer {
    let operation = &call.operation;
    xml_answer(format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>{}</requestId><flowLogIdSet/><unsuccessful>{items}</unsuccessful>\
         </{operation}Response>",
        call.request_id
    ))
}

fn unsuccessful_item(resource: &str, code: &str, message: &str) -> String {
    format!(
        "<item><resourceId>{}</resourceId><error><code>{}</code><message>{}</message></error>\
         </item>",
        xml::escape(resource),
        xml::escape(code),
        xml::escape(message)
    )
}

/// What the journal says about a call on flow logs.
pub(crate) fn summary(call: &AwsCall, answer: &Answer) -> Map<String, Value> {
    let mut fields = Map::new();
    if call.service != "ec2" || !["CreateFlowLogs", "DeleteFlowLogs"].contains(&&*call.operation) {
        return fields;
    }
    let text = String::from_utf8_lossy(answer.body());
    let document = xml::parse(&text);
    let created = document.iter().flat_map(|document| xml::items(document, "flowLogIdSet"));
    let mut flow_log_ids: Vec<String> =
        created.filter_map(|item| item.text()).map(str::to_owned).collect();
    flow_log_ids.extend(call.parameters.texts("FlowLogId"));
    let failed = document.iter().flat_map(|document| xml::items(document, "unsuccessful"));
    let unsuccessful: Vec<_> =
        failed.filter_map(|item| xml::text(item, "resourceId")).map(str::to_owned).collect();
    fields.insert("flow_log_ids".to_owned(), json!(flow_log_ids));
    fields.insert("resource_ids".to_owned(), json!(call.parameters.texts("ResourceId")));
    fields.insert("unsuccessful".to_owned(), json!(unsuccessful));
    if call.operation == "CreateFlowLogs" {
        fields.insert("tags".to_owned(), json!(tags(&call.parameters)));
    }
    fields
}

/// The tags that every flow log of the request gets.
fn tags(parameters: &Parameters) -> BTreeMap<String, String> {
    let part = |number: u32, part: &str| {
        parameters.text(&format!("TagSpecification.1.Tag.{number}.{part}"))
    };
    (1..)
        .map_while(|number| Some((part(number, "Key")?, part(number, "Value").unwrap_or_default())))
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;
    use crate::aws_calls::HttpCall;

    fn call(body: String) -> AwsCall {
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded";
        headers.insert("content-type", kind.parse().unwrap());
        let credential = "AWS4-HMAC-SHA256 Credential=k/1/us-east-1/ec2/aws4_request";
        headers.insert("authorization", credential.parse().unwrap());
        AwsCall::identify(HttpCall {
            method: Method::POST,
            uri: "/".parse().unwrap(),
            headers,
            body: Bytes::from(body),
        })
    }

    #[test]
    fn a_token_has_64_characters_at_most() {
        let create = |token: &str| call(format!("Action=CreateFlowLogs&ClientToken={token}"));
        assert_eq!(check(&create(&"a".repeat(64))), Ok(()));
        let refusal = check(&create(&"a".repeat(65))).unwrap_err();
        let message =
            "Invalid value for parameter ClientToken: it has 65 characters, 64 are allowed";
        assert_eq!(refusal, Refusal::new(400, "InvalidParameterValue", message));
    }

    #[test]
    fn unknown_fields_are_named() {
        let format = "%24%7Bbytes%7D+%24%7Bmood%7D";
        let refusal =
            check(&call(format!("Action=CreateFlowLogs&LogFormat={format}"))).unwrap_err();
        let message = "Invalid value for parameter LogFormat: unknown field in the format: `mood`";
        assert_eq!(refusal, Refusal::new(400, "InvalidParameter", message));
    }

    #[test]
    fn unsuccessful_names_every_resource() {
        let body = "Action=CreateFlowLogs&ResourceId.1=eni-1&ResourceId.2=eni-2\
                    &TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b+c";
        let call = call(body.to_owned());
        let answer = unsuccessful(&call, "FlowLogsLimitExceeded", "no more");
        let summary = summary(&call, &answer);
        assert_eq!(summary["unsuccessful"], json!(["eni-1", "eni-2"]));
        assert_eq!(summary["flow_log_ids"], json!([]));
        assert_eq!(summary["tags"], json!({"a": "b c"}));
        assert!(String::from_utf8_lossy(answer.body()).contains("<code>FlowLogsLimitExceeded<"));
    }
}
