//! The gateways on the template's dashboards.
//!
//! A dashboard's body is one string, and the 1,024 characters of a search expression do not hold
//! the IDs of many gateways. So the charts are written out, one line per gateway.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>

use serde_json::{Map, Value, json};

use crate::gateway::GatewayId;
use crate::settings::Settings;

/// A variable of the body's `Fn::Sub` that becomes the charts: elements of `widgets`.
const CHARTS: &str = "GatewayCharts";
/// A variable that becomes every gateway's hidden metrics, with IDs that begin with `nat`: elements
/// of a widget's `metrics`, for expressions over `METRICS("nat")`.
const METRICS: &str = "GatewayMetrics";

/// More lines than these are hard to tell apart.
const LINES: usize = 12;
/// The grid of a dashboard is 24 columns wide.
const WHOLE_WIDTH: u32 = 24;
const HALF_WIDTH: u32 = 12;
const HEIGHT: u32 = 6;

/// Gives values to the variables of this module in the bodies of all dashboards that name them.
pub(crate) fn fill(resources: &mut Map<String, Value>, settings: &Settings) {
    let dashboards = resources.values_mut().filter(|resource| {
        resource.get("Type").is_some_and(|kind| kind == "AWS::CloudWatch::Dashboard")
    });
    for dashboard in dashboards {
        let variables = dashboard.pointer_mut("/Properties/DashboardBody/Fn::Sub/1");
        let Some(variables) = variables.and_then(Value::as_object_mut) else { continue };
        for (name, value) in variables {
            match name.as_str() {
                // CloudFormation knows the region.
                CHARTS => *value = json!({"Fn::Sub": elements(&charts(settings))}),
                METRICS => *value = elements(&hidden_metrics(settings)).into(),
                _ => {}
            }
        }
    }
}

/// As they stand between the brackets of an array.
fn elements(values: &[Value]) -> String {
    let texts: Vec<_> = values.iter().map(Value::to_string).collect();
    texts.join(",\n")
}

fn charts(settings: &Settings) -> Vec<Value> {
    let gateways: Vec<_> = settings.gateways.iter().collect();
    let width = if gateways.len() <= LINES { WHOLE_WIDTH } else { HALF_WIDTH };
    let starts = (1..).step_by(LINES);
    let groups = starts.zip(gateways.chunks(LINES));
    groups.map(|(first, group)| chart(first, group, gateways.len(), width, settings)).collect()
}

/// The bytes that some gateways take in, as their alarms count them, against the threshold.
fn chart(first: usize, group: &[&GatewayId], of: usize, width: u32, settings: &Settings) -> Value {
    let last = first + group.len() - 1;
    let which = if of > LINES { format!(", {first} to {last} of {of}") } else { String::new() };
    let numbered = (1..).zip(group);
    let lines: Vec<_> = numbered.flat_map(|(number, gateway)| line(number, gateway)).collect();
    json!({
        "type": "metric",
        "width": width,
        "height": HEIGHT,
        "properties": {
            "title": format!("Bytes taken in against the threshold{which}"),
            "view": "timeSeries",
            "region": "${AWS::Region}",
            "stat": "Sum",
            "period": settings.sampling_period,
            "metrics": lines,
            "yAxis": {"left": {
                "min": 0,
                "showUnits": false,
                "label": format!("Bytes in {} seconds", settings.sampling_period),
            }},
            "annotations": {"horizontal": [
                {"label": "Threshold", "value": settings.threshold},
            ]},
        },
    })
}

fn line(number: usize, gateway: &GatewayId) -> [Value; 3] {
    let label = gateway.to_string();
    let [source, destination] = ["s", "d"].map(|side| format!("{side}{number}"));
    let sum = format!("{source} + {destination}");
    [
        json!([{"id": format!("sum{number}"), "expression": sum, "label": label}]),
        hidden("BytesInFromSource", gateway, &source),
        hidden("BytesInFromDestination", gateway, &destination),
    ]
}

fn hidden_metrics(settings: &Settings) -> Vec<Value> {
    let numbered = (1..).zip(&settings.gateways);
    let both = |(number, gateway): (u32, &GatewayId)| {
        [
            hidden("BytesInFromSource", gateway, &format!("nat{number}s")),
            hidden("BytesInFromDestination", gateway, &format!("nat{number}d")),
        ]
    };
    numbered.flat_map(both).collect()
}

fn hidden(name: &str, gateway: &GatewayId, id: &str) -> Value {
    let own = json!({"id": id, "visible": false});
    json!(["AWS/NATGateway", name, "NatGatewayId", gateway.to_string(), own])
}
