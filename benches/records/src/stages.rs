//! The way of records from a packed file to a NetFlow collector: each stage alone, and all of them
//! one after the other in the same run.
//!
//! With stages of so many records a second each, one core can do 1/Σ(1/stage). Several cores can do as
//! many times that, up to the slowest stage: natflow itself is measured beside it.

use std::io::{self, Read as _, Write};
use std::net::UdpSocket;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs, thread};

use anyhow::{Context as _, Result, ensure};
use collectors::{CollectorName, Collectors};
use export::netflow::{Encoder, Flow, Protocol, Settings, WANTED_FIELDS};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use flowlog::{Format, LogStatus, Parser};

use crate::CHUNK;
use crate::clock::nanoseconds;
use crate::generate::{self, Shape};

/// Flows that are encoded again and again: they fit into a core's cache, as what was just parsed
/// does.
const FLOWS: usize = 4096;

/// As natflow sends.
const DATAGRAMS_AT_ONCE: usize = 64;

/// A recording, packed as flow logs are in S3, and what is made of it.
struct Material {
    text: Vec<u8>,
    packed: Vec<u8>,
    /// Where the text is cut into pieces as they come from inflating.
    pieces: Vec<Range<usize>>,
    format: Format,
    records: u64,
    flows: Vec<Flow>,
}

