use std::{any::Any, borrow::Cow, fmt};

use lambda_runtime::Diagnostic;
use recording::ErrorName;

/// A failed invocation: what Lambda answers as `errorType` and `errorMessage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    name: Cow<'static, str>,
    message: String,
}

impl Failure {
    /// A failure under a name of its own.
    pub fn new(name: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into() }
    }

    /// The stable name: `errorType`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let said = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("no message");
        Self::new("Panicked", format!("the function has a defect and panicked: {said}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The input, or a part of it, is not what this version of the function reads.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorName::EventRefused.as_str(), format!("the input cannot be read: {error}"))
    }
}

impl From<recording::Error> for Failure {
    fn from(error: recording::Error) -> Self {
        Self::new(error.name().as_str(), error.to_string())
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.name.into_owned(), error_message: failure.message }
    }
}
