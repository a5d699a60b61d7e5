//! Under which names invocations fail.

use aws_adapters::ReadError;
use datadog::{ForwardError, ForwardObjectError, IntakeError};
use deliveries::{EventError, PayloadError};
use lambda_kit::Failure;
use recording::{Error, ErrorName};

pub(crate) fn of_event(error: &EventError) -> Failure {
    Failure::new(ErrorName::EventRefused.as_str(), error.to_string())
}

pub(crate) fn of_payload(error: &PayloadError) -> Failure {
    Failure::new("PayloadRefused", error.to_string())
}

pub(crate) fn of_read(error: &ReadError) -> Failure {
    Failure::new("ObjectUnavailable", error.to_string())
}

pub(crate) fn of_object(error: ForwardObjectError<Error, ReadError>) -> Failure {
    match error {
        ForwardObjectError::Forward(error) => of_forwarding(error),
        ForwardObjectError::Pieces(error) => of_read(&error),
    }
}

pub(crate) fn of_forwarding(error: ForwardError<Error>) -> Failure {
    let name = match error {
        ForwardError::Account(error) => return error.into(),
        ForwardError::Format(_) => "FormatUnknown",
        ForwardError::Object(_) => "ObjectRefused",
        ForwardError::Intake(IntakeError::KeyRefused { .. }) => "ApiKeyRefused",
        ForwardError::Intake(IntakeError::Refused { .. }) => "IntakeRefused",
        ForwardError::Intake(IntakeError::Unavailable { .. }) => "IntakeUnavailable",
        ForwardError::Claims { .. } => "ClaimsUnreadable",
        ForwardError::Overtaken(_) => "ClaimsOvertaken",
        ForwardError::NotPacked(_) => "PointsNotPacked",
    };
    Failure::new(name, error.to_string())
}
