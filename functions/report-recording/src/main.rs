//! Lambda function `report-recording`: finds out who caused the spike, and writes the e-mail.

mod handler;

use aws_adapters::{
    CloudWatchMetrics, Ec2Gateways, Ec2NetworkInterfaces, Ec2VpcEndpoints, LogsInsights,
    PublishedRanges, Stopwatch,
};
use lambda_kit::{RuntimeError, settings};
use recording::{
    Error,
    bucket::Bucket,
    report::{Destination, Place, Records, Sources},
};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let settings = Settings::read()?;
        let sources = Sources {
            logs: &LogsInsights::new(&config),
            metrics: &CloudWatchMetrics::new(&config),
            gateways: &Ec2Gateways::new(&config),
            interfaces: &Ec2NetworkInterfaces::new(&config),
            endpoints: &Ec2VpcEndpoints::new(&config),
            ranges: &PublishedRanges,
            clock: &Stopwatch::default(),
        };
        handler::handle(settings.place(), &sources, request).await
    })
}

/// What the stack's template says.
struct Settings {
    stack: String,
    records: Where,
}

enum Where {
    LogGroup { name: String, destination: Destination },
    Bucket { folder: String, work_group: String },
}

impl Settings {
    fn read() -> Result<Self, Error> {
        let records = match settings::text("FLOW_LOG_DESTINATION").as_deref() {
            Ok("s3") => Where::Bucket {
                folder: settings::text("FOLDER")?,
                work_group: settings::text("WORK_GROUP")?,
            },
            _ => Where::LogGroup {
                name: settings::text("LOG_GROUP_NAME")?,
                destination: destination(),
            },
        };
        Ok(Self { stack: settings::text("STACK_NAME")?, records })
    }

    fn place(&self) -> Place<'_> {
        let records = match &self.records {
            Where::LogGroup { name, destination } => {
                Records::LogGroup { name, destination: *destination }
            }
            Where::Bucket { folder, work_group } => Records::Bucket(Bucket { folder, work_group }),
        };
        Place { stack: &self.stack, records }
    }
}

/// The class decides about the price alone, so a stack that does not say it is no failure.
fn destination() -> Destination {
    match settings::text("LOG_GROUP_CLASS").as_deref() {
        Ok("STANDARD") => Destination::Standard,
        _ => Destination::InfrequentAccess,
    }
}
