//! Lambda function `start-recording`: creates the flow logs of a recording.

mod handler;

use aws_adapters::{Delivery, DynamoDbTable, Ec2FlowLogs, Ec2Gateways, FileFormat};
use lambda_kit::{RuntimeError, settings};
use recording::Error;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let aws = handler::Aws {
            table: DynamoDbTable::new(&config, settings::text("TABLE_NAME")?),
            gateways: Ec2Gateways::new(&config),
            flow_logs: Ec2FlowLogs::new(&config, delivery()?),
        };
        handler::handle(&aws, &settings::text("STACK_NAME")?, request).await
    })
}

/// The parameter `FlowLogDestination`.
#[derive(Clone, Copy)]
enum Destination {
    LogGroup,
    Bucket,
}

fn delivery() -> Result<Delivery, Error> {
    let destinations = [("cloudwatch-logs", Destination::LogGroup), ("s3", Destination::Bucket)];
    match settings::one_of("FLOW_LOG_DESTINATION", &destinations)? {
        Destination::LogGroup => log_group(),
        Destination::Bucket => bucket(),
    }
}

fn log_group() -> Result<Delivery, Error> {
    Ok(Delivery::LogGroup {
        name: settings::text("LOG_GROUP_NAME")?,
        role_arn: settings::text("DELIVERY_ROLE_ARN")?,
    })
}

fn bucket() -> Result<Delivery, Error> {
    let formats = [("text", FileFormat::Text), ("parquet", FileFormat::Parquet)];
    Ok(Delivery::Bucket {
        folder_arn: settings::text("FOLDER_ARN")?,
        file_format: settings::one_of("FILE_FORMAT", &formats)?,
    })
}