/// Measures every stage for each protocol, and natflow on all cores if there is one; the quickest
/// of the runs counts.
pub(crate) fn measure(natflow: Option<&Path>, records: u64, runs: usize) -> Result<()> {
    let material = Material::new(records)?;
    // Nobody reads from it: once its queue is full, the kernel drops what comes.
    let sink = UdpSocket::bind("127.0.0.1:0")?;
    let name: CollectorName = sink.local_addr()?.to_string().parse()?;
    let mut out = io::stdout().lock();
    writeln!(out, "| protocol | inflate | parse | encode | sendmmsg | 1/Σ | end to end | share |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    let mut possible = vec![];
    for protocol in Protocol::ALL {
        let mut best = [0.0_f64; 5];
        for _ in 0..runs {
            let rates = [
                rate(material.records, || material.inflate(|_| Ok(())))?,
                rate(material.records, || material.parse())?,
                material.encode(protocol)?,
                material.send(protocol, &name)?,
                rate(material.records, || material.end_to_end(protocol, &name))?,
            ];
            best.iter_mut().zip(rates).for_each(|(best, rate)| *best = best.max(rate));
        }
        write_row(&mut out, protocol, best)?;
        possible.push(Possible::of(protocol, best));
    }
    let Some(natflow) = natflow else { return Ok(()) };
    let packed = env::temp_dir().join(format!("stages-{}.log.gz", std::process::id()));
    fs::write(&packed, &material.packed)?;
    let written = write_threads(&mut out, &possible, |protocol| {
        (0..runs)
            .map(|_| natflow_rate(natflow, protocol, &packed, &name, material.records))
            .try_fold(0.0_f64, |best, rate| Ok(best.max(rate?)))
    });
    fs::remove_file(&packed)?;
    written
}

/// What the stages of a protocol can do, in records a second.
struct Possible {
    protocol: Protocol,
    one_core: f64,
    slowest_stage: f64,
}

impl Possible {
    /// `best` is the stages' rates, and that of all of them one after the other.
    fn of(protocol: Protocol, best: [f64; 5]) -> Self {
        let [stages @ .., _] = best;
        Self {
            protocol,
            one_core: 1.0 / stages.iter().map(|rate| 1.0 / rate).sum::<f64>(),
            slowest_stage: stages.into_iter().fold(f64::INFINITY, f64::min),
        }
    }
}

fn write_threads(
    out: &mut impl Write,
    possible: &[Possible],
    measure: impl Fn(Protocol) -> Result<f64>,
) -> Result<()> {
    let cores = thread::available_parallelism()?;
    #[expect(clippy::cast_precision_loss, reason = "no machine has so many")]
    let of_cores = |one_core: f64| one_core * cores.get() as f64;
    writeln!(out, "\n| protocol | slowest stage | {cores} cores can do | natflow | share |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for Possible { protocol, one_core, slowest_stage } in possible {
        let can_do = of_cores(*one_core).min(*slowest_stage);
        let found = measure(*protocol)?;
        let figures = [*slowest_stage, can_do, found];
        let figures = figures.map(|rate| format!("{:.2} M", rate / 1e6)).join(" | ");
        writeln!(out, "| {protocol} | {figures} | {:.0} % |", 100.0 * found / can_do)?;
    }
    Ok(())
}

/// Records a second of natflow, from its start to its end, by the clock.
fn natflow_rate(
    natflow: &Path,
    protocol: Protocol,
    packed: &Path,
    name: &CollectorName,
    records: u64,
) -> Result<f64> {
    let mut command = Command::new(natflow);
    command.args(["netflow", "--quiet", "--to", &name.to_string(), "--protocol", protocol.name()]);
    let start = Instant::now();
    let done = command.arg(packed).output()?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(done.status.success(), "natflow: {}", String::from_utf8_lossy(&done.stderr));
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
    Ok(records as f64 / seconds)
}

fn write_row(out: &mut impl Write, protocol: Protocol, best: [f64; 5]) -> Result<()> {
    let possible = Possible::of(protocol, best).one_core;
    let [stages @ .., end_to_end] = best;
    let millions = |rate: f64| format!("{:.2} M", rate / 1e6);
    let stages = stages.map(millions).join(" | ");
    let share = 100.0 * end_to_end / possible;
    let [possible, end_to_end] = [possible, end_to_end].map(millions);
    Ok(writeln!(out, "| {protocol} | {stages} | {possible} | {end_to_end} | {share:.0} % |")?)
}

/// Records a second of this thread's time on a processor.
fn rate(records: u64, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = nanoseconds()?;
    work()?;
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
    Ok(records as f64 * 1e9 / (nanoseconds()? - start) as f64)
}

fn parser(format: &Format) -> Parser {
    Parser::checking(format.clone(), &WANTED_FIELDS)
}

fn pieces(text: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = vec![];
    let mut start = 0;
    while start < text.len() {
        let piece = text.get(start..(start + CHUNK).min(text.len())).unwrap_or_default();
        let end = piece.iter().rposition(|byte| *byte == b'\n').map_or(piece.len(), |at| at + 1);
        pieces.push(start..start + end);
        start += end;
    }
    pieces
}

impl Material {
    fn new(records: u64) -> Result<Self> {
        let mut text = vec![];
        generate::write(&mut text, Shape::Recorded, records, 1)?;
        let mut packed = GzEncoder::new(vec![], Compression::default());
        packed.write_all(&text)?;
        let packed = packed.finish()?;
        let beginning = text.get(..CHUNK).unwrap_or(&text);
        let format = Format::detect(beginning)?;
        let mut parser = parser(&format);
        let mut flows = vec![];
        let mut input = parser.records(&text);
        while let Some(record) = input.next() {
            if flows.len() < FLOWS {
                flows.extend(Flow::read(&record?, None).ok());
            }
        }
        let records = parser.counts().read;
        Ok(Self { pieces: pieces(&text), text, packed, format, records, flows })
    }

    /// Inflates, piece by piece; pieces end where lines do.
    fn inflate(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut source = MultiGzDecoder::new(&*self.packed);
        let mut buffer = vec![0; CHUNK];
        let mut kept = 0;
        loop {
            let free = buffer.get_mut(kept..).context("a line is longer than a chunk")?;
            let read = source.read(free)?;
            kept += read;
            let filled = buffer.get(..kept).unwrap_or_default();
            let end = filled.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            take(filled.get(..end).unwrap_or_default())?;
            buffer.copy_within(end..kept, 0);
            kept -= end;
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Parses the text into flows, in pieces as they come from inflating.
    fn parse(&self) -> Result<()> {
        let mut parser = parser(&self.format);
        let mut sum = 0_usize;
        for piece in &self.pieces {
            let bytes = self.text.get(piece.clone()).unwrap_or_default();
            let mut records = parser.records(bytes);
            while let Some(record) = records.next() {
                sum += usize::from(Flow::read(&record?, None).is_ok());
            }
        }
        std::hint::black_box(sum);
        Ok(())
    }

    /// Flows a second.
    fn encode(&self, protocol: Protocol) -> Result<f64> {
        const PASSES: u64 = 2000;
        let mut encoder = Encoder::new(Settings::new(protocol))?;
        encoder.set_time(1_763_700_000);
        let flows = u64::try_from(self.flows.len())?;
        rate(flows * PASSES, || {
            for _ in 0..PASSES {
                for flow in &self.flows {
                    encoder.add(flow);
                    if encoder.datagrams().count() >= DATAGRAMS_AT_ONCE {
                        encoder.datagrams_mut().number(0);
                        encoder.clear();
                    }
                }
            }
            Ok(())
        })
    }

    /// Records a second that are sent in finished datagrams.
    fn send(&self, protocol: Protocol, name: &CollectorName) -> Result<f64> {
        const PASSES: u64 = 2000;
        let mut encoder = Encoder::new(Settings::new(protocol))?;
        encoder.set_time(1_763_700_000);
        for flow in &self.flows {
            encoder.add(flow);
            if encoder.datagrams().count() >= DATAGRAMS_AT_ONCE {
                break;
            }
        }
        let records: u64 = encoder.datagrams().iter().map(|d| u64::from(d.flow_records)).sum();
        let mut collectors = Collectors::connect(std::slice::from_ref(name), None)?;
        rate(records * PASSES, || {
            for _ in 0..PASSES {
                collectors.send(encoder.datagrams())?;
            }
            Ok(())
        })
    }

    /// From the packed bytes to the kernel.
    fn end_to_end(&self, protocol: Protocol, name: &CollectorName) -> Result<()> {
        let mut parser = parser(&self.format);
        let mut encoder = Encoder::new(Settings::new(protocol))?;
        encoder.set_time(1_763_700_000);
        let mut collectors = Collectors::connect(std::slice::from_ref(name), None)?;
        let mut sequence = 0;
        self.inflate(|piece| {
            let mut records = parser.records(piece);
            while let Some(record) = records.next() {
                let record = record?;
                if record.status() != LogStatus::Ok {
                    continue;
                }
                encoder.add_record(&record, None);
                if encoder.datagrams().count() >= DATAGRAMS_AT_ONCE {
                    sequence = encoder.datagrams_mut().number(sequence);
                    collectors.send(encoder.datagrams())?;
                    encoder.clear();
                }
            }
            Ok(())
        })
    }
}
