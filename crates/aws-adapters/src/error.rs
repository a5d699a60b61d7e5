use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use recording::Error;

/// Sorts what the SDK says of a failed call into "for the moment" and "refused".
pub(crate) fn of_call<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some(code) if !is_transient(code) && !is_server_fault(error) => {
            Error::AwsRefused { operation, code: code.to_owned(), message: said(error).to_owned() }
        }
        Some(code) => Error::Transient { operation, message: format!("{code}, {}", said(error)) },
        None => Error::Transient { operation, message: chain(error) },
    }
}

fn said<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error.message().unwrap_or("no message")
}

/// What went wrong and why, for people: without the request and the answer that
/// the SDK's own display of an error shows.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn is_server_fault<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.status().is_server_error())
}

/// Error codes that stand for "try again later", with HTTP status 4xx in some
/// services.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors>
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalError"
            | "InternalFailure"
            | "InternalServerError"
            | "KMSThrottling"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ServiceUnavailable"
            | "Throttled"
            | "Throttling"
            | "ThrottlingException"
            | "TransactionInProgressException"
            | "Unavailable"
    )
}

#[cfg(all(test, feature = "dynamodb"))]
mod tests {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    /// The SDK takes this for a refusal, and tries it once.
    #[test]
    fn a_topic_that_is_asked_too_often_takes_the_next_message() {
        for (status, code) in [(429, "Throttled"), (400, "KMSThrottling")] {
            let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            let said = ErrorMetadata::builder().code(code).message("Rate exceeded").build();
            let failed = of_call("sns:Publish", &SdkError::service_error(said, answer));
            let message = format!("{code}, Rate exceeded");
            assert_eq!(failed, Error::Transient { operation: "sns:Publish", message });
        }
    }

    #[test]
    fn a_call_without_an_answer_failed_for_the_moment_in_one_sentence() {
        let error: SdkError<UpdateItemError, HttpResponse> =
            SdkError::timeout_error("no answer within 8 s");
        let expected = Error::Transient {
            operation: "dynamodb:UpdateItem",
            message: "request has timed out: no answer within 8 s".to_owned(),
        };
        assert_eq!(of_call("dynamodb:UpdateItem", &error), expected);
    }
}
