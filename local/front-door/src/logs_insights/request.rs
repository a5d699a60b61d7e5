//! What `StartQuery` asks for, and what it refuses before anything runs.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html>

use insights::{Query, QueryError};
use serde_json::json;

use crate::aws_calls::{AwsCall, Parameters, Refusal};
use crate::log_groups::log_group_name;

/// The most rows of an answer, and how many there are without a limit.
const MOST_ROWS: u64 = 10_000;
const MOST_LOG_GROUPS: usize = 50;
/// In characters.
const LONGEST_QUERY: usize = 10_000;

/// A query that may run.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) log_groups: Vec<String>,
    /// Seconds since 1970; both ends are part of the time.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) text: String,
    pub(super) query: Query,
    /// The parameter; the query's own limit may be smaller.
    pub(super) limit: usize,
}

impl Request {
    pub(super) fn read(call: &AwsCall) -> Result<Self, Refusal> {
        let parameters = &call.parameters;
        check_language(parameters)?;
        let (start, end) = (seconds(parameters, "startTime")?, seconds(parameters, "endTime")?);
        if start > end {
            let message = format!("End time should not be before start time: {end} < {start}");
            return Err(invalid(&message));
        }
        let text = parameters.text("queryString").unwrap_or_default();
        let length = text.chars().count();
        if length > LONGEST_QUERY {
            let message = format!("queryString has {length} characters, {LONGEST_QUERY} are most");
            return Err(invalid(&message));
        }
        Ok(Self {
            log_groups: log_groups(parameters)?,
            start,
            end,
            query: Query::parse_with_pointer(&text).map_err(|error| malformed(&text, &error))?,
            text,
            limit: limit(parameters)?,
        })
    }
}

pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

fn check_language(parameters: &Parameters) -> Result<(), Refusal> {
    match parameters.text("queryLanguage").as_deref() {
        None | Some("CWLI") => Ok(()),
        Some(other) => {
            Err(invalid(&format!("queryLanguage {other}: the local AWS has no other than CWLI")))
        }
    }
}

fn seconds(parameters: &Parameters, name: &str) -> Result<i64, Refusal> {
    let text = parameters.text(name).unwrap_or_default();
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| invalid(&format!("{name}: expected seconds since 1970, found '{text}'")))
}

fn limit(parameters: &Parameters) -> Result<usize, Refusal> {
    let Some(text) = parameters.text("limit") else { return most_rows(MOST_ROWS) };
    match text.parse() {
        Ok(limit @ 1..=MOST_ROWS) => most_rows(limit),
        _ => Err(invalid(&format!("limit: expected 1 to {MOST_ROWS}, found '{text}'"))),
    }
}

fn most_rows(limit: u64) -> Result<usize, Refusal> {
    usize::try_from(limit).map_err(|error| invalid(&error.to_string()))
}

fn log_groups(parameters: &Parameters) -> Result<Vec<String>, Refusal> {
    let given = [
        Vec::from_iter(parameters.text("logGroupName")),
        parameters.texts("logGroupNames"),
        parameters.texts("logGroupIdentifiers"),
    ];
    let mut given = given.into_iter().filter(|names| !names.is_empty());
    let (Some(names), None) = (given.next(), given.next()) else {
        return Err(invalid(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers is needed",
        ));
    };
    if names.len() > MOST_LOG_GROUPS {
        let message = format!("{} log groups, {MOST_LOG_GROUPS} are the most", names.len());
        return Err(invalid(&message));
    }
    if let Some(identifier) = names.iter().find(|name| name.ends_with('*')) {
        return Err(invalid(&format!("{identifier}: a log group's ARN must not end with *")));
    }
    let mut names: Vec<_> = names.iter().map(|name| log_group_name(name).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A query that cannot be compiled, with the place in characters from 0.
fn malformed(text: &str, error: &QueryError) -> Refusal {
    let start = offset(text, error);
    let end = start + error.word.chars().count().max(1);
    let compile_error = json!({
        "location": {"startCharOffset": start, "endCharOffset": end},
        "message": error.to_string(),
    });
    Refusal::new(400, "MalformedQueryException", &error.to_string())
        .with("queryCompileError", compile_error)
}

fn offset(text: &str, error: &QueryError) -> usize {
    let lines_before = text.split_inclusive('\n').take(error.line.saturating_sub(1));
    lines_before.map(|line| line.chars().count()).sum::<usize>() + error.column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn document(value: &Value) -> Parameters {
        Parameters::Document(value.clone())
    }

    #[test]
    fn exactly_one_way_names_the_log_groups() {
        let names = |value: Value| log_groups(&document(&value));
        assert_eq!(names(json!({"logGroupName": "a"})).unwrap(), ["a"]);
        assert_eq!(names(json!({"logGroupNames": ["b", "a", "b"]})).unwrap(), ["a", "b"]);
        let arn = "arn:aws:logs:us-east-1:123456789012:log-group:a";
        assert_eq!(names(json!({"logGroupIdentifiers": [arn]})).unwrap(), ["a"]);
        assert!(names(json!({})).is_err());
        assert!(names(json!({"logGroupName": "a", "logGroupNames": ["a"]})).is_err());
        assert!(names(json!({"logGroupIdentifiers": [format!("{arn}:*")]})).is_err());
        let many: Vec<_> = (0..51).map(|number| number.to_string()).collect();
        assert!(names(json!({"logGroupNames": many})).is_err());
    }

    #[test]
    fn limits_have_bounds() {
        let limit = |value: Value| limit(&document(&value));
        assert_eq!(limit(json!({})).unwrap(), 10_000);
        assert_eq!(limit(json!({"limit": 7})).unwrap(), 7);
        assert!(limit(json!({"limit": 0})).is_err());
        assert!(limit(json!({"limit": 10_001})).is_err());
    }

    #[test]
    fn a_mistake_has_its_place_in_characters() {
        let text = "fields @message\n| # é\n explode x";
        let error = Query::parse(text).unwrap_err();
        let start = offset(text, &error);
        let found: String = text.chars().skip(start).take(error.word.chars().count()).collect();
        assert_eq!(found, "explode");
    }
}
