//! The whole way from log events to an intake, beside sums that are added up the plain way.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]
#![expect(clippy::panic, clippy::indexing_slicing, reason = "as above")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::io::Read as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use datadog::{
    Account, Answer, ForwardError, Forwarder, Intake, Interfaces, Moment, ObjectName, Pieces,
    Request, Retries, Sent, Settings,
};
use deliveries::{LogEvent, LogEvents};
use flate2::read::ZlibDecoder;
use flowlog::Format;
use proptest::prelude::*;
use serde_json::Value;

const NOW: i64 = 1_700_003_600;

/// An account whose table and network interfaces are in memory.
#[derive(Default)]
struct FakeAccount {
    claims: RefCell<HashMap<String, String>>,
    interfaces: Interfaces,
    questions: Cell<u32>,
    /// So many writes are overtaken.
    overtaken: Cell<u32>,
}

impl Account for &FakeAccount {
    type Error = Infallible;

    async fn addresses(&self, ids: &[String]) -> Result<Interfaces, Infallible> {
        self.questions.set(self.questions.get() + 1);
        let known = ids.iter().filter_map(|id| self.interfaces.get_key_value(id));
        Ok(known.map(|(id, addresses)| (id.clone(), addresses.clone())).collect())
    }

    async fn claims(&self, writer: &str) -> Result<Option<String>, Infallible> {
        Ok(self.claims.borrow().get(writer).cloned())
    }

    async fn replace_claims(
        &self,
        writer: &str,
        read: Option<&str>,
        new: &str,
        until: i64,
    ) -> Result<bool, Infallible> {
        assert!(until >= NOW);
        if self.overtaken.get() > 0 {
            self.overtaken.set(self.overtaken.get() - 1);
            return Ok(false);
        }
        let mut claims = self.claims.borrow_mut();
        if claims.get(writer).map(String::as_str) != read {
            return Ok(false);
        }
        claims.insert(writer.to_owned(), new.to_owned());
        Ok(true)
    }
}

type Point = (String, Vec<String>, i64);

/// An intake as Datadog's: it keeps the last of several points. Which ones were overwritten with
/// other values is what must not happen.
#[derive(Default)]
struct FakeIntake {
    points: RefCell<BTreeMap<Point, u64>>,
    distributions: RefCell<BTreeMap<Point, Vec<u64>>>,
    overwritten: RefCell<Vec<Point>>,
    requests: RefCell<Vec<Request>>,
    /// What comes before requests are taken.
    answers: RefCell<Vec<Result<Answer, String>>>,
}

impl Intake for &FakeIntake {
    async fn post(&self, request: &Request, _: Duration) -> Result<Answer, String> {
        self.requests.borrow_mut().push(request.clone());
        if let Some(answer) = self.answers.borrow_mut().pop() {
            return answer;
        }
        assert!(request.body.len() <= 512_000, "{}", request.body.len());
        let mut plain = String::new();
        ZlibDecoder::new(request.body.as_slice()).read_to_string(&mut plain).unwrap();
        assert!(plain.len() <= 5_242_880, "{}", plain.len());
        let body: Value = serde_json::from_str(&plain).unwrap();
        let mut seen = BTreeSet::new();
        for series in body["series"].as_array().unwrap() {
            match request.path {
                "/api/v2/series" => {
                    // All points of a metric and its tags are in one series.
                    assert!(seen.insert(names(series)), "{series}");
                    self.take(series);
                }
                "/api/v1/distribution_points" => self.take_distribution(series),
                other => panic!("{other}"),
            }
        }
        Ok(Answer { status: 202, body: "{\"errors\":[]}".to_owned(), ..Answer::default() })
    }
}

impl FakeIntake {
    fn take(&self, series: &Value) {
        let (metric, tags) = names(series);
        let is_count = !metric.contains(".per_request.");
        assert_eq!(series["type"], if is_count { 1 } else { 3 }, "{metric}");
        assert_eq!(series["interval"], if is_count { 1.into() } else { Value::Null }, "{metric}");
        for point in series["points"].as_array().unwrap() {
            let value = point["value"].as_u64().unwrap();
            let key = (metric.clone(), tags.clone(), point["timestamp"].as_i64().unwrap());
            let before = self.points.borrow_mut().insert(key.clone(), value);
            if before.is_some_and(|before| before != value) {
                self.overwritten.borrow_mut().push(key);
            }
        }
    }

