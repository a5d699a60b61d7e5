use std::collections::BTreeSet;

use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp, Unit};
use recording::{
    Error,
    ports::{Execution, ExecutionStatus, Executions},
};
use serde_json::{Value, json};

use crate::{
    error,
    step_functions::{Failed, StepFunctions},
};

/// The executions of a state machine.
#[derive(Clone, Debug)]
pub struct StateMachineExecutions {
    client: StepFunctions,
    state_machine: String,
}

/// The most that `ListExecutions` and `GetExecutionHistory` answer at once.
const PAGE: i32 = 1000;

/// So many executions of a status are looked at, those that began last: two days' worth of a
/// stack in which each of 186 gateways fails five times a day.
const LOOKED_AT: usize = 2000;

impl StateMachineExecutions {
    /// The executions of the state machine with this ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, state_machine: String) -> Self {
        Self { client: StepFunctions::new(config), state_machine }
    }

    async fn list(&self, status: &str, most: usize) -> Result<Vec<Value>, Error> {
        let mut input = json!({
            "stateMachineArn": self.state_machine,
            "statusFilter": status,
            "maxResults": PAGE,
        });
        let mut found = Vec::new();
        loop {
            match self.client.call("ListExecutions", input.clone()).await {
                Ok(mut page) => {
                    found.append(&mut items(&mut page, "executions"));
                    if found.len() >= most || !goes_on(&mut input, page) {
                        return Ok(found);
                    }
                }
                // Its executions have gone with it.
                Err(failed) if failed.code() == Some("StateMachineDoesNotExist") => {
                    return Ok(found);
                }
                Err(failed) => return Err(error::of_call("states:ListExecutions", &failed)),
            }
        }
    }
}

impl Executions for StateMachineExecutions {
    async fn running(&self) -> Result<BTreeSet<String>, Error> {
        let running = self.list("RUNNING", usize::MAX).await?;
        Ok(running.iter().filter_map(arn).collect())
    }

    async fn ended_badly(&self, since: Timestamp) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for status in ["FAILED", "TIMED_OUT", "ABORTED"] {
            let ended = self.list(status, LOOKED_AT).await?;
            let ended = ended.iter().filter(|execution| {
                // The local AWS does not say when an execution timed out.
                moment(execution, "stopDate").is_none_or(|at| at >= since)
            });
            found.extend(ended.filter_map(arn));
        }
        Ok(found)
    }

    async fn describe(&self, execution: &str) -> Result<Option<Execution>, Error> {
        if !is_of(&self.state_machine, execution) {
            return Ok(None);
        }
        match self.client.call("DescribeExecution", json!({ "executionArn": execution })).await {
            Ok(answer) => Ok(Some(described(&answer))),
            Err(failed) if does_not_exist(&failed) => Ok(None),
            Err(failed) => Err(error::of_call("states:DescribeExecution", &failed)),
        }
    }

    /// Looks at the latest events first: an e-mail is among the last that an execution does.
    async fn has_published(&self, execution: &str) -> Result<bool, Error> {
        let mut input = json!({
            "executionArn": execution,
            "reverseOrder": true,
            "includeExecutionData": false,
            "maxResults": PAGE,
        });
        loop {
            let page = self.client.call("GetExecutionHistory", input.clone()).await;
            let mut page =
                page.map_err(|failed| error::of_call("states:GetExecutionHistory", &failed))?;
            if items(&mut page, "events").iter().any(is_published) {
                return Ok(true);
            }
            if !goes_on(&mut input, page) {
                return Ok(false);
            }
        }
    }

    async fn stop(&self, execution: &str, cause: &str) -> Result<(), Error> {
        let input = json!({ "executionArn": execution, "cause": cause });
        match self.client.call("StopExecution", input).await {
            Ok(_) => Ok(()),
            Err(failed) if does_not_exist(&failed) => Ok(()),
            Err(failed) => Err(error::of_call("states:StopExecution", &failed)),
        }
    }
}

fn does_not_exist(failed: &Failed) -> bool {
    failed.code() == Some("ExecutionDoesNotExist")
}

