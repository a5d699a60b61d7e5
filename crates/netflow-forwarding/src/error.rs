use std::borrow::Cow;

use collectors::CollectorError;
use notifications::EventError;
use objects::ObjectError;

use crate::PortError;

/// What can go wrong. Its [`name`](Error::name) is the `errorType` that Lambda shows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A variable of the function's environment is missing or wrong.
    #[error("the environment variable {name} is {found}, expected {expected}")]
    SettingsWrong {
        /// The variable.
        name: &'static str,
        /// What stands there, or "not set".
        found: String,
        /// What should stand there.
        expected: Cow<'static, str>,
    },
    /// The event tells of no objects.
    #[error(transparent)]
    EventRefused(#[from] EventError),
    /// An object could not be downloaded.
    #[error("{object}: {source}")]
    ObjectNotRead {
        /// The object's URL.
        object: String,
        /// What S3 said.
        source: PortError,
    },
    /// Somebody has deleted the object.
    #[error("{object} is gone: its records cannot be sent")]
    ObjectGone {
        /// The object's URL.
        object: String,
    },
    /// An object is no text of flow-log records.
    #[error("{object}: {source}")]
    ObjectRefused {
        /// The object's URL.
        object: String,
        /// What was found.
        source: ObjectError,
    },
    /// The records lack fields without which none of them can be sent.
    #[error("{object}: the records lack {missing}, without which {what}; they have {fields}")]
    FieldsMissing {
        /// The object's URL.
        object: String,
        /// The fields that are not there.
        missing: String,
        /// What cannot be done.
        what: &'static str,
        /// The fields that are there.
        fields: String,
    },
    /// No sequence numbers were to be had.
    #[error("no sequence numbers for {domain}: {source}")]
    SequenceNotReserved {
        /// Protocol and observation domain.
        domain: String,
        /// What DynamoDB said.
        source: PortError,
    },
    /// A collector cannot be sent to.
    #[error(transparent)]
    CollectorUnreachable(#[from] CollectorError),
    /// A collector's host has said that nobody listens.
    #[error("nobody listens at {0}: records were lost")]
    CollectorRefused(String),
    /// The objects were sent, and are still there.
    #[error("{object} was sent, but not deleted: {source}")]
    ObjectNotDeleted {
        /// The object's URL.
        object: String,
        /// What S3 said.
        source: PortError,
    },
    /// The function's time is up.
    #[error(
        "{object}: after {records} records there is no time left; raise the function's Timeout \
         (900 s at most), its memory or RATE"
    )]
    OutOfTime {
        /// The object's URL.
        object: String,
        /// Records of it that were read, and sent for the most part.
        records: u64,
    },
}

impl Error {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SettingsWrong { .. } => "SettingsWrong",
            Self::EventRefused(_) => "EventRefused",
            Self::ObjectNotRead { .. } => "ObjectNotRead",
            Self::ObjectGone { .. } => "ObjectGone",
            Self::ObjectRefused { .. } => "ObjectRefused",
            Self::FieldsMissing { .. } => "FieldsMissing",
            Self::SequenceNotReserved { .. } => "SequenceNotReserved",
            Self::CollectorUnreachable(_) => "CollectorUnreachable",
            Self::CollectorRefused(_) => "CollectorRefused",
            Self::ObjectNotDeleted { .. } => "ObjectNotDeleted",
            Self::OutOfTime { .. } => "OutOfTime",
        }
    }
}