    fn take_distribution(&self, series: &Value) {
        let (metric, tags) = names(series);
        for point in series["points"].as_array().unwrap() {
            let key = (metric.clone(), tags.clone(), point[0].as_i64().unwrap());
            let values = point[1].as_array().unwrap().iter().map(|value| value.as_u64().unwrap());
            self.distributions.borrow_mut().entry(key).or_default().extend(values);
        }
    }

    /// The sum of a metric over all points with these tags.
    fn sum(&self, metric: &str, tags: &[&str]) -> u64 {
        let points = self.points.borrow();
        let fitting = points.iter().filter(|((name, has, _), _)| {
            name == metric && tags.iter().all(|tag| has.iter().any(|each| each == tag))
        });
        fitting.map(|(_, value)| value).sum()
    }
}

fn names(series: &Value) -> (String, Vec<String>) {
    let metric = series["metric"].as_str().unwrap().to_owned();
    let tags = series["tags"].as_array().unwrap().iter();
    let mut tags: Vec<_> = tags.map(|tag| tag.as_str().unwrap().to_owned()).collect();
    tags.sort();
    (metric, tags)
}

const FORMAT: &str = "${interface-id} ${flow-direction} ${srcaddr} ${dstaddr} ${protocol} \
                      ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

fn forwarder<'f>(
    account: &'f FakeAccount,
    intake: &'f FakeIntake,
    format: Option<&str>,
) -> Forwarder<&'f FakeAccount, &'f FakeIntake> {
    let format = format.map(|format| Format::parse(format).unwrap());
    let region = "eu-west-1".to_owned();
    Forwarder::new(account, intake, Settings { format, region, distributions: true })
}

fn delivered(first_id: usize, lines: &[String]) -> LogEvents<'_> {
    let log_events = lines.iter().zip(first_id..).map(|(line, id)| LogEvent {
        id: id.to_string().into(),
        timestamp: NOW * 1000,
        message: line.as_str().into(),
    });
    LogEvents {
        owner: "012345678901".into(),
        log_group: "records".into(),
        log_stream: "eni-1-all".into(),
        log_events: log_events.collect(),
    }
}

fn moment() -> Moment {
    let retries = Retries {
        // Never, on a machine however busy.
        deadline: Instant::now() + Duration::from_hours(1),
        attempt: Duration::from_secs(5),
        pause: Duration::from_millis(1),
    };
    Moment { now: NOW, retries }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn forward(
    forwarder: &mut Forwarder<&FakeAccount, &FakeIntake>,
    delivered: &LogEvents<'_>,
) -> Sent {
    block_on(forwarder.forward_log_events(delivered, moment())).unwrap()
}

/// A record: direction, protocol, seconds ago, bytes.
type Flow = (bool, u8, i64, u64);

fn line((is_egress, protocol, ago, bytes): Flow) -> String {
    let (direction, source, destination) = if is_egress {
        ("egress", "10.0.0.5", "192.0.2.1")
    } else {
        ("ingress", "192.0.2.1", "10.0.0.5")
    };
    let start = NOW - ago;
    let end = start + ago % 60;
    let packets = bytes / 100;
    format!(
        "eni-1 {direction} {source} {destination} {protocol} {packets} {bytes} {start} {end} ACCEPT OK"
    )
}

fn flows() -> impl Strategy<Value = Vec<Flow>> {
    let flow = (any::<bool>(), prop_oneof![Just(6), Just(17), Just(255)], 0..20_i64, 0..5000_u64);
    prop::collection::vec(flow, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the records of a few seconds are spread over payloads, and however often payloads
    /// come again, no point is overwritten with another value and the sums are those of the
    /// records.
    #[test]
    fn sums_are_those_of_the_records(
        payloads in prop::collection::vec(flows(), 1..5),
        again in prop::collection::vec(any::<bool>(), 5),
    ) {
        let (account, intake) = (FakeAccount::default(), FakeIntake::default());
        let mut sums: BTreeMap<(bool, u8), u64> = BTreeMap::new();
        for ((flows, is_twice), number) in payloads.iter().zip(again).zip(0..) {
            let lines: Vec<_> = flows.iter().copied().map(line).collect();
            let delivered = delivered(number * 100, &lines);
            let sent = forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered);
            prop_assert_eq!(sent.seen.records, lines.len() as u64);
            let requests = intake.requests.take();
            if is_twice {
                forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered);
                // Byte for byte: in the same order, with the same times.
                prop_assert_eq!(intake.requests.take(), requests);
            }
            for (is_egress, protocol, _, bytes) in flows {
                *sums.entry((*is_egress, *protocol)).or_default() += bytes;
            }
        }
        prop_assert_eq!(intake.overwritten.take(), vec![]);
        for ((is_egress, protocol), bytes) in sums {
            let direction = if is_egress { "direction:outbound" } else { "direction:inbound" };
            let protocol = match protocol { 6 => "protocol:TCP", 17 => "protocol:UDP", _ => "protocol:255" };
            let tags = [direction, protocol, "ip:10.0.0.5", "interface_id:eni-1", "aws_account:012345678901", "region:eu-west-1"];
            prop_assert_eq!(intake.sum("aws.vpc.flowlogs.bytes.total", &tags), bytes);
        }
    }
}

