//! What a target gets: the event, a part of it, or something else altogether.

use serde_json::Value;

/// The text that the target is called with.
pub(super) fn input(
    event: &Value,
    constant: Option<&str>,
    path: Option<&str>,
) -> Result<String, String> {
    match (constant, path) {
        (Some(constant), _) => Ok(constant.to_owned()),
        (None, Some(path)) => {
            let part = at(event, path).ok_or_else(|| format!("no InputPath: {path}"))?;
            Ok(part.to_string())
        }
        (None, None) => Ok(event.to_string()),
    }
}

/// The part of the event at a path of names: `$.detail.state`.
fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    let names = path.strip_prefix('$')?;
    names.split('.').filter(|name| !name.is_empty()).try_fold(event, |part, name| part.get(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_a_part_or_a_constant() {
        let event = json!({"detail": {"state": "OK"}});
        assert_eq!(input(&event, None, None).unwrap(), event.to_string());
        assert_eq!(input(&event, None, Some("$.detail.state")).unwrap(), "\"OK\"");
        assert_eq!(input(&event, None, Some("$")).unwrap(), event.to_string());
        assert_eq!(input(&event, Some("{}"), None).unwrap(), "{}");
        assert!(input(&event, None, Some("$.nothing")).is_err());
    }
}
