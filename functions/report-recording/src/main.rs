//! Lambda function `report-recording`: finds out who caused the spike, and writes the e-mail.

mod handler;

use aws_adapters::{
    CloudWatchMetrics, Ec2Gateways, Ec2NetworkInterfaces, Ec2VpcEndpoints, LogsInsights,
    PublishedRanges, SdkConfig, Stopwatch,
};
use lambda_kit::{RuntimeError, settings};
use recording::{
    Error,
    bucket::Bucket,
    ports::{
        AddressRanges, Clock, GatewayMetrics, Gateways, LogsQueries, NetworkInterfaces,
        VpcEndpoints,
    },
    report::{Destination, Place, Records, Sources},
};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let settings = Settings::read()?;
        let sources = Aws::new(&config);
        handler::handle(settings.place(), &sources, request).await
    })
}

/// The account and region that the function runs in.
struct Aws {
    logs: LogsInsights,
    metrics: CloudWatchMetrics,
    gateways: Ec2Gateways,
    interfaces: Ec2NetworkInterfaces,
    endpoints: Ec2VpcEndpoints,
    clock: Stopwatch,
}

impl Aws {
    fn new(config: &SdkConfig) -> Self {
        Self {
            logs: LogsInsights::new(config),
            metrics: CloudWatchMetrics::new(config),
            gateways: Ec2Gateways::new(config),
            interfaces: Ec2NetworkInterfaces::new(config),
            endpoints: Ec2VpcEndpoints::new(config),
            clock: Stopwatch::default(),
        }
    }
}

impl Sources for Aws {
    fn logs(&self) -> &impl LogsQueries {
        &self.logs
    }

    fn metrics(&self) -> &impl GatewayMetrics {
        &self.metrics
    }

    fn gateways(&self) -> &impl Gateways {
        &self.gateways
    }

    fn interfaces(&self) -> &impl NetworkInterfaces {
        &self.interfaces
    }

    fn endpoints(&self) -> &impl VpcEndpoints {
        &self.endpoints
    }

    fn ranges(&self) -> &impl AddressRanges {
        &PublishedRanges
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }
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

impl Where {
    fn log_group() -> Result<Self, Error> {
        Ok(Self::LogGroup { name: settings::text("LOG_GROUP_NAME")?, destination: destination() })
    }

    fn bucket() -> Result<Self, Error> {
        Ok(Self::Bucket {
            folder: settings::text("FOLDER")?,
            work_group: settings::text("WORK_GROUP")?,
        })
    }
}

impl Settings {
    fn read() -> Result<Self, Error> {
        let destinations = [("cloudwatch-logs", false), ("s3", true)];
        let is_bucket = settings::one_of("FLOW_LOG_DESTINATION", &destinations)?;
        let records = if is_bucket { Where::bucket() } else { Where::log_group() }?;
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