#[test]
fn every_metric_of_a_second_is_there() {
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    let mut lines: Vec<_> = (1..=10).map(|n| line((true, 6, 30, n * 100))).collect();
    lines.push(format!("eni-1 - - - - - - {} {} - NODATA", NOW - 30, NOW));
    lines.push(format!("eni-1 - - - - - - {} {} - SKIPDATA", NOW - 30, NOW));
    lines.push("a line that is none".to_owned());
    let sent = forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered(0, &lines));
    let seen = sent.seen;
    assert_eq!((seen.records, seen.no_data, seen.skip_data, seen.bad_lines), (12, 1, 1, 1));
    let points = intake.points.take();
    let found: Vec<_> = points
        .iter()
        .map(|((metric, tags, _), value)| {
            let own =
                tags.iter().find(|tag| tag.starts_with("action") || tag.starts_with("status"));
            let name = metric.strip_prefix("aws.vpc.flowlogs.").unwrap();
            (name, own.map_or("", String::as_str), *value)
        })
        .collect();
    let expected = [
        ("action", "action:ACCEPT", 10),
        ("bytes.per_request.max", "", 1000),
        ("bytes.per_request.median", "", 500),
        ("bytes.per_request.min", "", 100),
        ("bytes.per_request.p90", "", 900),
        ("bytes.per_request.p95", "", 1000),
        ("bytes.per_request.p99", "", 1000),
        ("bytes.total", "", 5500),
        ("duration.per_request.max", "", 30),
        ("duration.per_request.median", "", 30),
        ("duration.per_request.min", "", 30),
        ("duration.per_request.p90", "", 30),
        ("duration.per_request.p95", "", 30),
        ("duration.per_request.p99", "", 30),
        ("log_status", "status:NODATA", 1),
        ("log_status", "status:OK", 10),
        ("log_status", "status:SKIPDATA", 1),
        ("packets.per_request.max", "", 10),
        ("packets.per_request.median", "", 5),
        ("packets.per_request.min", "", 1),
        ("packets.per_request.p90", "", 9),
        ("packets.per_request.p95", "", 10),
        ("packets.per_request.p99", "", 10),
        ("packets.total", "", 55),
        ("unsupported_message", "", 1),
    ];
    let mut found = found;
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(sent.points, 25);

    let distributions = intake.distributions.take();
    let metrics: Vec<_> = distributions.keys().map(|(metric, ..)| metric.as_str()).collect();
    let expected = ["bytes", "duration", "packets"]
        .map(|name| format!("aws.vpc.flowlogs.{name}.distribution"));
    assert_eq!(metrics, expected);
    assert_eq!(distributions.values().next().unwrap().len(), 10);
    // The records say their direction themselves.
    assert_eq!(account.questions.get(), 0);
}

/// Lines that are none count for their log events' second, in which the payloads' records are not.
#[test]
fn odd_lines_of_the_same_second_add_up_over_payloads() {
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    let mut forwarder = forwarder(&account, &intake, Some(FORMAT));
    for ago in [30, 100] {
        let lines = [line((true, 6, ago, 100)), "a line that is none".to_owned()];
        forward(&mut forwarder, &delivered(usize::try_from(ago).unwrap(), &lines));
    }
    assert_eq!(intake.sum("aws.vpc.flowlogs.unsupported_message", &[]), 2);
}

