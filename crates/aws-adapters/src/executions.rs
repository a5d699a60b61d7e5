use std::collections::BTreeSet;

use aws_sdk_sfn::{
    Client,
    operation::{
        describe_execution::{DescribeExecutionError, DescribeExecutionOutput},
        list_executions::ListExecutionsError,
        stop_execution::StopExecutionError,
    },
    types::{ExecutionListItem, ExecutionStatus as Status, HistoryEvent},
};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;
use recording::{
    Error,
    ports::{Execution, ExecutionStatus, Executions},
};

use crate::error;

/// The executions of a state machine.
#[derive(Clone, Debug)]
pub struct StateMachineExecutions {
    client: Client,
    state_machine: String,
}

/// The most that `ListExecutions` answers at once.
const PAGE: i32 = 1000;

/// So many executions of a status are looked at, those that began last: two days' worth of a
/// stack in which each of 186 gateways fails five times a day.
const LOOKED_AT: usize = 2000;

impl StateMachineExecutions {
    /// The executions of the state machine with this ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, state_machine: String) -> Self {
        Self { client: Client::new(config), state_machine }
    }

    async fn list(&self, status: Status, most: usize) -> Result<Vec<ExecutionListItem>, Error> {
        let call = self.client.list_executions().state_machine_arn(&self.state_machine);
        let mut pages = call.status_filter(status).into_paginator().page_size(PAGE).send();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(page) = pages.next().await
        {
            match page {
                Ok(page) => found.extend(page.executions),
                // Its executions have gone with it.
                Err(failed)
                    if failed
                        .as_service_error()
                        .is_some_and(ListExecutionsError::is_state_machine_does_not_exist) =>
                {
                    break;
                }
                Err(failed) => return Err(error::of_call("states:ListExecutions", &failed)),
            }
        }
        Ok(found)
    }
}

impl Executions for StateMachineExecutions {
    async fn running(&self) -> Result<BTreeSet<String>, Error> {
        let running = self.list(Status::Running, usize::MAX).await?;
        Ok(running.into_iter().map(|execution| execution.execution_arn).collect())
    }

    async fn ended_badly(&self, since: Timestamp) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for status in [Status::Failed, Status::TimedOut, Status::Aborted] {
            let ended = self.list(status, LOOKED_AT).await?;
            let ended = ended.into_iter().filter(|execution| {
                // The local AWS does not say when an execution timed out.
                execution.stop_date.as_ref().and_then(moment).is_none_or(|at| at >= since)
            });
            found.extend(ended.map(|execution| execution.execution_arn));
        }
        Ok(found)
    }

    async fn describe(&self, execution: &str) -> Result<Option<Execution>, Error> {
        if !is_of(&self.state_machine, execution) {
            return Ok(None);
        }
        match self.client.describe_execution().execution_arn(execution).send().await {
            Ok(answer) => Ok(Some(described(answer))),
            Err(failed)
                if failed
                    .as_service_error()
                    .is_some_and(DescribeExecutionError::is_execution_does_not_exist) =>
            {
                Ok(None)
            }
            Err(failed) => Err(error::of_call("states:DescribeExecution", &failed)),
        }
    }

    /// Looks at the latest events first: an e-mail is among the last that an execution does.
    async fn has_published(&self, execution: &str) -> Result<bool, Error> {
        let call = self.client.get_execution_history().execution_arn(execution);
        let call = call.reverse_order(true).include_execution_data(false);
        let mut events = call.into_paginator().items().send();
        while let Some(event) = events.next().await {
            let event = event.map_err(|f| error::of_call("states:GetExecutionHistory", &f))?;
            if is_published(&event) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn stop(&self, execution: &str, cause: &str) -> Result<(), Error> {
        let call = self.client.stop_execution().execution_arn(execution).cause(cause);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(failed)
                if failed
                    .as_service_error()
                    .is_some_and(StopExecutionError::is_execution_does_not_exist) =>
            {
                Ok(())
            }
            Err(failed) => Err(error::of_call("states:StopExecution", &failed)),
        }
    }
}

/// Whether an execution is one of the state machine. There are others when the state machine was
/// replaced, and none when a flow log has lost its tag; this function may not ask about either.
fn is_of(state_machine: &str, execution: &str) -> bool {
    let executions = state_machine.replacen(":stateMachine:", ":execution:", 1);
    execution.strip_prefix(&executions).is_some_and(|name| name.starts_with(':'))
}

/// Whether a task of the state machine has handed an e-mail to SNS.
fn is_published(event: &HistoryEvent) -> bool {
    event
        .task_succeeded_event_details()
        .is_some_and(|task| task.resource_type() == "sns" && task.resource() == "publish")
}

fn described(answer: DescribeExecutionOutput) -> Execution {
    let input = answer.input.as_deref().and_then(|input| serde_json::from_str(input).ok());
    Execution {
        status: match answer.status {
            Status::Succeeded => ExecutionStatus::Succeeded,
            Status::Failed => ExecutionStatus::Failed,
            Status::TimedOut => ExecutionStatus::TimedOut,
            Status::Aborted => ExecutionStatus::Aborted,
            _ => ExecutionStatus::Running,
        },
        input: input.unwrap_or_default(),
        error: answer.error,
        cause: answer.cause,
    }
}

fn moment(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::types::{HistoryEventType, TaskSucceededEventDetails};

    use super::*;

    fn succeeded(resource_type: &str, resource: &str) -> HistoryEvent {
        let task = TaskSucceededEventDetails::builder()
            .resource_type(resource_type)
            .resource(resource)
            .build();
        HistoryEvent::builder()
            .timestamp(DateTime::from_secs(0))
            .r#type(HistoryEventType::TaskSucceeded)
            .id(1)
            .task_succeeded_event_details(task.unwrap())
            .build()
            .unwrap()
    }

    #[test]
    fn only_an_e_mail_that_sns_took_counts() {
        assert!(is_published(&succeeded("sns", "publish")));
        assert!(!is_published(&succeeded("lambda", "invoke")));
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
        let described = |status| {
            let answer = DescribeExecutionOutput::builder()
                .execution_arn("arn")
                .state_machine_arn("arn")
                .status(status)
                .start_date(DateTime::from_secs(0))
                .input("{\"natGatewayId\":\"nat-0123abcd\"}");
            described(answer.build().unwrap())
        };
        assert_eq!(described(Status::PendingRedrive).status, ExecutionStatus::Running);
        let aborted = described(Status::Aborted);
        assert_eq!(aborted.status, ExecutionStatus::Aborted);
        assert_eq!(aborted.input["natGatewayId"], "nat-0123abcd");
    }
}
