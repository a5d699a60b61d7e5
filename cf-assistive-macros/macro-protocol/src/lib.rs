//! The request, the answer and the parameters of a CloudFormation macro.
//!
//! Source: [Create a macro definition][aws]. CloudFormation shows a person `errorMessage` only when
//! the function answers: an invocation error is reported without its reason. So [`answer`] turns
//! whatever goes wrong into an answer with `status` = `failure`.
//!
//! [aws]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html

mod parameters;

pub use parameters::{ParameterError, Parameters, integer, shown};

use std::error::Error;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a macro reads of CloudFormation's request; the rest (`region`, `accountId`, `transformId`)
/// is ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with requestId and fragment")]
pub struct Request {
    /// Identifies the call; the answer must repeat it.
    pub request_id: String,
    /// The whole template (a macro named in `Transform`), or the siblings of the `Fn::Transform`.
    pub fragment: Value,
    /// `params` and `templateParameterValues`.
    #[serde(flatten)]
    pub parameters: Parameters,
}

/// What CloudFormation gets back.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The request's own; empty when the request had none.
    pub request_id: String,
    /// `status` and what belongs to it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// `status` is `success` or, which fails the deployment, `failure`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The macro did its work.
    Success {
        /// Takes the place of the request's fragment.
        fragment: Value,
    },
    /// The macro refused.
    Failure {
        /// One sentence for the person who deploys, shown among the stack's events.
        error_message: String,
    },
}

/// Answers any JSON at all: with what `expand` makes of it, or with `failure` and the reason.
pub fn answer<E: Error>(
    request: Value,
    expand: impl FnOnce(Request) -> Result<Value, E>,
) -> Response {
    let request_id = request.get("requestId").and_then(Value::as_str).unwrap_or_default().into();
    let outcome = match serde_json::from_value(request).map(expand) {
        Ok(Ok(fragment)) => Outcome::Success { fragment },
        Ok(Err(refusal)) => Outcome::Failure { error_message: refusal.to_string() },
        Err(unreadable) => Outcome::Failure {
            error_message: format!(
                "The request is no macro request of CloudFormation ({unreadable}): name this macro \
                 in a template instead of invoking its function."
            ),
        },
    };
    Response { request_id, outcome }
}

#[cfg(test)]
mod tests {
    use super::{ParameterError, Request, answer};
    use serde_json::{Value, json};

    fn echo(request: Request) -> Result<Value, ParameterError> {
        request.parameters.reject_unknown(&["Known"])?;
        Ok(request.fragment)
    }

    fn answered(request: Value) -> Value {
        serde_json::to_value(answer(request, echo)).unwrap()
    }

    /// The example request of the AWS documentation.
    fn request() -> Value {
        json!({
            "region": "us-east-1",
            "accountId": "123456789012",
            "fragment": {"Resources": {}},
            "transformId": "123456789012::Echo",
            "params": {},
            "requestId": "5dba79b5-f117-4de0-9ce4-d40363bfb6ab",
            "templateParameterValues": {},
        })
    }

    #[test]
    fn success_has_the_fragment_and_the_request_id() {
        assert_eq!(
            answered(request()),
            json!({
                "requestId": "5dba79b5-f117-4de0-9ce4-d40363bfb6ab",
                "status": "success",
                "fragment": {"Resources": {}},
            })
        );
    }

    #[test]
    fn failure_has_the_sentence_and_the_request_id() {
        let mut request = request();
        request["params"] = json!({"Unknown": 1});
        assert_eq!(
            answered(request),
            json!({
                "requestId": "5dba79b5-f117-4de0-9ce4-d40363bfb6ab",
                "status": "failure",
                "errorMessage": "\"Unknown\" is no parameter of this macro, expected Known: \
                                 correct or remove it.",
            })
        );
    }

    #[test]
    fn parameters_may_be_left_out() {
        let answer = answered(json!({"requestId": "r", "fragment": 1}));
        assert_eq!(answer, json!({"requestId": "r", "status": "success", "fragment": 1}));
    }

    #[test]
    fn what_is_no_request_is_answered_too() {
        for request in [
            json!(null),
            json!([]),
            json!("text"),
            json!({}),
            json!({"requestId": 1, "fragment": {}}),
            json!({"requestId": "r"}),
            json!({"requestId": "r", "fragment": {}, "params": []}),
            json!({"requestId": "r", "fragment": {}, "templateParameterValues": "x"}),
        ] {
            let answer = answered(request.clone());
            let id = request.get("requestId").and_then(Value::as_str).unwrap_or_default();
            assert_eq!(answer["requestId"], id, "{request}");
            assert_eq!(answer["status"], "failure", "{request}");
            let message = answer["errorMessage"].as_str().unwrap();
            assert!(message.starts_with("The request is no macro request of CloudFormation ("));
            assert!(
                message
                    .ends_with("name this macro in a template instead of invoking its function.")
            );
        }
    }
}