/// The intake would drop them without a word, and another time would be a lie.
#[test]
fn points_out_of_time_are_counted_and_not_sent() {
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    let lines = [-601, -600, 3600, 3601, 3602].map(|ago| line((true, 6, ago, 100)));
    let sent = forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered(0, &lines));
    assert_eq!((sent.too_old, sent.too_new), (2, 1));
    let points = intake.points.take();
    let mut seconds: Vec<_> = points.keys().map(|(.., second)| NOW - second).collect();
    seconds.dedup();
    seconds.sort_unstable();
    seconds.dedup();
    assert_eq!(seconds, [-600, 3600]);
}

#[test]
fn many_points_are_split_within_the_limits() {
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    let lines: Vec<_> = (0..2500)
        .map(|n| {
            let bytes = 1 + (n * 7_919) % 1_000_003;
            let line = line((n % 2 == 0, 6, 0, bytes));
            line.replace("10.0.0.5", &format!("10.0.{}.{}", n / 250, n % 250))
        })
        .collect();
    let sent = forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered(0, &lines));
    assert!(sent.requests > 2, "{}", sent.requests);
    assert_eq!(intake.points.borrow().len() as u64, sent.points);
    let expected: u64 = (0..2500).map(|n| 1 + (n * 7_919) % 1_000_003).sum();
    assert_eq!(intake.sum("aws.vpc.flowlogs.bytes.total", &[]), expected);
}

const WITHOUT_DIRECTION: &str =
    "${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${protocol} ${bytes} ${start}";

#[test]
fn directions_come_from_addresses_and_are_not_guessed() {
    let addresses = |text: &str| -> Vec<IpAddr> {
        text.split(' ').map(|address| address.parse().unwrap()).collect()
    };
    let interfaces =
        HashMap::from([("eni-1".to_owned(), addresses("10.0.0.5 10.0.0.6 2001:db8::5"))]);
    let account = FakeAccount { interfaces, ..FakeAccount::default() };
    let intake = FakeIntake::default();
    let record = |interface: &str, from: &str, to: &str, bytes: u64| {
        format!("999999999999 {interface} {from} {to} 6 {bytes} {}", NOW - 5)
    };
    let lines = [
        record("eni-1", "10.0.0.6", "192.0.2.1", 1),
        record("eni-1", "192.0.2.1", "10.0.0.5", 2),
        record("eni-1", "2001:db8::1", "2001:db8::5", 4),
        // Both ends, neither end, an interface that EC2 does not know.
        record("eni-1", "10.0.0.5", "10.0.0.6", 8),
        record("eni-1", "10.9.0.5", "10.9.0.6", 16),
        record("eni-2", "10.0.0.6", "192.0.2.1", 32),
        record("eni-2", "10.0.0.6", "192.0.2.1", 64),
    ];
    let mut forwarder = forwarder(&account, &intake, Some(WITHOUT_DIRECTION));
    let sent = forward(&mut forwarder, &delivered(0, &lines));
    let sum = |tags: &[&str]| intake.sum("aws.vpc.flowlogs.bytes.total", tags);
    assert_eq!(sum(&["direction:outbound", "ip:10.0.0.6"]), 1);
    assert_eq!(sum(&["direction:inbound", "ip:10.0.0.5"]), 2);
    assert_eq!(sum(&["direction:inbound", "ip:2001:db8::5"]), 4);
    assert_eq!(sum(&["direction:inbound"]) + sum(&["direction:outbound"]), 7);
    assert_eq!(sum(&["interface_id:eni-2", "aws_account:999999999999"]), 96);
    assert_eq!(Vec::from_iter(sent.missing), ["action", "end", "packets"]);
    // What EC2 said, and did not say, is remembered.
    forward(&mut forwarder, &delivered(100, &lines));
    assert_eq!(account.questions.get(), 1);
}

#[test]
fn a_claim_that_was_overtaken_is_made_anew() {
    let account = FakeAccount { overtaken: Cell::new(2), ..FakeAccount::default() };
    let intake = FakeIntake::default();
    let lines = [line((true, 6, 5, 100))];
    let sent = forward(&mut forwarder(&account, &intake, Some(FORMAT)), &delivered(0, &lines));
    assert!(sent.points > 0);

    account.overtaken.set(u32::MAX);
    let mut forwarder = forwarder(&account, &intake, Some(FORMAT));
    let failed = block_on(forwarder.forward_log_events(&delivered(1, &lines), moment()));
    assert!(matches!(failed, Err(ForwardError::Overtaken(_))), "{failed:?}");
}

