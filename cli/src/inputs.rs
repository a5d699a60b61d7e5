//! Where records come from: files, directories, standard input, and an AWS account.

use std::env;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::arguments::Account;
use crate::aws::{LogGroupInput, Name, ObjectInput, OpenedObject, RangedObject, Session, Span};
use crate::column::Partition;
use crate::error::Error;

/// How standard input is named on the command line.
pub(crate) const STANDARD_INPUT: &str = "-";

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What a Parquet file begins with.
pub(crate) const PARQUET: &[u8] = b"PAR1";

/// The longest of the signatures above.
const SIGNATURE_LENGTH: u64 = 4;

/// Something that records are read from.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// What messages call it.
    pub name: String,
    /// What its path says about every record in it.
    pub partitions: Vec<Partition>,
    place: Place,
    /// How many bytes it has, as far as that is known.
    pub length: u64,
}

/// Where an input is.
#[derive(Clone, Debug)]
enum Place {
    StandardInput,
    File(PathBuf),
    Object(ObjectInput),
    LogGroup(LogGroupInput),
}

/// What arguments name.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What can be read.
    pub inputs: Vec<Input>,
    /// Places in S3, which cannot tell an empty place from a wrong one, that have nothing.
    pub nothing_at: Vec<String>,
}

/// An input, opened.
pub(crate) enum Opened {
    /// Lines, plain or inflated.
    Text(Box<dyn Read + Send>),
    /// A Parquet file, or a copy of what came from elsewhere: its index comes last.
    ParquetFile(File),
    /// A Parquet file in S3.
    ParquetObject(RangedObject),
}

/// Finds what arguments name: each file, the files in each directory in the order of their paths,
/// `-`, the objects of each S3 URL in the order of their keys, and log groups. Files and objects
/// whose names begin with a dot or an underscore are left out of directories: they are other
/// tools' marks.
pub(crate) fn find(arguments: &[String], account: &Account, span: Span) -> Result<Found, Error> {
    let mut found = Found::default();
    // Made when something needs it: files must not wait for it.
    let mut session = None;
    for argument in arguments {
        if argument == STANDARD_INPUT {
            found.inputs.push(Input {
                name: "standard input".to_owned(),
                partitions: vec![],
                place: Place::StandardInput,
                length: 0,
            });
        } else if Name::is_meant_by(argument) {
            let refuse = |error| Error::Refused(format!("{argument}: {error}"));
            let name = argument.parse().map_err(refuse)?;
            let session = match &session {
                Some(session) => Arc::clone(session),
                None => Arc::clone(session.insert(Session::start(account)?)),
            };
            find_in_account(&session, argument, &name, span, &mut found)?;
        } else {
            find_files(Path::new(argument), &mut found.inputs)?;
        }
    }
    Ok(found)
}

fn find_in_account(
    session: &Arc<Session>,
    argument: &str,
    name: &Name,
    span: Span,
    found: &mut Found,
) -> Result<(), Error> {
    match name {
        Name::Objects { bucket, path } => {
            let Some(objects) = ObjectInput::find(session, argument, bucket, path, span)? else {
                found.nothing_at.push(argument.to_owned());
                return Ok(());
            };
            found.inputs.extend(objects.into_iter().map(|object| Input {
                name: format!("s3://{bucket}/{}", object.key),
                partitions: partitions(Path::new(&object.key)),
                length: object.length,
                place: Place::Object(object),
            }));
        }
        Name::LogGroup { name, place } => {
            let group = LogGroupInput::find(session, argument, name, place.as_ref(), span)?;
            found.inputs.push(Input {
                name: argument.to_owned(),
                partitions: vec![],
                place: Place::LogGroup(group),
                length: 0,
            });
        }
    }
    Ok(())
}

fn find_files(path: &Path, inputs: &mut Vec<Input>) -> Result<(), Error> {
    let name = path.display().to_string();
    let facts = fs::metadata(path).map_err(Error::input(&name))?;
    if !facts.is_dir() {
        let partitions = partitions(path);
        let place = Place::File(path.to_owned());
        inputs.push(Input { name, partitions, place, length: facts.len() });
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
    pub(crate) fn can_be_read_again(&self) -> bool {
        match &self.place {
            Place::StandardInput => false,
            // A named pipe is no file.
            Place::File(path) => path.is_file(),
            Place::Object(_) | Place::LogGroup(_) => true,
        }
    }

    /// Whether its length is known.
    #[must_use]
    pub(crate) fn has_length(&self) -> bool {
        match &self.place {
            Place::StandardInput | Place::LogGroup(_) => false,
            Place::File(path) => path.is_file(),
            Place::Object(_) => true,
        }
    }

    /// Whether reading it takes requests, which take time and cost money.
    #[must_use]
    pub(crate) const fn is_in_account(&self) -> bool {
        matches!(&self.place, Place::Object(_) | Place::LogGroup(_))
    }

    /// Opens the input, whose kind is told by its first bytes. `progress` counts the bytes that
    /// are read from it, before any inflating.
    pub(crate) fn open(&self, progress: &Arc<AtomicU64>) -> Result<Opened, Error> {
        self.open_source(progress).map_err(Error::input(&self.name))
    }

    fn open_source(&self, progress: &Arc<AtomicU64>) -> io::Result<Opened> {
        let mut source: Box<dyn Read + Send> = match &self.place {
            Place::File(path) => Box::new(File::open(path)?),
            Place::StandardInput => Box::new(io::stdin()),
            Place::LogGroup(group) => Box::new(group.open()),
            Place::Object(object) => match object.open()? {
                OpenedObject::Whole(bytes) => bytes,
                OpenedObject::Parquet(object) => {
                    self.count_at_once(progress);
                    return Ok(Opened::ParquetObject(object));
                }
            },
        };
        let mut signature = vec![];
        source.by_ref().take(SIGNATURE_LENGTH).read_to_end(&mut signature)?;
        let kind = signature.clone();
        let source = Cursor::new(signature).chain(source);
        let mut source = Counted { source, count: Arc::clone(progress) };
        if kind.starts_with(GZIP) {
            return Ok(Opened::Text(Box::new(MultiGzDecoder::new(buffered(source)))));
        }
        if kind.starts_with(ZSTD) {
            return Ok(Opened::Text(Box::new(zstd::Decoder::with_buffer(buffered(source))?)));
        }
        if kind != PARQUET {
            return Ok(Opened::Text(Box::new(source)));
        }
        if let Place::File(path) = &self.place
            && path.is_file()
        {
            self.count_at_once(progress);
            return Ok(Opened::ParquetFile(File::open(path)?));
        }
        copied(&mut source).map(Opened::ParquetFile)
    }

    /// A Parquet file is read in another order, column by column.
    fn count_at_once(&self, progress: &AtomicU64) {
        progress.fetch_add(self.length, Ordering::Relaxed);
    }
}

/// A copy in a file that has no name, and that ends with natflow: memory may be short.
fn copied(source: &mut impl Read) -> io::Result<File> {
    let place = |error: io::Error| {
        let folder = env::temp_dir();
        let reason = format!("a copy of this Parquet file in {}: {error}", folder.display());
        io::Error::new(error.kind(), reason)
    };
    let mut file = tempfile::tempfile().map_err(place)?;
    io::copy(source, &mut file).map_err(place)?;
    Ok(file)
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
