//! Reading files as they grow.
//!
//! Files are looked at every now and then: that works on every file system, those of networks and
//! containers included, and a log that comes minutes late does not get better by a signal.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use export::prometheus::Counter;
use flowlog::Format;
use tokio::task::JoinSet;

use super::state::FilePlace;
use super::{Exporter, Stop, denials, stopped};
use crate::arguments::StartArgument;
use crate::error::Error;

/// How much is read at once. A longer line is a bad one.
const PIECE: usize = 1 << 20;

/// How compressed files begin: gzip, zstd, Parquet.
const COMPRESSED: [&[u8]; 3] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"PAR1"];

/// A file that is followed, under whatever name it has later.
pub(super) struct Follower {
    path: PathBuf,
    name: String,
    /// The file that is being read, and where.
    current: Option<(File, FilePlace)>,
    counter: Counter,
    /// The format that the command line gives; without one, a file's head tells it.
    format: Option<Format>,
    /// Whether the rest of a line that was too long is passed over.
    skips_line: bool,
    buffer: Vec<u8>,
}

impl Follower {
    /// Finds the file, and where reading it goes on or begins. A file that is not there yet is
    /// waited for.
    pub(super) fn find(
        path: &Path,
        start: StartArgument,
        exporter: &Exporter,
    ) -> Result<Self, Error> {
        let name = path.display().to_string();
        let format = exporter.settings.format.clone();
        let mut follower = Self {
            path: path.to_owned(),
            counter: Counter::new(format.clone()),
            format,
            current: None,
            skips_line: false,
            buffer: vec![],
            name: name.clone(),
        };
        let known = exporter.state().places.files.get(&name).copied();
        let found = match known {
            Some(place) => follower.go_on(place, exporter),
            None => follower.begin(start),
        };
        found.map_err(Error::input(&name))?;
        if let Some((_, place)) = follower.current {
            exporter.state().set_file(&name, place);
        }
        Ok(follower)
    }

    /// Begins to read what is there.
    fn begin(&mut self, start: StartArgument) -> io::Result<()> {
        let Some((mut file, data)) = open(&self.path)? else { return Ok(()) };
        let mut place = FilePlace { device: data.dev(), inode: data.ino(), offset: 0 };
        if start == StartArgument::Latest {
            self.tell_format(&mut file)?;
            place.offset = end_of_lines(&mut file, data.len())?;
        }
        self.current = Some((file, place));
        Ok(())
    }

    /// Goes on where the checkpoint says: in the same file, or in what it is called now.
    fn go_on(&mut self, place: FilePlace, exporter: &Exporter) -> io::Result<()> {
        let is_same = |data: &Metadata| data.dev() == place.device && data.ino() == place.inode;
        let mut found = open(&self.path)?.filter(|(_, data)| is_same(data));
        if found.is_none() {
            found = renamed(&self.path, is_same)?;
        }
        match found {
            Some((mut file, data)) if data.len() >= place.offset => {
                self.tell_format(&mut file)?;
                self.current = Some((file, place));
                Ok(())
            }
            _ => {
                let lost = "the file of the checkpoint is gone: what was added to it is lost";
                exporter.note(&format!("{}: {lost}", self.name));
                self.begin(StartArgument::Oldest)
            }
        }
    }

    /// Tells the format by the head of a file that is not read from its begin.
    fn tell_format(&mut self, file: &mut File) -> io::Result<()> {
        if self.format.is_some() {
            return Ok(());
        }
        file.rewind()?;
        let mut head = vec![];
        file.take(1 << 16).read_to_end(&mut head)?;
        let whole = head.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        if let Some(Ok(format)) =
            head.get(..whole).filter(|head| !head.is_empty()).map(Format::detect)
        {
            self.counter = Counter::new(Some(format));
        }
        Ok(())
    }

    /// Forgets what was told of a file before its begin is read.
    fn forget(&mut self) {
        self.skips_line = false;
        self.counter = Counter::new(self.format.clone());
    }

    /// Reads what is new. The name may stand for another file by now: then the one before it is
    /// read to its end first.
    fn look(&mut self, exporter: &Exporter) -> Result<(), Error> {
        // Before reading: what is added to the old file until it is renamed is read below.
        let has_next = self.has_next().map_err(Error::input(&self.name))?;
        self.notice_truncation(exporter).map_err(Error::input(&self.name))?;
        self.read_lines(exporter)?;
        if has_next {
            self.read_rest(exporter)?;
            self.begin(StartArgument::Oldest).map_err(Error::input(&self.name))?;
            self.forget();
            self.read_lines(exporter)?;
        }
        Ok(())
    }

    /// Whether the name stands for another file than the one that is read, and something is in
    /// it: before that, whoever writes may still write to the old one.
    fn has_next(&self) -> io::Result<bool> {
        let Some((_, named)) = open(&self.path)? else { return Ok(false) };
        let is_other = self
            .current
            .as_ref()
            .is_none_or(|(_, place)| named.dev() != place.device || named.ino() != place.inode);
        Ok(is_other && named.len() > 0)
    }

    fn notice_truncation(&mut self, exporter: &Exporter) -> io::Result<()> {
        if let Some((file, place)) = &mut self.current
            && file.metadata()?.len() < place.offset
        {
            exporter.note(&format!("{}: truncated, and read from its begin again", self.name));
            place.offset = 0;
            self.forget();
        }
        Ok(())
    }

