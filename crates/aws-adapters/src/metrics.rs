use std::collections::BTreeMap;

use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy},
};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;
use recording::{Error, NatGatewayId, ports::GatewayMetrics};
use report::metered::MeteredMinute;

use crate::error;

const OPERATION: &str = "cloudwatch:GetMetricData";

/// Seconds.
const PERIOD: i32 = 60;

/// A metric and where its sum belongs.
type Meter = (&'static str, &'static str, fn(&mut MeteredMinute) -> &mut u64);

/// By the ID in the request, which begins with a small letter.
const METERS: [Meter; 4] = [
    ("upload", "BytesInFromSource", |minute| &mut minute.upload_bytes),
    ("download", "BytesInFromDestination", |minute| &mut minute.download_bytes),
    ("errors", "ErrorPortAllocation", |minute| &mut minute.port_allocation_errors),
    ("dropped", "PacketsDropCount", |minute| &mut minute.dropped_packets),
];

/// The metrics of `AWS/NATGateway`.
#[derive(Clone, Debug)]
pub struct CloudWatchMetrics {
    client: Client,
}

impl CloudWatchMetrics {
    /// The metrics of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl GatewayMetrics for CloudWatchMetrics {
    async fn minutes(
        &self,
        gateway: &NatGatewayId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<MeteredMinute>, Error> {
        let call = self.client.get_metric_data().scan_by(ScanBy::TimestampAscending);
        let call = call.start_time(DateTime::from_secs(from.as_second().div_euclid(60) * 60));
        let call = call.end_time(DateTime::from_secs(to.as_second()));
        let call =
            call.set_metric_data_queries(Some(METERS.map(|meter| query(gateway, meter)).into()));
        let mut pages = call.into_paginator().send();
        let mut minutes = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|failed| error::of_call(OPERATION, &failed))?;
            page.metric_data_results().iter().for_each(|result| add(&mut minutes, result));
        }
        Ok(minutes.into_values().collect())
    }
}

fn query(gateway: &NatGatewayId, (id, name, _): Meter) -> MetricDataQuery {
    let dimension = Dimension::builder().name("NatGatewayId").value(gateway.as_str()).build();
    let metric = Metric::builder().namespace("AWS/NATGateway").metric_name(name);
    let sums = MetricStat::builder().metric(metric.dimensions(dimension).build());
    let sums = sums.stat("Sum").period(PERIOD).build();
    MetricDataQuery::builder().id(id).metric_stat(sums).build()
}

fn add(minutes: &mut BTreeMap<Timestamp, MeteredMinute>, result: &MetricDataResult) {
    let Some((.., sum_of)) = METERS.iter().find(|(id, ..)| result.id() == Some(id)) else { return };
    for (at, sum) in result.timestamps().iter().zip(result.values()) {
        let Ok(at) = Timestamp::from_second(at.secs()) else { continue };
        let minute =
            minutes.entry(at).or_insert_with(|| MeteredMinute { at, ..Default::default() });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let sum = sum.round() as u64;
        *sum_of(minute) = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_the_sums_of_all_metrics() {
        let result = |id: &str, points: &[(i64, f64)]| {
            let (times, sums) = points.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>();
            let times = times.into_iter().map(DateTime::from_secs).collect();
            let result = MetricDataResult::builder().id(id).set_timestamps(Some(times));
            result.set_values(Some(sums)).build()
        };
        let mut minutes = BTreeMap::new();
        add(&mut minutes, &result("upload", &[(60, 1.0), (180, 2.0)]));
        add(&mut minutes, &result("download", &[(60, 4.0e12)]));
        add(&mut minutes, &result("something else", &[(240, 1.0)]));

        let at = |second| Timestamp::from_second(second).unwrap();
        let minute = |at, upload_bytes, download_bytes| MeteredMinute {
            at,
            upload_bytes,
            download_bytes,
            ..Default::default()
        };
        let expected = [minute(at(60), 1, 4_000_000_000_000), minute(at(180), 2, 0)];
        assert_eq!(minutes.into_values().collect::<Vec<_>>(), expected);
    }
}
