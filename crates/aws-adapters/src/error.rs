use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};
use recording::Error;

/// Sorts what the SDK says of a failed call into "for the moment" and "refused".
pub(crate) fn of_call<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some(code) if !is_transient(code) && !is_server_fault(error) => Error::AwsRefused {
            operation,
            code: code.to_owned(),
            message: error.message().unwrap_or("no message").to_owned(),
        },
        _ => Error::Transient { operation, message: DisplayErrorContext(error).to_string() },
    }
}

fn is_server_fault<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.status().is_server_error())
}

/// Error codes that stand for "try again later", with HTTP status 4xx in some
/// services.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalError"
            | "InternalFailure"
            | "InternalServerError"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ServiceUnavailable"
            | "Throttling"
            | "ThrottlingException"
            | "TransactionInProgressException"
            | "Unavailable"
    )
}
