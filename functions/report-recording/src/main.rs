//! Lambda function `report-recording`: finds out who caused the spike, and writes the e-mail.

mod handler;

use aws_adapters::{
    CloudWatchMetrics, Ec2Gateways, Ec2NetworkInterfaces, Ec2VpcEndpoints, LogsInsights,
    PublishedRanges, SdkConfig, Stopwatch,
};
use lambda_kit::{RuntimeError, StackPlace};
use recording::{
    ports::{
        AddressRanges, Clock, GatewayMetrics, Gateways, LogsQueries, NetworkInterfaces,
        VpcEndpoints,
    },
    report::Sources,
};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let place = StackPlace::read()?;
        let sources = Aws::new(&config);
        handler::handle(place.place(), &sources, request).await
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
