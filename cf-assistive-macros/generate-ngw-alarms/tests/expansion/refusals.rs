//! Every sentence that fails a deployment.

use crate::requests::{expanded, parameter_values, template};
use macro_protocol::Outcome;
use serde_json::{Map, Value, json};

#[track_caller]
fn assert_refused(outcome: &Outcome, sentence: &str) {
    assert_eq!(*outcome, Outcome::Failure { error_message: sentence.into() });
}

#[track_caller]
fn assert_params_refused(params: &Value, sentence: &str) {
    assert_refused(&expanded(&template(), params, &parameter_values()), sentence);
    let mut values = parameter_values();
    values.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    assert_refused(&expanded(&template(), &json!({}), &values), sentence);
}

#[test]
fn no_resources() {
    for fragment in [json!({}), json!({"Outputs": {}}), json!([]), json!("text"), json!(null)] {
        assert_refused(
            &expanded(&fragment, &json!({}), &parameter_values()),
            "The template has no Resources, expected some to add the alarms to: name \
             GenerateNgwAlarms in the Transform section of a whole template.",
        );
    }
}

#[test]
fn resources_that_are_no_object() {
    for found in [json!([]), json!("text"), json!(null)] {
        assert_refused(
            &expanded(&json!({"Resources": found}), &json!({}), &parameter_values()),
            &format!(
                "Resources is {found}, expected an object to add the alarms to: write each \
                 resource under its logical ID."
            ),
        );
    }
}

#[test]
fn parameter_missing() {
    for parameter in
        ["NatGatewayIDs", "SamplingPeriod", "EvaluationPeriods", "Threshold", "DatapointsToAlarm"]
    {
        let mut values = parameter_values();
        values.as_object_mut().unwrap().remove(parameter);
        assert_refused(
            &expanded(&template(), &json!({}), &values),
            &format!(
                "{parameter} is missing, expected a parameter of the template or the macro: add \
                 it to one of them."
            ),
        );
    }
}

#[test]
fn no_gateway() {
    for found in [json!(""), json!(" , "), json!([]), json!([""])] {
        assert_params_refused(
            &json!({"NatGatewayIDs": found}),
            &format!(
                "NatGatewayIDs is {found}, expected at least one NAT gateway: give its ID, such \
                 as nat-0123456789abcdef0."
            ),
        );
    }
}

#[test]
fn wrong_gateway() {
    for wrong in [
        json!("igw-0123456789abcdef0"),
        json!("nat-"),
        json!("nat-0123456789abcdef"),
        json!("nat-0123456789abcdef01"),
        json!("nat-0123456789abcdeg0"),
        json!("nat-0123456789ABCDEF0"),
        json!("nat-123456789"),
        json!("nat-1a2b3c4d nat-1a2b3c4e"),
        json!("nat-１a2b3c"),
        json!(5),
        json!(null),
        json!(["nat-1a2b3c4d"]),
    ] {
        assert_params_refused(
            &json!({"NatGatewayIDs": ["nat-1a2b3c4d", wrong]}),
            &format!(
                "NatGatewayIDs has {wrong}, expected nat- and 17 (or 8) of the digits 0 to 9 and \
                 a to f: correct or remove it."
            ),
        );
    }
}

#[test]
fn duplicate_gateway() {
    assert_params_refused(
        &json!({"NatGatewayIDs": "nat-1a2b3c4d,nat-0123456789abcdef0, nat-1a2b3c4d"}),
        "NatGatewayIDs has \"nat-1a2b3c4d\" twice, expected each gateway once: remove one of them.",
    );
}

#[test]
fn too_many_gateways() {
    let gateways: Vec<_> = (0..187).map(|number| format!("nat-{number:08x}")).collect();
    assert_params_refused(
        &json!({"NatGatewayIDs": gateways}),
        "NatGatewayIDs has 187 gateways, expected at most 186: spread them over several stacks.",
    );
}

#[test]
fn sampling_period_in_no_whole_minutes() {
    for found in [0, -60, 30, 90] {
        assert_params_refused(
            &json!({"SamplingPeriod": found.to_string()}),
            &format!(
                "SamplingPeriod is {found}, expected a positive multiple of 60: give whole \
                 minutes in seconds, as NAT gateways report once a minute."
            ),
        );
    }
}

#[test]
fn not_an_integer() {
    for parameter in [
        "SamplingPeriod",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "RecordingTime",
        "MinimumRecordingTime",
    ] {
        assert_params_refused(
            &json!({parameter: "1.5"}),
            &format!(
                "{parameter} is \"1.5\", expected an integer: write it with the digits 0 to 9, \
                 without a point, exponent or unit."
            ),
        );
    }
}

#[test]
fn not_positive() {
    for parameter in ["EvaluationPeriods", "DatapointsToAlarm"] {
        assert_params_refused(
            &json!({parameter: "0"}),
            &format!("{parameter} is 0, expected an integer of at least 1: raise it."),
        );
    }
}

#[test]
fn negative_times() {
    for parameter in ["RecordingTime", "MinimumRecordingTime"] {
        assert_params_refused(
            &json!({parameter: "-1"}),
            &format!("{parameter} is -1, expected an integer of at least 0: raise it."),
        );
    }
}

