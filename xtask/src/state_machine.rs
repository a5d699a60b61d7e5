//! What the checks and the diagram need to know of the state machine's definition.
//!
//! Source: the [Amazon States Language](https://states-language.net/spec.html).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

/// The error names of AWS that the definition may use: those of Step Functions itself, of its
/// Lambda integration and of the services that it calls without a function in between.
const AWS_ERROR_NAMES: [&str; 19] = [
    "DynamoDb.ConditionalCheckFailedException",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ThrottlingException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "SNS.InternalErrorException",
    "SNS.KMSThrottlingException",
    "SNS.SdkClientException",
    "SNS.ThrottledException",
    "Sandbox.Timedout",
    "States.ALL",
    "States.Timeout",
];

/// A state machine's definition.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StateMachine {
    /// The state that executions begin in.
    pub(crate) start_at: String,
    /// The states by name.
    pub(crate) states: BTreeMap<String, State>,
}

/// A state, as far as it leads to others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    /// `Task`, `Choice`, `Wait`, `Succeed`, `Fail`, …
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    /// The state that follows.
    pub(crate) next: Option<String>,
    /// The rules of a Choice, in their order.
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    /// Where a Choice leads when no rule holds.
    pub(crate) default: Option<String>,
    /// Where errors lead, in their order.
    #[serde(default)]
    pub(crate) catch: Vec<Catch>,
    /// Which errors are tried again.
    #[serde(default)]
    pub(crate) retry: Vec<Retry>,
}

/// A rule of a Choice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Choice {
    /// The state that the rule leads to.
    pub(crate) next: String,
    /// The path that the rule looks at.
    pub(crate) variable: Option<String>,
    /// The comparison: `StringEquals: record`.
    #[serde(flatten)]
    pub(crate) comparison: BTreeMap<String, Value>,
}

/// Where some errors lead.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Catch {
    /// The errors' names.
    pub(crate) error_equals: Vec<String>,
    /// The state that they lead to.
    pub(crate) next: String,
}

/// Which errors are tried again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Retry {
    /// The errors' names.
    pub(crate) error_equals: Vec<String>,
}

impl StateMachine {
    /// Reads a definition in YAML. Errors when it is none, or when it leads to a state that it
    /// does not have.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let machine: Self = serde_saphyr::from_str(text).context("no state machine")?;
        for name in machine.named_states() {
            ensure!(machine.states.contains_key(name), "there is no state \"{name}\"");
        }
        Ok(machine)
    }

    fn named_states(&self) -> impl Iterator<Item = &str> {
        let followers = self.states.values().flat_map(|state| {
            let edges = state.edges().into_iter();
            edges.map(|edge| edge.to)
        });
        [self.start_at.as_str()].into_iter().chain(followers)
    }

    /// The error names that are neither ours nor in the list of AWS's, each once.
    pub(crate) fn unknown_error_names(&self, ours: &[&str]) -> BTreeSet<&str> {
        let names = self.states.values().flat_map(|state| {
            let caught = state.catch.iter().flat_map(|catch| &catch.error_equals);
            caught.chain(state.retry.iter().flat_map(|retry| &retry.error_equals))
        });
        let is_known = |name: &str| ours.contains(&name) || AWS_ERROR_NAMES.contains(&name);
        names.map(String::as_str).filter(|name| !is_known(name)).collect()
    }
}

/// A way from one state to another.
pub(crate) struct Edge<'a> {
    /// The state that it leads to.
    pub(crate) to: &'a str,
    /// On what condition, in a few words; empty for the normal way.
    pub(crate) label: String,
    /// Whether errors lead this way.
    pub(crate) is_failure: bool,
}

impl State {
    /// The ways to other states: the normal one or the rules first, then those of errors.
    pub(crate) fn edges(&self) -> Vec<Edge<'_>> {
        let normal = |to, label| Edge { to, label, is_failure: false };
        let rules = self.choices.iter().map(|rule| normal(rule.next.as_str(), rule.label()));
        let default = self.default.as_deref().map(|to| normal(to, "otherwise".to_owned()));
        let next = self.next.as_deref().map(|to| normal(to, String::new()));
        let catches = self.catch.iter().map(|catch| Edge {
            to: &catch.next,
            label: catch.error_equals.join(", "),
            is_failure: true,
        });
        rules.chain(default).chain(next).chain(catches).collect()
    }
}

impl Choice {
    /// The rule in words: `decision is record`.
    fn label(&self) -> String {
        let variable = self.variable.as_deref().unwrap_or_default().trim_start_matches("$.");
        let comparisons = self.comparison.iter().map(|(operator, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let verb = if operator.ends_with("Equals") { "is" } else { operator };
            format!("{variable} {verb} {value}")
        });
        comparisons.collect::<Vec<_>>().join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = "
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: arn:${Partition}:states:::lambda:invoke
    TimeoutSeconds: ${RecordingTime}
    Retry:
      - ErrorEquals: [Transient, Lambda.TooManyRequestException]
    Catch:
      - ErrorEquals: [States.ALL]
        Next: Done
    Next: Yes?
  Yes?:
    Type: Choice
    Choices:
      - Variable: $.answer
        BooleanEquals: true
        Next: Done
    Default: Ask
  Done:
    Type: Succeed
";

    #[test]
    fn ways_lead_from_state_to_state() {
        let machine = StateMachine::parse(DEFINITION).unwrap();
        let ways = |name: &str| {
            let edges = machine.states[name].edges();
            edges.iter().map(|edge| format!("{} > {}", edge.label, edge.to)).collect::<Vec<_>>()
        };
        assert_eq!(ways("Ask"), [" > Yes?", "States.ALL > Done"]);
        assert_eq!(ways("Yes?"), ["answer is true > Done", "otherwise > Ask"]);
        assert!(ways("Done").is_empty());
    }

    #[test]
    fn misspelt_error_names_are_found() {
        let machine = StateMachine::parse(DEFINITION).unwrap();
        let unknown = machine.unknown_error_names(&["Transient"]);
        assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["Lambda.TooManyRequestException"]);
        assert!(machine.unknown_error_names(&[]).contains("Transient"));
    }

    #[test]
    fn a_way_to_nowhere_is_refused() {
        let text = DEFINITION.replace("Default: Ask", "Default: Nowhere");
        let refusal = StateMachine::parse(&text).unwrap_err().to_string();
        assert_eq!(refusal, "there is no state \"Nowhere\"");
    }
}
