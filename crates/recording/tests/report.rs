//! The whole e-mail, word for word. Review a change with `cargo insta review`, or
//! set `INSTA_UPDATE=always` and read the diff.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod sources;
mod spike;

use std::{cell::Cell, net::IpAddr};

use ::report::{endpoint::VpcEndpoint, facts::Destination, metered::MeteredMinute};
use recording::{
    Error, NatGatewayId,
    bucket::Bucket,
    ports::QueryStatus,
    report::{
        self, BODY_BYTES, Email, Failed, JSON_BYTES, Place, Published, Records, SUBJECT_CHARACTERS,
    },
    state::{Failure, State},
};
use serde_json::{Value, json};

use crate::sources::{Queries, World, denied, now, throttled};
use crate::spike::{Exchange, Spike, address};

const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:recorder-Recorder-1:0a1b";

const PLACE: Place<'_> = Place {
    stack: "recorder",
    records: Records::LogGroup {
        name: "recorder-FlowLogGroup-1A2B3C",
        destination: Destination::InfrequentAccess,
    },
};

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

/// The report on a recording of noise, in which all is well.
fn recorded(state: &Value) -> Email {
    reported(state, PLACE, &World::after(&Spike::noise())).email
}

fn reported(state: &Value, place: Place<'_>, world: &World) -> Published {
    let state: State = serde_json::from_value(state.clone()).unwrap();
    let published = now(report::recorded(&state, place, world));
    assert!(published.json.len() <= JSON_BYTES);
    assert!(the_first_lines(&published.email).len() <= 5, "{}", published.email.body);
    Published { email: checked(published.email), ..published }
}

/// The report on a spike, whose sums are the truth to the byte.
fn of_spike(spike: &Spike, world: &World) -> Email {
    let state = if spike.regional { regional() } else { ended() };
    let published = reported(&state, PLACE, world);
    assert_true(spike, &serde_json::from_str(&published.json).unwrap());
    published.email
}

/// A regional gateway, which is recorded as a whole.
fn regional() -> Value {
    let state = with(ended(), "/started/flowLogs/0/resourceId", json!(spike::GATEWAY));
    let gateway = json!({
        "state": "available",
        "name": "egress-a",
        "vpcId": "vpc-0a1b2c3d",
        "regional": true,
        "privateAddresses": ["10.0.0.220"],
    });
    with(state, "/started/gateway", gateway)
}

/// What an exchange is added up by.
type Key = fn(&Exchange) -> String;

/// Every sum that the report shows is the generator's.
fn assert_true(spike: &Spike, report: &Value) {
    let bytes =
        |row: &Value| ["uploadBytes", "downloadBytes"].map(|sum| row[sum].as_u64().unwrap());
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
    let all = spike.truth(|_| String::new()).remove("").unwrap_or_default();
    assert_eq!(bytes(&report["recorded"]), all);
    let lists: [(&str, Key, &[&str]); 5] = [
        ("clients", |exchange| exchange.client.to_string(), &["client"]),
        (
            "peers",
            |exchange| format!("{} {}", exchange.peer, exchange.service),
            &["peer", "service"],
        ),
        (
            "pairs",
            |exchange| format!("{} {} {}", exchange.client, exchange.peer, exchange.service),
            &["client", "peer", "service"],
        ),
        (
            "ports",
            |exchange| {
                let transport = if exchange.port == 53 { "UDP" } else { "TCP" };
                format!("{} {transport}", exchange.port)
            },
            &["port", "transport"],
        ),
        ("services", |exchange| exchange.service.to_owned(), &["service"]),
    ];
    for (list, key, names) in lists {
        let truth = spike.truth(key);
        let mut left = all;
        // A question that was not answered has no list; the e-mail says so.
        let Some(rows) = report[list]["rows"].as_array() else { continue };
        for row in rows {
            let name = |name: &&str| match &row[*name] {
                Value::Number(number) => number.to_string(),
                _ => text(row, name),
            };
            let key = names.iter().map(name).collect::<Vec<_>>().join(" ");
            assert_eq!(bytes(row), truth[&key], "{list} {key}");
            left = [left[0] - bytes(row)[0], left[1] - bytes(row)[1]];
        }
        let others = &report[list]["others"];
        let others = if others.is_null() { [0, 0] } else { bytes(others) };
        assert_eq!(others, left, "what is not in {list}");
    }
    assert_timeline_is_true(spike, report);
}

