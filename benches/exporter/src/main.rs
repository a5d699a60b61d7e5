//! Counts subscription payloads of 10,000 events as `natflow exporter` does, on one core, and each
//! of its stages by itself in the same run.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use deliveries::{Content, LogEvents, Unpacker};
use export::prometheus::{Counter, Ends, Subnets, Totals, Window};
use flate2::{Compression, write::GzEncoder};
use flowlog::Field;

/// As many as a payload of CloudWatch Logs holds at most.
const EVENTS: usize = 10_000;
const PAYLOADS: usize = 20;
const ROUNDS: usize = 5;
const SUBNETS: usize = 1000;
/// Of [`Window`], as natflow's own default.
const WINDOW: usize = 100_000;

fn main() -> Result<()> {
    let payloads: Vec<_> = (0..PAYLOADS).map(payload).collect::<Result<_>>()?;
    let subnets: Subnets = Subnets::parse(&networks())?;
    let stages = [
        ("gunzip and JSON", best(|| unpack(&payloads))?),
        ("parse, six fields", best(|| parse(&payloads))? - best(|| unpack(&payloads))?),
        ("digests and window", best(|| digest(&payloads))? - best(|| unpack(&payloads))?),
        ("find two subnets", best(|| find(&payloads, &subnets))? - best(|| parse(&payloads))?),
    ];
    let whole = best(|| count(&payloads, &subnets))?;
    let mut output = std::io::stdout().lock();
    for (name, seconds) in stages {
        writeln!(output, "{name:<20} {:>7.2} M records/s", rate(seconds))?;
    }
    let sum: f64 = stages.iter().map(|(_, seconds)| seconds).sum();
    writeln!(output, "{:<20} {:>7.2} M records/s", "1/Σ(1/stage)", rate(sum))?;
    writeln!(
        output,
        "{:<20} {:>7.2} M records/s, {:.0} % of it",
        "all",
        rate(whole),
        sum / whole * 100.0
    )?;
    Ok(())
}

fn rate(seconds: f64) -> f64 {
    // Both are small enough to be exact.
    #[expect(clippy::cast_precision_loss)]
    let records = (EVENTS * PAYLOADS) as f64;
    records / seconds / 1e6
}

/// The seconds of the quickest of several rounds.
fn best(mut stage: impl FnMut() -> Result<u64>) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        black_box(stage()?);
        best = best.min(started.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn networks() -> String {
    let networks = (0..SUBNETS).map(|place| format!("10.{}.{}.0/24", place / 250, place % 250));
    networks.collect::<Vec<_>>().join("\n")
}

/// A payload of AWS's default format; no two have an event in common.
fn payload(number: usize) -> Result<Vec<u8>> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (number as u64 + 1);
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let events: Vec<_> = (0..EVENTS)
        .map(|place| {
            let inside = format!("10.{}.{}.{}", next(4), next(250), next(254) + 1);
            let outside = format!("{}.{}.{}.{}", next(100) + 100, next(256), next(256), next(256));
            let (source, target) = if next(2) == 0 { (inside, outside) } else { (outside, inside) };
            let action = if next(20) == 0 { "REJECT" } else { "ACCEPT" };
            let start = 1_700_000_000 + next(60);
            let port = if next(2) == 0 { 443 } else { 8080 };
            format!(
                "{{\"id\":\"{:056}\",\"timestamp\":{start}000,\"message\":\"2 123456789012 eni-{:08x} \
                 {source} {target} {} {} 6 {} {} {start} {} {action} OK\"}}",
                number * EVENTS + place,
                next(64),
                next(65_000),
                port,
                next(1000) + 1,
                next(1_000_000) + 40,
                start + 60,
            )
        })
        .collect();
    let text = format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"123456789012\",\"logGroup\":\"flow-logs\",\
         \"logStream\":\"eni-all\",\"subscriptionFilters\":[\"a\"],\"logEvents\":[{}]}}",
        events.join(",")
    );
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

/// Opens every payload.
fn each(payloads: &[Vec<u8>], mut see: impl FnMut(&LogEvents<'_>)) -> Result<()> {
    let mut unpacker = Unpacker::default();
    for payload in payloads {
        match unpacker.open_record(payload).context("a payload")? {
            Content::Events(events) => see(&events),
            Content::Control => {}
        }
    }
    Ok(())
}

fn unpack(payloads: &[Vec<u8>]) -> Result<u64> {
    let mut sum = 0;
    each(payloads, |events| sum += events.log_events.len() as u64)?;
    Ok(sum)
}

fn digest(payloads: &[Vec<u8>]) -> Result<u64> {
    let mut window = Window::new(WINDOW);
    let mut new = 0;
    each(payloads, |events| {
        for event in &events.log_events {
            new += u64::from(window.remember(Window::digest(&event.id)));
        }
    })?;
    Ok(new)
}

fn parse(payloads: &[Vec<u8>]) -> Result<u64> {
    find(payloads, &Subnets::default())
}

fn find(payloads: &[Vec<u8>], subnets: &Subnets) -> Result<u64> {
    let wanted = &export::prometheus::WANTED_FIELDS;
    let mut parser = flowlog::Parser::checking(flowlog::Format::aws_default(), wanted);
    let (mut lines, mut sum) = (vec![], 0);
    each(payloads, |events| {
        lines.clear();
        for event in &events.log_events {
            lines.extend_from_slice(event.message.as_bytes());
            lines.push(b'\n');
        }
        let mut records = parser.records(&lines);
        while let Some(record) = records.next() {
            let Ok(record) = record else { continue };
            sum += record.number(Field::Bytes).unwrap_or_default();
            for field in [Field::SrcAddr, Field::DstAddr] {
                let place = record.address(field).and_then(|address| subnets.find(address));
                sum += place.unwrap_or_default() as u64;
            }
        }
    })?;
    Ok(sum)
}

/// What the exporter does with what it reads from a shard.
fn count(payloads: &[Vec<u8>], subnets: &Subnets) -> Result<u64> {
    let mut counter = Counter::default();
    let mut totals = Totals::default();
    let mut window = Window::new(WINDOW);
    each(payloads, |events| {
        let messages = events.log_events.iter().map(|event| event.message.trim_end_matches('\n'));
        let batch = counter.count_messages(messages, subnets, Ends::Both, |_, _| {});
        let digests: Vec<_> =
            events.log_events.iter().map(|event| Window::digest(&event.id)).collect();
        let is_new = digests.iter().filter(|digest| window.remember(**digest)).count();
        totals.add(&batch.tally, 1000);
        totals.events += is_new as u64;
    })?;
    Ok(totals.events)
}
