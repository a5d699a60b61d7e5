//! What CloudFormation asks of a custom resource, and how it is answered.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>

use std::time::Duration;

use lambda_kit::Failure;
use recording::ErrorName;
use serde::Deserialize;
use serde_json::{Value, json};

/// `CloudFormation` reads a reason of at most this many bytes; the whole answer may have 4,096.
const REASON_BYTES: usize = 2048;

/// The answer is written to S3, three times if need be. The work ends so long before Lambda ends
/// the function.
pub(crate) const ANSWER_TAKES: Duration = Duration::from_secs(30);

/// A request, of which nothing is taken for granted but the address to answer to: whatever it
/// is, the stack waits for an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    #[serde(rename = "ResponseURL")]
    pub(crate) response_url: String,
    #[serde(default)]
    request_type: Value,
    #[serde(default)]
    stack_id: Value,
    #[serde(default)]
    request_id: Value,
    #[serde(default)]
    logical_resource_id: Value,
    #[serde(default)]
    physical_resource_id: Value,
}

/// What the stack goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is created or updated: recordings go on.
    Kept,
    /// It is being deleted, and its rules are gone.
    Deleted,
}

impl Request {
    /// The request, if the event is one: it has an address to answer to.
    pub(crate) fn read(event: &Value) -> Option<Self> {
        Self::deserialize(event).ok()
    }

    pub(crate) fn change(&self) -> Result<Change, Failure> {
        match self.request_type.as_str() {
            Some("Create" | "Update") => Ok(Change::Kept),
            Some("Delete") => Ok(Change::Deleted),
            _ => Err(Failure::new(
                ErrorName::EventRefused.as_str(),
                format!("RequestType is {}, expected Create, Update or Delete", self.request_type),
            )),
        }
    }

    /// The answer. The physical ID is the same for the resource's whole life: another one after
    /// an update would have `CloudFormation` delete the old resource, and with it every recording.
    pub(crate) fn answer(&self, stack: &str, done: Result<(), &Failure>) -> String {
        let physical_id = match &self.physical_resource_id {
            Value::String(id) if !id.is_empty() => id.clone(),
            _ => format!("{stack}-recordings"),
        };
        let (status, reason) = match done {
            Ok(()) => ("SUCCESS", "no recording is left behind".to_owned()),
            Err(failure) => ("FAILED", shortened(&failure.to_string())),
        };
        json!({
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": physical_id,
            "StackId": self.stack_id,
            "RequestId": self.request_id,
            "LogicalResourceId": self.logical_resource_id,
        })
        .to_string()
    }
}

fn shortened(reason: &str) -> String {
    let end = reason.floor_char_boundary(REASON_BYTES);
    reason.get(..end).unwrap_or_default().to_owned()
}
