//! What calls the sweeper, beside `CloudFormation`.

use serde::Deserialize;
use serde_json::Value;

use super::announce::gateway_of;
use crate::{
    Error, NatGatewayId,
    ports::{Execution, ExecutionStatus},
};

/// What is asked of the sweeper.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Look after everything: from the schedule, or from somebody who calls it with `{}`.
    Everything,
    /// Look after an execution that has ended badly.
    Ended(Box<Ended>),
}

/// An execution that has ended badly.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The execution's ARN.
    pub execution: String,
    /// How it ended.
    pub outcome: Execution,
}

impl Ended {
    /// The gateway that it was about, unless its input was refused.
    #[must_use]
    pub fn gateway(&self) -> Option<NatGatewayId> {
        gateway_of(Some(&self.outcome))
    }
}

/// <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    execution_arn: String,
    state_machine_arn: String,
    status: String,
    /// JSON inside a string; missing when it is too large for an event.
    input: Option<String>,
    error: Option<String>,
    cause: Option<String>,
}

impl Request {
    /// Reads an event. Executions of other state machines, and those that have not ended badly,
    /// are refused.
    pub fn read(event: &Value, state_machine: &str) -> Result<Self, Error> {
        match event.get("detail-type").and_then(Value::as_str) {
            Some("Step Functions Execution Status Change") => {
                let detail = event.get("detail").unwrap_or(&Value::Null);
                let detail = Detail::deserialize(detail).map_err(|error| {
                    Error::EventRefused(format!(
                        "the event of an execution cannot be read: {error}"
                    ))
                })?;
                ended(detail, state_machine).map(Box::new).map(Self::Ended)
            }
            None | Some("Scheduled Event") => Ok(Self::Everything),
            Some(other) => Err(Error::EventRefused(format!(
                "the event is {other:?}, expected {{}}, \"Scheduled Event\" or \"Step Functions \
                 Execution Status Change\""
            ))),
        }
    }
}

fn ended(detail: Detail, state_machine: &str) -> Result<Ended, Error> {
    if detail.state_machine_arn != state_machine {
        return Err(Error::EventRefused(format!(
            "the execution is one of {}, expected one of {state_machine}",
            detail.state_machine_arn
        )));
    }
    let status = match detail.status.as_str() {
        "ABORTED" => ExecutionStatus::Aborted,
        "FAILED" => ExecutionStatus::Failed,
        "TIMED_OUT" => ExecutionStatus::TimedOut,
        other => {
            return Err(Error::EventRefused(format!(
                "the execution is {other}, expected ABORTED, FAILED or TIMED_OUT"
            )));
        }
    };
    let input = detail.input.as_deref().and_then(|input| serde_json::from_str(input).ok());
    let outcome = Execution {
        status,
        input: input.unwrap_or_default(),
        error: detail.error,
        cause: detail.cause,
    };
    Ok(Ended { execution: detail.execution_arn, outcome })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:Recorder";

    fn event(status: &str, machine: &str) -> Value {
        json!({
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "detail": {
                "executionArn": "arn:aws:states:eu-west-1:123456789012:execution:Recorder:e1",
                "stateMachineArn": machine,
                "name": "e1",
                "status": status,
                "startDate": 1_795_257_600_000_i64,
                "stopDate": 1_795_257_660_123_i64,
                "input": "{\"natGatewayId\":\"nat-0123abcd\"}",
                "output": null,
                "error": null,
                "cause": "enough",
            },
        })
    }

    #[test]
    fn an_execution_that_ended_badly_is_read_with_its_input() {
        for (status, expected) in [
            ("ABORTED", ExecutionStatus::Aborted),
            ("FAILED", ExecutionStatus::Failed),
            ("TIMED_OUT", ExecutionStatus::TimedOut),
        ] {
            let Request::Ended(ended) = Request::read(&event(status, MACHINE), MACHINE).unwrap()
            else {
                panic!("{status}")
            };
            assert_eq!(ended.outcome.status, expected);
            assert_eq!(ended.outcome.input["natGatewayId"], "nat-0123abcd");
            assert_eq!(ended.outcome.cause.as_deref(), Some("enough"));
        }
    }

    #[test]
    fn the_schedule_and_people_ask_for_everything() {
        let scheduled = json!({ "detail-type": "Scheduled Event", "detail": "{}" });
        for event in [json!({}), Value::Null, scheduled] {
            assert_eq!(Request::read(&event, MACHINE), Ok(Request::Everything));
        }
    }

    #[test]
    fn what_did_not_end_badly_here_is_refused() {
        let running = event("RUNNING", MACHINE);
        let foreign = event("FAILED", "another");
        let alarm = json!({ "detail-type": "CloudWatch Alarm State Change" });
        let torn = json!({ "detail-type": "Step Functions Execution Status Change" });
        for (event, named) in [
            (running, "RUNNING"),
            (foreign, "another"),
            (alarm, "CloudWatch Alarm"),
            (torn, "cannot be read"),
        ] {
            let error = Request::read(&event, MACHINE).unwrap_err();
            assert!(matches!(error, Error::EventRefused(_)));
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
