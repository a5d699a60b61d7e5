//! Where records come from: files, directories and standard input.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::column::Partition;
use crate::error::Error;

/// How standard input is named on the command line.
pub(crate) const STANDARD_INPUT: &str = "-";

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";

/// The longest of the signatures above.
const SIGNATURE_LENGTH: u64 = 4;

/// Something that records are read from.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// What messages call it.
    pub name: String,
    /// What its path says about every record in it.
    pub partitions: Vec<Partition>,
    /// Its file; none for standard input.
    path: Option<PathBuf>,
    /// How many bytes it has, as far as that is known.
    pub length: u64,
}

/// An input, opened.
pub(crate) enum Opened {
    /// Lines, plain or inflated.
    Text(Box<dyn Read + Send>),
    /// A Parquet file.
    ParquetFile(File),
    /// A Parquet file from standard input, which must be held as a whole: its index comes last.
    ParquetBytes(Bytes),
}

/// Finds the files that arguments name: each file, the files in each directory in the order of
/// their paths, and `-`. Files whose names begin with a dot or an underscore are left out of
/// directories: they are other tools' marks.
pub(crate) fn find(arguments: &[String]) -> Result<Vec<Input>, Error> {
    let mut inputs = vec![];
    for argument in arguments {
        if argument == STANDARD_INPUT {
            inputs.push(Input {
                name: "standard input".to_owned(),
                partitions: vec![],
                path: None,
                length: 0,
            });
        } else if argument.contains("://") {
            let reason = "only files, directories and - are read; fetch it first, as with \
                          `aws s3 cp --recursive`";
            return Err(Error::Unreadable { name: argument.clone(), reason: reason.to_owned() });
        } else {
            find_files(Path::new(argument), &mut inputs)?;
        }
    }
    Ok(inputs)
}

fn find_files(path: &Path, inputs: &mut Vec<Input>) -> Result<(), Error> {
    let name = path.display().to_string();
    let facts = fs::metadata(path).map_err(Error::input(&name))?;
    if !facts.is_dir() {
        let partitions = partitions(path);
        inputs.push(Input { name, partitions, path: Some(path.to_owned()), length: facts.len() });
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(Error::input(&name))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(Error::input(&name))?;
    paths.sort();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with(['.', '_'])
    };
    paths.iter().filter(|path| is_ours(path)).try_for_each(|path| find_files(path, inputs))
}

/// The parts of a path of the form `name=value`, as hive-compatible prefixes have them.
fn partitions(path: &Path) -> Vec<Partition> {
    let parts = path.parent().into_iter().flat_map(Path::components);
    let parts = parts.filter_map(|part| part.as_os_str().to_str()?.split_once('='));
    parts.map(|(name, value)| (name.into(), value.into())).collect()
}

impl Input {
    /// Whether it can be read twice.
    #[must_use]
    pub(crate) fn is_file(&self) -> bool {
        self.path.as_deref().is_some_and(Path::is_file)
    }

    /// Opens the input, whose kind is told by its first bytes. `progress` counts the bytes that
    /// are read from it, before any inflating.
    pub(crate) fn open(&self, progress: &Arc<AtomicU64>) -> Result<Opened, Error> {
        self.open_source(progress).map_err(Error::input(&self.name))
    }

    fn open_source(&self, progress: &Arc<AtomicU64>) -> io::Result<Opened> {
        let mut source: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        let mut signature = vec![];
        source.by_ref().take(SIGNATURE_LENGTH).read_to_end(&mut signature)?;
        let kind = signature.clone();
        let source = Cursor::new(signature).chain(source);
        let mut source = Counted { source, count: Arc::clone(progress) };
        if kind.starts_with(GZIP) {
            Ok(Opened::Text(Box::new(MultiGzDecoder::new(buffered(source)))))
        } else if kind.starts_with(ZSTD) {
            Ok(Opened::Text(Box::new(zstd::Decoder::with_buffer(buffered(source))?)))
        } else if kind != PARQUET {
            Ok(Opened::Text(Box::new(source)))
        } else if let Some(path) = self.path.as_ref().filter(|_| self.is_file()) {
            // It is read in another order, column by column.
            progress.fetch_add(self.length, Ordering::Relaxed);
            Ok(Opened::ParquetFile(File::open(path)?))
        } else {
            let mut bytes = vec![];
            source.read_to_end(&mut bytes)?;
            Ok(Opened::ParquetBytes(bytes.into()))
        }
    }
}

fn buffered<R: Read>(source: R) -> io::BufReader<R> {
    const COMPRESSED_BUFFER: usize = 128 * 1024;
    io::BufReader::with_capacity(COMPRESSED_BUFFER, source)
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.count.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_partitions() {
        let path = Path::new("AWSLogs/aws-account-id=1/aws-region=eu-west-1/year=2026/a=b.parquet");
        let expected: Vec<Partition> = vec![
            ("aws-account-id".into(), "1".into()),
            ("aws-region".into(), "eu-west-1".into()),
            ("year".into(), "2026".into()),
        ];
        assert_eq!(partitions(path), expected);
    }
}