#[test]
fn more_datapoints_than_periods() {
    assert_params_refused(
        &json!({"DatapointsToAlarm": "4"}),
        "DatapointsToAlarm is 4, expected at most the EvaluationPeriods of 3: lower \
         DatapointsToAlarm or raise EvaluationPeriods.",
    );
}

#[test]
fn evaluates_too_long() {
    for (period, periods, product) in [(60, 1441, 86_460), (3540, 25, 88_500), (3600, 169, 608_400)]
    {
        assert_params_refused(
            &json!({"SamplingPeriod": period, "EvaluationPeriods": periods}),
            &format!(
                "SamplingPeriod {period} times EvaluationPeriods {periods} is {product} seconds, \
                 expected at most 86400 (604800 with a SamplingPeriod of at least 3600): lower \
                 one of them."
            ),
        );
    }
}

#[test]
fn products_beyond_64_bits_are_too_long() {
    let params = json!({"SamplingPeriod": 60, "EvaluationPeriods": i64::MAX});
    let outcome = expanded(&template(), &params, &parameter_values());
    let Outcome::Failure { error_message } = outcome else { panic!("{outcome:?}") };
    assert!(error_message.starts_with("SamplingPeriod 60 times EvaluationPeriods 9223372036854"));
}

#[test]
fn wrong_threshold() {
    for found in [
        json!("-1"),
        json!(-0.5),
        json!("100 MB"),
        json!(""),
        json!("NaN"),
        json!("inf"),
        json!("1e999"),
        json!(["1"]),
        json!(null),
    ] {
        assert_params_refused(
            &json!({"Threshold": found}),
            &format!(
                "Threshold is {found}, expected a number of bytes of at least 0: write it with \
                 the digits 0 to 9, without a unit."
            ),
        );
    }
}

#[test]
fn minimum_exceeds_recording_time() {
    for (recording_time, minimum, longest) in [(900, 901, 900), (0, 86_401, 86_400)] {
        assert_params_refused(
            &json!({"RecordingTime": recording_time, "MinimumRecordingTime": minimum}),
            &format!(
                "MinimumRecordingTime is {minimum} seconds, expected at most the {longest} \
                 seconds that a RecordingTime of {recording_time} allows: lower \
                 MinimumRecordingTime or raise RecordingTime."
            ),
        );
    }
}

#[test]
fn logical_id_taken() {
    let fragment = json!({"Resources": {"NatSpikeAlarm1a2b3c4d": {"Type": "AWS::SNS::Topic"}}});
    assert_refused(
        &expanded(&fragment, &json!({}), &parameter_values()),
        "Resources already has NatSpikeAlarm1a2b3c4d, expected that ID to be free for the alarm of \
         nat-1a2b3c4d: rename the resource.",
    );
}

#[test]
fn too_many_resources() {
    let topics = |count| -> Map<String, Value> {
        (0..count).map(|number| (format!("Topic{number}"), json!({}))).collect()
    };
    let fragment = json!({"Resources": topics(498)});
    let fits = expanded(&fragment, &json!({}), &parameter_values());
    assert!(matches!(fits, Outcome::Success { .. }));
    assert_refused(
        &expanded(&json!({"Resources": topics(499)}), &json!({}), &parameter_values()),
        "The template has 501 resources with the 2 alarms of NatGatewayIDs, expected at most 500: \
         spread the gateways over several stacks.",
    );
}

#[test]
fn unknown_parameter() {
    assert_refused(
        &expanded(&template(), &json!({"NatGatewayIds": "nat-1a2b3c4d"}), &parameter_values()),
        "\"NatGatewayIds\" is no parameter of this macro, expected NatGatewayIDs, SamplingPeriod, \
         EvaluationPeriods, Threshold, DatapointsToAlarm, RecordingTime, MinimumRecordingTime, \
         FlowLogDestination, FlowLogFileFormat, FlowLogBucketName: correct or remove it.",
    );
}

#[test]
fn reference_to_no_parameter() {
    for gateways in [json!({"Ref": "Gateways"}), json!([{"Ref": "Gateways"}])] {
        assert_refused(
            &expanded(&template(), &json!({"NatGatewayIDs": gateways}), &parameter_values()),
            "NatGatewayIDs refers to \"Gateways\", expected a parameter of the template: correct \
             the Ref or add the parameter to the template.",
        );
    }
}

#[test]
fn unsupported_intrinsic() {
    let params = json!({"Threshold": {"Fn::Sub": "${Megabytes}000000"}});
    assert_refused(
        &expanded(&template(), &params, &parameter_values()),
        "Threshold is {\"Fn::Sub\":\"${Megabytes}000000\"}, expected a value or {\"Ref\": \"a \
         parameter of the template\"}: replace it, macros run before functions are evaluated.",
    );
}

#[test]
fn a_bucket_without_its_destination() {
    for (parameter, found, default) in
        [("FlowLogBucketName", "logs", ""), ("FlowLogFileFormat", "parquet", "text")]
    {
        assert_params_refused(
            &json!({"FlowLogDestination": "cloudwatch-logs", parameter: found}),
            &format!(
                "{parameter} is \"{found}\", expected \"{default}\" with the FlowLogDestination \
                 \"cloudwatch-logs\": choose s3, or leave it out."
            ),
        );
    }
}