    /// Reads whole lines up to the end.
    fn read_lines(&mut self, exporter: &Exporter) -> Result<(), Error> {
        while let Some((file, place)) = &mut self.current {
            let mut piece = std::mem::take(&mut self.buffer);
            let read = read_piece(file, place.offset, &mut piece);
            read.map_err(Error::input(&self.name))?;
            let has = file.metadata().map_err(Error::input(&self.name))?.len();
            let whole = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
            let is_over = piece.len() < PIECE;
            if whole == 0 && !is_over {
                self.skips_line = true;
                self.advance(exporter, piece.len());
            } else if whole > 0 {
                self.count(piece.get(..whole).unwrap_or_default(), exporter)?;
            }
            self.buffer = piece;
            let read = self.current.as_ref().map_or(has, |(_, place)| place.offset);
            let lag = has.saturating_sub(read);
            exporter.health.seen().file_lags.insert(self.name.clone(), lag);
            if is_over {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a last line that nobody will end any more.
    fn read_rest(&mut self, exporter: &Exporter) -> Result<(), Error> {
        let Some((file, place)) = &mut self.current else { return Ok(()) };
        let mut rest = vec![];
        read_piece(file, place.offset, &mut rest).map_err(Error::input(&self.name))?;
        if rest.is_empty() { Ok(()) } else { self.count(&rest, exporter) }
    }

    /// Counts lines and notes the place, in one step.
    fn count(&mut self, lines: &[u8], exporter: &Exporter) -> Result<(), Error> {
        let is_begin = self.current.as_ref().is_some_and(|(_, place)| place.offset == 0);
        if is_begin && COMPRESSED.iter().any(|mark| lines.starts_with(mark)) {
            let reason = "it is compressed: --follow reads plain text";
            return Err(Error::Unreadable { name: self.name.clone(), reason: reason.to_owned() });
        }
        let mut counted_lines = lines;
        if self.skips_line {
            // The end of a line that was too long.
            let end = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1);
            counted_lines = lines.get(end..).unwrap_or_default();
        }
        let subnets = exporter.networks.known();
        let mut denied = vec![];
        let ends = exporter.settings.ends;
        let logs_denied = exporter.denials.is_some();
        let counted = self.counter.count(counted_lines, &subnets, ends, |record, tally| {
            if logs_denied {
                denials::append(record, tally, &mut denied);
            }
        });
        // A header line counts for what is added later, too.
        self.counter.keep_format();
        if let Some(denials) = &exporter.denials {
            // They are written before the place is noted, so that none is lost.
            denials.write(&denied)?;
        }
        if let Some((_, place)) = &mut self.current {
            place.offset += lines.len() as u64;
            let mut state = exporter.state();
            state.add(&counted, exporter.settings.most_subnets);
            if self.skips_line {
                state.totals.events += 1;
                state.totals.bad_lines += 1;
            }
            state.set_file(&self.name, *place);
        }
        self.skips_line = false;
        if let Some(bad) = &counted.first_bad
            && exporter.health.names_another()
        {
            exporter.note(&format!("{}: among {} new lines, {bad}", self.name, counted.lines));
        }
        Ok(())
    }

    fn advance(&mut self, exporter: &Exporter, bytes: usize) {
        if let Some((_, place)) = &mut self.current {
            place.offset += bytes as u64;
            exporter.state().set_file(&self.name, *place);
        }
    }
}

fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    match File::open(path) {
        Ok(file) => {
            let data = file.metadata()?;
            Ok(Some((file, data)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file of the same folder that a test fits.
fn renamed(
    path: &Path,
    is_same: impl Fn(&Metadata) -> bool,
) -> io::Result<Option<(File, Metadata)>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        if entry.metadata().is_ok_and(|data| is_same(&data)) {
            return open(&entry.path());
        }
    }
    Ok(None)
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let begin = length.saturating_sub(PIECE as u64);
    let mut tail = vec![];
    read_piece(file, begin, &mut tail)?;
    let end = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place as u64 + 1);
    Ok(begin + end)
}

fn read_piece(file: &mut File, offset: u64, piece: &mut Vec<u8>) -> io::Result<()> {
    piece.clear();
    file.seek(SeekFrom::Start(offset))?;
    file.take(PIECE as u64).read_to_end(piece)?;
    Ok(())
}

/// Follows files until it is time to stop.
pub(super) async fn read(
    followers: Vec<Follower>,
    exporter: Arc<Exporter>,
    stop: Stop,
) -> Result<(), Error> {
    let mut tasks = JoinSet::new();
    for follower in followers {
        tasks.spawn(read_one(follower, Arc::clone(&exporter), stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|_| Error::Refused("a task that reads a file has failed".to_owned()))??;
    }
    Ok(())
}

async fn read_one(
    mut follower: Follower,
    exporter: Arc<Exporter>,
    mut stop: Stop,
) -> Result<(), Error> {
    loop {
        let looked = tokio::task::block_in_place(|| follower.look(&exporter));
        let what = format!("reading {}", follower.name);
        match looked {
            Ok(()) => exporter.health.works(&what),
            // What the system refuses now, it may allow later.
            Err(Error::Input { source, .. }) => {
                if exporter.health.fails(&what, &source.to_string()) {
                    exporter.note(&format!("{what} failed, and is tried again: {source}"));
                }
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            () = tokio::time::sleep(exporter.settings.poll) => {}
        }
    }
}
