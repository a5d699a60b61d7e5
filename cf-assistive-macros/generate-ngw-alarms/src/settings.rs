//! What the macro reads, checked.

use std::borrow::Cow;
use std::collections::BTreeSet;

use macro_protocol::{Parameters, integer, shown};
use serde_json::{Number, Value};

use crate::gateway::{GatewayId, gateways};
use crate::refusal::Refusal;

const PARAMETERS: [&str; 10] = [
    "NatGatewayIDs",
    "SamplingPeriod",
    "EvaluationPeriods",
    "Threshold",
    "DatapointsToAlarm",
    "RecordingTime",
    "MinimumRecordingTime",
    "FlowLogDestination",
    "FlowLogFileFormat",
    "FlowLogBucketName",
];

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const WEEK: i64 = 604_800;

/// The checked parameters of the alarms.
///
/// Others take no part in an alarm. They are checked against each other here, when the template
/// has them, because a template cannot do that itself: `RecordingTime` with `MinimumRecordingTime`
/// (seconds), and `FlowLogDestination` with what is of use with the destination `s3` alone.
#[derive(Debug)]
pub struct Settings {
    /// `NatGatewayIDs`, 1 to 186 of them.
    pub gateways: BTreeSet<GatewayId>,
    /// `SamplingPeriod`: seconds over which an alarm sums the bytes, a multiple of 60.
    pub sampling_period: i64,
    /// `EvaluationPeriods`: how many of the latest periods an alarm looks at.
    pub evaluation_periods: i64,
    /// `DatapointsToAlarm`: how many of those must be above the threshold.
    pub datapoints_to_alarm: i64,
    /// `Threshold`: bytes in one period, not negative.
    pub threshold: Number,
}

impl Settings {
    /// Reads them from the macro's parameters or else from the template's of the same name.
    pub fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        parameters.reject_unknown(&PARAMETERS)?;
        let settings = Self {
            gateways: gateways(&*required(parameters, "NatGatewayIDs")?)?,
            sampling_period: sampling_period(parameters)?,
            evaluation_periods: required_integer(parameters, "EvaluationPeriods", 1)?,
            datapoints_to_alarm: required_integer(parameters, "DatapointsToAlarm", 1)?,
            threshold: threshold(&*required(parameters, "Threshold")?)?,
        };
        settings.check_datapoints()?;
        settings.check_evaluation_time()?;
        check_recording_time(parameters)?;
        check_destination(parameters)?;
        Ok(settings)
    }

    fn check_datapoints(&self) -> Result<(), Refusal> {
        let (datapoints, periods) = (self.datapoints_to_alarm, self.evaluation_periods);
        if datapoints > periods {
            return Err(Refusal::MoreDatapointsThanPeriods { datapoints, periods });
        }
        Ok(())
    }

    /// What `PutMetricAlarm` allows, see
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
    fn check_evaluation_time(&self) -> Result<(), Refusal> {
        let (sampling_period, periods) = (self.sampling_period, self.evaluation_periods);
        let product = sampling_period.saturating_mul(periods);
        let longest = if sampling_period >= HOUR { WEEK } else { DAY };
        if product > longest {
            return Err(Refusal::EvaluatesTooLong { sampling_period, periods, product });
        }
        Ok(())
    }
}

fn required<'a>(
    parameters: &'a Parameters,
    parameter: &'static str,
) -> Result<Cow<'a, Value>, Refusal> {
    parameters.given_or_template(parameter)?.ok_or(Refusal::Missing { parameter })
}

fn required_integer(
    parameters: &Parameters,
    parameter: &'static str,
    least: i64,
) -> Result<i64, Refusal> {
    at_least(parameter, &*required(parameters, parameter)?, least)
}

fn optional_integer(
    parameters: &Parameters,
    parameter: &'static str,
    least: i64,
) -> Result<Option<i64>, Refusal> {
    let value = parameters.given_or_template(parameter)?;
    value.map(|value| at_least(parameter, &value, least)).transpose()
}

fn at_least(parameter: &'static str, value: &Value, least: i64) -> Result<i64, Refusal> {
    match integer(parameter, value)? {
        found if found < least => Err(Refusal::TooSmall { parameter, found, least }),
        found => Ok(found),
    }
}

fn sampling_period(parameters: &Parameters) -> Result<i64, Refusal> {
    let found = integer("SamplingPeriod", &*required(parameters, "SamplingPeriod")?)?;
    if found <= 0 || found % 60 != 0 {
        return Err(Refusal::NotWholeMinutes { found });
    }
    Ok(found)
}

/// An integer stays one: `state.reason` of the alarm's events is read by people.
fn threshold(value: &Value) -> Result<Number, Refusal> {
    let number = match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => number(text.trim()),
        _ => None,
    };
    number
        .filter(|number| number.as_f64().is_some_and(|bytes| bytes >= 0.0))
        .ok_or_else(|| Refusal::WrongThreshold { found: shown(value) })
}

fn number(text: &str) -> Option<Number> {
    match text.parse::<u64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => text.parse().ok().and_then(Number::from_f64),
    }
}

fn check_recording_time(parameters: &Parameters) -> Result<(), Refusal> {
    let recording_time = optional_integer(parameters, "RecordingTime", 0)?;
    let minimum = optional_integer(parameters, "MinimumRecordingTime", 0)?;
    let (Some(recording_time), Some(minimum)) = (recording_time, minimum) else {
        return Ok(());
    };
    // 0 means until the alarm clears, at most a day.
    let longest = if recording_time == 0 { DAY } else { recording_time };
    if minimum > longest {
        return Err(Refusal::MinimumExceedsRecordingTime { minimum, longest, recording_time });
    }
    Ok(())
}

/// A bucket or a format that would be ignored is a destination that was forgotten.
fn check_destination(parameters: &Parameters) -> Result<(), Refusal> {
    let text = |parameter| -> Result<Option<String>, Refusal> {
        let value = parameters.given_or_template(parameter)?;
        Ok(value.and_then(|value| value.as_str().map(str::to_owned)))
    };
    let Some(destination) = text("FlowLogDestination")?.filter(|found| found != "s3") else {
        return Ok(());
    };
    for (parameter, default) in [("FlowLogBucketName", ""), ("FlowLogFileFormat", "text")] {
        if let Some(found) = text(parameter)?.filter(|found| found != default) {
            return Err(Refusal::NeedsBucket { parameter, found, default, destination });
        }
    }
    Ok(())
}
