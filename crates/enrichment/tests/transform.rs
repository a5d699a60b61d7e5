//! The transform as a whole: events of Firehose in, answers out.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]
#![expect(clippy::panic, clippy::indexing_slicing, reason = "as above")]

mod mmdb;

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use enrichment::{
    DatabaseError, Enricher, Event, Geolocation, MOST_ADDRESSES, MOST_ANSWER_BYTES, NoAnswer,
    Transformed,
};
use flowlog::{Field, Format, FormatField};
use mmdb::{Database, Value, named, text};
use report::interface::{NetworkInterface, Tags};
use serde_json::{Value as Json, json};

const DEFAULT: &str = "2 123456789010 eni-0a1b 10.0.1.5 203.0.113.5 49152 443 6 10 4249 1700000000 \
                       1700000060 ACCEPT OK";
const NO_DATA: &str = "2 123456789010 eni-0a1b - - - - - - - 1700000000 1700000060 - NODATA";
/// A download through the gateway 10.0.0.220: leg D.
const RECORDED: &str = "ACCEPT egress 1 10.0.0.220 443 10.0.1.5 49152 6 1500 IPv4 203.0.113.5 S3 \
                        10.0.1.5 - 3 1700000000 1700000060 19 OK eni-0a1b";
const MOST_AGE: Duration = Duration::from_mins(5);

fn cities() -> Vec<u8> {
    let mut database = Database::new("GeoLite2-City");
    let location = vec![
        ("accuracy_radius", Value::Number(20)),
        ("latitude", Value::Double(52.5)),
        ("longitude", Value::Double(13.25)),
        ("time_zone", text("Europe/Berlin")),
    ];
    let berlin = Value::Map(vec![
        ("city", Value::Map(vec![("geoname_id", Value::Number(2_950_159)), named("Berlin")])),
        ("continent", Value::Map(vec![("code", text("EU")), named("Europe")])),
        ("country", Value::Map(vec![("iso_code", text("DE")), named("Germany")])),
        ("location", Value::Map(location)),
        ("postal", Value::Map(vec![("code", text("10115"))])),
        (
            "subdivisions",
            Value::Array(vec![Value::Map(vec![
                ("iso_code", text("BE")),
                named("State of \"Berlin\""),
            ])]),
        ),
    ]);
    database.add("203.0.113.0".parse().unwrap(), 24, &berlin);
    let half = Value::Map(vec![("latitude", Value::Double(0.0))]);
    let nowhere = Value::Map(vec![
        ("country", Value::Map(vec![("iso_code", text("AQ"))])),
        ("location", half),
    ]);
    database.add("2001:db8::".parse().unwrap(), 32, &nowhere);
    // Somebody's own network: never asked for.
    database.add("10.0.0.0".parse().unwrap(), 8, &berlin);
    database.bytes()
}

fn systems() -> Vec<u8> {
    let mut database = Database::new("GeoLite2-ASN");
    let example = Value::Map(vec![
        ("autonomous_system_number", Value::Number(64_496)),
        ("autonomous_system_organization", text("Example AS")),
    ]);
    database.add("203.0.113.0".parse().unwrap(), 24, &example);
    database.bytes()
}

fn enricher(format: Option<Format>) -> Enricher<Vec<u8>> {
    let databases = Geolocation::open([cities(), systems()], MOST_ADDRESSES).unwrap();
    Enricher::new(format, databases, MOST_AGE)
}

fn event(records: &[&str]) -> String {
    let records = records.iter().zip(1..).map(|(data, number)| {
        let data = base64_simd::STANDARD.encode_to_string(data);
        let arrival = 1_700_000_100_000_u64;
        json!({"recordId": number.to_string(), "approximateArrivalTimestamp": arrival, "data": data})
    });
    json!({
        "invocationId": "invoked123",
        "deliveryStreamArn": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/flows",
        "region": "eu-west-1",
        "records": records.collect::<Vec<_>>(),
    })
    .to_string()
}