fn after(answers: Vec<Result<Answer, String>>, time: Duration) -> (Result<Sent, String>, usize) {
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    intake.answers.replace(answers);
    let lines = [line((true, 6, 5, 100))];
    let mut moment = moment();
    moment.retries.deadline = Instant::now() + time;
    let mut forwarder = forwarder(&account, &intake, Some(FORMAT));
    let sent = block_on(forwarder.forward_log_events(&delivered(0, &lines), moment));
    (sent.map_err(|error| error.to_string()), intake.requests.take().len())
}

fn status(status: u16) -> Answer {
    Answer { status, body: "because".to_owned(), ..Answer::default() }
}

#[test]
fn what_fails_for_the_moment_is_tried_again() {
    let answers =
        vec![Ok(status(429)), Ok(status(503)), Ok(status(408)), Err("no answer".to_owned())];
    let (sent, requests) = after(answers, Duration::from_hours(1));
    // Four in vain, then the points and the distributions.
    assert_eq!((sent.unwrap().requests, requests), (2, 6));
}

#[test]
fn what_is_refused_is_not_tried_again() {
    let enough = Duration::from_hours(1);
    let (sent, requests) = after(vec![Ok(status(403))], enough);
    assert!(sent.unwrap_err().contains("check the key"));
    assert_eq!(requests, 1);
    let (sent, _) = after(vec![Ok(status(400))], enough);
    assert_eq!(sent.unwrap_err(), "Datadog refused /api/v2/series with HTTP status 400: because");
    let partly = Answer { status: 202, body: "{\"errors\":[\"x\"]}".to_owned(), retry_after: None };
    assert!(after(vec![Ok(partly)], enough).0.is_err());
}

#[test]
fn attempts_end_when_no_time_is_left() {
    let later = Answer { status: 429, retry_after: Some(3600), ..Answer::default() };
    let (sent, requests) = after(vec![Ok(later)], Duration::from_secs(20));
    let expected = "Datadog did not take /api/v2/series in 1 attempts, at last: HTTP status 429";
    assert_eq!((sent.unwrap_err().as_str(), requests), (expected, 1));
    let (sent, requests) = after(vec![], Duration::ZERO);
    assert!(sent.unwrap_err().contains("in 0 attempts"));
    assert_eq!(requests, 0);
}

/// An object in pieces of this many bytes.
struct InPieces<'p>(&'p [u8], usize);

impl Pieces for InPieces<'_> {
    type Error = Infallible;

    async fn next(&mut self) -> Result<Option<Vec<u8>>, Infallible> {
        let (piece, rest) = self.0.split_at(self.0.len().min(self.1));
        self.0 = rest;
        Ok((!piece.is_empty()).then(|| piece.to_vec()))
    }
}

#[test]
fn an_object_is_sent_in_parts_that_are_the_same_however_it_comes() {
    let header = "interface-id flow-direction srcaddr dstaddr protocol packets bytes start end action log-status";
    let mut text = format!("{header}\n");
    for number in 0..250_000_u64 {
        text.push_str(&line((true, 6, i64::try_from(number % 20).unwrap(), number % 1000)));
        text.push('\n');
    }
    let (account, intake) = (FakeAccount::default(), FakeIntake::default());
    let key = "AWSLogs/012345678901/vpcflowlogs/eu-west-2/2026/11/21/\
               012345678901_vpcflowlogs_eu-west-2_fl-1_20261121T1405Z_5f2e.log.gz";
    let name = ObjectName { bucket: "records", key, version: "e1" };
    let mut requests = vec![];
    for length in [10_000, 1_000_000] {
        let mut forwarder = forwarder(&account, &intake, None);
        let mut pieces = InPieces(text.as_bytes(), length);
        let sent = block_on(forwarder.forward_object(name, &mut pieces, moment())).unwrap();
        assert_eq!(sent.seen.records, 250_000);
        requests.push(intake.requests.take());
    }
    assert_eq!(requests[0], requests[1]);
    assert_eq!(intake.overwritten.take(), vec![]);
    let points = intake.points.borrow();
    let tags = points.keys().flat_map(|(_, tags, _)| tags);
    let shards: BTreeSet<_> = tags.filter(|tag| tag.starts_with("shard:")).collect();
    assert_eq!(shards.len(), 2);
    let tags = ["aws_account:012345678901", "region:eu-west-2"];
    let expected = (0..250_000_u64).map(|number| number % 1000).sum::<u64>();
    assert_eq!(intake.sum("aws.vpc.flowlogs.bytes.total", &tags), expected);
}
