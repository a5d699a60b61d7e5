use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use lambda_kit::Invocation;
use recording::{
    NatGatewayId,
    ports::{
        Clock, Created, Execution, Executions, ExistingGateways, FlowLogOrder, FlowLogs, Items,
        Table, Tag, TaggedFlowLog, Topic,
    },
    report::{Destination, Email, Records},
    table::{Item, Outcome, Write},
};
use serde_json::json;

use super::*;

/// A stack in which there is nothing to sweep, if Step Functions answers.
#[derive(Clone, Copy)]
enum Quiet {
    Answers,
    Hangs,
    Panics,
}

impl Stack for Quiet {
    fn place(&self) -> Place<'_> {
        let destination = Destination::InfrequentAccess;
        Place { stack: "recorder", records: Records::LogGroup { name: "records", destination } }
    }

    fn state_machine(&self) -> &'static str {
        "recorder"
    }
}

impl Aws for Quiet {
    fn table(&self) -> &(impl Table + Items) {
        self
    }

    fn flow_logs(&self) -> &impl FlowLogs {
        self
    }

    fn executions(&self) -> &impl Executions {
        self
    }

    fn topic(&self) -> &impl Topic {
        self
    }

    fn gateways(&self) -> &impl ExistingGateways {
        self
    }

    fn clock(&self) -> &impl Clock {
        self
    }
}

impl Executions for Quiet {
    async fn running(&self) -> Result<BTreeSet<String>, Error> {
        match self {
            Self::Answers => Ok(BTreeSet::new()),
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("a defect"),
        }
    }

    async fn ended_badly(&self, _: Timestamp) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    async fn describe(&self, _: &str) -> Result<Option<Execution>, Error> {
        Ok(None)
    }

    async fn has_published(&self, _: &str) -> Result<bool, Error> {
        Ok(false)
    }

    async fn stop(&self, _: &str, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

impl FlowLogs for Quiet {
    async fn create(&self, _: &FlowLogOrder) -> Result<Created, Error> {
        panic!("a sweep creates nothing")
    }

    async fn find(&self, _: &[Tag]) -> Result<Vec<TaggedFlowLog>, Error> {
        Ok(Vec::new())
    }

    async fn on_resources(&self, _: &[String]) -> Result<Vec<TaggedFlowLog>, Error> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &[String]) -> Result<(), Error> {
        panic!("there is nothing to delete")
    }
}

impl Table for Quiet {
    async fn write(&self, _: &NatGatewayId, _: Write) -> Result<Outcome, Error> {
        panic!("there is nothing to write")
    }
}

impl Items for Quiet {
    async fn items(&self) -> Result<Vec<(NatGatewayId, Item)>, Error> {
        Ok(Vec::new())
    }
}

impl Topic for Quiet {
    async fn publish(&self, _: &Email) -> Result<(), Error> {
        panic!("there is nothing to say")
    }
}

impl ExistingGateways for Quiet {
    async fn existing(
        &self,
        gateways: &BTreeSet<NatGatewayId>,
    ) -> Result<BTreeSet<NatGatewayId>, Error> {
        Ok(gateways.clone())
    }
}

impl Clock for Quiet {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

fn request(kind: &str) -> Value {
    json!({
        "RequestType": kind,
        "ResponseURL": "https://bucket.example/answer",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/recorder/0f",
        "RequestId": "r-1",
        "LogicalResourceId": "Recordings",
    })
}

/// Status and reason that `CloudFormation` is told.
fn told(stack: Result<Quiet, Error>, event: &Value, time: Duration) -> (String, String) {
    let answers = RefCell::new(Vec::new());
    let answer = async |url: &str, text: &str| {
        assert_eq!(url, "https://bucket.example/answer");
        answers.borrow_mut().push(text.to_owned());
        Ok(())
    };
    let invocation = Invocation { request_id: "i-1".to_owned(), time_left: ANSWER_TAKES + time };
    block_on(handle(stack, answer, event, &invocation)).unwrap();
    let [answer] = <[String; 1]>::try_from(answers.into_inner()).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["PhysicalResourceId"], "recorder-recordings");
    let text = |key: &str| answer[key].as_str().unwrap().to_owned();
    (text("Status"), text("Reason"))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(work)
}

const TIME: Duration = Duration::from_mins(4);

#[test]
fn creating_and_updating_touch_nothing_and_succeed() {
    for kind in ["Create", "Update"] {
        let (status, _) = told(Ok(Quiet::Panics), &request(kind), TIME);
        assert_eq!(status, "SUCCESS", "{kind}");
    }
}

#[test]
fn a_stack_without_recordings_is_deleted() {
    assert_eq!(told(Ok(Quiet::Answers), &request("Delete"), TIME).0, "SUCCESS");
}

#[test]
fn cloudformation_is_answered_whatever_happens() {
    let unset = Error::SettingsWrong {
        name: "TOPIC_ARN".to_owned(),
        found: "not set".to_owned(),
        expected: "a topic",
    };
    for (stack, kind, time, said) in [
        (Ok(Quiet::Panics), "Delete", TIME, "a defect"),
        (Ok(Quiet::Hangs), "Delete", Duration::from_millis(10), "not done"),
        (Err(unset), "Delete", TIME, "TOPIC_ARN"),
        (Ok(Quiet::Answers), "Rollback", TIME, "Rollback"),
    ] {
        let (status, reason) = told(stack, &request(kind), time);
        assert_eq!(status, "FAILED", "{reason}");
        assert!(reason.contains(said), "{reason}");
    }
}

/// Lambda tries again: `CloudFormation` still waits.
#[test]
fn an_answer_that_does_not_arrive_is_an_error() {
    let lost = async |_: &str, _: &str| {
        Err(Error::Transient { operation: "PUT", message: "no answer".to_owned() })
    };
    let invocation = Invocation { request_id: "i-1".to_owned(), time_left: ANSWER_TAKES + TIME };
    let failed = block_on(handle(Ok(Quiet::Answers), lost, &request("Create"), &invocation));
    assert_eq!(failed.unwrap_err().name(), "Transient");
}

#[test]
fn the_schedule_sweeps_and_answers_nobody() {
    let answer = async |_: &str, _: &str| panic!("nobody asked");
    let invocation = Invocation { request_id: "i-1".to_owned(), time_left: TIME };
    block_on(handle(Ok(Quiet::Answers), answer, &json!({}), &invocation)).unwrap();
    let alarm = json!({ "detail-type": "CloudWatch Alarm State Change" });
    let refused = block_on(handle(Ok(Quiet::Answers), answer, &alarm, &invocation));
    assert_eq!(refused.unwrap_err().name(), "EventRefused");
}
