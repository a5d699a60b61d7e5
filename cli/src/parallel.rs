//! Adding up on several cores.
//!
//! One thread reads the inputs, piece by piece, and others parse the pieces and add them up,
//! each into a tally of its own, until all tallies become one. The reading thread looks for the
//! one thing that a piece must know of those before it: the last header line.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use flowlog::{Counts, Format, Parser};

use crate::chunk::Chunk;
use crate::column::Partition;
use crate::error::Error;
use crate::inputs::Input;
use crate::progress::Progress;
use crate::reading::{MOST_BAD_LINES, Reading, Summary};
use crate::selection::{Gateways, Selector};
use crate::top::Tally;

/// What a piece must know of its input.
struct Facts {
    /// The input's place on the command line.
    place: usize,
    name: String,
    partitions: Vec<Partition>,
    parser: Parser,
}

/// A piece to be added up.
struct Piece {
    facts: Arc<Facts>,
    lines_before: u64,
    chunk: Chunk,
}

/// Adds up the inputs on so many threads, beside the one that reads.
pub(crate) fn count(
    reading: &Reading,
    inputs: &[Input],
    known: &Gateways,
    progress: &Progress,
    threads: usize,
    empty: &Tally,
) -> Result<(Tally, Summary), Error> {
    let (pieces, waiting) = sync_channel(threads * 2);
    let (spare, used) = channel();
    // The workers' own: with the last of them the reader's way ends, whatever became of it.
    let waiting = Arc::new(Mutex::new(waiting));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let worker = Worker::new(reading, known.clone(), empty.clone());
                let (waiting, spare) = (Arc::clone(&waiting), spare.clone());
                scope.spawn(move || worker.run(&waiting, &spare))
            })
            .collect();
        drop(waiting);
        let reader = Reader { reading, progress, pieces, used };
        let read = reader.read(inputs);
        drop(reader);
        let workers = workers.into_iter().filter_map(|worker| worker.join().ok());
        let workers: Vec<_> = workers.collect();
        read?;
        if workers.len() < threads {
            return Err(Error::Refused("a thread has failed".to_owned()));
        }
        Ok(merged(workers, empty))
    })
}

/// Reads the inputs and hands out their pieces.
struct Reader<'r> {
    reading: &'r Reading,
    progress: &'r Progress,
    pieces: SyncSender<Piece>,
    /// Buffers that can be used again.
    used: Receiver<Chunk>,
}

impl Reader<'_> {
    fn read(&self, inputs: &[Input]) -> Result<(), Error> {
        inputs.iter().enumerate().try_for_each(|(place, input)| self.read_input(place, input))
    }

    fn read_input(&self, place: usize, input: &Input) -> Result<(), Error> {
        let Some(mut started) = self.reading.start(input, self.progress)? else { return Ok(()) };
        let facts = |format: Format| {
            Arc::new(Facts {
                place,
                name: input.name.clone(),
                partitions: input.partitions.clone(),
                parser: self.reading.parser(format),
            })
        };
        let mut current = facts(started.format.clone());
        let mut lines_before = 0;
        while let Some(chunk) = started.take_chunk(self.used.try_recv().unwrap_or_default())? {
            let scan = Scan::of(chunk.bytes(), &started.format);
            let piece = Piece { facts: Arc::clone(&current), lines_before, chunk };
            // Nobody takes it when a worker has failed, which is seen when all have ended.
            if self.pieces.send(piece).is_err() {
                return Ok(());
            }
            lines_before += scan.lines;
            if let Some(format) = scan.last_header.filter(|format| *format != started.format) {
                started.format = format;
                self.reading.check_columns(&started)?;
                current = facts(started.format.clone());
            }
            self.progress.show();
        }
        Ok(())
    }
}

/// What pieces that follow must know of a piece.
struct Scan {
    lines: u64,
    last_header: Option<Format>,
}

impl Scan {
    /// Looks at the beginnings of lines. Only a piece with lines in JSON, or with lines that begin
    /// with a blank, is parsed here, too: `format` is that of its first line.
    fn of(bytes: &[u8], format: &Format) -> Self {
        let mut scan = Self { lines: 0, last_header: None };
        let mut is_plain = true;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            scan.lines += 1;
            is_plain &= scan.look_at(bytes.get(start..end).unwrap_or_default());
            start = end + 1;
        }
        is_plain &= scan.look_at(bytes.get(start..).unwrap_or_default());
        if !is_plain {
            scan.last_header = Some(format_behind(bytes, format));
        }
        scan
    }

    /// Whether a look at the line is enough.
    fn look_at(&mut self, line: &[u8]) -> bool {
        match line.first() {
            Some(b'a'..=b'z') => {
                if let Some(format) = header(line) {
                    self.last_header = Some(format);
                }
                true
            }
            Some(b'\r') => line.len() == 1,
            Some(b'{' | ..=b' ') => false,
            _ => true,
        }
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

/// Adds up pieces.
struct Worker<'w> {
    selector: Selector<'w>,
    tally: Tally,
    counts: Counts,
    /// The first bad lines, each with its input's place and its number.
    bad_lines: Vec<(usize, u64, String)>,
}

impl<'w> Worker<'w> {
    fn new(reading: &'w Reading, known: Gateways, tally: Tally) -> Self {
        let selector = Selector::new(&reading.selection, known);
        Self { selector, tally, counts: Counts::default(), bad_lines: vec![] }
    }

    fn run(mut self, waiting: &Mutex<Receiver<Piece>>, spare: &Sender<Chunk>) -> Self {
        loop {
            let piece = waiting.lock().ok().and_then(|waiting| waiting.recv().ok());
            let Some(piece) = piece else { return self };
            self.add(&piece);
            // Once everything is read, nobody needs the buffer.
            let _ = spare.send(piece.chunk);
        }
    }

    fn add(&mut self, piece: &Piece) {
        let facts = &*piece.facts;
        let mut parser = facts.parser.clone().after_lines(piece.lines_before);
        let mut records = parser.records(piece.chunk.bytes());
        while let Some(record) = records.next() {
            match record {
                Ok(record) => {
                    if let Some(row) = self.selector.select(record, &facts.partitions) {
                        self.tally.add(&row);
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
    }
}

pub(crate) const fn add_counts(sum: &mut Counts, added: Counts) {
    sum.read += added.read;
    sum.empty += added.empty;
    sum.skipped += added.skipped;
    sum.bad += added.bad;
}

fn merged(workers: Vec<Worker<'_>>, empty: &Tally) -> (Tally, Summary) {
    let mut tally = empty.clone();
    let mut summary = Summary::default();
    let mut bad_lines = vec![];
    for worker in workers {
        tally = tally.merged(worker.tally);
        add_counts(&mut summary.counts, worker.counts);
        summary.left_out.add(worker.selector.left_out);
        summary.gateways.merge(worker.selector.gateways);
        bad_lines.extend(worker.bad_lines);
    }
    bad_lines.sort_unstable();
    let bad_lines = bad_lines.into_iter().take(MOST_BAD_LINES);
    summary.bad_lines = bad_lines.map(|(_, _, text)| text).collect();
    (tally, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> (u64, Option<String>) {
        let scan = Scan::of(text.as_bytes(), &Format::aws_default());
        (scan.lines, scan.last_header.map(|format| format.to_string()))
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
