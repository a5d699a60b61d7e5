//! Log groups: what the class `INFREQUENT_ACCESS` refuses, and what queries need to know.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::{AwsClient, AwsError, LOGS};
use crate::aws_calls::{Answer, AwsCall, Refusal};
use crate::door::Door;
use crate::pipeline;

pub(crate) const INFREQUENT_ACCESS: &str = "INFREQUENT_ACCESS";

/// A log group as `DescribeLogGroups` has it.
#[derive(Clone, Debug)]
pub(crate) struct LogGroup {
    pub(crate) name: String,
    pub(crate) account: String,
    /// `STANDARD` or `INFREQUENT_ACCESS`.
    pub(crate) class: String,
    pub(crate) created_at: Timestamp,
}

impl LogGroup {
    /// The group with this name, if there is one.
    pub(crate) async fn describe(
        moto: &AwsClient,
        region: &str,
        name: &str,
    ) -> Result<Option<Self>, AwsError> {
        let mut parameters = json!({"logGroupNamePrefix": name});
        loop {
            let page = moto.json(region, LOGS, "DescribeLogGroups", &parameters).await?;
            let groups = page.get("logGroups").and_then(Value::as_array);
            let mut groups = groups.into_iter().flatten();
            if let Some(group) = groups.find(|group| text(group, "logGroupName") == Some(name)) {
                return Ok(Self::of(group));
            }
            let Some(token) = page.get("nextToken").filter(|token| !token.is_null()) else {
                return Ok(None);
            };
            parameters = json!({"logGroupNamePrefix": name, "nextToken": token});
        }
    }

    fn of(group: &Value) -> Option<Self> {
        let arn = text(group, "arn")?;
        let created_at = group.get("creationTime").and_then(Value::as_i64)?;
        Some(Self {
            name: text(group, "logGroupName")?.to_owned(),
            account: arn.split(':').nth(4)?.to_owned(),
            class: text(group, "logGroupClass").unwrap_or("STANDARD").to_owned(),
            created_at: Timestamp::from_millisecond(created_at).ok()?,
        })
    }
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

/// The name in a name or an ARN: `arn:aws:logs:us-east-1:123456789012:log-group:NAME`.
pub(crate) fn log_group_name(identifier: &str) -> &str {
    identifier.split_once(":log-group:").map_or(identifier, |(_, name)| name)
}

/// `FilterLogEvents`, which only the class `STANDARD` has.
///
/// The error is what AWS answers, as seen in
/// [karpenter-provider-aws#9567](https://github.com/aws/karpenter-provider-aws/pull/9567).
pub(crate) async fn filter_log_events(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let parameters = &call.parameters;
    let identifier =
        parameters.text("logGroupName").or_else(|| parameters.text("logGroupIdentifier"));
    let name = identifier.as_deref().map(log_group_name).unwrap_or_default();
    let group = LogGroup::describe(&door.moto, &call.region, name).await;
    if group.is_ok_and(|group| group.is_some_and(|group| group.class == INFREQUENT_ACCESS)) {
        let message = format!(
            "The log group {name} is of log-group-class {INFREQUENT_ACCESS}. \
             FilterLogEvents is not supported for this log class."
        );
        return Err(Refusal::new(400, "InvalidOperationException", &message));
    }
    Ok(pipeline::forward(door, call).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_by_name_or_arn() {
        assert_eq!(log_group_name("/a/b"), "/a/b");
        let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/a/b";
        assert_eq!(log_group_name(arn), "/a/b");
    }
}
