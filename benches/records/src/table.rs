//! Running contenders and writing the table.

use std::fs;
use std::io::{Read as _, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use wait4::Wait4 as _;

use crate::contenders::{Contender, Paths, Race};

/// What a run took.
struct Figures {
    /// Seconds on all cores, in the kernel too.
    cpu: f64,
    wall: f64,
    peak_megabytes: f64,
}

pub(crate) fn write_heading(
    out: &mut impl Write,
    paths: &Paths<'_>,
    records: u64,
    runs: usize,
) -> Result<()> {
    writeln!(
        out,
        "{records} records in each file; of {runs} runs, in turns, the quickest counts."
    )?;
    for (name, path) in [
        ("recorded format", paths.recording),
        ("the same, gzip", paths.gzip),
        ("short format", paths.short),
    ] {
        writeln!(out, "{name}: {} bytes", fs::metadata(path)?.len())?;
    }
    for package in ["duckdb", "polars"] {
        let version = version(paths.python, package);
        writeln!(out, "{package}: {}", version.as_deref().unwrap_or("not installed"))?;
    }
    writeln!(
        out,
        "\n| question | tool | CPU s | times natflow's | wall s | records/s of CPU | MB/s of CPU \
         | peak MB |\n|---|---|---|---|---|---|---|---|"
    )?;
    Ok(())
}

fn version(python: &str, package: &str) -> Option<String> {
    let script = format!("import {package}; print({package}.__version__)");
    let output = Command::new(python).args(["-c", &script]).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}

/// Runs the contenders in turns, so that a slow moment of the machine hits all of them, and
/// compares their answers with the first one's.
pub(crate) fn write_race(
    out: &mut impl Write,
    race: Race,
    records: u64,
    runs: usize,
) -> Result<()> {
    let mut contenders: Vec<_> = race.contenders.into_iter().map(|c| (c, None)).collect();
    let mut answer = None;
    for _ in 0..runs {
        for (contender, best) in &mut contenders {
            let Some((figures, found)) = run(contender)? else { continue };
            if contender.is_compared {
                let expected = answer.get_or_insert_with(|| found.clone());
                ensure!(
                    found == *expected,
                    "{} answers {found:?}, which is not {expected:?}",
                    contender.name
                );
            }
            if best.as_ref().is_none_or(|best: &Figures| figures.cpu < best.cpu) {
                *best = Some(figures);
            }
        }
    }
    let first = contenders.first().and_then(|(_, best)| Some(best.as_ref()?.cpu));
    let first = first.context("natflow has failed")?;
    for (contender, best) in contenders {
        let Some(best) = best else {
            writeln!(out, "| {} | {} | not installed |", race.question, contender.name)?;
            continue;
        };
        let bytes = fs::metadata(&contender.input)?.len();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (per_second, speed) = (records as f64 / best.cpu, bytes as f64 / best.cpu / 1e6);
        writeln!(
            out,
            "| {} | {} | {:.2} | {:.2} | {:.2} | {per_second:.0} | {speed:.0} | {:.0} |",
            race.question,
            contender.name,
            best.cpu,
            best.cpu / first,
            best.wall,
            best.peak_megabytes
        )?;
        out.flush()?;
    }
    Ok(())
}

/// Runs a contender to its end and returns the first lines of its answer. None if it is not
/// installed.
fn run(contender: &mut Contender) -> Result<Option<(Figures, Vec<String>)>> {
    let started = Instant::now();
    let command = contender.command.stdin(Stdio::null()).stderr(Stdio::null());
    let stdout = if contender.is_compared { Stdio::piped() } else { Stdio::null() };
    let Ok(mut child) = command.stdout(stdout).spawn() else { return Ok(None) };
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut text)?;
    }
    let used = child.wait4()?;
    if !used.status.success() {
        ensure!(contender.may_be_missing, "{} has failed", contender.name);
        return Ok(None);
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let peak_megabytes = used.rusage.maxrss as f64 / 1e6;
    let wall = started.elapsed().as_secs_f64();
    Ok(Some((Figures { cpu: cpu.as_secs_f64(), wall, peak_megabytes }, contender.answer(&text))))
}
