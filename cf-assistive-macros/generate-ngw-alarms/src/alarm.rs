//! The alarm of one gateway, as a resource of a template.

use serde_json::{Value, json};

use crate::gateway::GatewayId;
use crate::settings::Settings;

/// An `AWS::CloudWatch::Alarm` without actions: EventBridge hears of every change of its state.
///
/// The threshold stands in the alarm and not in the expression, so that the reason in its events is
/// in bytes. Its name begins with the stack's name and a slash, which the stack's rules look for.
pub(crate) fn resource(gateway: &GatewayId, settings: &Settings, depends_on: &[String]) -> Value {
    let mut alarm = json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": format!("${{AWS::StackName}}/{gateway}")},
            "AlarmDescription": description(gateway, settings),
            "Metrics": [
                {
                    "Id": "processed",
                    "Expression": "m1 + m2",
                    "Label": format!("Bytes that {gateway} took in, from both sides"),
                    "ReturnData": true,
                },
                metric("m1", "BytesInFromSource", gateway, settings),
                metric("m2", "BytesInFromDestination", gateway, settings),
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": settings.threshold,
            "EvaluationPeriods": settings.evaluation_periods,
            "DatapointsToAlarm": settings.datapoints_to_alarm,
            // An idle gateway reports nothing, which ends a spike as well as a low figure does.
            "TreatMissingData": "notBreaching",
        },
    });
    if !depends_on.is_empty()
        && let Some(alarm) = alarm.as_object_mut()
    {
        alarm.insert("DependsOn".to_owned(), depends_on.into());
    }
    alarm
}

fn description(gateway: &GatewayId, settings: &Settings) -> String {
    let Settings { sampling_period, evaluation_periods, datapoints_to_alarm, threshold, .. } =
        settings;
    format!(
        "{gateway} took in more than {threshold} bytes, from both sides together, within \
         {sampling_period} seconds, in {datapoints_to_alarm} of the last {evaluation_periods} \
         such periods. While this is so, its flows are recorded."
    )
}

fn metric(id: &str, name: &str, gateway: &GatewayId, settings: &Settings) -> Value {
    json!({
        "Id": id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/NATGateway",
                "MetricName": name,
                "Dimensions": [{"Name": "NatGatewayId", "Value": gateway.to_string()}],
            },
            "Period": settings.sampling_period,
            "Stat": "Sum",
        },
        "ReturnData": false,
    })
}
