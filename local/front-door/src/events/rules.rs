//! The rules that are in force, as moto has them.

use serde_json::{Value, json};

use super::delivery::Target;
use super::patterns;
use crate::aws::{AwsError, EVENTS};
use crate::door::Door;

/// A rule that matches an event.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) targets: Vec<Target>,
}

/// The enabled rules of the bus that match the event, with their targets.
pub(super) async fn matching(door: &Door, bus: &str, event: &Value) -> Result<Vec<Rule>, AwsError> {
    let region = event.get("region").and_then(Value::as_str).unwrap_or_default();
    let mut matching = Vec::new();
    let parameters = json!({"EventBusName": bus});
    for rule in all(door, region, "ListRules", &parameters, "Rules").await? {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
        let pattern = text("EventPattern");
        if text("State") != "ENABLED" || pattern.is_empty() {
            continue;
        }
        let name = text("Name").to_owned();
        // Not silently: a rule that is not understood would look like one that never fires.
        let is_match = patterns::matches(pattern, event)
            .map_err(|error| AwsError::Answer(format!("the pattern of rule {name}: {error}")))?;
        if is_match {
            let targets = targets(door, region, bus, &name).await?;
            matching.push(Rule { name, arn: text("Arn").to_owned(), targets });
        }
    }
    Ok(matching)
}

async fn targets(
    door: &Door,
    region: &str,
    bus: &str,
    rule: &str,
) -> Result<Vec<Target>, AwsError> {
    let parameters = json!({"EventBusName": bus, "Rule": rule});
    let targets = all(door, region, "ListTargetsByRule", &parameters, "Targets").await?;
    targets
        .into_iter()
        .map(|target| {
            serde_json::from_value(target).map_err(|error| AwsError::Answer(error.to_string()))
        })
        .collect()
}

/// Every item of every page.
async fn all(
    door: &Door,
    region: &str,
    operation: &str,
    parameters: &Value,
    list: &str,
) -> Result<Vec<Value>, AwsError> {
    let mut parameters = parameters.clone();
    let mut items = Vec::new();
    loop {
        let page = door.moto.json(region, EVENTS, operation, &parameters).await?;
        items.extend(page.get(list).and_then(Value::as_array).cloned().unwrap_or_default());
        match (page.get("NextToken"), &mut parameters) {
            (Some(token @ Value::String(_)), Value::Object(parameters)) => {
                parameters.insert("NextToken".to_owned(), token.clone());
            }
            _ => return Ok(items),
        }
    }
}
