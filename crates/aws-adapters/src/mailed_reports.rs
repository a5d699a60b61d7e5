//! The reports that a stack's recordings were mailed with, as its executions keep them.

use std::ops::ControlFlow;

use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, StateMachineListItem},
};
use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;

use crate::ReadError;

/// `CloudFormation` names a state machine by its logical ID alone, without the stack.
const LOGICAL_ID: &str = "Recorder-";
/// Where `CloudFormation` says which stack something is of.
const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// The executions of an account and region.
#[derive(Clone, Debug)]
pub struct MailedReports {
    client: Client,
}

/// The report of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailedReport {
    /// The ARN of the execution that recorded.
    pub execution: String,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// `nat-…`
    pub nat_gateway_id: String,
    /// The e-mail's subject.
    pub subject: String,
    /// The e-mail's text.
    pub body: String,
    /// What programs got.
    pub json: String,
}

impl MailedReports {
    /// The executions of the configuration's account and region.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config) })
    }

    /// The ARNs of the recorders that `CloudFormation` made for a stack of this name.
    pub async fn state_machines(&self, stack: &str) -> Result<Vec<String>, ReadError> {
        const OPERATION: &str = "states:ListStateMachines";
        let mut machines = self.client.list_state_machines().into_paginator().items().send();
        let mut found = vec![];
        while let Some(machine) = machines.next().await {
            let machine = machine.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            if self.is_of_stack(&machine, stack).await? {
                found.push(machine.state_machine_arn().to_owned());
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn is_of_stack(
        &self,
        machine: &StateMachineListItem,
        stack: &str,
    ) -> Result<bool, ReadError> {
        const OPERATION: &str = "states:ListTagsForResource";
        match machine.name().split_once(LOGICAL_ID) {
            Some(("", _)) => {}
            // moto puts the stack's name first.
            Some((before, _)) => return Ok(before.strip_suffix('-') == Some(stack)),
            None => return Ok(false),
        }
        let call = self.client.list_tags_for_resource().resource_arn(machine.state_machine_arn());
        let answer = call.send().await.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        let mut tags = answer.tags().iter();
        Ok(tags.any(|tag| tag.key() == Some(STACK_TAG) && tag.value() == Some(stack)))
    }

    /// The definition of a state machine, in JSON.
    pub async fn definition(&self, state_machine: &str) -> Result<String, ReadError> {
        const OPERATION: &str = "states:DescribeStateMachine";
        let call = self.client.describe_state_machine().state_machine_arn(state_machine);
        let answer = call.send().await.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        Ok(answer.definition().to_owned())
    }

    /// Shows the reports of a state machine's executions to `take`, those started last first,
    /// until it breaks. Returns how many executions were looked at: those that ended well, at
    /// most so many. Those that recorded nothing have no report.
    pub async fn visit(
        &self,
        state_machine: &str,
        most: usize,
        mut take: impl FnMut(MailedReport) -> ControlFlow<()>,
    ) -> Result<usize, ReadError> {
        const OPERATION: &str = "states:ListExecutions";
        let call = self.client.list_executions().state_machine_arn(state_machine);
        // A recording that failed has no output.
        let call = call.status_filter(ExecutionStatus::Succeeded);
        let mut executions = call.into_paginator().page_size(100).items().send();
        let mut looked_at = 0;
        while looked_at < most
            && let Some(execution) = executions.next().await
        {
            let execution = execution.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            looked_at += 1;
            let report = self.report(execution.execution_arn()).await?;
            if report.is_some_and(|report| take(report).is_break()) {
                break;
            }
        }
        Ok(looked_at)
    }

    async fn report(&self, execution: &str) -> Result<Option<MailedReport>, ReadError> {
        const OPERATION: &str = "states:DescribeExecution";
        let call = self.client.describe_execution().execution_arn(execution);
        let answer = call.send().await.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        Ok(mailed(&answer))
    }
}

fn mailed(execution: &DescribeExecutionOutput) -> Option<MailedReport> {
    let state: Value = serde_json::from_str(execution.output()?).ok()?;
    let text = |pointer| state.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let ended = execution.stop_date();
    Some(MailedReport {
        execution: execution.execution_arn().to_owned(),
        ended: ended.and_then(|ended| Timestamp::from_second(ended.secs()).ok()),
        nat_gateway_id: text("/recording/natGatewayId")?,
        subject: text("/email/subject")?,
        body: text("/email/body")?,
        json: text("/email/json")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(output: &str) -> Option<MailedReport> {
        let execution = DescribeExecutionOutput::builder()
            .execution_arn("arn")
            .state_machine_arn("arn")
            .status(ExecutionStatus::Succeeded)
            .start_date(aws_smithy_types::DateTime::from_secs(0))
            .stop_date(aws_smithy_types::DateTime::from_secs(60))
            .output(output);
        mailed(&execution.build().unwrap())
    }

    #[test]
    fn a_recording_s_output_has_its_report() {
        let report = of(r#"{
            "recording": {"natGatewayId": "nat-1"},
            "email": {"subject": "s", "body": "b", "json": "{}"}
        }"#)
        .unwrap();
        assert_eq!((report.nat_gateway_id.as_str(), report.subject.as_str()), ("nat-1", "s"));
        assert_eq!(report.ended, Timestamp::from_second(60).ok());
    }

    #[test]
    fn what_recorded_nothing_has_none() {
        assert_eq!(of(r#"{"decision": "quotaReached", "natGatewayId": "nat-1"}"#), None);
        assert_eq!(of("null"), None);
    }
}
