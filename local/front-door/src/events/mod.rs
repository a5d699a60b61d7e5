//! EventBridge: events come in, rules are read from moto, targets are called. Schedules' too.

mod delivery;
mod expressions;
mod faults;
mod inputs;
mod patterns;
mod rules;
pub(crate) mod schedules;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use delivery::{invoke, publish, send_message};

use crate::aws_calls::{Answer, AwsCall, Refusal, json_answer};
use crate::clock;
use crate::door::Door;

/// The bus of AWS's own events.
pub(crate) const DEFAULT_BUS: &str = "default";
const DEFAULT_REGION: &str = "us-east-1";
/// moto's account.
const ACCOUNT: &str = "123456789012";

/// Puts a whole event on a bus. Its rules are known when this returns; it is delivered in the
/// background.
pub(crate) async fn put(door: &Arc<Door>, bus: &str, event: Value) {
    let matching = rules::matching(door, bus, &event).await;
    let (rules, error) = match matching {
        Ok(rules) => (rules, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut fields = json!({"event": event, "bus": bus, "rules": names});
    if let (Value::Object(fields), Some(error)) = (&mut fields, error) {
        fields.insert("error".to_owned(), json!(error));
    }
    door.journal.record("event", fields);
    for rule in rules {
        for target in rule.targets {
            let delivery =
                faults::deliver(Arc::clone(door), rule.arn.clone(), target, event.clone());
            tokio::spawn(delivery);
        }
    }
}

/// An event of an AWS service about a resource.
pub(crate) fn aws_event(
    source: &str,
    detail_type: &str,
    resource_arn: &str,
    detail: &Value,
) -> Value {
    let part = |index| resource_arn.split(':').nth(index);
    completed(json!({
        "detail-type": detail_type,
        "source": source,
        "account": part(4).unwrap_or(ACCOUNT),
        "region": part(3).unwrap_or(DEFAULT_REGION),
        "resources": [resource_arn],
        "detail": detail,
    }))
}

/// `event` with everything that each event has.
pub(crate) fn completed(event: Value) -> Value {
    let mut complete = Map::new();
    let given = match event {
        Value::Object(given) => given,
        other => Map::from_iter([("detail".to_owned(), other)]),
    };
    for (name, value) in [
        ("version", json!("0")),
        ("id", json!(Uuid::new_v4().to_string())),
        ("account", json!(ACCOUNT)),
        ("region", json!(DEFAULT_REGION)),
        ("time", json!(clock::rfc3339_seconds(Timestamp::now()))),
        ("resources", json!([])),
        ("detail", json!({})),
    ] {
        complete.insert(name.to_owned(), value);
    }
    complete.extend(given);
    Value::Object(complete)
}

/// `PutEvents`.
pub(crate) async fn put_events(door: &Arc<Door>, call: &AwsCall) -> Result<Answer, Refusal> {
    let entries = call.parameters.value("Entries").and_then(Value::as_array);
    let entries = entries.filter(|entries| (1..=10).contains(&entries.len())).ok_or_else(|| {
        Refusal::new(400, "ValidationException", "Entries must have 1 to 10 items")
    })?;
    let mut results = Vec::new();
    for entry in entries {
        results.push(match event_of_entry(entry, &call.region) {
            Ok((bus, event)) => {
                let id = event.get("id").cloned();
                put(door, &bus, event).await;
                json!({"EventId": id})
            }
            Err((code, message)) => json!({"ErrorCode": code, "ErrorMessage": message}),
        });
    }
    let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
    Ok(json_answer(200, &json!({"FailedEntryCount": failed, "Entries": results})))
}

fn event_of_entry(entry: &Value, region: &str) -> Result<(String, Value), (&'static str, String)> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let required =
        |name: &str| text(name).ok_or(("InvalidArgument", format!("{name} is required")));
    let (source, detail_type) = (required("Source")?, required("DetailType")?);
    if source.starts_with("aws.") {
        let message = format!("Not authorized for the source {source}");
        return Err(("NotAuthorizedForSourceException", message));
    }
    let detail: Map<String, Value> = serde_json::from_str(required("Detail")?)
        .map_err(|error| ("MalformedDetail", format!("Detail is malformed: {error}")))?;
    let bus = text("EventBusName").unwrap_or(DEFAULT_BUS);
    // A bus may be named by its ARN.
    let bus = bus.rsplit('/').next().unwrap_or(bus).to_owned();
    let event = completed(json!({
        "detail-type": detail_type,
        "source": source,
        "region": region,
        "resources": entry.get("Resources").cloned().unwrap_or(json!([])),
        "detail": detail,
    }));
    Ok((bus, event))
}

/// Refuses a rule whose pattern EventBridge would not take.
pub(crate) fn check_rule(call: &AwsCall) -> Result<(), Refusal> {
    let Some(pattern) = call.parameters.text("EventPattern") else { return Ok(()) };
    patterns::check(&pattern).map_err(|error| {
        let message = format!("Event pattern is not valid. Reason: {error}");
        Refusal::new(400, "InvalidEventPatternException", &message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_checked() {
        let entry = |source, detail| json!({"Source": source, "DetailType": "t", "Detail": detail});
        let (bus, event) = event_of_entry(&entry("mine", "{\"a\": 1}"), "eu-west-1").unwrap();
        assert_eq!(bus, "default");
        assert_eq!(event["detail"]["a"], 1);
        assert_eq!(event["region"], "eu-west-1");
        let refused = |entry: &Value| event_of_entry(entry, "eu-west-1").unwrap_err().0;
        assert_eq!(refused(&entry("aws.ec2", "{}")), "NotAuthorizedForSourceException");
        assert_eq!(refused(&entry("mine", "[]")), "MalformedDetail");
        assert_eq!(refused(&json!({"Source": "mine"})), "InvalidArgument");
    }

    #[test]
    fn an_event_keeps_what_it_has() {
        let event = completed(json!({"id": "x", "source": "s", "detail": {"a": 1}}));
        assert_eq!(event["id"], "x");
        assert_eq!(event["version"], "0");
        assert_eq!(event["detail"]["a"], 1);
    }
}
