//! A call's parameters, whatever they were written in.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::cbor;

/// What the caller gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parameters {
    /// The names and values of a form (`ResourceId.1`).
    Form(BTreeMap<String, String>),
    /// A JSON document, or CBOR as JSON.
    Document(Value),
}

impl Parameters {
    /// Reads a form, and nothing where there is none.
    pub(crate) fn of_form(text: &[u8]) -> Self {
        Self::Form(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Reads a JSON document; `null` stands for what is none.
    pub(crate) fn of_json(text: &[u8]) -> Self {
        Self::Document(serde_json::from_slice(text).unwrap_or_default())
    }

    /// Reads CBOR; `null` stands for what is none.
    pub(crate) fn of_cbor(bytes: &Bytes) -> Self {
        Self::Document(cbor::read(bytes))
    }

    /// A parameter's text; numbers and booleans as written.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self {
            Self::Form(form) => form.get(name).cloned(),
            Self::Document(document) => document.get(name).and_then(scalar),
        }
    }

    /// The items of a list: `Name.1` or `Name.member.1` in a form.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self {
            Self::Form(form) => {
                let item = |index| {
                    form.get(&format!("{name}.{index}"))
                        .or_else(|| form.get(&format!("{name}.member.{index}")))
                };
                (1..).map_while(item).cloned().collect()
            }
            Self::Document(document) => {
                let items = document.get(name).and_then(Value::as_array);
                items.into_iter().flatten().filter_map(scalar).collect()
            }
        }
    }

    /// A part of a document.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Form(_) => None,
            Self::Document(document) => document.get(name),
        }
    }

    /// The form, if it is one.
    pub(crate) fn form(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Form(form) => Some(form),
            Self::Document(_) => None,
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_forms_end_at_the_first_gap() {
        let form = Parameters::of_form(b"ResourceId.1=a&ResourceId.2=b&ResourceId.4=d&Max=3");
        assert_eq!(form.texts("ResourceId"), ["a", "b"]);
        assert_eq!(form.text("Max").as_deref(), Some("3"));
        let form = Parameters::of_form(b"AlarmNames.member.1=x+y%2Fz");
        assert_eq!(form.texts("AlarmNames"), ["x y/z"]);
    }

    #[test]
    fn documents_are_read_the_same_way() {
        let json = Parameters::of_json(br#"{"AlarmNames": ["x", "y"], "Max": 3, "Deep": {}}"#);
        assert_eq!(json.texts("AlarmNames"), ["x", "y"]);
        assert_eq!(json.text("Max").as_deref(), Some("3"));
        assert_eq!(json.text("Deep"), None);
        assert_eq!(Parameters::of_json(b"").text("Max"), None);
    }
}
