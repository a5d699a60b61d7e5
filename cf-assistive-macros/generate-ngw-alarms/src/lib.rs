//! The macro `GenerateNgwAlarms`: one CloudWatch alarm per NAT gateway, added to a whole template,
//! and one line per gateway on its dashboards.
//!
//! ```yaml
//! Transform: [GenerateNgwAlarms, AWS::Serverless-2016-10-31]
//! ```
//!
//! A template cannot repeat a resource for each element of a parameter's list with a logical ID and
//! a name of its own; this macro can. What it reads, each from the macro's parameters or else from
//! the template's parameters of the same name, is listed in [`Settings`].
//!
//! A dashboard whose body is a `Fn::Sub` with the variables `GatewayCharts` or `GatewayMetrics` gets
//! their values, whatever they were: charts for its `widgets`, and metrics for a widget of its own.

mod alarm;
mod dashboard;
mod gateway;
mod refusal;
mod settings;

pub use gateway::GatewayId;
pub use refusal::Refusal;
pub use settings::Settings;

use macro_protocol::{Request, shown};
use serde_json::{Map, Value};

/// CloudFormation's quota, <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
const MOST_RESOURCES: usize = 500;

/// The request's template with one alarm per gateway among its resources, and its dashboards filled.
pub fn expand(request: Request) -> Result<Value, Refusal> {
    let Request { mut fragment, parameters, .. } = request;
    let resources = resources_of(&mut fragment)?;
    let settings = Settings::read(&parameters)?;
    add_alarms(resources, &settings)?;
    dashboard::fill(resources, &settings);
    Ok(fragment)
}

fn resources_of(fragment: &mut Value) -> Result<&mut Map<String, Value>, Refusal> {
    match fragment.get_mut("Resources") {
        None => Err(Refusal::ResourcesMissing),
        Some(Value::Object(resources)) => Ok(resources),
        Some(other) => Err(Refusal::ResourcesNotAnObject { found: shown(other) }),
    }
}

fn add_alarms(resources: &mut Map<String, Value>, settings: &Settings) -> Result<(), Refusal> {
    let rules = unconditional_rules(resources);
    for gateway in &settings.gateways {
        let logical_id = gateway.alarm_logical_id();
        if resources.contains_key(&logical_id) {
            return Err(Refusal::LogicalIdTaken { logical_id, gateway: gateway.to_string() });
        }
        resources.insert(logical_id, alarm::resource(gateway, settings, &rules));
    }
    if resources.len() > MOST_RESOURCES {
        let (count, alarms) = (resources.len(), settings.gateways.len());
        return Err(Refusal::TooManyResources { count, alarms });
    }
    Ok(())
}

/// Logical IDs of the rules that always exist: an alarm that is raised before them is heard by
/// nobody, and CloudWatch does not repeat itself.
fn unconditional_rules(resources: &Map<String, Value>) -> Vec<String> {
    let is_rule = |resource: &Value| {
        resource.get("Type").is_some_and(|kind| kind == "AWS::Events::Rule")
            && resource.get("Condition").is_none()
    };
    let mut rules: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| is_rule(resource))
        .map(|(logical_id, _)| logical_id.clone())
        .collect();
    rules.sort();
    rules
}
