//! What CloudFormation asks of a custom resource, and how it is answered.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>

use recording::ErrorName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;

/// `CloudFormation` reads a reason of at most this many bytes; the whole answer may have 4,096.
const REASON_BYTES: usize = 2048;

/// A request, of which nothing is taken for granted but the address to answer to: whatever it
/// is, the stack waits for an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// Where the answer is put. A secret.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    #[serde(rename = "RequestType", default)]
    kind: Value,
    #[serde(default)]
    stack_id: Value,
    #[serde(rename = "RequestId", default)]
    id: Value,
    #[serde(default)]
    logical_resource_id: Value,
    #[serde(default)]
    physical_resource_id: Value,
    #[serde(default)]
    resource_properties: Value,
}

/// What the stack goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The resource is created or updated.
    Kept,
    /// It is being deleted.
    Deleted,
}

impl Request {
    /// The request, if the event is one: it has an address to answer to.
    #[must_use]
    pub fn read(event: &Value) -> Option<Self> {
        Self::deserialize(event).ok()
    }

    /// What the stack goes through, or `EventRefused`.
    pub fn change(&self) -> Result<Change, Failure> {
        match self.kind.as_str() {
            Some("Create" | "Update") => Ok(Change::Kept),
            Some("Delete") => Ok(Change::Deleted),
            _ => Err(Failure::new(
                ErrorName::EventRefused.as_str(),
                format!("RequestType is {}, expected Create, Update or Delete", self.kind),
            )),
        }
    }

    /// A property of the resource, as the template gives it; empty if it does not.
    #[must_use]
    pub fn property(&self, name: &str) -> &str {
        self.resource_properties.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The answer, with the reason for success or failure.
    ///
    /// The physical ID, `<stack>-<what>`, is the same for the resource's whole life: another one
    /// after an update would have `CloudFormation` delete the old resource.
    #[must_use]
    pub fn answer(&self, what: &str, done: &Result<String, Failure>) -> String {
        let (status, reason) = match done {
            Ok(reason) => ("SUCCESS", shortened(reason).to_owned()),
            Err(failure) => ("FAILED", shortened(&failure.to_string()).to_owned()),
        };
        json!({
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": self.physical_id(what),
            "StackId": self.stack_id,
            "RequestId": self.id,
            "LogicalResourceId": self.logical_resource_id,
        })
        .to_string()
    }

    fn physical_id(&self, what: &str) -> String {
        match &self.physical_resource_id {
            Value::String(id) if !id.is_empty() => id.clone(),
            _ => format!("{}-{what}", self.stack_name()),
        }
    }

    /// `arn:aws:cloudformation:eu-west-1:123456789012:stack/recorder/…`
    fn stack_name(&self) -> &str {
        self.stack_id.as_str().and_then(|arn| arn.split('/').nth(1)).unwrap_or("stack")
    }
}

/// The beginning of a reason, no longer than is read when JSON has escaped it.
fn shortened(reason: &str) -> &str {
    let mut bytes = 0;
    let end = reason.char_indices().find(|(_, character)| {
        bytes += escaped_length(*character);
        bytes > REASON_BYTES
    });
    end.and_then(|(end, _)| reason.get(..end)).unwrap_or(reason)
}

const fn escaped_length(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        '\0'..='\x1f' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(kind: &Value) -> Request {
        Request::read(&json!({
            "RequestType": kind,
            "ResponseURL": "https://bucket.example/answer",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/forwarders/0f",
            "RequestId": "r-1",
            "LogicalResourceId": "Sources",
            "ResourceProperties": {"BucketName": "logs"},
        }))
        .unwrap()
    }

    fn answered(request: &Request) -> Value {
        serde_json::from_str(&request.answer("sources", &Ok("fine".to_owned()))).unwrap()
    }

    #[test]
    fn every_answer_names_the_same_resource() {
        let mut request = request(&json!("Create"));
        let created = answered(&request);
        assert_eq!(created["Status"], "SUCCESS");
        assert_eq!(created["PhysicalResourceId"], "forwarders-sources");
        assert_eq!(created["RequestId"], "r-1");
        assert_eq!(created["LogicalResourceId"], "Sources");
        assert_eq!(created["StackId"], request.stack_id);

        request.physical_resource_id = created["PhysicalResourceId"].clone();
        assert_eq!(answered(&request)["PhysicalResourceId"], "forwarders-sources");
    }

    #[test]
    fn a_failure_is_told_in_what_an_answer_may_hold() {
        for told in ["ä", "{\"a\": \"b\"}\n", "\u{1}"] {
            let failure = Failure::new("X", told.repeat(5_000));
            let text = request(&json!("Delete")).answer("sources", &Err(failure));
            assert!(text.len() <= 4096, "{}", text.len());
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer["Status"], "FAILED");
            assert!(answer["Reason"].as_str().unwrap().contains(told));
        }
    }

    #[test]
    fn only_what_has_an_address_is_a_request_and_only_three_kinds_are_known() {
        assert!(Request::read(&json!({ "RequestType": "Delete" })).is_none());
        for (kind, change) in
            [("Create", Change::Kept), ("Update", Change::Kept), ("Delete", Change::Deleted)]
        {
            assert_eq!(request(&json!(kind)).change(), Ok(change));
        }
        for kind in [json!("Rollback"), json!(1), Value::Null] {
            assert_eq!(request(&kind).change().unwrap_err().name(), "EventRefused");
        }
    }

    #[test]
    fn properties_that_are_not_given_are_empty() {
        let request = request(&json!("Create"));
        assert_eq!(request.property("BucketName"), "logs");
        assert_eq!(request.property("LogGroupName"), "");
    }
    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["(Create|Update|Delete|stack/)?", any::<String>()];
        prop_oneof![
            text.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(Value::Null),
            Just(json!({ "a": [true] })),
        ]
    }

    proptest! {
        /// Whatever else the event holds or lacks, the stack does not wait in vain.
        #[test]
        fn what_has_an_address_is_answered(
            fields in proptest::collection::btree_map(
                "RequestType|StackId|RequestId|LogicalResourceId|PhysicalResourceId|Other",
                any_value(),
                0..6,
            ),
            failed in any::<Option<String>>(),
        ) {
            let mut event = json!({ "ResponseURL": "https://bucket.example/answer" });
            event.as_object_mut().unwrap().extend(fields.clone());
            let request = Request::read(&event).unwrap();
            let done = failed.map_or(Ok(String::new()), |why| Err(Failure::new("X", why)));
            let answer: Value = serde_json::from_str(&request.answer("sources", &done)).unwrap();
            prop_assert_eq!(&answer["Status"], if done.is_ok() { "SUCCESS" } else { "FAILED" });
            prop_assert!(answer["PhysicalResourceId"].as_str().is_some_and(|id| !id.is_empty()));
            for field in ["StackId", "RequestId", "LogicalResourceId"] {
                prop_assert_eq!(&answer[field], fields.get(field).unwrap_or(&Value::Null));
            }
            let kind = fields.get("RequestType").and_then(Value::as_str);
            let known = matches!(kind, Some("Create" | "Update" | "Delete"));
            prop_assert_eq!(request.change().is_ok(), known);
        }
    }
}
