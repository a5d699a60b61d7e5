//! What `StringToInt` answers: the integer, or the sentence that fails the deployment.

use macro_protocol::{Outcome, answer};
use proptest::prelude::*;
use serde_json::{Value, json};
use string_to_int::expand;

/// Answers `params` in a template whose `RecordingTime` is "900" and `Zero` is "0".
fn convert(params: &Value) -> Outcome {
    let request = json!({
        "region": "us-east-1",
        "accountId": "123456789012",
        "fragment": {},
        "transformId": "123456789012::StringToInt",
        "params": params,
        "requestId": "r",
        "templateParameterValues": {"RecordingTime": "900", "Zero": "0", "List": ["1"]},
    });
    answer(request, expand).outcome
}

#[track_caller]
fn assert_integer(params: &Value, expected: i64) {
    assert_eq!(convert(params), Outcome::Success { fragment: json!(expected) }, "{params}");
}

#[track_caller]
fn assert_refused(params: &Value, sentence: &str) {
    assert_eq!(convert(params), Outcome::Failure { error_message: sentence.into() }, "{params}");
}

#[test]
fn strings_and_numbers_become_integers() {
    assert_integer(&json!({"Value": "900"}), 900);
    assert_integer(&json!({"Value": 900}), 900);
    assert_integer(&json!({"Value": " -5 "}), -5);
    assert_integer(&json!({"Value": "0"}), 0);
}

#[test]
fn references_to_the_templates_parameters_are_followed() {
    assert_integer(&json!({"Value": {"Ref": "RecordingTime"}}), 900);
    assert_integer(&json!({"Value": {"Ref": "Zero"}, "WhenZero": {"Ref": "RecordingTime"}}), 900);
}

#[test]
fn zero_becomes_when_zero_whatever_the_bounds() {
    let bounds = json!({"Value": "0", "WhenZero": "86400", "Minimum": 1, "Maximum": 3600});
    assert_integer(&bounds, 86_400);
    assert_integer(&json!({"Value": "-0", "WhenZero": 7}), 7);
    assert_integer(&json!({"Value": "1", "WhenZero": 7}), 1);
}

#[test]
fn bounds_are_included() {
    assert_integer(&json!({"Value": "1", "Minimum": "1", "Maximum": "1"}), 1);
    assert_integer(&json!({"Value": i64::MIN, "Minimum": i64::MIN.to_string()}), i64::MIN);
}

#[test]
fn value_missing() {
    assert_refused(
        &json!({}),
        "Value is missing, expected an integer: add Value to the Parameters of the Fn::Transform \
         that names StringToInt.",
    );
}

#[test]
fn not_an_integer() {
    for (parameter, value) in [
        ("Value", json!("")),
        ("Value", json!("15 minutes")),
        ("Value", json!("9e2")),
        ("Value", json!(900.5)),
        ("Value", json!(true)),
        ("Value", json!(null)),
        ("Value", json!(["900"])),
        ("Value", json!({"Ref": "List"})),
        ("WhenZero", json!("never")),
        ("Minimum", json!("none")),
        ("Maximum", json!(1.5)),
    ] {
        let mut params = json!({"Value": 1});
        params[parameter] = value.clone();
        let found = if value.is_object() { json!(["1"]) } else { value };
        assert_refused(
            &params,
            &format!(
                "{parameter} is {found}, expected an integer: write it with the digits 0 to 9, \
                 without a point, exponent or unit."
            ),
        );
    }
}

#[test]
fn out_of_range() {
    for value in [
        json!("9223372036854775808"),
        json!("-9223372036854775809"),
        json!(9_223_372_036_854_775_808_u64),
        json!(1e30),
        json!(-1e30),
    ] {
        assert_refused(
            &json!({"Value": value}),
            &format!(
                "Value is {value}, expected an integer from -9223372036854775808 to \
                 9223372036854775807: choose one of them."
            ),
        );
    }
}

#[test]
fn below_the_minimum() {
    assert_refused(
        &json!({"Value": "0", "Minimum": 1}),
        "Value is 0, expected at least the Minimum of 1: raise it.",
    );
}

#[test]
fn above_the_maximum() {
    assert_refused(
        &json!({"Value": "86401", "WhenZero": 86400, "Maximum": "86400"}),
        "Value is 86401, expected at most the Maximum of 86400: lower it.",
    );
}

#[test]
fn bounds_that_cross() {
    assert_refused(
        &json!({"Value": "0", "WhenZero": 1, "Minimum": 2, "Maximum": 1}),
        "Minimum is 2 and Maximum is 1, expected a Minimum of at most Maximum: lower Minimum or \
         raise Maximum.",
    );
}

#[test]
fn unknown_parameter() {
    assert_refused(
        &json!({"Value": "0", "Whenzero": 1}),
        "\"Whenzero\" is no parameter of this macro, expected Value, WhenZero, Minimum, Maximum: \
         correct or remove it.",
    );
}

#[test]
fn reference_to_no_parameter() {
    assert_refused(
        &json!({"Value": {"Ref": "RecordingTme"}}),
        "Value refers to \"RecordingTme\", expected a parameter of the template: correct the Ref \
         or add the parameter to the template.",
    );
}

#[test]
fn unsupported_intrinsic() {
    for value in [json!({"Fn::Sub": "${RecordingTime}"}), json!({"Ref": 1}), json!({})] {
        assert_refused(
            &json!({"Value": 1, "Maximum": value}),
            &format!(
                "Maximum is {value}, expected a value or {{\"Ref\": \"a parameter of the \
                 template\"}}: replace it, macros run before functions are evaluated."
            ),
        );
    }
}

#[test]
fn long_values_are_cut_off_in_the_sentence() {
    let Outcome::Failure { error_message } = convert(&json!({"Value": "ü".repeat(100_000)}))
    else {
        panic!("not an integer");
    };
    assert!(error_message.starts_with(&format!("Value is \"{}…, expected", "ü".repeat(79))));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![Just("Ref".to_owned()), Just("List".to_owned()), ".*"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    /// Whatever a 64-bit integer is written as, the answer is that integer.
    #[test]
    fn every_integer_survives(value in any::<i64>()) {
        assert_integer(&json!({"Value": value.to_string()}), value);
        assert_integer(&json!({"Value": value}), value);
    }

    /// What lies within the bounds is answered, what lies outside is refused.
    #[test]
    fn bounds_hold(value in -9..9_i64, minimum in -9..9_i64, maximum in -9..9_i64) {
        let params = json!({"Value": value, "Minimum": minimum, "Maximum": maximum});
        let within = (minimum..=maximum).contains(&value);
        prop_assert_eq!(matches!(convert(&params), Outcome::Success { .. }), within);
    }

    /// No request makes the macro panic, and the answer is an integer or a sentence.
    #[test]
    fn everything_is_answered(
        whole in any_json(), value in any_json(), when_zero in any_json(), minimum in any_json(),
    ) {
        answer(whole, expand);
        let params = json!({"Value": value, "WhenZero": when_zero, "Minimum": minimum});
        match convert(&params) {
            Outcome::Success { fragment } => prop_assert!(fragment.is_i64()),
            Outcome::Failure { error_message } => prop_assert!(error_message.ends_with('.')),
        }
    }
}