/// Takes the items of a page, each an object.
fn items(page: &mut Value, name: &str) -> Vec<Value> {
    match page.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Asks for the page after this one, if there is one.
fn goes_on(input: &mut Value, mut page: Value) -> bool {
    match page.get_mut("nextToken").map(Value::take) {
        Some(token @ Value::String(_)) => {
            if let Some(input) = input.as_object_mut() {
                input.insert("nextToken".to_owned(), token);
            }
            true
        }
        _ => false,
    }
}

fn arn(execution: &Value) -> Option<String> {
    text(execution, "executionArn")
}

fn text(of: &Value, field: &str) -> Option<String> {
    of.get(field)?.as_str().map(ToOwned::to_owned)
}

/// A time in Unix seconds with three decimals, which a float holds only nearly.
fn moment(of: &Value, field: &str) -> Option<Timestamp> {
    let seconds = SignedDuration::try_from_secs_f64(of.get(field)?.as_f64()?).ok()?;
    Timestamp::from_duration(seconds).ok()?.round(Unit::Millisecond).ok()
}

/// Whether an execution is one of the state machine. There are others when the state machine was
/// replaced, and none when a flow log has lost its tag; this function may not ask about either.
fn is_of(state_machine: &str, execution: &str) -> bool {
    let executions = state_machine.replacen(":stateMachine:", ":execution:", 1);
    execution.strip_prefix(&executions).is_some_and(|name| name.starts_with(':'))
}

/// Whether a task of the state machine has handed an e-mail to SNS.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskSucceededEventDetails.html>
fn is_published(event: &Value) -> bool {
    event.get("taskSucceededEventDetails").is_some_and(|task| {
        text(task, "resourceType").as_deref() == Some("sns")
            && text(task, "resource").as_deref() == Some("publish")
    })
}

fn described(answer: &Value) -> Execution {
    let status = answer.get("status").and_then(Value::as_str).unwrap_or_default();
    let input = answer.get("input").and_then(Value::as_str);
    let input = input.and_then(|input| serde_json::from_str(input).ok());
    Execution {
        status: match status {
            "SUCCEEDED" => ExecutionStatus::Succeeded,
            "FAILED" => ExecutionStatus::Failed,
            "TIMED_OUT" => ExecutionStatus::TimedOut,
            "ABORTED" => ExecutionStatus::Aborted,
            _ => ExecutionStatus::Running,
        },
        input: input.unwrap_or_default(),
        error: text(answer, "error"),
        cause: text(answer, "cause"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn succeeded(resource_type: &str, resource: &str) -> Value {
        json!({
            "timestamp": 0,
            "type": "TaskSucceeded",
            "id": 1,
            "taskSucceededEventDetails": { "resourceType": resource_type, "resource": resource },
        })
    }

    #[test]
    fn only_an_e_mail_that_sns_took_counts() {
        assert!(is_published(&succeeded("sns", "publish")));
        assert!(!is_published(&succeeded("lambda", "invoke")));
        assert!(!is_published(&json!({ "type": "ExecutionStarted" })));
    }

    #[test]
    fn an_execution_belongs_to_the_state_machine_that_its_arn_names() {
        let recorder = "arn:aws:states:eu-west-1:123456789012:stateMachine:Recorder";
        let of = |execution: &str| is_of(recorder, execution);
        assert!(of("arn:aws:states:eu-west-1:123456789012:execution:Recorder:e1"));
        assert!(!of("arn:aws:states:eu-west-1:123456789012:execution:Recorder2:e1"));
        assert!(!of(""));
    }

    #[test]
    fn a_status_of_later_times_is_taken_for_running() {
        let described = |status: &str| {
            described(&json!({ "status": status, "input": "{\"natGatewayId\":\"nat-0123abcd\"}" }))
        };
        assert_eq!(described("PENDING_REDRIVE").status, ExecutionStatus::Running);
        let aborted = described("ABORTED");
        assert_eq!(aborted.status, ExecutionStatus::Aborted);
        assert_eq!(aborted.input["natGatewayId"], "nat-0123abcd");
    }

    #[test]
    fn an_execution_ended_at_a_fraction_of_a_second() {
        let ended = json!({ "stopDate": 1_795_257_660.123 });
        let expected = Timestamp::from_millisecond(1_795_257_660_123).unwrap();
        assert_eq!(moment(&ended, "stopDate"), Some(expected));
        assert_eq!(moment(&json!({ "stopDate": null }), "stopDate"), None);
    }

    #[test]
    fn pages_follow_each_other_until_one_names_no_next() {
        let mut input = json!({ "executionArn": "e" });
        assert!(goes_on(&mut input, json!({ "nextToken": "two" })));
        assert_eq!(input, json!({ "executionArn": "e", "nextToken": "two" }));
        assert!(!goes_on(&mut input, json!({ "nextToken": null })));
        assert!(!goes_on(&mut input, json!({})));
    }
}
