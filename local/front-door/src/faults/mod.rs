//! Faults on request: what a call gets instead of its answer.

use parking_lot::Mutex;
use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::aws_calls::{AwsCall, service_name};

/// A fault as it is asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(default = "new_id")]
    pub(crate) id: String,
    /// boto3's client name (`ec2`, `stepfunctions`).
    service: String,
    /// `CreateFlowLogs`.
    operation: String,
    /// Only calls whose body or path, raw or percent-decoded, contains this.
    #[serde(default)]
    contains: Option<String>,
    /// How many calls it strikes; without a number all of them until it is removed.
    #[serde(default)]
    times: Option<u32>,
    action: Action,
}

/// What happens to the call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// It is answered with an error and goes no further.
    Error { status: u16, code: String, message: String },
    /// EC2's `CreateFlowLogs` and `DeleteFlowLogs`: status 200, every resource unsuccessful.
    Unsuccessful { code: String, message: String },
    /// It waits until the fault is removed, and goes on then.
    Hold(True),
    /// It is carried out, and the connection is closed without an answer.
    LoseAnswer(True),
}

/// The only value that `hold` and `lose_answer` take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(try_from = "bool", into = "bool")]
pub(crate) struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("expected true: remove the fault instead") }
    }
}

impl From<True> for bool {
    fn from(_: True) -> Self {
        true
    }
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

impl Fault {
    fn strikes(&self, call: &AwsCall) -> bool {
        self.times != Some(0)
            && service_name(&self.service) == call.service
            && self.operation == call.operation
            && self.contains.as_deref().is_none_or(|needle| contains(call, needle))
    }
}

fn contains(call: &AwsCall, needle: &str) -> bool {
    let path = call.http.uri.path().as_bytes();
    [path, call.http.body.as_ref()].into_iter().any(|text| {
        String::from_utf8_lossy(text).contains(needle)
            || percent_decode(text).decode_utf8_lossy().contains(needle)
    })
}

struct Entry {
    fault: Fault,
    /// Dropped with the entry, which releases the calls that it holds.
    held: watch::Sender<()>,
}

/// A fault that strikes a call.
pub(crate) struct Strike {
    pub(crate) fault: String,
    pub(crate) action: Action,
    held: watch::Receiver<()>,
}

impl Strike {
    /// Returns when the fault is removed.
    pub(crate) async fn released(&mut self) {
        // An error says that the sender is gone: that is the release.
        while self.held.changed().await.is_ok() {}
    }
}

/// The faults that were asked for and not removed.
#[derive(Default)]
pub(crate) struct Faults {
    entries: Mutex<Vec<Entry>>,
}

impl Faults {
    /// Adds a fault, in place of the one with its ID.
    pub(crate) fn add(&self, fault: Fault) -> String {
        let id = fault.id.clone();
        let mut entries = self.entries.lock();
        entries.retain(|entry| entry.fault.id != id);
        entries.push(Entry { fault, held: watch::Sender::new(()) });
        id
    }

    /// Removes a fault and releases what it holds; tells whether there was one.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut entries = self.entries.lock();
        let before = entries.len();
        entries.retain(|entry| entry.fault.id != id);
        entries.len() < before
    }

    /// All faults; `times` says how many calls each will still strike.
    pub(crate) fn all(&self) -> Vec<Fault> {
        self.entries.lock().iter().map(|entry| entry.fault.clone()).collect()
    }

    /// The first fault that strikes the call and is not among `already`.
    pub(crate) fn strike(&self, call: &AwsCall, already: &[String]) -> Option<Strike> {
        let mut entries = self.entries.lock();
        let entry = entries
            .iter_mut()
            .find(|entry| entry.fault.strikes(call) && !already.contains(&entry.fault.id))?;
        entry.fault.times = entry.fault.times.map(|times| times.saturating_sub(1));
        Some(Strike {
            fault: entry.fault.id.clone(),
            action: entry.fault.action.clone(),
            held: entry.held.subscribe(),
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};
    use serde_json::{Value, json};

    use super::*;
    use crate::aws_calls::HttpCall;

    fn fault(value: Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    fn call(body: &'static str) -> AwsCall {
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded";
        headers.insert("content-type", kind.parse().unwrap());
        let credential = "AWS4-HMAC-SHA256 Credential=k/1/us-east-1/ec2/aws4_request";
        headers.insert("authorization", credential.parse().unwrap());
        AwsCall::identify(HttpCall {
            method: Method::POST,
            uri: "/".parse().unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    const ERROR: &str = r#"{"error": {"status": 503, "code": "X", "message": "m"}}"#;

    fn error() -> Value {
        serde_json::from_str(ERROR).unwrap()
    }

    #[test]
    fn strikes_the_operation_so_many_times() {
        let faults = Faults::default();
        let asked = json!({"service": "ec2", "operation": "CreateFlowLogs", "times": 2,
                           "action": error()});
        faults.add(fault(asked));
        let create = call("Action=CreateFlowLogs");
        assert!(faults.strike(&call("Action=DeleteFlowLogs"), &[]).is_none());
        assert!(faults.strike(&create, &[]).is_some());
        assert!(faults.strike(&create, &[]).is_some());
        assert!(faults.strike(&create, &[]).is_none());
    }

    #[test]
    fn strikes_what_contains_the_text_as_it_was_meant() {
        let faults = Faults::default();
        let asked = json!({"id": "f", "service": "ec2", "operation": "CreateFlowLogs",
                           "contains": "nat:1", "action": error()});
        faults.add(fault(asked));
        assert!(faults.strike(&call("Action=CreateFlowLogs&A=nat%3A1"), &[]).is_some());
        assert!(faults.strike(&call("Action=CreateFlowLogs&A=nat%3A2"), &[]).is_none());
        let already = ["f".to_owned()];
        assert!(faults.strike(&call("Action=CreateFlowLogs&A=nat%3A1"), &already).is_none());
        assert!(faults.remove("f"));
        assert!(!faults.remove("f"));
        assert!(faults.strike(&call("Action=CreateFlowLogs&A=nat%3A1"), &[]).is_none());
    }

    #[tokio::test]
    async fn removal_releases_what_is_held() {
        let faults = Faults::default();
        let asked = json!({"id": "f", "service": "ec2", "operation": "CreateFlowLogs",
                           "times": 1, "action": {"hold": true}});
        faults.add(fault(asked));
        let mut strike = faults.strike(&call("Action=CreateFlowLogs"), &[]).unwrap();
        let held = tokio::spawn(async move { strike.released().await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        assert!(faults.remove("f"));
        held.await.unwrap();
    }

    #[test]
    fn nonsense_is_refused() {
        for action in [json!({"hold": false}), json!({"explode": true}), json!({})] {
            let asked = json!({"service": "a", "operation": "B", "action": action});
            assert!(serde_json::from_value::<Fault>(asked).is_err());
        }
    }
}
