//! What CloudFormation said about a function, read back from moto at every invocation.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::aws::{self, AwsClient, AwsError};

/// A function's configuration. A process serves only the configuration it was started with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FunctionSettings {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) region: String,
    pub(crate) handler: String,
    pub(crate) memory_mb: u64,
    pub(crate) timeout: Duration,
    pub(crate) environment: BTreeMap<String, String>,
    /// Base64 of the SHA-256 of the zip file.
    pub(crate) code_sha256: String,
    /// The zip file's key in whatever bucket has it; empty for inline code.
    pub(crate) code_key: String,
    pub(crate) log_group: String,
    /// Whether Lambda's own lines are JSON (`LogFormat`).
    pub(crate) logs_json: bool,
    /// The queue or topic of `DeadLetterConfig`.
    pub(crate) dead_letter_target: Option<String>,
}

impl FunctionSettings {
    /// Reads the configuration of the function called `name` (no ARN).
    pub(crate) async fn read(moto: &AwsClient, region: &str, name: &str) -> Result<Self, AwsError> {
        let path = format!("/2015-03-31/functions/{}", encoded(name));
        let answer = moto.get_json(region, "lambda", &path).await?;
        Self::from_answer(&answer).ok_or_else(|| AwsError::Answer(answer.to_string()))
    }

    fn from_answer(answer: &Value) -> Option<Self> {
        let configuration = answer.get("Configuration")?;
        let text = |pointer: &str| configuration.pointer(pointer)?.as_str().map(str::to_owned);
        let number = |name: &str| configuration.get(name).and_then(Value::as_u64);
        let (name, arn) = (text("/FunctionName")?, text("/FunctionArn")?);
        let location = answer.pointer("/Code/Location").and_then(Value::as_str);
        Some(Self {
            region: aws::region_of(&arn).to_owned(),
            handler: text("/Handler").unwrap_or_default(),
            memory_mb: number("MemorySize").unwrap_or(128),
            timeout: Duration::from_secs(number("Timeout").unwrap_or(3)),
            environment: environment(configuration),
            code_sha256: text("/CodeSha256").unwrap_or_default(),
            code_key: location.map(key_of_location).unwrap_or_default(),
            log_group: text("/LoggingConfig/LogGroup")
                .unwrap_or_else(|| format!("/aws/lambda/{name}")),
            logs_json: text("/LoggingConfig/LogFormat").as_deref() == Some("JSON"),
            dead_letter_target: text("/DeadLetterConfig/TargetArn"),
            name,
            arn,
        })
    }
}

/// A function's name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn environment(configuration: &Value) -> BTreeMap<String, String> {
    let variables = configuration.pointer("/Environment/Variables").and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), text)
    };
    variables.into_iter().flatten().map(pair).collect()
}

fn key_of_location(location: &str) -> String {
    let path = location.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let path = path.map_or("", |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The function's name in a name, a partial ARN or an ARN, with or without a qualifier.
pub(super) fn function_name(reference: &str) -> &str {
    let unqualified = match reference.split_once("function:") {
        Some((_, rest)) => rest,
        None => reference,
    };
    unqualified.split(':').next().unwrap_or(unqualified)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_reference_names_the_function() {
        for reference in [
            "f",
            "f:PROD",
            "123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        ] {
            assert_eq!(function_name(reference), "f");
        }
    }

    #[test]
    fn reads_what_moto_answers() {
        let answer = json!({
            "Configuration": {
                "FunctionName": "f",
                "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
                "Handler": "bootstrap",
                "Timeout": 7,
                "MemorySize": 256,
                "CodeSha256": "x=",
                "Environment": {"Variables": {"A": "1"}},
            },
            "Code": {"Location": "https://b.s3.eu-west-1.amazonaws.com/a/b%20c.zip"},
        });
        let settings = FunctionSettings::from_answer(&answer).unwrap();
        assert_eq!(settings.region, "eu-west-1");
        assert_eq!(settings.code_key, "a/b c.zip");
        assert_eq!(settings.log_group, "/aws/lambda/f");
        assert_eq!(settings.timeout, Duration::from_secs(7));
        assert_eq!(settings.environment["A"], "1");
        assert_eq!(settings.dead_letter_target, None);
        assert!(!settings.logs_json);
    }
}
