//! Generates recordings, and measures natflow on them beside other tools.
//!
//! ```sh
//! records generate --records 5000000 > recording.log
//! records measure --natflow target/release-cli/natflow
//! ```

#[path = "../../clock.rs"]
mod clock;
mod contenders;
mod generate;
#[path = "../../random.rs"]
mod random;
mod stages;
mod table;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use flate2::read::MultiGzDecoder;
use flowlog::{Field, Format, Parser, queries::Query};

use contenders::{Paths, races};
use generate::Shape;

/// Generates recordings, and measures natflow on them beside other tools.
#[derive(Debug, clap::Parser)]
enum Arguments {
    /// Writes a recording to standard output; the same seed makes the same recording.
    Generate {
        #[arg(long, default_value_t = 5_000_000)]
        records: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The fields of each record.
        #[arg(long, value_enum, default_value_t = Shape::Recorded)]
        shape: Shape,
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
    /// Measures the stages from a packed file to a NetFlow collector on one core, and natflow on
    /// all of them.
    Stages {
        /// The binary that is measured on all cores, if there is one.
        #[arg(long)]
        natflow: Option<PathBuf>,
        #[arg(long, default_value_t = 1_000_000)]
        records: u64,
        /// How often each is run; the quickest run counts.
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Reads records with flowlog and does nothing else.
    #[command(hide = true)]
    Parse {
        file: PathBuf,
        /// Looks at the fields that `top --by srcaddr,dstaddr` needs, instead of all of them.
        #[arg(long)]
        few: bool,
    },
    /// Inflates a file with zlib-rs and does nothing else.
    #[command(hide = true)]
    Inflate { file: PathBuf },
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::Generate { records, seed, shape } => {
            let mut target = BufWriter::new(io::stdout().lock());
            generate::write(&mut target, shape, records, seed)?;
            Ok(target.flush()?)
        }
        Arguments::Measure { natflow, python, records, runs } => {
            measure(&natflow, &python, records, runs)
        }
        Arguments::Stages { natflow, records, runs } => {
            stages::measure(natflow.as_deref(), records, runs)
        }
        Arguments::Parse { file, few } => parse(&file, few),
        Arguments::Inflate { file } => inflate(&file),
    }
}

/// As natflow reads.
const CHUNK: usize = 256 * 1024;

fn parse(file: &Path, few: bool) -> Result<()> {
    const FEW: [Field; 4] = [Field::SrcAddr, Field::DstAddr, Field::Bytes, Field::Action];
    let mut file = File::open(file)?;
    let mut buffer = vec![0; CHUNK];
    let mut kept = file.read(&mut buffer)?;
    let format = Format::detect(buffer.get(..kept).unwrap_or_default())?;
    let mut parser = if few { Parser::checking(format, &FEW) } else { Parser::new(format) };
    while kept > 0 {
        let filled = buffer.get(..kept).unwrap_or_default();
        let end = filled.iter().rposition(|byte| *byte == b'\n').map_or(kept, |at| at + 1);
        let mut records = parser.records(filled.get(..end).unwrap_or_default());
        while records.next().is_some() {}
        buffer.copy_within(end..kept, 0);
        kept -= end;
        kept += file.read(buffer.get_mut(kept..).context("a line is longer than a chunk")?)?;
    }
    Ok(writeln!(io::stdout(), "{}", parser.counts().read)?)
}

fn inflate(file: &Path) -> Result<()> {
    let mut source = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, File::open(file)?));
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let length = source.read(&mut buffer)?;
        if length == 0 {
            return Ok(writeln!(io::stdout(), "{bytes}")?);
        }
        bytes += length;
    }
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
    let recording = generated(folder, "recording.log", Shape::Recorded, records)?;
    let short = generated(folder, "short.log", Shape::Short, records)?;
    let gzip = folder.join("recording.log.gz");
    let status =
        Command::new("gzip").arg("-c").arg(&recording).stdout(File::create(&gzip)?).status()?;
    ensure!(status.success(), "gzip failed");
    let query = folder.join("top-pairs.query");
    fs::write(&query, Query::TopPairs.saved_text())?;
    let this = env::current_exe()?;
    let paths = Paths {
        natflow,
        this: &this,
        python,
        recording: &recording,
        short: &short,
        gzip: &gzip,
        query: &query,
        target: &folder.join("target"),
    };
    let mut out = io::stdout().lock();
    table::write_heading(&mut out, &paths, records, runs)?;
    for race in races(&paths) {
        table::write_race(&mut out, race, records, runs)?;
    }
    write!(out, "\n{}", contenders::duckdb_notes())?;
    Ok(())
}

fn generated(folder: &Path, name: &str, shape: Shape, records: u64) -> Result<PathBuf> {
    let path = folder.join(name);
    let mut target = BufWriter::new(File::create(&path)?);
    generate::write(&mut target, shape, records, 1)?;
    target.flush()?;
    Ok(path)
}
