//! Parameters of a macro: values, or references to the template's own parameters.

use std::borrow::Cow;
use std::num::IntErrorKind;

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// What a macro was given.
///
/// `Fn::Transform` may hand over `{"Ref": "Name"}` as it stands in the template; it is looked up
/// here. CloudFormation's parameters are strings, also those of type `Number`, and a
/// `CommaDelimitedList` is a list or a string.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    params: Map<String, Value>,
    template_parameter_values: Map<String, Value>,
}

/// A parameter that no macro could use.
#[derive(Debug, Error, PartialEq)]
pub enum ParameterError {
    /// Most likely a misspelt name, whose value would otherwise silently be a default.
    #[error("{name} is no parameter of this macro, expected {known}: correct or remove it.")]
    Unknown {
        /// The name found, as JSON.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// `{"Ref": "Name"}`, and the template has no parameter of that name.
    #[error(
        "{parameter} refers to {name}, expected a parameter of the template: correct the Ref or \
         add the parameter to the template."
    )]
    UnknownReference {
        /// The macro's parameter.
        parameter: &'static str,
        /// What it refers to, as JSON.
        name: String,
    },
    /// `Fn::Sub`, `Fn::If` and the like are evaluated after the macros have run.
    #[error(
        "{parameter} is {found}, expected a value or {{\"Ref\": \"a parameter of the template\"}}: \
         replace it, macros run before functions are evaluated."
    )]
    UnsupportedIntrinsic {
        /// The macro's parameter.
        parameter: &'static str,
        /// The value found, as JSON.
        found: String,
    },
    /// Neither an integer nor a string that holds one.
    #[error(
        "{parameter} is {found}, expected an integer: write it with the digits 0 to 9, without a \
         point, exponent or unit."
    )]
    NotAnInteger {
        /// The macro's parameter.
        parameter: &'static str,
        /// The value found, as JSON.
        found: String,
    },
    /// An integer of more than 64 bits.
    #[error(
        "{parameter} is {found}, expected an integer from {min} to {max}: choose one of them.",
        min = i64::MIN,
        max = i64::MAX
    )]
    IntegerOutOfRange {
        /// The macro's parameter.
        parameter: &'static str,
        /// The value found, as JSON.
        found: String,
    },
}

impl Parameters {
    /// Refuses the first parameter of the macro that is not one of `known`.
    pub fn reject_unknown(&self, known: &[&str]) -> Result<(), ParameterError> {
        match self.params.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ParameterError::Unknown {
                name: shown(&Value::from(name.as_str())),
                known: known.join(", "),
            }),
        }
    }

    /// The macro's own parameter, `None` when it was not given.
    pub fn given(&self, parameter: &'static str) -> Result<Option<Cow<'_, Value>>, ParameterError> {
        self.params.get(parameter).map(|value| self.resolve(parameter, value)).transpose()
    }

    /// The macro's own parameter or, when it was not given, the template's of the same name.
    pub fn given_or_template(
        &self,
        parameter: &'static str,
    ) -> Result<Option<Cow<'_, Value>>, ParameterError> {
        let given = self.given(parameter)?;
        Ok(given.or_else(|| self.template_parameter_values.get(parameter).map(Cow::Borrowed)))
    }

    /// The value itself, or what `{"Ref": …}` refers to; of a list, each element's.
    fn resolve<'a>(
        &'a self,
        parameter: &'static str,
        value: &'a Value,
    ) -> Result<Cow<'a, Value>, ParameterError> {
        match value {
            Value::Object(_) => self.dereference(parameter, value).map(Cow::Borrowed),
            Value::Array(items) => items
                .iter()
                .map(|item| match item {
                    Value::Object(_) => self.dereference(parameter, item).cloned(),
                    _ => Ok(item.clone()),
                })
                .collect::<Result<_, _>>()
                .map(|items| Cow::Owned(Value::Array(items))),
            _ => Ok(Cow::Borrowed(value)),
        }
    }

    fn dereference(
        &self,
        parameter: &'static str,
        reference: &Value,
    ) -> Result<&Value, ParameterError> {
        let name = reference
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.get("Ref"))
            .and_then(Value::as_str)
            .ok_or_else(|| ParameterError::UnsupportedIntrinsic {
                parameter,
                found: shown(reference),
            })?;
        self.template_parameter_values.get(name).ok_or_else(|| ParameterError::UnknownReference {
            parameter,
            name: shown(&Value::from(name)),
        })
    }
}

/// The integer that `value` is, or that it holds as a string (spaces around it do no harm).
pub fn integer(parameter: &'static str, value: &Value) -> Result<i64, ParameterError> {
    let out_of_range = || ParameterError::IntegerOutOfRange { parameter, found: shown(value) };
    let not_an_integer = || ParameterError::NotAnInteger { parameter, found: shown(value) };
    match value {
        Value::Number(number) if is_beyond_i64(number) => Err(out_of_range()),
        Value::Number(number) => number.as_i64().ok_or_else(not_an_integer),
        Value::String(text) => {
            text.trim().parse().map_err(|error: std::num::ParseIntError| match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range(),
                _ => not_an_integer(),
            })
        }
        _ => Err(not_an_integer()),
    }
}

/// JSON keeps an integer of more than 64 bits as a floating-point number.
fn is_beyond_i64(number: &Number) -> bool {
    /// 2^63
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    !number.is_i64()
        && number.as_f64().is_some_and(|float| float.fract() == 0.0 && float.abs() >= BEYOND)
}

/// `value` as JSON for a message, cut off where it stops being helpful.
#[must_use]
pub fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let json = value.to_string();
    match json.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json,
    }
}
