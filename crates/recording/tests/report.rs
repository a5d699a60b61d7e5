//! The whole e-mail, word for word. Review a change with `cargo insta review`, or
//! set `INSTA_UPDATE=always` and read the diff.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use recording::{
    NatGatewayId,
    bucket::Bucket,
    report::{self, BODY_BYTES, Email, Failed, Place, Records, SUBJECT_CHARACTERS},
    state::{Failure, State},
};
use serde_json::{Value, json};

const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:recorder-Recorder-1:0a1b";

const PLACE: Place<'_> =
    Place { stack: "recorder", records: Records::LogGroup("recorder-FlowLogGroup-1A2B3C") };

/// A recording that ended as it should, as the state machine hands it over.
fn ended() -> Value {
    json!({
        "decision": "record",
        "reason": "recorder/nat-0123456789abcdef0 is in ALARM since 2026-11-21T04:11:03.678Z",
        "recording": {
            "natGatewayId": "nat-0123456789abcdef0",
            "execution": EXECUTION,
            "alarm": {
                "name": "recorder/nat-0123456789abcdef0",
                "reason": "Threshold Crossed: 1 out of the last 3 datapoints [512345678.0 \
                    (21/11/26 04:10:00)] was greater than the threshold (1.0E8) (minimum 1 \
                    datapoint for OK -> ALARM transition).",
                "at": "2026-11-21T04:11:03.678Z",
            },
            "reservedAt": "2026-11-21T04:11:05.100Z",
            "leaseEndsAt": "2026-11-21T05:40:05.100Z",
            "recordingSeconds": 900,
            "minimumRecordingSeconds": 180,
            "quota": {
                "number": 3,
                "allowed": 5,
                "period": "month",
                "counter": "recordings-month-2026-11-01",
            },
        },
        "waitSeconds": 900,
        "reportDelaySeconds": 360,
        "started": {
            "at": "2026-11-21T04:11:06.200Z",
            "gateway": {
                "state": "available",
                "name": "egress-a",
                "vpcId": "vpc-0a1b2c3d",
                "networkInterfaceIds": ["eni-0a1b2c3d"],
                "privateAddresses": ["10.0.0.220"],
            },
            "flowLogs": [{ "id": "fl-0a1b2c3d", "resourceId": "eni-0a1b2c3d" }],
        },
        "minimumEndsAt": "2026-11-21T04:14:07Z",
        "ended": {
            "name": "recorder/nat-0123456789abcdef0",
            "how": "ok",
            "at": "2026-11-21T04:19:03.001Z",
        },
        "stopped": true,
        "stop": { "at": "2026-11-21T04:19:05.2Z", "deleted": ["fl-0a1b2c3d"] },
    })
}

fn with(mut state: Value, pointer: &str, value: Value) -> Value {
    *state.pointer_mut(pointer).unwrap() = value;
    state
}

fn recorded(state: &Value) -> Email {
    let state: State = serde_json::from_value(state.clone()).unwrap();
    checked(report::recorded(&state, PLACE))
}

/// What SNS and a state of an execution can take, and a mail client of 80 columns
/// can show.
fn checked(email: Email) -> Email {
    assert!(email.subject.len() <= SUBJECT_CHARACTERS, "{}", email.subject);
    assert!(email.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", email.subject);
    assert!(email.body.len() <= BODY_BYTES);
    let links = |line: &&str| !line.starts_with("https://");
    for line in email.body.lines().filter(links) {
        let one_long_word = !line.trim_start().contains(' ');
        assert!(one_long_word || line.chars().count() <= 80, "{line}");
    }
    email
}

fn text(email: &Email) -> String {
    format!("Subject: {}\n\n{}", email.subject, email.body)
}

#[test]
fn the_alarm_cleared() {
    insta::assert_snapshot!(text(&recorded(&ended())));
}

#[test]
fn the_time_was_used_up() {
    let state = with(ended(), "/ended", json!({ "Error": "States.Timeout", "Cause": "" }));
    insta::assert_snapshot!(text(&recorded(&state)));
}

#[test]
fn each_way_to_end_is_told_in_words() {
    let cleared = |how: &str| json!({ "name": "a", "how": how, "at": "2026-11-21T04:19:03Z" });
    let error = |name: &str| json!({ "Error": name, "Cause": "" });
    for (ended_by, words) in [
        (cleared("insufficientData"), "The gateway reports no more traffic since"),
        (cleared("deleted"), "The alarm was deleted at 2026-11-21 04:19:03 UTC."),
        (error("DynamoDb.ConditionalCheckFailedException"), "The alarm had cleared before the"),
    ] {
        let email = recorded(&with(ended(), "/ended", ended_by));
        assert!(email.body.contains(words), "{}", email.body);
    }
}

#[test]
fn started_by_hand_and_ended_as_asked() {
    let mut state = with(ended(), "/ended", json!({ "Error": "States.Timeout", "Cause": "" }));
    let recording = state.pointer_mut("/recording").unwrap().as_object_mut().unwrap();
    recording.remove("alarm");
    recording.remove("quota");
    insta::assert_snapshot!(text(&recorded(&state)));
}

#[test]
fn the_spike_came_back_and_delivery_was_rate_limited() {
    let mut state = ended();
    state.as_object_mut().unwrap().insert("cameBack".into(), json!(2));
    let stop = state.pointer_mut("/stop").unwrap().as_object_mut().unwrap();
    stop.insert("deliveryErrors".into(), json!(["Rate limited"]));
    insta::assert_snapshot!(text(&recorded(&state)));
}

const BUCKET: Place<'_> = Place {
    stack: "recorder",
    records: Records::Bucket(Bucket {
        folder: "s3://recorder-flowlogbucket-1a2b3c/recorder/",
        work_group: "recorder",
    }),
};

