//! The events that call the sweeper: its schedule's and those of executions that ended.

use recording::ports::ExecutionStatus;
use recording::sweep::Request;
use serde_json::{Value, json};

/// The state machine of the corpus.
const STATE_MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:Recorder";

/// An event asks for everything, tells of an execution that ended badly or is refused. Only an
/// execution of the state machine is told of, with nothing but what the event says, and whatever
/// else the event holds changes nothing.
pub fn check(input: &[u8]) {
    let Ok(mut event) = serde_json::from_slice::<Value>(input) else { return };
    let read = Request::read(&event, STATE_MACHINE);
    if let Ok(Request::Ended(ended)) = &read {
        let detail = &event["detail"];
        assert_eq!(detail["stateMachineArn"], STATE_MACHINE);
        assert_eq!(detail["executionArn"], ended.execution.as_str());
        assert_eq!(detail["status"], name_of(ended.outcome.status));
        assert_eq!(detail["cause"].as_str(), ended.outcome.cause.as_deref());
        assert_eq!(detail["error"].as_str(), ended.outcome.error.as_deref());
        assert!(detail["input"].is_string() || ended.gateway().is_none());
    }
    if let Some(fields) = event.as_object_mut() {
        fields.insert("resources".to_owned(), json!(["of no account"]));
    }
    assert_eq!(Request::read(&event, STATE_MACHINE), read);
}

fn name_of(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Aborted => "ABORTED",
        ExecutionStatus::Failed => "FAILED",
        ExecutionStatus::TimedOut => "TIMED_OUT",
        ExecutionStatus::Running | ExecutionStatus::Succeeded => {
            panic!("{status:?} is no bad end")
        }
    }
}
