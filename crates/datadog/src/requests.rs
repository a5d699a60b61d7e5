//! Points split into requests.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use flate2::{Compression, write::ZlibEncoder};
use serde::Serialize;

use crate::metric::{self, Kind, Metric};
use crate::points::{Points, Totals, is_taken, is_too_new, is_too_old};

/// The most that a request's body may have before it is packed, in bytes.
/// <https://docs.datadoghq.com/api/latest/metrics/#submit-metrics>
const MOST_PLAIN_BYTES: usize = 5_242_880;

/// The most that it may have as it is sent, in bytes.
const MOST_PACKED_BYTES: usize = 512_000;

/// The most values of a distribution in one item of JSON, 21 bytes each at most: a request can be
/// split between items, and not within one.
const MOST_VALUES: usize = 10_000;

const SERIES: &str = "/api/v2/series";
const DISTRIBUTIONS: &str = "/api/v1/distribution_points";

const HEAD: &[u8] = br#"{"series":["#;
const TAIL: &[u8] = b"]}";

/// A request to the intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path below the intake's address.
    pub path: &'static str,
    /// JSON, packed as `Content-Encoding: deflate` says.
    pub body: Vec<u8>,
}

/// What is sent for a delivery, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// The requests. Those with points come before those with distributions: points that are sent
    /// again change nothing, and distributions add up.
    pub requests: Vec<Request>,
    /// How many points these are.
    pub points: u64,
    /// How many records and lines are too old for the intake.
    pub too_old: u64,
    /// How many are too far ahead.
    pub too_new: u64,
}

#[derive(Serialize)]
struct Series<'s> {
    metric: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<u32>,
    points: &'s [Point],
    tags: &'s [String],
}

#[derive(Serialize)]
struct Point {
    /// Seconds since 1970.
    timestamp: i64,
    value: u64,
}

#[derive(Serialize)]
struct Distribution<'d> {
    metric: String,
    points: Vec<(i64, &'d [u64])>,
    tags: &'d [String],
}

/// All seconds of one set of tags.
type Second<'t> = (i64, &'t Totals);

impl Points<'_> {
    /// The requests with the points that the intake takes at `now`, in seconds since 1970.
    ///
    /// `shard` sets these points apart from those of every other delivery with the same tags and
    /// seconds. With `distributions`, all values are sent as distributions, too.
    pub fn requests(mut self, shard: &str, now: i64, distributions: bool) -> io::Result<Requests> {
        self.sort();
        let sorted = self.sorted();
        let mut requests = Requests::default();
        let (bad_lines, bad_line_tags) = self.bad_lines();
        for (_, second, totals) in &sorted {
            requests.count_untaken(*second, now, totals.records());
        }
        for (second, lines) in bad_lines {
            requests.count_untaken(*second, now, *lines);
        }

        let taken: Vec<_> =
            sorted.into_iter().filter(|(_, second, _)| is_taken(*second, now)).collect();
        let subjects = || {
            taken.chunk_by(|(one, ..), (next, ..)| one == next).filter_map(|chunk| {
                let (subject, ..) = chunk.first()?;
                let seconds: Vec<Second<'_>> =
                    chunk.iter().map(|(_, second, totals)| (*second, *totals)).collect();
                Some((self.tags(*subject), seconds))
            })
        };
        let shard = format!("shard:{shard}");
        let mut series = Batch::new(SERIES);
        for (tags, seconds) in subjects() {
            for (metric, points) in by_metric(&seconds) {
                requests.points += series.push(metric, &points, &tags, &shard)?;
            }
        }
        let lines = bad_lines.iter().filter(|(second, _)| is_taken(**second, now));
        let lines: Vec<_> =
            lines.map(|(second, lines)| Point { timestamp: *second, value: *lines }).collect();
        if !lines.is_empty() {
            requests.points +=
                series.push(Metric::LINES_NOT_READ, &lines, &bad_line_tags, &shard)?;
        }
        requests.requests = series.end()?;
        if distributions {
            let mut batch = Batch::new(DISTRIBUTIONS);
            for (tags, seconds) in subjects() {
                batch.push_distributions(&tags, &seconds)?;
            }
            requests.requests.extend(batch.end()?);
        }
        Ok(requests)
    }
}

impl Requests {
    fn count_untaken(&mut self, second: i64, now: i64, records: u64) {
        if is_too_old(second, now) {
            self.too_old += records;
        } else if is_too_new(second, now) {
            self.too_new += records;
        }
    }
}

