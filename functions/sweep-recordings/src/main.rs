//! Lambda function `sweep-recordings`: deletes what recordings left behind, and announces what
//! nobody announced.
//!
//! | variable | value |
//! |---|---|
//! | `STACK_NAME` | the stack's name, which its flow logs have as a tag |
//! | `TABLE_NAME` | the table with one item per gateway |
//! | `STATE_MACHINE_ARN` | the recorder |
//! | `TOPIC_ARN` | the topic of the reports |
//!
//! and those of [`lambda_kit::StackPlace`], as report-recording has them.

mod handler;

use aws_adapters::{
    DynamoDbTable, Ec2FlowLogs, Ec2Gateways, PresignedUrl, SdkConfig, SnsTopic,
    StateMachineExecutions, Stopwatch,
};
use lambda_kit::{RuntimeError, StackPlace, settings};
use recording::{
    Error,
    ports::{Clock, Executions, ExistingGateways, FlowLogs, Items, Table, Topic},
    report::Place,
    sweep::Aws,
};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run_invocations(async |event, invocation| {
        let answer = async |url: &str, text: &str| PresignedUrl(url).put(text).await;
        Box::pin(handler::handle(Stack::read(&config), answer, &event, &invocation)).await
    })
}

struct Stack {
    place: StackPlace,
    state_machine: String,
    table: DynamoDbTable,
    flow_logs: Ec2FlowLogs,
    executions: StateMachineExecutions,
    topic: SnsTopic,
    gateways: Ec2Gateways,
    clock: Stopwatch,
}

impl Stack {
    fn read(config: &SdkConfig) -> Result<Self, Error> {
        let state_machine = settings::text("STATE_MACHINE_ARN")?;
        Ok(Self {
            place: StackPlace::read()?,
            table: DynamoDbTable::new(config, settings::text("TABLE_NAME")?),
            flow_logs: Ec2FlowLogs::existing(config),
            executions: StateMachineExecutions::new(config, state_machine.clone()),
            topic: SnsTopic::new(config, settings::text("TOPIC_ARN")?),
            gateways: Ec2Gateways::new(config),
            clock: Stopwatch::default(),
            state_machine,
        })
    }
}

impl handler::Stack for Stack {
    fn place(&self) -> Place<'_> {
        self.place.place()
    }

    fn state_machine(&self) -> &str {
        &self.state_machine
    }
}

impl Aws for Stack {
    fn table(&self) -> &(impl Table + Items) {
        &self.table
    }

    fn flow_logs(&self) -> &impl FlowLogs {
        &self.flow_logs
    }

    fn executions(&self) -> &impl Executions {
        &self.executions
    }

    fn topic(&self) -> &impl Topic {
        &self.topic
    }

    fn gateways(&self) -> &impl ExistingGateways {
        &self.gateways
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }
}
