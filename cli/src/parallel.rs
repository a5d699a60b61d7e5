//! Reading on several cores.
//!
//! Every thread takes the next piece of the inputs, parses it and passes its rows to a taker of
//! its own, such as a tally. A piece is read, and inflated, by the thread that parses it, so that
//! it is in that core's cache; only one thread reads at a time, and does nothing else meanwhile.
//! Then it looks for what the next piece must know of this one, its last header line and how many
//! lines it has, and tells it before it parses.

use std::mem;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use flowlog::{Counts, Format, Parser};

use crate::arguments::ReadArguments;
use crate::chunk::Chunk;
use crate::column::{Partition, Row};
use crate::error::Error;
use crate::inputs::Input;
use crate::progress::Progress;
use crate::reading::{MOST_BAD_LINES, Reading, Started, Summary};
use crate::selection::{Gateways, Selector};

/// Less than this is read before threads have started.
const WORTH_THREADS_BYTES: u64 = 4_000_000;

/// One thread reads at a time: more of them would wait for it.
const MOST_THREADS: usize = 8;

/// What a piece must know of its input.
struct Facts {
    /// The input's place on the command line.
    place: usize,
    name: String,
    partitions: Vec<Partition>,
    parser: Parser,
}

/// Takes the rows of one thread.
pub(crate) trait Taker: Send {
    /// A row that counts.
    fn take(&mut self, row: &Row<'_>);

    /// A piece has ended. An error ends everything.
    fn end_piece(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What holds at the beginning of a piece.
#[derive(Clone)]
struct Before {
    facts: Arc<Facts>,
    /// Of the input, before this piece.
    lines: u64,
}

/// What a piece waits for: what holds at its beginning. None if there was a failure before it.
type Awaited = Arc<OnceLock<Option<Before>>>;

/// What tells the next piece what holds at its beginning. If that cannot be told, it tells so.
struct Telling(Awaited);

impl Telling {
    fn tell(self, before: Before) {
        let _ = self.0.set(Some(before));
    }
}

impl Drop for Telling {
    /// Nobody may wait for ever. Without effect after [`Self::tell`].
    fn drop(&mut self) {
        let _ = self.0.set(None);
    }
}

/// A piece to be read.
struct Piece {
    /// Its place among all pieces.
    number: u64,
    chunk: Chunk,
    before: Awaited,
    next: Telling,
}

/// What has ended the reading, and at which piece.
type Failure = (u64, Error);

/// How many threads read, if so many are asked for; 0 stands for what the machine has. The first
/// bad line is known for sure by reading in order only.
#[must_use]
pub(crate) fn threads(asked: usize, read: &ReadArguments, inputs: &[Input]) -> usize {
    let is_short = inputs.iter().all(Input::has_length)
        && inputs.iter().map(|input| input.length).sum::<u64>() < WORTH_THREADS_BYTES;
    match asked {
        _ if read.strict => 1,
        0 if is_short => 1,
        0 => thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
        threads => threads.min(MOST_THREADS),
    }
}

/// Reads the inputs on so many threads, each with a taker that `start` makes.
pub(crate) fn read<T: Taker>(
    reading: &Reading,
    inputs: &[Input],
    known: &Gateways,
    progress: &Progress,
    threads: usize,
    start: impl Fn() -> T,
) -> Result<(Vec<T>, Summary), Error> {
    let pieces = Pieces { reading, progress, inputs, place: 0, current: None, count: 0 };
    let pieces = Mutex::new(pieces);
    let mut workers = vec![];
    let mut failures = vec![];
    thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|_| {
                let worker = Worker::new(reading, known.clone(), start());
                scope.spawn(|| worker.run(&pieces))
            })
            .collect();
        for worker in started {
            match worker.join() {
                Ok(Ok(worker)) => workers.push(worker),
                Ok(Err(failure)) => failures.push(failure),
                Err(_) => failures.push((0, Error::Refused("a thread has failed".to_owned()))),
            }
        }
    });
    // The one that reading in order meets first.
    match failures.into_iter().min_by_key(|(number, _)| *number) {
        Some((_, error)) => Err(error),
        None => Ok(merged(workers)),
    }
}

/// Reads the inputs and hands out their pieces.
struct Pieces<'r> {
    reading: &'r Reading,
    progress: &'r Progress,
    /// The inputs that were not begun.
    inputs: &'r [Input],
    /// The place of the first of them on the command line.
    place: usize,
    current: Option<Current>,
    /// How many pieces were handed out.
    count: u64,
}

/// The input that is being read.
struct Current {
    started: Started,
    /// What its next piece waits for.
    before: Awaited,
}