/// Every step of the chart is the generator's, for the largest clients and for all others.
fn assert_timeline_is_true(spike: &Spike, report: &Value) {
    let Some(series) = report["timeline"]["series"].as_array() else {
        assert!(spike.exchanges.is_empty() || !report["missing"].as_array().unwrap().is_empty());
        return;
    };
    assert_eq!(report["timeline"]["from"], json!(spike::begin()));
    assert_eq!(report["timeline"]["stepSeconds"], 60);
    let charted: Vec<_> = series.iter().filter_map(|series| series["client"].as_str()).collect();
    let truth = spike.truth(|exchange| {
        let client = exchange.client.to_string();
        let name = if charted.contains(&client.as_str()) { client } else { "others".into() };
        format!("{name} {}", exchange.minute)
    });
    let sum = |name: &str, minute: usize| truth.get(&format!("{name} {minute}")).copied();
    for series in series {
        let name = series["client"].as_str().unwrap_or("others");
        for (minute, bytes) in series["bytes"].as_array().unwrap().iter().enumerate() {
            let [upload, download] = sum(name, minute).unwrap_or_default();
            assert_eq!(bytes.as_u64(), Some(upload + download), "{name} in minute {minute}");
        }
    }
    assert!(charted.len() == 8 || series.len() == charted.len(), "others without a reason");
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

fn whole(email: &Email) -> String {
    format!("Subject: {}\n\n{}", email.subject, email.body)
}

/// The e-mail without the queries in its links, of which one test shows all.
fn text(email: &Email) -> String {
    let lines = whole(email);
    let short = lines.lines().map(|line| match line.split_once("$3FqueryDetail") {
        Some((start, _)) => format!("{start}…\n"),
        None => format!("{line}\n"),
    });
    short.collect()
}

/// The answer, which every report has in its first five lines.
fn the_first_lines(email: &Email) -> Vec<&str> {
    email.body.lines().take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_alarm_cleared() {
    insta::assert_snapshot!(whole(&recorded(&ended())));
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
    let world = World::after(&Spike::noise());
    insta::assert_snapshot!(text(&reported(&ended(), BUCKET, &world).email));
    assert_eq!(world.started(), 0);
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

const CULPRIT: &str = "10.0.1.5";
const S3: (&str, &str) = ("52.218.1.2", "S3");

/// One client downloads 12.6 GB from S3 among noise.
fn download() -> Spike {
    Spike::noise().with(CULPRIT, S3, [3_000_001, 1_800_000_007])
}

fn download_world(spike: &Spike) -> World {
    World::after(spike).with_instance(CULPRIT, "i-0123456789abcdef0", "web-1")
}

#[test]
fn one_client_downloads_from_a_service_without_an_endpoint() {
    let spike = download();
    let world = download_world(&spike);
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
    assert_eq!(world.started(), 4);
}

#[test]
fn one_client_uploads() {
    let spike = Spike::noise().with("10.0.1.7", ("203.0.113.99", "-"), [900_000_000, 2_000_000]);
    let world = World::after(&spike).with_interface(
        "10.0.1.7",
        "AWS Lambda VPC ENI-export-3a6d1d4b-0000-4000-8000-000000000000",
    );
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
}

#[test]
fn nobody_in_particular() {
    insta::assert_snapshot!(text(&of_spike(&Spike::noise(), &World::after(&Spike::noise()))));
}

#[test]
fn a_few_clients_together() {
    let spike = Spike::noise()
        .with(CULPRIT, ("203.0.113.1", "-"), [900_000, 200_000_000])
        .with("10.0.1.6", ("203.0.113.2", "-"), [900_000, 190_000_000])
        .with("10.0.1.7", ("203.0.113.3", "-"), [900_000, 180_000_000]);
    let world = World::after(&spike).with_instance(CULPRIT, "i-0a", "web-1");
    insta::assert_snapshot!(the_first_lines(&of_spike(&spike, &world)).join("\n"));
}

#[test]
fn many_clients_and_one_service() {
    let crowd = (0..40_u8).fold(Spike::noise(), |spike, client| {
        let client = format!("10.0.2.{client}");
        spike.with(&client, S3, [100_000, 20_000_000])
    });
    let world = World::after(&crowd);
    insta::assert_snapshot!(the_first_lines(&of_spike(&crowd, &world)).join("\n"));
}

fn endpoint(service: &str, kind: &str, state: &str) -> VpcEndpoint {
    VpcEndpoint {
        id: format!("vpce-of-{service}"),
        service_name: format!("com.amazonaws.eu-west-1.{service}"),
        endpoint_type: kind.to_owned(),
        state: state.to_owned(),
        ..VpcEndpoint::default()
    }
}

#[test]
fn a_service_with_an_endpoint_that_the_traffic_did_not_take() {
    let spike = download().with("10.0.1.8", ("52.216.0.9", "S3"), [0, 5_000_000]).with(
        "10.0.1.8",
        ("203.0.113.200", "API_GATEWAY"),
        [4_000_000, 6_000_000],
    );
    let world = World {
        endpoints: Ok(vec![
            endpoint("s3", "Gateway", "available"),
            endpoint("ec2", "Interface", "available"),
        ]),
        ..download_world(&spike)
    };
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
}

#[test]
fn ipv6_clients() {
    let client = "2001:db8:1234:5678:9abc:def0:1234:5678";
    let spike = Spike::noise().with(client, ("64:ff9b::34da:102", "S3"), [1_000_000, 600_000_000]);
    let world = World::after(&spike).with_instance(client, "i-0123456789abcdef0", "ipv6-only");
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
}

#[test]
fn a_regional_gateway() {
    let spike = Spike { regional: true, ..download() };
    insta::assert_snapshot!(text(&of_spike(&spike, &download_world(&spike))));
}

#[test]
fn no_records_at_all() {
    let spike = Spike::default();
    insta::assert_snapshot!(text(&of_spike(&spike, &World::after(&spike))));
}

#[test]
fn records_were_skipped_and_some_are_late() {
    let mut spike = Spike {
        others: vec![("SKIPDATA", 1), ("SKIPDATA", 2), ("NODATA", 2)],
        unrecorded: 900_000_000,
        ..download()
    };
    spike.exchanges.retain(|exchange| exchange.minute < 4);
    let mut world = download_world(&spike);
    world.metered.as_mut().unwrap()[3].port_allocation_errors = 1_234;
    world.metered.as_mut().unwrap()[3].dropped_packets = 1;
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
}

#[test]
fn a_hundred_thousand_clients() {
    let mut spike = download();
    spike.exchanges.extend((0..100_000_u32).map(|number| Exchange {
        client: IpAddr::from((0x0a40_0000 + number).to_be_bytes()),
        peer: address("198.51.100.77"),
        service: "-",
        port: 443,
        minute: i64::from(number % 7),
        upload: 0,
        download: 1_000 + u64::from(number),
    }));
    let world = download_world(&spike);
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
    assert_eq!(world.started(), 9);
}

#[test]
fn names_outside_ascii_and_very_long_ones_are_no_trouble() {
    let state = with(ended(), "/started/gateway/name", json!("Ausgang Süd ☁ 出口"));
    let state = with(state, "/recording/alarm/reason", json!("größer ".repeat(9_000)));
    let spike = download();
    let name = format!("Büro\r\nBcc: <b>出口</b> {}", "x".repeat(200));
    let world = World::after(&spike).with_instance(CULPRIT, "i-0123456789abcdef0", &name);
    insta::assert_snapshot!(text(&reported(&state, PLACE, &world).email));
}

#[test]
fn the_gateway_was_deleted_meanwhile() {
    let cleared = json!({ "name": "a", "how": "insufficientData", "at": "2026-11-21T04:19:03Z" });
    let state = with(ended(), "/ended", cleared);
    let state = with(state, "/stop/deleted", json!([]));
    let spike = download();
    let gone = Error::GatewayNotFound { gateway: "nat-…".into(), found: "EC2 knows none".into() };
    let world = World { gateway: Err(gone), ..download_world(&spike) };
    insta::assert_snapshot!(text(&reported(&state, PLACE, &world).email));
}

#[test]
fn whatever_is_denied_is_missing_and_the_rest_is_told() {
    let spike = download();
    let world = World {
        metered: Err(denied("cloudwatch:GetMetricData")),
        interfaces: Err(denied("ec2:DescribeNetworkInterfaces")),
        endpoints: Err(denied("ec2:DescribeVpcEndpoints")),
        ranges: Err(denied("GET ip-ranges.json")),
        gateway: Err(denied("ec2:DescribeNatGateways")),
        ..download_world(&spike)
    };
    insta::assert_snapshot!(text(&of_spike(&spike, &world)));
}

#[test]
fn without_queries_the_rest_is_told() {
    let spike = download();
    let refused = Queries::Refused(denied("logs:StartQuery"));
    let world = World { queries: refused, ..download_world(&spike) };
    insta::assert_snapshot!(text(&reported(&ended(), PLACE, &world).email));
    let throttled = World { queries: Queries::Refused(throttled()), ..download_world(&spike) };
    let email = reported(&ended(), PLACE, &throttled).email;
    assert!(email.body.contains("could not be started in 140 s"), "{}", email.body);
}

/// A day of minutes is too much for a state of the execution: they are left out.
#[test]
fn the_json_of_a_long_recording_stays_small() {
    let spike = download();
    let mut world = download_world(&spike);
    let minutes = world.metered.as_mut().unwrap();
    let last = *minutes.last().unwrap();
    let day = |minute: i64| MeteredMinute {
        at: last.at - jiff::SignedDuration::from_mins(minute),
        upload_bytes: u64::MAX / 4096,
        ..last
    };
    *minutes = (0..1440).rev().map(day).collect();
    let state = with(ended(), "/started/at", json!("2026-11-20T04:19:00Z"));
    let state = with(state, "/recording/alarm/at", json!("2026-11-20T04:19:00Z"));
    let published = reported(&state, PLACE, &world);
    let report: Value = serde_json::from_str(&published.json).unwrap();
    assert_eq!(report["metered"]["minutes"], json!([]));
    assert_eq!((&report["version"], &report["leftOut"]), (&json!(1), &json!(["metered.minutes"])));
    assert!(!report["links"].as_array().unwrap().is_empty());
    let is_minute = |line: &&str| line.starts_with("  ") && line.get(4..5) == Some(":");
    let minutes = published.email.body.lines().filter(is_minute);
    assert!((10..=20).contains(&minutes.count()));
}

/// What Step Functions takes as a state's data, and SNS as a message.
const MOST_BYTES: usize = 262_144;

/// Whatever people and AWS write: the report of a long recording passes through a state of the
/// execution, with all that is in it, and is published.
#[test]
fn the_largest_report_can_be_notified_of() {
    // Each takes a tag's 256 characters; the second becomes four times as long in a state.
    for (clients, name) in
        [(100_000, "\u{1f6f0}".repeat(256)), (100, "\"".repeat(256)), (100, "\u{1}\\".repeat(128))]
    {
        let mut spike = Spike::default();
        let client = |number: u32| match number {
            0..10 => address(&format!("2001:db8:1234:5678:9abc:def0:1234:567{number}")),
            _ => IpAddr::from((0x0a40_0000 + number).to_be_bytes()),
        };
        spike.exchanges.extend((0..clients).map(|number| Exchange {
            client: client(number),
            peer: address(&format!("2001:db8::{:x}", number % 0x2000)),
            service: if number % 2 == 0 { "KINESIS_VIDEO_STREAMS" } else { "API_GATEWAY" },
            port: 443,
            minute: i64::from(number % 7),
            upload: 1 << 40,
            download: u64::from(100_000 - number) << 24,
        }));
        let mut world = (0..10_u32).fold(World::after(&spike), |world, number| {
            let id = format!("i-0123456789abcdef{number}");
            world.with_instance(&client(number).to_string(), &id, &name)
        });
        let last = *world.metered.as_ref().unwrap().last().unwrap();
        let at = |minute| last.at - jiff::SignedDuration::from_mins(minute);
        let minutes = (0..1440).rev().map(|minute| MeteredMinute { at: at(minute), ..last });
        world.metered = Ok(minutes.collect());
        let message = name.repeat(100);
        world.ranges = Err(Error::Transient { operation: "GET ip-ranges.json", message });
        let state = with(ended(), "/started/at", json!("2026-11-20T04:19:00Z"));
        let state = with(state, "/recording/alarm/at", json!("2026-11-20T04:19:00Z"));
        let state = with(state, "/recording/alarm/reason", json!(name.repeat(4)));
        let mut state = with(state, "/started/gateway/name", json!(name));
        let published = reported(&state, PLACE, &world);
        assert!(published.json.len() <= JSON_BYTES);
        let report: Value = serde_json::from_str(&published.json).unwrap();
        assert_eq!(report["clients"]["rows"].as_array().unwrap().len(), 10);
        state.as_object_mut().unwrap().insert("email".into(), json!(published));
        let length = state.to_string().len();
        assert!(length < MOST_BYTES * 3 / 4, "{length}");
    }
}

#[test]
fn a_region_whose_prices_are_not_known_is_told_whose_are_shown() {
    let state =
        with(ended(), "/recording/execution", json!(EXECUTION.replace("eu-west-1", "sa-east-1")));
    let email = recorded(&state);
    let spike = "at $0.045 per GB (us-east-1, 2026-11-21)";
    let note = "Prices are those of us-east-1, noted on 2026-11-21; those of sa-east-1 may differ";
    let text = email.body.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(spike) && text.contains(note), "{}", email.body);
}

#[test]
fn a_query_that_is_throttled_is_asked_again() {
    let spike = download();
    let calm = of_spike(&spike, &download_world(&spike));
    let queries = Queries::Throttled(Cell::new(5));
    let busy = World { queries, ..download_world(&spike) };
    assert_eq!(of_spike(&spike, &busy), calm);
}

#[test]
fn partial_rows_are_used_and_called_partial() {
    let spike = download();
    for queries in [Queries::NeverEnd, Queries::End(QueryStatus::Timeout)] {
        let world = World { queries, ..download_world(&spike) };
        let email = of_spike(&spike, &world);
        assert!(email.subject.contains("web-1 downloads from S3"), "{}", email.subject);
        assert!(email.body.contains("(only a part is known)"), "{}", email.body);
    }
    let world = World { queries: Queries::NeverEnd, ..download_world(&spike) };
    let _ = of_spike(&spike, &world);
    assert_eq!(world.stopped.borrow().len(), world.started(), "queries are left running");
    let world = World { queries: Queries::End(QueryStatus::Failed), ..download_world(&spike) };
    let email = reported(&ended(), PLACE, &world).email;
    assert!(email.subject.ends_with("cause unknown"), "{}", email.subject);
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