#[test]
fn the_records_are_in_a_bucket() {
    let state: State = serde_json::from_value(ended()).unwrap();
    insta::assert_snapshot!(text(&checked(report::recorded(&state, BUCKET))));
}

#[test]
fn without_a_window_the_bucket_is_named_as_a_whole() {
    let failed = Failed {
        gateway: None,
        execution: EXECUTION,
        state: None,
        failure: &Failure { error: "Transient".into(), cause: String::new() },
        clean_up_failure: None,
    };
    let email = checked(report::failed(&failed, BUCKET));
    assert!(email.body.contains("in the bucket, if there are any\n"), "{}", email.body);
    assert!(email.body.contains("\ns3://recorder-flowlogbucket-1a2b3c/recorder/\n"));
}

#[test]
fn names_outside_ascii_and_very_long_ones_are_no_trouble() {
    let state = with(ended(), "/started/gateway/name", json!("Ausgang Süd ☁ 出口"));
    let state = with(state, "/recording/alarm/reason", json!("größer ".repeat(9_000)));
    let email = recorded(&state);
    assert!(email.body.contains("Ausgang Süd ☁ 出口"));
    assert!(email.body.ends_with("\n(shortened)\n"));
}

fn failed(state: Option<&Value>, clean_up_failure: Option<&Failure>) -> Email {
    let state: Option<State> = state.map(|state| serde_json::from_value(state.clone()).unwrap());
    let gateway = NatGatewayId::try_from("nat-0123456789abcdef0".to_owned()).unwrap();
    let failure = Failure {
        error: "FlowLogRefused".into(),
        cause: json!({
            "errorType": "FlowLogRefused",
            "errorMessage": "EC2 created no flow log for eni-0a1b2c3d: \
                FlowLogsLimitExceeded, the limit of flow logs is reached",
        })
        .to_string(),
    };
    checked(report::failed(
        &Failed {
            gateway: Some(&gateway),
            execution: EXECUTION,
            state: state.as_ref(),
            failure: &failure,
            clean_up_failure,
        },
        PLACE,
    ))
}

fn without_start() -> Value {
    let mut state = ended();
    for gone in ["started", "minimumEndsAt", "ended", "stopped"] {
        state.as_object_mut().unwrap().remove(gone);
    }
    with(state, "/stop", json!({ "at": "2026-11-21T04:11:09Z", "deleted": [], "givenBack": true }))
}

#[test]
fn a_failure_before_anything_was_recorded() {
    insta::assert_snapshot!(text(&failed(Some(&without_start()), None)));
}

#[test]
fn a_failure_that_left_a_flow_log() {
    let failure = Failure {
        error: "DeleteRefused".into(),
        cause: json!({ "errorMessage": "EC2 did not delete the flow log fl-0a1b2c3d" }).to_string(),
    };
    let mut state = ended();
    state.as_object_mut().unwrap().remove("stop");
    insta::assert_snapshot!(text(&failed(Some(&state), Some(&failure))));
}

#[test]
fn a_failure_before_the_reservation() {
    insta::assert_snapshot!(text(&failed(None, None)));
}