impl Pieces<'_> {
    /// The next piece; `spare` lends its buffer. Once it has failed, there is none.
    fn next(&mut self, spare: Chunk) -> Result<Option<Piece>, Failure> {
        let next = self.try_next(spare);
        next.map_err(|error| {
            self.stop();
            // Behind every piece that was handed out, each of which may have failed, too.
            (self.count + 1, error)
        })
    }

    /// Hands out nothing any more.
    fn stop(&mut self) {
        (self.inputs, self.current) = (&[], None);
    }

    fn try_next(&mut self, mut spare: Chunk) -> Result<Option<Piece>, Error> {
        loop {
            if self.current.is_none() {
                let Some((input, later)) = self.inputs.split_first() else { return Ok(None) };
                self.current = self.begin(input)?;
                self.inputs = later;
                self.place += 1;
            }
            let Some(current) = &mut self.current else { continue };
            if let Some(chunk) = current.started.take_chunk(spare)? {
                self.progress.show();
                self.count += 1;
                let next = Awaited::default();
                let before = mem::replace(&mut current.before, Arc::clone(&next));
                let next = Telling(next);
                return Ok(Some(Piece { number: self.count, chunk, before, next }));
            }
            self.current = None;
            spare = Chunk::default();
        }
    }

    fn begin(&self, input: &Input) -> Result<Option<Current>, Error> {
        let Some(started) = self.reading.start(input, self.progress)? else { return Ok(None) };
        let facts = Facts {
            place: self.place,
            name: input.name.clone(),
            partitions: input.partitions.clone(),
            parser: self.reading.parser(started.format.clone()),
        };
        let before = Before { facts: Arc::new(facts), lines: 0 };
        Ok(Some(Current { started, before: Arc::new(OnceLock::from(Some(before))) }))
    }
}

impl Piece {
    /// What holds at the piece's beginning, and its bytes. The next piece has been told what holds
    /// at its own. None if there was a failure before.
    fn settle(self, reading: &Reading) -> Result<Option<(Before, Chunk)>, Error> {
        let Self { chunk, before, next, .. } = self;
        let scan = Scan::of(chunk.bytes());
        // Whoever has the piece before is doing the same, and has begun earlier.
        let Some(before) = before.wait() else { return Ok(None) };
        next.tell(before.after(&scan, chunk.bytes(), reading)?);
        Ok(Some((before.clone(), chunk)))
    }
}

impl Before {
    /// What holds after a piece; its last header line counts.
    fn after(&self, scan: &Scan, piece: &[u8], reading: &Reading) -> Result<Self, Error> {
        let facts = &*self.facts;
        let lines = self.lines + scan.lines;
        let format = scan.format_behind(piece, facts.parser.format());
        let Some(format) = format.filter(|format| format != facts.parser.format()) else {
            return Ok(Self { facts: Arc::clone(&self.facts), lines });
        };
        reading.check_columns(&facts.name, &facts.partitions, &format)?;
        let facts = Facts {
            place: facts.place,
            name: facts.name.clone(),
            partitions: facts.partitions.clone(),
            parser: reading.parser(format),
        };
        Ok(Self { facts: Arc::new(facts), lines })
    }
}

/// What pieces that follow must know of a piece.
struct Scan {
    lines: u64,
    last_header: Option<Format>,
    /// Whether looking at the beginnings of lines has told everything.
    is_plain: bool,
}

impl Scan {
    /// Looks at the beginnings of lines.
    fn of(bytes: &[u8]) -> Self {
        let mut scan = Self { lines: 0, last_header: None, is_plain: true };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            scan.lines += 1;
            scan.look_at(bytes.get(start..end).unwrap_or_default());
            start = end + 1;
        }
        scan.look_at(bytes.get(start..).unwrap_or_default());
        scan
    }

    /// Looks at a line. One in JSON, or one that begins with a blank, must be parsed.
    fn look_at(&mut self, line: &[u8]) {
        match line.first() {
            Some(b'a'..=b'z') => {
                if let Some(format) = header(line) {
                    self.last_header = Some(format);
                }
            }
            Some(b'\r') => self.is_plain &= line.len() == 1,
            Some(b'{' | ..=b' ') => self.is_plain = false,
            _ => {}
        }
    }

    /// The format of whatever follows the piece, whose first line has this format, if it may have
    /// changed.
    fn format_behind(&self, piece: &[u8], format: &Format) -> Option<Format> {
        if self.is_plain { self.last_header.clone() } else { Some(format_behind(piece, format)) }
    }
}

/// The format of whatever follows a piece.
fn format_behind(bytes: &[u8], format: &Format) -> Format {
    let mut parser = Parser::checking(format.clone(), &[]);
    let mut records = parser.records(bytes);
    while records.next().is_some() {}
    parser.format().clone()
}

