//! Reading every event of a log group.

mod windows;

use aws_sdk_cloudwatchlogs::{Client, types::LogGroupClass};
use aws_types::SdkConfig;
use jiff::Timestamp;

use crate::{LogsInsights, ReadError, Stopwatch};

pub use windows::Queried;

const SECONDS_PER_DAY: i64 = 86_400;

/// The log groups of an account and region.
#[derive(Clone, Debug)]
pub struct LogGroups {
    client: Client,
    insights: LogsInsights,
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Its ARN, without `:*`.
    pub arn: String,
    /// Whether its class is `INFREQUENT_ACCESS`, which can be queried but not read.
    pub is_infrequent_access: bool,
    /// The first second that can be queried: its creation, or its retention.
    pub first_second: i64,
}

/// Whole seconds, from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds {
    /// The first, in Unix seconds; none stands for the beginning of the log group.
    pub from: Option<i64>,
    /// The first that does not count, in Unix seconds.
    pub until: i64,
}

/// The events of a log group.
#[derive(Debug)]
pub enum LogEvents {
    /// Of the class `STANDARD`: page by page.
    Filtered(Filtered),
    /// Of the class `INFREQUENT_ACCESS`: answer by answer.
    Queried(Queried<LogsInsights, Stopwatch>),
}

impl LogGroups {
    /// The log groups of the configuration's account and region.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config), insights: LogsInsights::new(config) })
    }

    /// The log group of this name; none if there is none.
    pub async fn find(&self, name: &str, now: Timestamp) -> Result<Option<LogGroup>, ReadError> {
        const OPERATION: &str = "logs:DescribeLogGroups";
        let call = self.client.describe_log_groups().log_group_name_prefix(name);
        let mut pages = call.into_paginator().items().send();
        while let Some(group) = pages.next().await {
            let group = group.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            if group.log_group_name() == Some(name) {
                return described(name, &group, now).map(Some);
            }
        }
        Ok(None)
    }

    /// The names of a log group's subscription filters.
    pub async fn subscriptions(&self, name: &str) -> Result<Vec<String>, ReadError> {
        let call = self.client.describe_subscription_filters().log_group_name(name);
        let answer = call.send().await;
        let operation = "logs:DescribeSubscriptionFilters";
        let answer = answer.map_err(|error| ReadError::of_call(operation, &error))?;
        let filters = answer.subscription_filters().iter();
        Ok(filters.filter_map(|filter| filter.filter_name()).map(str::to_owned).collect())
    }

    /// The events whose timestamps are in these seconds, in the order of time.
    #[must_use]
    pub fn events(&self, group: &LogGroup, seconds: Seconds) -> LogEvents {
        if group.is_infrequent_access {
            let first = seconds.from.unwrap_or(group.first_second).max(group.first_second);
            let (insights, clock) = (self.insights.clone(), Stopwatch::default());
            LogEvents::Queried(Queried::new(insights, clock, &group.name, first..seconds.until))
        } else {
            LogEvents::Filtered(Filtered {
                client: self.client.clone(),
                name: group.name.clone(),
                seconds,
                next: Next::First,
            })
        }
    }
}

impl LogEvents {
    /// The messages of the next events; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, ReadError> {
        match self {
            Self::Filtered(events) => events.next().await,
            Self::Queried(events) => events.next().await,
        }
    }
}

fn described(
    name: &str,
    group: &aws_sdk_cloudwatchlogs::types::LogGroup,
    now: Timestamp,
) -> Result<LogGroup, ReadError> {
    let class = group.log_group_class().unwrap_or(&LogGroupClass::Standard);
    if *class == LogGroupClass::Delivery {
        let reason = "its class is DELIVERY, whose events cannot be read but only delivered";
        return Err(ReadError::Unusable(reason.to_owned()));
    }
    let created = group.creation_time().unwrap_or_default().div_euclid(1000);
    // Without a retention, events stay for ever.
    let kept = group.retention_in_days().map(|days| {
        // A moment more, so that the oldest event is not yet gone when it is asked for.
        now.as_second() - i64::from(days) * SECONDS_PER_DAY + 60
    });
    let arn = group.log_group_arn().or(group.arn()).unwrap_or_default();
    Ok(LogGroup {
        name: name.to_owned(),
        arn: arn.trim_end_matches(":*").to_owned(),
        is_infrequent_access: *class == LogGroupClass::InfrequentAccess,
        first_second: kept.map_or(created, |kept| kept.max(created)),
    })
}

/// The events of a log group of the class `STANDARD`.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
#[derive(Debug)]
pub struct Filtered {
    client: Client,
    name: String,
    seconds: Seconds,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    Page(String),
    End,
}

impl Filtered {
    async fn next(&mut self) -> Result<Option<Vec<String>>, ReadError> {
        let token = match std::mem::replace(&mut self.next, Next::End) {
            Next::First => None,
            Next::Page(token) => Some(token),
            Next::End => return Ok(None),
        };
        let call = self.client.filter_log_events().log_group_name(&self.name);
        let call = call.set_start_time(self.seconds.from.map(|from| from * 1000));
        // Inclusive.
        let call = call.end_time(self.seconds.until * 1000 - 1);
        let answer = call.set_next_token(token).send().await;
        let answer = answer.map_err(|error| ReadError::of_call("logs:FilterLogEvents", &error))?;
        if let Some(token) = answer.next_token {
            self.next = Next::Page(token);
        }
        let events = answer.events.unwrap_or_default().into_iter();
        Ok(Some(events.filter_map(|event| event.message).collect()))
    }
}