fn interface() -> NetworkInterface {
    NetworkInterface {
        id: "eni-0a1b".to_owned(),
        addresses: vec!["10.0.1.5".parse().unwrap()],
        interface_type: "interface".to_owned(),
        instance_id: Some("i-0c0d".to_owned()),
        tags: Tags::from([("Name".to_owned(), "eth \"0\"".to_owned())]),
        account_id: Some("012345678901".to_owned()),
        vpc_id: Some("vpc-1".to_owned()),
        subnet_id: Some("subnet-1".to_owned()),
        zone_name: Some("eu-west-1a".to_owned()),
        zone_id: Some("euw1-az1".to_owned()),
        security_groups: vec!["sg-1".to_owned(), "sg-2".to_owned()],
        ..NetworkInterface::default()
    }
}

/// Answers an event when EC2 knows these interfaces, and says how often EC2 was asked.
fn transform(
    enricher: &mut Enricher<Vec<u8>>,
    event: &str,
    known: &[NetworkInterface],
    now: Instant,
) -> (Transformed, usize) {
    let event = Event::read(event).unwrap();
    let instance = Tags::from([("Name".to_owned(), "web-1".to_owned())]);
    for asked in 0.. {
        match enricher.transform(&event, now) {
            Ok(transformed) => return (transformed, asked),
            Err(NoAnswer::Unknown(ids)) => {
                let found: Vec<_> =
                    known.iter().filter(|known| ids.0.contains(&known.id)).cloned().collect();
                let tags = BTreeMap::from([("i-0c0d".to_owned(), instance.clone())]);
                enricher.learn(&ids, &found, &tags, now);
            }
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

/// Each record's result and document.
fn answered(transformed: Transformed) -> Vec<(String, Option<Json>)> {
    let answer: Json = serde_json::from_str(&transformed.into_json(&[])).unwrap();
    let records = answer["records"].as_array().unwrap().iter().zip(1..);
    records
        .map(|(record, number)| {
            assert_eq!(record["recordId"], number.to_string());
            let document = record.get("data").map(|data| {
                let line = base64_simd::STANDARD.decode_to_vec(data.as_str().unwrap()).unwrap();
                let (end, document) = line.split_last().unwrap();
                assert_eq!(*end, b'\n');
                serde_json::from_slice(document).unwrap()
            });
            (record["result"].as_str().unwrap().to_owned(), document)
        })
        .collect()
}

fn documents(format: Option<Format>, known: &[NetworkInterface], lines: &[&str]) -> Vec<Json> {
    let (transformed, _) = transform(&mut enricher(format), &event(lines), known, Instant::now());
    answered(transformed).into_iter().map(|(_, document)| document.unwrap()).collect()
}

fn berlin() -> Json {
    json!({
        "geo": {
            "continent_code": "EU",
            "country_iso_code": "DE",
            "country_name": "Germany",
            "region_iso_code": "DE-BE",
            "region_name": "State of \"Berlin\"",
            "city_name": "Berlin",
            "postal_code": "10115",
            "timezone": "Europe/Berlin",
            "location": {"lat": 52.5, "lon": 13.25},
        },
        "as": {"number": 64_496, "organization": {"name": "Example AS"}},
    })
}

#[test]
fn a_record_becomes_a_document_with_all_that_is_known() {
    let found = documents(None, &[interface()], &[DEFAULT]);
    let id = found[0]["event"]["id"].as_str().unwrap();
    let expected = json!({
        "@timestamp": "2023-11-14T22:13:20Z",
        "version": 2,
        "account_id": "123456789010",
        "interface_id": "eni-0a1b",
        "srcaddr": "10.0.1.5",
        "dstaddr": "203.0.113.5",
        "srcport": 49152,
        "dstport": 443,
        "protocol": 6,
        "packets": 10,
        "bytes": 4249,
        "start": 1_700_000_000,
        "end": 1_700_000_060,
        "action": "ACCEPT",
        "log_status": "OK",
        "event": {"id": id},
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "instance_id": "i-0c0d",
        "az_id": "euw1-az1",
        "interface_type": "interface",
        "availability_zone": "eu-west-1a",
        "instance_name": "web-1",
        "interface_name": "eth \"0\"",
        "security_groups": ["sg-1", "sg-2"],
        "flow_direction": "egress",
        "destination": berlin(),
    });
    assert_eq!(found[0], expected);
    // An ID is for good: another build must give the same record the same ID.
    assert_eq!(id, "d9686432662f473a665938a839bf6754");
}

#[test]
fn behind_a_gateway_the_packets_addresses_count() {
    let found = documents(None, &[interface()], &[RECORDED]);
    assert_eq!(found[0]["source"], berlin());
    assert_eq!(found[0].get("destination"), None);
    // What the record lacks, and what it says itself.
    assert_eq!(found[0]["account_id"], "012345678901");
    assert_eq!(found[0]["flow_direction"], "egress");
    assert_eq!(found[0]["traffic_path"], 1);
}

#[test]
fn what_nobody_knows_is_left_out() {
    let format = Format::parse("${dstaddr} ${srcaddr} ${bytes}").ok();
    let found = documents(format, &[], &["2001:db8::5 198.51.100.7 007"]);
    let nowhere = json!({"geo": {"country_iso_code": "AQ"}});
    let expected = json!({
        "dstaddr": "2001:db8::5",
        "srcaddr": "198.51.100.7",
        "bytes": 7,
        "destination": nowhere,
    });
    assert_eq!(found[0], expected);
}

#[test]
fn a_record_without_its_begin_has_the_time_of_its_end() {
    let format = Format::parse("${start} ${end}").ok();
    let lines = ["- 1700000060", "1700000000 1700000060", "- -"];
    let found = documents(format, &[], &lines);
    assert_eq!(found[0], json!({"@timestamp": "2023-11-14T22:14:20Z", "end": 1_700_000_060}));
    assert_eq!(found[1]["@timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(found[2], json!({}));
}

#[test]
fn a_record_without_traffic_is_a_document_of_what_it_says() {
    let found = documents(None, &[], &[NO_DATA]);
    let keys: Vec<_> = found[0].as_object().unwrap().keys().collect();
    let expected = [
        "@timestamp",
        "account_id",
        "end",
        "event",
        "interface_id",
        "log_status",
        "start",
        "version",
    ];
    assert_eq!(keys, expected);
    assert_eq!(found[0]["log_status"], "NODATA");
}

#[test]
fn every_field_of_every_version_is_in_the_document() {
    let fields: Vec<_> = Field::ALL.to_vec();
    let values = Field::ALL.map(|field| match field {
        Field::Action => "REJECT".to_owned(),
        Field::FlowDirection => "ingress".to_owned(),
        Field::LogStatus => "OK".to_owned(),
        field if field.facts().value_type == flowlog::ValueType::Address => "10.0.0.1".to_owned(),
        field if field.facts().value_type == flowlog::ValueType::Text => format!("of-{field}"),
        field => (field as u8).to_string(),
    });
    let format = Format::from(fields.as_slice());
    let found = documents(Some(format), &[], &[&values.join(" ")]);
    for (field, value) in Field::ALL.iter().zip(values) {
        let said = match &found[0][field.json_name()] {
            Json::Number(number) => number.to_string(),
            Json::String(text) => text.clone(),
            other => panic!("{field}: {other}"),
        };
        assert_eq!(said, value);
    }
}

#[test]
fn fields_that_aws_adds_later_are_kept_and_escaped() {
    let fields = vec![FormatField::from_name("flow-mood"), FormatField::Known(Field::InstanceTag)];
    let found = documents(Format::from_fields(fields).ok(), &[], &["\"good\" a\\b"]);
    assert_eq!(found[0], json!({"flow_mood": "\"good\"", "instance_tag": "a\\b"}));
}

#[test]
fn repeats_and_headed_lines_have_the_same_id_and_others_have_another() {
    let names = Format::aws_default().to_string().replace(['$', '{', '}'], "");
    let headed = format!("{names}\n{DEFAULT}\n");
    let other = DEFAULT.replace("4249", "4250");
    let wrapped = json!({"message": DEFAULT}).to_string();
    let found = documents(None, &[], &[DEFAULT, &headed, &wrapped, &other]);
    let id = |place: usize| found[place]["event"]["id"].as_str().unwrap();
    assert_eq!([id(1), id(2)], [id(0), id(0)]);
    assert_ne!(id(3), id(0));
    // Too little to tell one flow from another.
    let format = Format::parse("${srcaddr} ${dstaddr} ${start} ${end} ${bytes}").ok();
    let found = documents(format, &[], &["10.0.0.1 10.0.0.2 1 2 3"]);
    assert_eq!(found[0].get("event"), None);
}

#[test]
fn one_bad_record_fails_alone() {
    let bad = DEFAULT.replace("49152", "many");
    let records = [DEFAULT, &bad, "rubbish", "", NO_DATA];
    let mut json: Json = serde_json::from_str(&event(&records)).unwrap();
    json["records"][2]["data"] = "no base64!".into();
    let (transformed, _) = transform(&mut enricher(None), &json.to_string(), &[], Instant::now());
    let outcome = transformed.outcome.clone();
    assert_eq!((outcome.documents, outcome.without_record, outcome.failed), (2, 1, 2));
    let (id, reason) = &outcome.reasons[1];
    assert_eq!((id.as_str(), reason.to_string().as_str()), ("3", "expected base64 in `data`"));
    let results: Vec<_> = answered(transformed).into_iter().map(|(result, _)| result).collect();
    assert_eq!(results, ["Ok", "ProcessingFailed", "ProcessingFailed", "Dropped", "Ok"]);
}

#[test]
fn ec2_is_asked_once_for_all_and_again_after_a_while() {
    let mut enricher = enricher(None);
    let gone = DEFAULT.replace("eni-0a1b", "eni-gone");
    let event = event(&[DEFAULT, &gone, &gone, DEFAULT]);
    let start = Instant::now();
    let mut asked = |seconds: u64| {
        transform(&mut enricher, &event, &[interface()], start + Duration::from_secs(seconds)).1
    };
    assert_eq!(asked(0), 1);
    assert_eq!(asked(1), 0);
    assert_eq!(asked(300), 0);
    assert_eq!(asked(301), 1);
    assert_eq!(asked(302), 0);
}

#[test]
fn an_answer_never_exceeds_what_a_function_may_answer() {
    let lines = vec![DEFAULT; 200];
    let event = event(&lines);
    let are_put_back: [fn(usize) -> bool; 3] = [|_| false, |place| place % 3 > 0, |_| true];
    for (most, is_put_back) in [12_000, 20_000, 33_333, 100_000]
        .into_iter()
        .flat_map(|most| are_put_back.map(|is_put_back| (most, is_put_back)))
    {
        let mut enricher = enricher(None).answering_at_most(most);
        let (transformed, _) = transform(&mut enricher, &event, &[interface()], Instant::now());
        let overflow: Vec<_> = transformed.overflow().collect();
        assert_eq!(transformed.outcome.documents + overflow.len(), 200);
        assert!(!overflow.is_empty(), "{most}");
        let not_put_back: Vec<_> =
            overflow.iter().copied().filter(|place| !is_put_back(*place)).collect();
        let answer = transformed.into_json(&not_put_back);
        assert!(answer.len() <= most, "{} > {most}", answer.len());
        let answer: Json = serde_json::from_str(&answer).unwrap();
        for (place, record) in answer["records"].as_array().unwrap().iter().enumerate() {
            let expected = match (overflow.contains(&place), not_put_back.contains(&place)) {
                (true, true) => "ProcessingFailed",
                (true, false) => "Dropped",
                (false, _) => "Ok",
            };
            assert_eq!(record["result"], expected, "{place}");
        }
    }
}

/// What the stream's template says: `BufferSizeInMBs`.
const BUFFER_BYTES: usize = 200 * 1024;

#[test]
fn a_full_buffer_of_the_longest_documents_fits_into_an_answer() {
    let template = include_str!("../../../forwarders/template.yaml");
    assert!(template.contains(r#"{ParameterName: BufferSizeInMBs, ParameterValue: "0.2"}"#));
    let name = Tags::from([("Name".to_owned(), "n".repeat(256))]);
    let interface = NetworkInterface {
        instance_id: Some("i-0123456789abcdef0".to_owned()),
        vpc_id: Some("vpc-0123456789abcdef0".to_owned()),
        subnet_id: Some("subnet-0123456789abcdef0".to_owned()),
        // As many as an interface can be in.
        security_groups: vec!["sg-0123456789abcdef0".to_owned(); 16],
        tags: name,
        ..interface()
    };
    let line = DEFAULT.replace("10.0.1.5", "203.0.113.9");
    let lines = vec![line.as_str(); BUFFER_BYTES / line.len()];
    let (transformed, _) =
        transform(&mut enricher(None), &event(&lines), &[interface], Instant::now());
    assert_eq!((transformed.overflow().count(), transformed.outcome.failed), (0, 0));
    assert!(transformed.into_json(&[]).len() <= MOST_ANSWER_BYTES);
}

#[test]
fn what_can_never_be_answered_is_not_put_back() {
    let json = event(&[DEFAULT]);
    let mut small = enricher(None).answering_at_most(400);
    let (transformed, _) = transform(&mut small, &json, &[], Instant::now());
    assert_eq!((transformed.overflow().count(), transformed.outcome.failed), (0, 1));
    // Nobody puts records into a stream that reads from Kinesis.
    let json = event(&[DEFAULT, DEFAULT]).replace(
        "\"invocationId\"",
        "\"sourceKinesisStreamArn\":\"arn:aws:kinesis:eu-west-1:123456789012:stream/s\",\"invocationId\"",
    );
    let mut small = enricher(None).answering_at_most(1_300);
    let (transformed, _) = transform(&mut small, &json, &[], Instant::now());
    assert_eq!(
        (transformed.outcome.documents, transformed.overflow().count(), transformed.outcome.failed),
        (1, 0, 1)
    );
}

#[test]
fn the_largest_record_fits_into_an_answer() {
    // Every byte of the value is written as two.
    let value = "\"".repeat(1_000 * 1_024);
    let format = Format::parse("${instance-tag}").ok();
    let (transformed, _) = transform(&mut enricher(format), &event(&[&value]), &[], Instant::now());
    assert_eq!(transformed.outcome.documents, 1);
    assert!(transformed.into_json(&[]).len() <= MOST_ANSWER_BYTES);
}

/// Who an address belongs to, of networks of 256 that are each a system of their own.
fn systems_of(networks: u32) -> Vec<u8> {
    let mut database = Database::new("GeoLite2-ASN");
    for number in 0..networks {
        let system = Value::Map(vec![("autonomous_system_number", Value::Number(1 + number))]);
        database.add(Ipv4Addr::from_bits((16 << 24) + (number << 8)).into(), 24, &system);
    }
    database.bytes()
}

/// What is remembered of addresses is of these addresses, however few are remembered.
#[test]
fn no_address_is_taken_for_another() {
    for addresses in [1, 3, 1 << 16] {
        let most_addresses = NonZeroUsize::new(addresses).unwrap();
        let databases = Geolocation::open([systems_of(20)], most_addresses).unwrap();
        let mut enricher = Enricher::new(None, databases, MOST_AGE);
        let numbers: Vec<_> = (0..20).chain(0..20).chain([0, 0, 1]).collect();
        let lines: Vec<_> = numbers
            .iter()
            .map(|number| {
                let peer = Ipv4Addr::from_bits((16 << 24) + (number << 8) + 5);
                DEFAULT.replace("203.0.113.5", &peer.to_string())
            })
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let (transformed, _) = transform(&mut enricher, &event(&lines), &[], Instant::now());
        for (number, (_, document)) in numbers.iter().zip(answered(transformed)) {
            assert_eq!(document.unwrap()["destination"]["as"]["number"], 1 + number);
        }
    }
}

#[test]
fn other_databases_are_refused_by_name() {
    let some = NonZeroUsize::new(10).unwrap();
    let error = Geolocation::open([b"no database".to_vec()], some).err().unwrap();
    assert!(error.to_string().starts_with("expected a database in MaxMind's format"), "{error}");
    let mut database = Database::new("others");
    database.add("203.0.113.0".parse().unwrap(), 24, &Value::Map(vec![("city", text("Berlin"))]));
    let databases = Geolocation::open([database.bytes()], some).unwrap();
    let mut enricher = Enricher::new(None, databases, MOST_AGE);
    enricher.learn(
        &enrichment::UnknownInterfaces(vec!["eni-0a1b".to_owned()]),
        &[],
        &BTreeMap::new(),
        Instant::now(),
    );
    let json = event(&[DEFAULT]);
    let error = enricher.transform(&Event::read(&json).unwrap(), Instant::now()).err().unwrap();
    let NoAnswer::Database(DatabaseError::OtherRecords { database_type, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(database_type, "others");
}
