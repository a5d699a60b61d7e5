//! The transform from Firehose's event to its answer, as the Lambda runtime hands them over, beside
//! its stages: each of them alone, in the same run, on one core.

#[path = "../../clock.rs"]
mod clock;
mod material;
#[path = "../../memory.rs"]
mod memory;
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "it is the tests' writer")]
#[path = "../../../crates/enrichment/tests/mmdb/mod.rs"]
mod mmdb;
#[path = "../../random.rs"]
mod random;

use std::{hint::black_box, time::Instant};

use anyhow::Result;
use enrichment::{Enricher, Event, NoAnswer};
use flowlog::Parser;
use serde_json::value::RawValue;

use clock::nanoseconds;
use material::Material;
use memory::peak_memory;

/// How many events are transformed, one after the other.
const EVENTS: usize = 200;

/// How many records an event of 0.2 MB has.
const RECORDS: usize = 1_500;

const RUNS: usize = 5;

fn main() -> Result<()> {
    let material = Material::new(EVENTS, RECORDS);
    let mut best = [f64::MAX; 5];
    let mut answers = 0;
    for _ in 0..RUNS {
        // Each run begins with empty caches, as a new execution environment does.
        let mut enricher = material.enricher()?;
        let mut bare = Material::bare()?;
        let took = [
            nanoseconds_of(|| material.read())?,
            nanoseconds_of(|| material.parse())?,
            nanoseconds_of(|| transform(&mut bare, &material).map(|_| ()))?,
            nanoseconds_of(|| {
                answers = transform(&mut enricher, &material)?;
                Ok(())
            })?,
            nanoseconds_of(|| whole(&mut enricher, &material))?,
        ];
        best.iter_mut().zip(took).for_each(|(best, took)| *best = best.min(took));
    }
    show(&material, best, answers);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown with two digits")]
fn show(material: &Material, best: [f64; 5], answers: usize) {
    let records = (EVENTS * RECORDS) as f64;
    println!("| stage | ns a record | records/s |\n|---|---|---|");
    let names = [
        "the event's JSON and base64",
        "parsing all fields",
        "from the event to the answer, nothing known",
        "the same with interfaces, cities and systems, caches empty at first",
        "the same, caches filled, with what the runtime does to JSON",
    ];
    for (name, took) in names.iter().zip(best) {
        let each = took / records;
        println!("| {name} | {each:.0} | {:.2} M |", 1e3 / each);
    }
    println!(
        "\n{} different public addresses; {:.0} bytes of event and {:.0} of answer a record; \
         peak memory {}",
        material.addresses,
        material.bytes() as f64 / records,
        answers as f64 / records,
        peak_memory().unwrap_or_default(),
    );
}

/// How long this thread was on a processor, as Linux counts it.
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
fn nanoseconds_of(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = nanoseconds()?;
    work()?;
    Ok((nanoseconds()? - start) as f64)
}

/// Transforms every event; how many bytes the answers have.
fn transform(enricher: &mut Enricher<Vec<u8>>, material: &Material) -> Result<usize> {
    let now = Instant::now();
    let mut bytes = 0;
    for event in &material.events {
        bytes += answer(enricher, &Event::read(event)?, now)?.len();
    }
    Ok(bytes)
}

fn answer(enricher: &mut Enricher<Vec<u8>>, event: &Event<'_>, now: Instant) -> Result<String> {
    loop {
        match enricher.transform(event, now) {
            Ok(transformed) => return Ok(transformed.into_json(&[])),
            Err(NoAnswer::Unknown(unknown)) => Material::teach(enricher, &unknown, now),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The same with what the function's runtime adds: the event comes as a raw value, and so does
/// the answer, which is then written into the response.
fn whole(enricher: &mut Enricher<Vec<u8>>, material: &Material) -> Result<()> {
    let now = Instant::now();
    for event in &material.events {
        let raw: Box<RawValue> = serde_json::from_slice(event.as_bytes())?;
        let answer = answer(enricher, &Event::read(raw.get())?, now)?;
        black_box(serde_json::to_vec(&RawValue::from_string(answer)?)?);
    }
    Ok(())
}

impl Material {
    fn read(&self) -> Result<()> {
        let mut data = vec![];
        for event in &self.events {
            for record in &Event::read(event)?.records {
                data.clear();
                record.decode(&mut data);
                black_box(&data);
            }
        }
        Ok(())
    }

    fn parse(&self) -> Result<()> {
        let mut parser = Parser::detect(self.lines.concat().as_bytes())?;
        for line in &self.lines {
            let mut records = parser.records(line.as_bytes());
            while let Some(record) = records.next() {
                black_box(record?);
            }
        }
        Ok(())
    }
}
