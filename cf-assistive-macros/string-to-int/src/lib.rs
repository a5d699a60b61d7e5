//! The macro `StringToInt`: CloudFormation's parameters are strings, Step Functions wants numbers.
//!
//! ```yaml
//! Fn::Transform:
//!   Name: StringToInt
//!   Parameters: {Value: !Ref RecordingTime, WhenZero: 86400, Minimum: 1, Maximum: 86400}
//! ```
//!
//! becomes a JSON integer. A `Value` of 0 becomes `WhenZero`, if that is given, whatever the bounds;
//! everything else must lie within `Minimum` and `Maximum`, both included. Each of the four is an
//! integer, a string that holds one, or `{"Ref": "a parameter of the template"}`.

use macro_protocol::{ParameterError, Parameters, Request, integer};
use serde_json::Value;
use thiserror::Error;

const PARAMETERS: [&str; 4] = ["Value", "WhenZero", "Minimum", "Maximum"];

/// Why there is no integer, in the sentence that fails the deployment.
#[derive(Debug, Error, PartialEq)]
pub enum Refusal {
    /// A parameter that cannot be read.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// There is nothing to convert.
    #[error(
        "Value is missing, expected an integer: add Value to the Parameters of the Fn::Transform \
         that names StringToInt."
    )]
    ValueMissing,
    /// No value could satisfy both bounds.
    #[error(
        "Minimum is {minimum} and Maximum is {maximum}, expected a Minimum of at most Maximum: \
         lower Minimum or raise Maximum."
    )]
    BoundsCross {
        /// The lower bound found.
        minimum: i64,
        /// The upper bound found.
        maximum: i64,
    },
    /// Less than allowed.
    #[error("Value is {value}, expected at least the Minimum of {minimum}: raise it.")]
    BelowMinimum {
        /// The value found.
        value: i64,
        /// The lower bound.
        minimum: i64,
    },
    /// More than allowed.
    #[error("Value is {value}, expected at most the Maximum of {maximum}: lower it.")]
    AboveMaximum {
        /// The value found.
        value: i64,
        /// The upper bound.
        maximum: i64,
    },
}

/// The integer that takes the place of the `Fn::Transform`.
pub fn expand(request: Request) -> Result<Value, Refusal> {
    let parameters = request.parameters;
    parameters.reject_unknown(&PARAMETERS)?;
    let value = optional_integer(&parameters, "Value")?.ok_or(Refusal::ValueMissing)?;
    let when_zero = optional_integer(&parameters, "WhenZero")?;
    let minimum = optional_integer(&parameters, "Minimum")?.unwrap_or(i64::MIN);
    let maximum = optional_integer(&parameters, "Maximum")?.unwrap_or(i64::MAX);
    if minimum > maximum {
        return Err(Refusal::BoundsCross { minimum, maximum });
    }
    match when_zero {
        Some(instead) if value == 0 => Ok(instead.into()),
        _ => bounded(value, minimum, maximum).map(Value::from),
    }
}

fn optional_integer(
    parameters: &Parameters,
    parameter: &'static str,
) -> Result<Option<i64>, ParameterError> {
    parameters.given(parameter)?.map(|value| integer(parameter, &value)).transpose()
}

fn bounded(value: i64, minimum: i64, maximum: i64) -> Result<i64, Refusal> {
    if value < minimum {
        Err(Refusal::BelowMinimum { value, minimum })
    } else if value > maximum {
        Err(Refusal::AboveMaximum { value, maximum })
    } else {
        Ok(value)
    }
}
