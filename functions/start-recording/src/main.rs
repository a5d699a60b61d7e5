//! Lambda function `start-recording`: creates the flow logs of a recording.

mod handler;

use aws_adapters::{Delivery, DynamoDbTable, Ec2FlowLogs, Ec2Gateways};
use lambda_kit::{RuntimeError, settings};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let delivery = Delivery {
            log_group: settings::text("LOG_GROUP_NAME")?,
            role_arn: settings::text("DELIVERY_ROLE_ARN")?,
        };
        let aws = handler::Aws {
            table: DynamoDbTable::new(&config, settings::text("TABLE_NAME")?),
            gateways: Ec2Gateways::new(&config),
            flow_logs: Ec2FlowLogs::new(&config, delivery),
        };
        handler::handle(&aws, &settings::text("STACK_NAME")?, request).await
    })
}
