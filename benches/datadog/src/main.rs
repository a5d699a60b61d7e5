//! The way of a subscription's payload to Datadog's requests, beside its stages: each of them
//! alone, in the same run, on one core.
//!
//! `cargo run --release --manifest-path benches/datadog/Cargo.toml`, or with `--profile function` as
//! the function is built.

#[path = "../../clock.rs"]
mod clock;
mod material;
#[path = "../../memory.rs"]
mod memory;

use std::{
    hint::black_box,
    io::{Read as _, Write as _},
};

use anyhow::{Result, bail};
use datadog::{FIELDS, Interfaces, Log, Points};
use deliveries::{Content, LogEvents, Payload, Unpacker};
use flate2::bufread::GzDecoder;
use flowlog::Parser;

use clock::nanoseconds;
use material::{EVENTS, Material};
use memory::peak_memory;

const RUNS: usize = 10;
const REPEATS: u32 = 30;

const STAGES: [&str; 6] = [
    "base64 and gunzip",
    "the same and JSON",
    "parsing the fields",
    "adding up",
    "requests: JSON and deflate",
    "all: from the payload to the requests",
];

fn main() -> Result<()> {
    let material = Material::new()?;
    let mut unpacker = Unpacker::default();
    let mut best = [f64::MAX; STAGES.len()];
    for _ in 0..RUNS {
        let took = measured(&material, &mut unpacker)?;
        best.iter_mut().zip(took).for_each(|(best, took)| *best = best.min(took));
    }
    show(&material, best)
}

fn measured(material: &Material, unpacker: &mut Unpacker) -> Result<[f64; STAGES.len()]> {
    let payload = &material.payload;
    let inflated = nanoseconds_of(|| unpack(payload))?;
    let opened = nanoseconds_of(|| open(unpacker, payload).map(|events| events.log_events.len()))?;
    let events = open(unpacker, payload)?;
    let parsed = nanoseconds_of(|| Ok(parse(material, &events)))?;
    let interfaces = Interfaces::new();
    let added = nanoseconds_of(|| Ok(add(material, &events, &interfaces).seen()))?;
    let points = add(material, &events, &interfaces);
    let requested = nanoseconds_of(|| request(material, points.clone()))?;
    let all = nanoseconds_of(|| {
        let events = open(unpacker, payload)?;
        request(material, add(material, &events, &interfaces))
    })?;
    Ok([inflated, opened, parsed, added - parsed, requested, all])
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown with two digits")]
fn show(material: &Material, best: [f64; STAGES.len()]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| stage | ns a record | records/s |\n|---|---|---|")?;
    for (name, took) in STAGES.iter().zip(best) {
        let each = took / EVENTS as f64;
        writeln!(out, "| {name} | {each:.0} | {:.2} M |", 1e3 / each)?;
    }
    let [_, opened, parsed, added, requested, all] = best;
    let sum = opened + parsed + added + requested;
    writeln!(
        out,
        "\n{EVENTS} records: {} bytes of base64, {} plain; the whole is {:.0} % of 1/Σ(1/stage); \
         peak memory {}",
        material.payload.data.len(),
        material.plain_bytes,
        100.0 * sum / all,
        peak_memory().unwrap_or_default(),
    )?;
    Ok(())
}

fn unpack(payload: &Payload) -> Result<usize> {
    let packed = base64_simd::STANDARD.decode_to_vec(&payload.data)?;
    let mut plain = vec![];
    GzDecoder::new(packed.as_slice()).read_to_end(&mut plain)?;
    Ok(black_box(plain).len())
}

fn open<'u>(unpacker: &'u mut Unpacker, payload: &Payload) -> Result<LogEvents<'u>> {
    match unpacker.open(payload)? {
        Content::Events(events) => Ok(events),
        Content::Control => bail!("no events"),
    }
}

fn parse(material: &Material, events: &LogEvents<'_>) -> usize {
    let mut parser = Parser::checking(material.format.clone(), &FIELDS);
    let mut read = 0;
    for event in &events.log_events {
        let mut records = parser.records(event.message.as_bytes());
        while let Some(record) = records.next() {
            read += usize::from(black_box(record).is_ok());
        }
    }
    read
}

fn add<'i>(material: &Material, events: &LogEvents<'_>, interfaces: &'i Interfaces) -> Points<'i> {
    let log = Log { account: "012345678901", region: "eu-west-1" };
    let mut points = Points::new(log, interfaces);
    let mut parser = Parser::checking(material.format.clone(), &FIELDS);
    for event in &events.log_events {
        let mut records = parser.records(event.message.as_bytes());
        while let Some(record) = records.next() {
            match record {
                Ok(record) => points.add(&record, event.timestamp),
                Err(_) => points.add_bad_line(event.timestamp),
            }
        }
    }
    points
}

fn request(material: &Material, points: Points<'_>) -> Result<usize> {
    let requests = points.requests("0a1b2c3d-0", material.now, false)?;
    Ok(requests.requests.iter().map(|request| request.body.len()).sum())
}

/// How long this thread was on a processor for some work, as Linux counts it, which it does in
/// milliseconds: the work is repeated.
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
fn nanoseconds_of<T>(mut work: impl FnMut() -> Result<T>) -> Result<f64> {
    let start = nanoseconds()?;
    for _ in 0..REPEATS {
        black_box(work()?);
    }
    Ok((nanoseconds()? - start) as f64 / f64::from(REPEATS))
}
