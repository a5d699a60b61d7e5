//! Generates recordings, and measures natflow on them beside other tools.
//!
//! ```sh
//! records generate --records 5000000 > recording.log
//! records measure --natflow target/release-cli/natflow
//! ```

mod contenders;
mod generate;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use flowlog::{RecordedFormat, queries::Query};
use wait4::Wait4 as _;

use contenders::{Contender, Paths, Race, races};

/// Generates recordings, and measures natflow on them beside other tools.
#[derive(Debug, Parser)]
enum Arguments {
    /// Writes a recording to standard output; the same seed makes the same recording.
    Generate {
        #[arg(long, default_value_t = 5_000_000)]
        records: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Measures natflow, and mawk, `DuckDB` and polars where they are installed.
    Measure {
        /// The binary that is measured.
        #[arg(long, default_value = "target/release-cli/natflow")]
        natflow: PathBuf,
        /// The Python that may have the packages duckdb and polars.
        #[arg(long, default_value = "python3")]
        python: String,
        #[arg(long, default_value_t = 5_000_000)]
        records: u64,
        /// How often each is run; the quickest run counts.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Reads a recording with flowlog and does nothing else.
    #[command(hide = true)]
    Parse { file: PathBuf },
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::Generate { records, seed } => {
            let mut target = BufWriter::new(io::stdout().lock());
            generate::write(&mut target, records, seed)?;
            Ok(target.flush()?)
        }
        Arguments::Measure { natflow, python, records, runs } => {
            measure(&natflow, &python, records, runs)
        }
        Arguments::Parse { file } => parse(&file),
    }
}

fn parse(file: &Path) -> Result<()> {
    const CHUNK: usize = 256 * 1024;
    let mut parser = flowlog::Parser::new(RecordedFormat::Zonal.format());
    let mut file = File::open(file)?;
    let mut buffer = vec![0; CHUNK];
    let mut kept = 0;
    loop {
        let free = buffer.get_mut(kept..).context("a line is longer than a chunk")?;
        let length = file.read(free)?;
        let filled = buffer.get(..kept + length).unwrap_or_default();
        let end = filled.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut records = parser.records(filled.get(..end).unwrap_or_default());
        while records.next().is_some() {}
        if length == 0 {
            break;
        }
        let total = kept + length;
        buffer.copy_within(end..total, 0);
        kept = total - end;
    }
    writeln!(io::stdout(), "{}", parser.counts().read)?;
    Ok(())
}

fn measure(natflow: &Path, python: &str, records: u64, runs: usize) -> Result<()> {
    ensure!(natflow.is_file(), "{} is not built", natflow.display());
    let folder = env::temp_dir().join(format!("natflow-bench-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let result = measure_in(&folder, natflow, python, records, runs);
    fs::remove_dir_all(&folder)?;
    result
}

fn measure_in(
    folder: &Path,
    natflow: &Path,
    python: &str,
    records: u64,
    runs: usize,
) -> Result<()> {
    let plain = folder.join("recording.log");
    let mut target = BufWriter::new(File::create(&plain)?);
    generate::write(&mut target, records, 1)?;
    target.flush()?;
    let gzip = folder.join("recording.log.gz");
    let status =
        Command::new("gzip").arg("-c").arg(&plain).stdout(File::create(&gzip)?).status()?;
    ensure!(status.success(), "gzip failed");
    let query = folder.join("top-pairs.query");
    fs::write(&query, Query::TopPairs.saved_text())?;
    let bytes = fs::metadata(&plain)?.len();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{records} records of the recorded format, {bytes} bytes; {runs} runs each, the quickest counts."
    )?;
    for package in ["duckdb", "polars"] {
        let version = version(python, package).unwrap_or_else(|| "not installed".to_owned());
        writeln!(out, "{package}: {version}")?;
    }
    writeln!(
        out,
        "\n| question | tool | CPU s | wall s | records/s of CPU | MB/s of CPU | peak MB |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    let this = env::current_exe()?;
    let paths = Paths { natflow, python, plain: &plain, gzip: &gzip, target: &query };
    for race in races(&paths, &this) {
        run_race(&mut out, race, records, bytes, runs)?;
    }
    Ok(())
}

fn version(python: &str, package: &str) -> Option<String> {
    let script = format!("import {package}; print({package}.__version__)");
    let output = Command::new(python).args(["-c", &script]).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}

fn run_race(
    out: &mut impl io::Write,
    race: Race,
    records: u64,
    bytes: u64,
    runs: usize,
) -> Result<()> {
    for mut contender in race.contenders {
        let figures: Option<Vec<_>> = (0..runs).map(|_| run(&mut contender)).collect();
        let Some(figures) = figures else {
            writeln!(out, "| {} | {} | not installed |", race.question, contender.name)?;
            continue;
        };
        let best = figures.into_iter().min_by(|a, b| a.cpu.total_cmp(&b.cpu));
        let best = best.context("nothing was run")?;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (per_second, speed) = (records as f64 / best.cpu, bytes as f64 / best.cpu / 1e6);
        writeln!(
            out,
            "| {} | {} | {:.2} | {:.2} | {per_second:.0} | {speed:.0} | {:.0} |",
            race.question, contender.name, best.cpu, best.wall, best.peak_megabytes
        )?;
        out.flush()?;
    }
    Ok(())
}

struct Figures {
    /// Seconds on all cores, in the kernel too.
    cpu: f64,
    wall: f64,
    peak_megabytes: f64,
}

/// Runs a contender to its end. None if it is not there, or fails.
fn run(contender: &mut Contender) -> Option<Figures> {
    let started = std::time::Instant::now();
    let command = contender.command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().ok()?;
    let used = child.wait4().ok()?;
    if !used.status.success() {
        return None;
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let peak_megabytes = used.rusage.maxrss as f64 / 1e6;
    Some(Figures { cpu: cpu.as_secs_f64(), wall: started.elapsed().as_secs_f64(), peak_megabytes })
}
