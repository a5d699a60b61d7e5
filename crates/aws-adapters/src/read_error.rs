use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::chain;

/// Why something in an account could not be read. Its text says what AWS said; what to do about
/// it depends on who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// There are no credentials, or they could not be had.
    NoCredentials {
        /// What the SDK says.
        reason: String,
    },
    /// No region is configured.
    NoRegion,
    /// AWS refused a call.
    Refused {
        /// The call, as `s3:GetObject`.
        operation: &'static str,
        /// AWS's code for the refusal, as `AccessDenied`.
        code: String,
        /// AWS's words for it.
        message: String,
    },
    /// No answer came, or only a part of it, however often it was asked for.
    NoAnswer {
        /// The call, as `s3:GetObject`.
        operation: &'static str,
        /// What happened instead.
        reason: String,
    },
    /// What AWS answered cannot be used.
    Unusable(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials { reason } => write!(f, "no AWS credentials: {reason}"),
            Self::NoRegion => write!(f, "no AWS region is configured"),
            Self::Refused { operation, code, message } => {
                write!(f, "{operation} was refused: {code}")?;
                let message = message.trim();
                if message.is_empty() { Ok(()) } else { write!(f, ", {message}") }
            }
            Self::NoAnswer { operation, reason } => write!(f, "{operation}: {reason}"),
            Self::Unusable(reason) => write!(f, "{reason}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl ReadError {
    /// What became of a call.
    pub(crate) fn of_call<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if let Some(reason) = credentials_error(error) {
            return Self::NoCredentials { reason };
        }
        let refused = |code: &str| Self::Refused {
            operation,
            code: code.to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        };
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        match (error.code(), status) {
            (Some(code), _) => refused(code),
            // An answer to HEAD has no body that could say more.
            (None, Some(403)) => refused("AccessDenied"),
            (None, Some(404)) => refused("NotFound"),
            (None, Some(412)) => refused("PreconditionFailed"),
            (None, _) => Self::NoAnswer { operation, reason: chain(error) },
        }
    }

    /// The call, as `s3:GetObject`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Refused { operation, .. } | Self::NoAnswer { operation, .. } => Some(operation),
            _ => None,
        }
    }

    /// AWS's code for its refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl From<recording::Error> for ReadError {
    fn from(error: recording::Error) -> Self {
        match error {
            recording::Error::AwsRefused { operation, code, message } => {
                Self::Refused { operation, code, message }
            }
            recording::Error::Transient { operation, message } => {
                Self::NoAnswer { operation, reason: message }
            }
            other => Self::Unusable(other.to_string()),
        }
    }
}

/// Why there are no credentials, where that is what went wrong.
fn credentials_error(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find(|cause| cause.is::<CredentialsError>()).map(chain)
}
