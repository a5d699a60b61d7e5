//! A fault as it is asked for.

use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aws_calls::service_name;
use crate::logs_insights::Status;

/// What a call gets instead of its answer, and which calls.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(default = "new_id")]
    pub(crate) id: String,
    /// boto3's client name (`ec2`, `stepfunctions`); `*` stands for every service.
    pub(super) service: String,
    /// `CreateFlowLogs`; a `*` at the end stands for whatever follows.
    pub(super) operation: String,
    /// Only calls whose body or path, raw or percent-decoded, contains this.
    #[serde(default)]
    contains: Option<String>,
    /// Whose calls it leaves alone, by their names in the journal.
    #[serde(default)]
    except_callers: Vec<String>,
    /// How many calls it strikes; without a number all of them until it is removed.
    #[serde(default)]
    pub(super) times: Option<u32>,
    /// From 0 to 1; without it every call is struck.
    #[serde(default)]
    pub(super) probability: Option<f64>,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) action: Action,
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// What happens to the call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// It is answered with an error and goes no further.
    Error { status: u16, code: String, message: String },
    /// EC2's `CreateFlowLogs` and `DeleteFlowLogs`: status 200, every resource unsuccessful.
    Unsuccessful { code: String, message: String },
    /// EC2's `DeleteFlowLogs`: answered as a success, and nothing is deleted.
    Pretend(True),
    /// It waits until the fault is removed, and goes on then.
    Hold(True),
    /// It waits so many milliseconds, and goes on then.
    DelayMs(u64),
    /// It is carried out, and the connection is closed without an answer.
    LoseAnswer(True),
    /// The function that makes it, or that an `Invoke` is of, is killed.
    Kill(Moment),
    /// `StartQuery`: the query does not end well, or not before the fault is removed.
    Query {
        status: Status,
        /// How many rows it answers meanwhile; without a number all of them.
        rows: Option<usize>,
    },
    /// An event's delivery to a target: so many times more.
    Duplicate(u32),
}

impl Action {
    /// The only service and operation that it makes sense for.
    const fn only_of(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Query { .. } => Some(("logs", "StartQuery")),
            Self::Duplicate(_) => Some((DELIVERY.0, DELIVERY.1)),
            Self::Pretend(_) => Some(("ec2", "DeleteFlowLogs")),
            _ => None,
        }
    }

    /// Its name, for the journal.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Error { .. } => "error",
            Self::Unsuccessful { .. } => "unsuccessful",
            Self::Pretend(_) => "pretend",
            Self::Hold(_) => "hold",
            Self::DelayMs(_) => "delay_ms",
            Self::LoseAnswer(_) => "lose_answer",
            Self::Kill(_) => "kill",
            Self::Query { .. } => "query",
            Self::Duplicate(_) => "duplicate",
        }
    }
}

/// Service and operation under which the delivery of an event to a target is struck. It is no
/// API call, so that `*` does not stand for it.
pub(crate) const DELIVERY: (&str, &str) = ("events", "Deliver");

/// When a function is killed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// The call is not carried out; an invocation never begins.
    Before,
    /// The call is carried out, but its answer comes too late; an invocation ends at the
    /// function's first call.
    During,
    /// At the next call, or when it would answer; an invocation ends when it would answer.
    After,
}

/// The only value that `hold`, `pretend` and `lose_answer` take.
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

/// What a fault may strike: a call, or the delivery of an event.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    /// As the journal names it.
    pub(crate) caller: &'a str,
    /// Whether there is a function that can be killed.
    pub(crate) is_of_function: bool,
    /// What `contains` is looked for in.
    pub(crate) texts: [&'a [u8]; 2],
}

impl Fault {
    /// Refuses, in words, what could never strike.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(found) = self.probability.filter(|found| !(0.0..=1.0).contains(found)) {
            return Err(format!("probability: expected 0 to 1, found {found}"));
        }
        let found = (self.service.as_str(), self.operation.as_str());
        match self.action.only_of() {
            Some(expected) if expected != found => Err(format!(
                "action {}: expected service and operation {expected:?}, found {found:?}",
                self.action.name()
            )),
            _ => Ok(()),
        }
    }

    /// Whether it is about the subject; chance may still spare it.
    pub(super) fn is_about(&self, subject: &Subject<'_>) -> bool {
        self.times != Some(0)
            && (subject.is_of_function || !matches!(self.action, Action::Kill(_)))
            && self.names(subject)
            && !self.except_callers.iter().any(|caller| caller == subject.caller)
            && self.contains.as_deref().is_none_or(|needle| contains(subject, needle))
    }

    fn names(&self, subject: &Subject<'_>) -> bool {
        if (subject.service, subject.operation) == DELIVERY {
            return (self.service.as_str(), self.operation.as_str()) == DELIVERY;
        }
        let is_service = self.service == "*" || service_name(&self.service) == subject.service;
        let is_operation = match self.operation.strip_suffix('*') {
            Some(beginning) => subject.operation.starts_with(beginning),
            None => self.operation == subject.operation,
        };
        is_service && is_operation
    }
}

fn contains(subject: &Subject<'_>, needle: &str) -> bool {
    subject.texts.into_iter().any(|text| {
        String::from_utf8_lossy(text).contains(needle)
            || percent_decode(text).decode_utf8_lossy().contains(needle)
    })
}