fn by_metric(seconds: &[Second<'_>]) -> BTreeMap<Metric, Vec<Point>> {
    let mut metrics: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (second, totals) in seconds {
        for (metric, value) in totals.values() {
            metrics.entry(metric).or_default().push(Point { timestamp: *second, value });
        }
    }
    metrics
}

/// Items of one kind of request, and the requests that are full.
struct Batch {
    path: &'static str,
    /// Items of JSON, one behind the other.
    text: Vec<u8>,
    /// Where each item ends.
    ends: Vec<usize>,
    full: Vec<Request>,
}

impl Batch {
    const fn new(path: &'static str) -> Self {
        Self { path, text: vec![], ends: vec![], full: vec![] }
    }

    /// Adds a metric's points, and says how many.
    fn push(
        &mut self,
        metric: Metric,
        points: &[Point],
        tags: &[String],
        shard: &str,
    ) -> io::Result<u64> {
        let mut tags = tags.to_vec();
        tags.push(shard.to_owned());
        tags.extend(metric.tag());
        self.push_item(&Series {
            metric: metric.full_name(),
            kind: metric.kind,
            interval: metric.kind.interval(),
            points,
            tags: &tags,
        })?;
        Ok(u64::try_from(points.len()).unwrap_or(u64::MAX))
    }

    /// Adds the values of all seconds. The values of several items add up.
    fn push_distributions(&mut self, tags: &[String], seconds: &[Second<'_>]) -> io::Result<()> {
        for (which, (name, ..)) in Totals::default().histograms().into_iter().enumerate() {
            let histograms = seconds.iter().filter_map(|(second, totals)| {
                let (.., histogram) = totals.histograms().into_iter().nth(which)?;
                Some((*second, histogram.values()))
            });
            let mut points = histograms
                .flat_map(|(second, values)| {
                    values.chunks(MOST_VALUES).map(move |some| (second, some))
                })
                .peekable();
            while points.peek().is_some() {
                let mut values = 0;
                let of_item = std::iter::from_fn(|| {
                    points.next_if(|(_, some)| {
                        values += some.len();
                        values <= MOST_VALUES
                    })
                });
                let points = of_item.collect();
                self.push_item(&Distribution { metric: metric::distribution(name), points, tags })?;
            }
        }
        Ok(())
    }

    fn push_item(&mut self, item: &impl Serialize) -> io::Result<()> {
        let start = self.text.len();
        serde_json::to_writer(&mut self.text, item)?;
        let commas = self.ends.len();
        if HEAD.len() + self.text.len() + commas + TAIL.len() > MOST_PLAIN_BYTES {
            let item = self.text.split_off(start);
            self.send()?;
            self.text = item;
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    fn end(mut self) -> io::Result<Vec<Request>> {
        self.send()?;
        Ok(self.full)
    }

    fn send(&mut self) -> io::Result<()> {
        let (text, ends) = (std::mem::take(&mut self.text), std::mem::take(&mut self.ends));
        let starts = std::iter::once(&0).chain(&ends);
        let items: Vec<_> =
            starts.zip(&ends).filter_map(|(start, end)| text.get(*start..*end)).collect();
        pack_within_limit(self.path, &items, &mut self.full)
    }
}

/// Packs items into one request, or halves of them into several if it would be too large.
fn pack_within_limit(
    path: &'static str,
    items: &[&[u8]],
    requests: &mut Vec<Request>,
) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let body = packed(items)?;
    if body.len() <= MOST_PACKED_BYTES || items.len() == 1 {
        requests.push(Request { path, body });
        return Ok(());
    }
    let (first, second) = items.split_at(items.len() / 2);
    pack_within_limit(path, first, requests)?;
    pack_within_limit(path, second, requests)
}

fn packed(items: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut packer = ZlibEncoder::new(vec![], Compression::default());
    packer.write_all(HEAD)?;
    for (item, place) in items.iter().zip(0..) {
        if place > 0 {
            packer.write_all(b",")?;
        }
        packer.write_all(item)?;
    }
    packer.write_all(TAIL)?;
    packer.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;
    use flowlog::{Format, Parser};

    use super::*;

    fn plain(request: &Request) -> String {
        let mut plain = String::new();
        ZlibDecoder::new(request.body.as_slice()).read_to_string(&mut plain).unwrap();
        plain
    }

    /// Hexadecimal digits without a pattern, which pack to half their length.
    fn noise(seed: u64, length: usize) -> String {
        let mut state = seed;
        let digits = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_digit(u32::try_from(state >> 60).unwrap(), 16).unwrap()
        });
        digits.take(length).collect()
    }

    #[test]
    fn what_packs_badly_is_halved_until_it_fits() {
        let items: Vec<_> = (1..=30).map(|seed| format!("\"{}\"", noise(seed, 100_000))).collect();
        let mut batch = Batch::new(SERIES);
        for item in &items {
            batch.push_item(&serde_json::from_str::<String>(item).unwrap()).unwrap();
        }
        let requests = batch.end().unwrap();
        assert!(requests.len() >= 3, "{}", requests.len());
        let mut found = vec![];
        for request in requests {
            assert!(request.body.len() <= MOST_PACKED_BYTES, "{}", request.body.len());
            let body: serde_json::Value = serde_json::from_str(&plain(&request)).unwrap();
            found.extend(body["series"].as_array().unwrap().iter().map(ToString::to_string));
        }
        assert_eq!(found, items);
    }

    /// An object's records may all have the same tags and second.
    #[test]
    fn the_values_of_one_second_are_split_within_the_limits() {
        let interfaces = crate::Interfaces::new();
        let log = crate::Log { account: "012345678901", region: "eu-west-1" };
        let mut points = Points::new(log, &interfaces);
        let format = Format::parse("${bytes} ${start}").unwrap();
        let mut parser = Parser::new(format);
        let now = 1_700_000_000;
        let values = (1..=65_000_u64).map(|place| place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut expected: Vec<_> = values.collect();
        for value in &expected {
            let line = format!("{value} {now}");
            points.add(&parser.records(line.as_bytes()).next().unwrap().unwrap(), 0);
        }
        let requests = points.requests("w-0", now, true).unwrap().requests;
        let mut found = vec![];
        for request in requests.iter().filter(|request| request.path == DISTRIBUTIONS) {
            assert!(request.body.len() <= MOST_PACKED_BYTES, "{}", request.body.len());
            let plain = plain(request);
            assert!(plain.len() <= MOST_PLAIN_BYTES, "{}", plain.len());
            let body: serde_json::Value = serde_json::from_str(&plain).unwrap();
            for item in body["series"].as_array().unwrap() {
                assert_eq!(item["metric"], "aws.vpc.flowlogs.bytes.distribution");
                assert_eq!(item["points"][0][0], now);
                let values = item["points"][0][1].as_array().unwrap().iter();
                found.extend(values.map(|value| value.as_u64().unwrap()));
            }
        }
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_no_request() {
        assert_eq!(Batch::new(SERIES).end().unwrap(), vec![]);
    }
}
