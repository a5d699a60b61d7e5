//! What CloudWatch metered of a gateway over days.

use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricStat, StatusCode},
};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;

use crate::ReadError;

const SECONDS_PER_DAY: i64 = 86_400;

/// A sum for each hour: CloudWatch keeps those for 15 months.
const PERIOD_SECONDS: i32 = 3600;

/// Both directions: every byte that enters is billed.
const METRICS: [(&str, &str); 2] =
    [("source", "BytesInFromSource"), ("destination", "BytesInFromDestination")];

/// The metrics of `AWS/NATGateway`, for an account and region.
#[derive(Clone, Debug)]
pub struct MeteredBytes {
    client: Client,
}

impl MeteredBytes {
    /// The metrics of the configuration's account and region.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config) })
    }

    /// The bytes that a gateway took in during so many days before `now`; nothing if CloudWatch
    /// has no data point of it.
    pub async fn of_days(
        &self,
        nat_gateway_id: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<Option<u64>, ReadError> {
        const OPERATION: &str = "cloudwatch:GetMetricData";
        let until = now.as_second();
        let from = until - i64::from(days) * SECONDS_PER_DAY;
        let queries = METRICS.map(|(id, name)| query(id, name, nat_gateway_id));
        let call = self.client.get_metric_data().set_metric_data_queries(Some(queries.into()));
        let call = call.start_time(DateTime::from_secs(from)).end_time(DateTime::from_secs(until));
        let mut pages = call.into_paginator().send();
        let mut bytes = None;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            for result in page.metric_data_results() {
                if let Some(StatusCode::InternalError | StatusCode::Forbidden) =
                    result.status_code()
                {
                    let reason = format!("{OPERATION}: a part of the metrics was not answered");
                    return Err(ReadError::Unusable(reason));
                }
                for sum in result.values() {
                    *bytes.get_or_insert(0_u64) += whole(*sum);
                }
            }
        }
        Ok(bytes)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn whole(sum: f64) -> u64 {
    sum.round() as u64
}

fn query(id: &str, name: &str, nat_gateway_id: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name("NatGatewayId").value(nat_gateway_id).build();
    let metric = Metric::builder().namespace("AWS/NATGateway").metric_name(name);
    let sums = MetricStat::builder().metric(metric.dimensions(dimension).build());
    let sums = sums.stat("Sum").period(PERIOD_SECONDS).build();
    MetricDataQuery::builder().id(id).metric_stat(sums).build()
}