/// The format that a header line names. A record is dismissed at its first value that no name
/// begins like.
fn header(line: &[u8]) -> Option<Format> {
    let mut words = line.split(|byte| *byte <= b' ').filter(|word| !word.is_empty());
    if !words.all(|word| word.first().is_some_and(u8::is_ascii_lowercase)) {
        return None;
    }
    Format::from_header(str::from_utf8(line).ok()?)
}

/// Reads pieces.
struct Worker<'w, T> {
    reading: &'w Reading,
    selector: Selector<'w>,
    taker: T,
    counts: Counts,
    /// The first bad lines, each with its input's place and its number.
    bad_lines: Vec<(usize, u64, String)>,
}

impl<'w, T: Taker> Worker<'w, T> {
    fn new(reading: &'w Reading, known: Gateways, taker: T) -> Self {
        let selector = Selector::new(&reading.selection, known);
        Self { reading, selector, taker, counts: Counts::default(), bad_lines: vec![] }
    }

    fn run(mut self, pieces: &Mutex<Pieces<'_>>) -> Result<Self, Failure> {
        let mut spare = Chunk::default();
        loop {
            let next = match pieces.lock() {
                Ok(mut pieces) => pieces.next(spare)?,
                // Another thread has failed, which its end will tell.
                Err(_) => None,
            };
            let Some(piece) = next else { return Ok(self) };
            let number = piece.number;
            match self.read(piece) {
                Ok(Some(chunk)) => spare = chunk,
                Ok(None) => return Ok(self),
                Err(error) => {
                    if let Ok(mut pieces) = pieces.lock() {
                        pieces.stop();
                    }
                    return Err((number, error));
                }
            }
        }
    }

    /// Reads a piece and gives its buffer back. None if there was a failure before it.
    fn read(&mut self, piece: Piece) -> Result<Option<Chunk>, Error> {
        let Some((Before { facts, lines }, chunk)) = piece.settle(self.reading)? else {
            return Ok(None);
        };
        let mut parser = facts.parser.clone().after_lines(lines);
        let mut records = parser.records(chunk.bytes());
        while let Some(record) = records.next() {
            match record {
                Ok(record) => {
                    if let Some(row) = self.selector.select(record, &facts.partitions) {
                        self.taker.take(&row);
                    }
                }
                Err(bad) if self.bad_lines.len() < MOST_BAD_LINES => {
                    let line = bad.line();
                    self.bad_lines.push((facts.place, line, format!("{}: {bad}", facts.name)));
                }
                Err(_) => {}
            }
        }
        add_counts(&mut self.counts, parser.counts());
        self.taker.end_piece()?;
        Ok(Some(chunk))
    }
}

pub(crate) const fn add_counts(sum: &mut Counts, added: Counts) {
    sum.read += added.read;
    sum.empty += added.empty;
    sum.skipped += added.skipped;
    sum.bad += added.bad;
}

fn merged<T>(workers: Vec<Worker<'_, T>>) -> (Vec<T>, Summary) {
    let mut takers = vec![];
    let mut summary = Summary::default();
    let mut bad_lines = vec![];
    for worker in workers {
        takers.push(worker.taker);
        add_counts(&mut summary.counts, worker.counts);
        summary.left_out.add(worker.selector.left_out);
        summary.gateways.merge(worker.selector.gateways);
        bad_lines.extend(worker.bad_lines);
    }
    bad_lines.sort_unstable();
    let bad_lines = bad_lines.into_iter().take(MOST_BAD_LINES);
    summary.bad_lines = bad_lines.map(|(_, _, text)| text).collect();
    (takers, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> (u64, Option<String>) {
        let scan = Scan::of(text.as_bytes());
        let format = scan.format_behind(text.as_bytes(), &Format::aws_default());
        (scan.lines, format.map(|format| format.to_string()))
    }

    #[test]
    fn the_last_header_line_counts() {
        let format = Some("${bytes} ${srcaddr}".to_owned());
        let text = "srcaddr bytes\n10.0.0.1 5\nbytes srcaddr\n5 10.0.0.1\ningress -\n";
        assert_eq!(scan(text), (5, format.clone()));
        assert_eq!(scan("ingress 10.0.0.1\nbytes srcaddr"), (1, format.clone()));
        assert_eq!(scan("eni-1 10.0.0.1\n\r\n\n"), (3, None));
        assert_eq!(scan("\t bytes srcaddr\n1 -\n"), (2, format.clone()));
        assert_eq!(scan("{\"message\":\"bytes srcaddr\"}\n{\"message\":\"1 -\"}\n"), (2, format));
    }
}
