//! The alarms that a stack has for its gateways.

use aws_sdk_cloudwatch::{
    Client,
    types::{AlarmType, MetricAlarm},
};
use aws_types::SdkConfig;
use jiff::Timestamp;

use crate::ReadError;

/// What stands between a stack's name and a gateway's ID in an alarm's name.
const SEPARATOR: &str = "/";

/// The alarms of an account and region.
#[derive(Clone, Debug)]
pub struct Alarms {
    client: Client,
}

/// The alarm of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAlarm {
    /// `nat-…`
    pub nat_gateway_id: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether it may start anything.
    pub has_actions: bool,
}

impl Alarms {
    /// The alarms of the configuration's account and region.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config) })
    }

    /// A stack's alarms, which are called `STACK/nat-…`, in the order of their gateways.
    pub async fn of_stack(&self, stack: &str) -> Result<Vec<GatewayAlarm>, ReadError> {
        const OPERATION: &str = "cloudwatch:DescribeAlarms";
        let call = self.client.describe_alarms().alarm_types(AlarmType::MetricAlarm);
        let call = call.alarm_name_prefix(format!("{stack}{SEPARATOR}nat-"));
        let mut pages = call.into_paginator().send();
        let mut alarms = vec![];
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            alarms.extend(page.metric_alarms().iter().filter_map(gateway_alarm));
        }
        alarms.sort_by(|one, other| one.nat_gateway_id.cmp(&other.nat_gateway_id));
        Ok(alarms)
    }
}

fn gateway_alarm(alarm: &MetricAlarm) -> Option<GatewayAlarm> {
    let (_, nat_gateway_id) = alarm.alarm_name()?.rsplit_once(SEPARATOR)?;
    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    Some(GatewayAlarm {
        nat_gateway_id: nat_gateway_id.to_owned(),
        state: alarm.state_value().map_or("unknown", |state| state.as_str()).to_owned(),
        since: since.and_then(|since| Timestamp::from_second(since.secs()).ok()),
        has_actions: alarm.actions_enabled().unwrap_or(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_what_follows_the_stack() {
        let alarm = |name: &str| MetricAlarm::builder().alarm_name(name).build();
        let of = |name: &str| gateway_alarm(&alarm(name)).map(|alarm| alarm.nat_gateway_id);
        assert_eq!(of("recorder/nat-0123abcd").as_deref(), Some("nat-0123abcd"));
        assert_eq!(of("nat-0123abcd"), None);
    }
}
