//! Lambda function `stop-recording`: deletes the flow logs of a recording and
//! ends its lease, at its end or after a failure.

mod handler;

use aws_adapters::{DynamoDbTable, Ec2FlowLogs};
use lambda_kit::{RuntimeError, settings};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let table = DynamoDbTable::new(&config, settings::text("TABLE_NAME")?);
        let flow_logs = Ec2FlowLogs::existing(&config);
        handler::handle(&table, &flow_logs, &settings::text("STACK_NAME")?, request).await
    })
}
