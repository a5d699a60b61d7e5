//! EventBridge's rule language, as far as `quamina` and this project go.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>

use quamina::{Quamina, QuaminaError};
use serde_json::{Map, Value};

/// Why a pattern is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it is not an object")]
    NotAnObject,
    #[error("`$or` takes an array of two objects or more")]
    Or,
    #[error("{0} has no values")]
    Empty(String),
    #[error("{0}")]
    Pattern(#[from] QuaminaError),
}

/// Whether the pattern is one that is understood.
pub(super) fn check(pattern: &str) -> Result<(), PatternError> {
    matcher(pattern).map(drop)
}

/// Whether the pattern matches the event.
pub(super) fn matches(pattern: &str, event: &Value) -> Result<bool, PatternError> {
    Ok(matcher(pattern)?.has_matches(event.to_string().as_bytes())?)
}

fn matcher(pattern: &str) -> Result<Quamina<usize>, PatternError> {
    let pattern: Value = serde_json::from_str(pattern)?;
    let pattern = pattern.as_object().ok_or(PatternError::NotAnObject)?;
    let mut matcher = Quamina::new();
    for (number, alternative) in alternatives(pattern)?.into_iter().enumerate() {
        matcher.add_pattern(number, &Value::Object(alternative).to_string())?;
    }
    Ok(matcher)
}

/// The patterns without `$or` of which one must match: `quamina` does not know `$or`.
fn alternatives(pattern: &Map<String, Value>) -> Result<Vec<Map<String, Value>>, PatternError> {
    let mut found = vec![Map::new()];
    for (name, value) in pattern {
        let choices: Vec<Map<String, Value>> = match value {
            Value::Array(branches) if name == "$or" => or_branches(branches)?,
            Value::Array(values) if values.is_empty() => {
                return Err(PatternError::Empty(name.clone()));
            }
            Value::Object(nested) => alternatives(nested)?
                .into_iter()
                .map(|nested| Map::from_iter([(name.clone(), Value::Object(nested))]))
                .collect(),
            other => vec![Map::from_iter([(name.clone(), other.clone())])],
        };
        found =
            found.iter().flat_map(|left| choices.iter().map(|right| merged(left, right))).collect();
    }
    Ok(found)
}

fn or_branches(branches: &[Value]) -> Result<Vec<Map<String, Value>>, PatternError> {
    if branches.len() < 2 {
        return Err(PatternError::Or);
    }
    let mut found = Vec::new();
    for branch in branches {
        found.extend(alternatives(branch.as_object().ok_or(PatternError::Or)?)?);
    }
    Ok(found)
}

/// Both patterns at once; objects of one name are merged.
fn merged(left: &Map<String, Value>, right: &Map<String, Value>) -> Map<String, Value> {
    let mut both = left.clone();
    for (name, value) in right {
        let value = match (both.get(name), value) {
            (Some(Value::Object(left)), Value::Object(right)) => Value::Object(merged(left, right)),
            _ => value.clone(),
        };
        both.insert(name.clone(), value);
    }
    both
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alarm(name: &str, state: &str) -> Value {
        json!({
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change",
            "detail": {"alarmName": name, "state": {"value": state}},
        })
    }

    fn does_match(pattern: &Value, event: &Value) -> bool {
        matches(&pattern.to_string(), event).unwrap()
    }

    #[test]
    fn the_recorders_rules_see_their_own_alarms_only() {
        let raised = json!({
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": [{"prefix": "recorder/nat-"}], "state": {"value": ["ALARM"]}},
        });
        assert!(does_match(&raised, &alarm("recorder/nat-1", "ALARM")));
        assert!(!does_match(&raised, &alarm("recorder/nat-1", "OK")));
        assert!(!does_match(&raised, &alarm("recorder-errors", "ALARM")));
        assert!(!does_match(&raised, &alarm("Recorder/nat-1", "ALARM")));
        assert!(!does_match(&raised, &alarm("my-recorder/nat-1", "ALARM")));
    }

    #[test]
    fn or_is_one_of_several() {
        let cleared = json!({
            "source": ["aws.cloudwatch"],
            "detail": {
                "alarmName": [{"prefix": "r/nat-"}],
                "$or": [
                    {"state": {"value": ["OK", "INSUFFICIENT_DATA"]}, "operation": [{"exists": false}]},
                    {"operation": ["delete"]},
                ],
            },
        });
        assert!(does_match(&cleared, &alarm("r/nat-1", "OK")));
        assert!(!does_match(&cleared, &alarm("r/nat-1", "ALARM")));
        let mut deleted = alarm("r/nat-1", "ALARM");
        deleted["detail"]["operation"] = json!("delete");
        assert!(does_match(&cleared, &deleted));
        deleted["detail"]["operation"] = json!("update");
        assert!(!does_match(&cleared, &deleted));
    }

    #[test]
    fn an_array_of_values_matches_by_any_of_them() {
        let pattern = json!({"resources": [{"prefix": "arn:b"}]});
        assert!(does_match(&pattern, &json!({"resources": ["arn:a", "arn:b:1"]})));
        assert!(!does_match(&pattern, &json!({"resources": ["arn:a"]})));
        assert!(!does_match(&pattern, &json!({"resources": []})));
    }

    /// moto's matcher does not look into arrays; a naive one would mix their elements.
    #[test]
    fn fields_of_one_pattern_must_come_from_one_element() {
        let pattern = json!({"metrics": {"id": ["m1"], "namespace": ["AWS/NATGateway"]}});
        let event = |first, second| {
            json!({"metrics": [
                {"id": "m1", "namespace": first},
                {"id": "m2", "namespace": second},
            ]})
        };
        assert!(does_match(&pattern, &event("AWS/NATGateway", "AWS/EC2")));
        assert!(!does_match(&pattern, &event("AWS/EC2", "AWS/NATGateway")));
    }

    #[test]
    fn anything_but_needs_a_value() {
        let pattern = json!({"state": [{"anything-but": ["OK", "ALARM"]}]});
        assert!(does_match(&pattern, &json!({"state": "INSUFFICIENT_DATA"})));
        assert!(!does_match(&pattern, &json!({"state": "OK"})));
        assert!(!does_match(&pattern, &json!({"other": "OK"})));
    }

    #[test]
    fn exists_speaks_of_leaves() {
        let there = json!({"detail": {"operation": [{"exists": true}]}});
        let absent = json!({"detail": {"operation": [{"exists": false}]}});
        let with = json!({"detail": {"operation": "delete"}});
        let without = json!({"detail": {"state": "OK"}});
        assert!(does_match(&there, &with) && !does_match(&there, &without));
        assert!(does_match(&absent, &without) && !does_match(&absent, &with));
    }

    #[test]
    fn null_numbers_and_booleans_are_values() {
        assert!(does_match(&json!({"a": [null]}), &json!({"a": null})));
        assert!(does_match(&json!({"a": [300]}), &json!({"a": 300.0})));
        assert!(does_match(&json!({"a": [true]}), &json!({"a": true})));
        assert!(!does_match(&json!({"a": ["300"]}), &json!({"a": 300})));
    }

    #[test]
    fn nonsense_is_refused() {
        for pattern in ["", "[]", r#"{"a": "b"}"#, r#"{"a": []}"#, r#"{"a": [{"prefx": "b"}]}"#] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
        assert!(check(r#"{"$or": [{"a": ["b"]}]}"#).is_err());
    }
}
