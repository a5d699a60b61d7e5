//! Parts of an object, for what is not read in order.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// At least so much is fetched at a time: a request takes as long as a megabyte does.
pub(crate) const LEAST_BYTES: u64 = 1024 * 1024;

/// As many parts are kept: a file's columns are read side by side.
const MOST_PARTS: usize = 64;

type Fetch = dyn Fn(Range<u64>) -> io::Result<Vec<u8>> + Send + Sync;

/// An object of which parts are read, in any order. A part is kept until others have been used
/// more recently, or what follows it is read.
pub(crate) struct RangedObject(Arc<Ranges>);

struct Ranges {
    length: u64,
    fetch: Box<Fetch>,
    /// The one used last comes last.
    parts: Mutex<Vec<Part>>,
}

#[derive(Clone)]
struct Part {
    start: u64,
    bytes: Bytes,
}

impl Part {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What it has from here on.
    fn from(&self, start: u64) -> Option<Bytes> {
        let skipped = usize::try_from(start.checked_sub(self.start)?).ok()?;
        (skipped <= self.bytes.len()).then(|| self.bytes.slice(skipped..))
    }
}

impl RangedObject {
    /// An object of this length, whose beginning may be known already.
    pub(crate) fn new(length: u64, beginning: Bytes, fetch: Box<Fetch>) -> Self {
        let parts = Mutex::new(vec![Part { start: 0, bytes: beginning }]);
        Self(Arc::new(Ranges { length, fetch, parts }))
    }
}

impl Ranges {
    /// At least so many bytes from here on.
    fn at_least(&self, start: u64, length: u64) -> io::Result<Bytes> {
        let end = start.checked_add(length).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let overlaps = |part: &Part| (part.start..=part.end()).contains(&start);
        // The part with the most of it.
        let known = (0..).zip(parts.iter()).filter(|(_, part)| overlaps(part));
        let known = known.max_by_key(|(_, part)| part.end()).map(|(place, _)| place);
        let known = known.map(|place| parts.remove(place));
        let part = match known {
            Some(known) if known.end() >= end => known,
            known => {
                let part = self.fetched(known.as_ref(), start, end)?;
                // Another column may still need what precedes.
                parts.extend(known.filter(|known| known.end() > start));
                part
            }
        };
        let bytes = part.from(start).unwrap_or_default();
        if parts.len() >= MOST_PARTS {
            parts.remove(0);
        }
        parts.push(part);
        Ok(bytes)
    }

    /// Fetches what is missing up to `end`, and goes on from what is there from `start`.
    fn fetched(&self, known: Option<&Part>, start: u64, end: u64) -> io::Result<Part> {
        let known = known.and_then(|part| part.from(start)).unwrap_or_default();
        let missing = start + known.len() as u64;
        let last = end.max(missing.saturating_add(LEAST_BYTES)).min(self.length);
        if known.is_empty() && last == self.length {
            // The index at the end is read backwards.
            let first = start.min(self.length.saturating_sub(LEAST_BYTES));
            return Ok(Part { start: first, bytes: self.exactly(first..last)? });
        }
        let mut bytes = BytesMut::from(known);
        bytes.extend_from_slice(&self.exactly(missing..last)?);
        Ok(Part { start, bytes: bytes.freeze() })
    }

    fn exactly(&self, range: Range<u64>) -> io::Result<Bytes> {
        let length = range.end - range.start;
        let bytes = (self.fetch)(range)?;
        if bytes.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes.into())
    }
}

impl Length for RangedObject {
    fn len(&self) -> u64 {
        self.0.length
    }
}

impl ChunkReader for RangedObject {
    type T = FromHere;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(FromHere { ranges: Arc::clone(&self.0), position: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = self.0.at_least(start, length as u64)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Reads on from a place.
pub(crate) struct FromHere {
    ranges: Arc<Ranges>,
    position: u64,
}

impl Read for FromHere {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.ranges.length {
            return Ok(0);
        }
        let length = (&*self.ranges.at_least(self.position, 1)?).read(buffer)?;
        self.position += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Asked = Arc<Mutex<Vec<Range<u64>>>>;

    /// An object whose bytes are known by their places, and what is asked of it.
    fn object(length: u64, beginning: u64) -> (RangedObject, Asked) {
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        let fetch = move |range: Range<u64>| {
            log.lock().unwrap().push(range.clone());
            Ok(content(range))
        };
        (RangedObject::new(length, content(0..beginning).into(), Box::new(fetch)), asked)
    }

    fn content(range: Range<u64>) -> Vec<u8> {
        range.map(|place| u8::try_from(place % 251).unwrap()).collect()
    }

    fn get(object: &RangedObject, range: Range<u64>) {
        let length = usize::try_from(range.end - range.start).unwrap();
        let bytes = object.get_bytes(range.start, length).unwrap();
        assert!(bytes == content(range.clone()), "{range:?}");
    }

    #[test]
    fn a_short_object_is_fetched_once() {
        let (object, asked) = object(1000, 0);
        get(&object, 992..1000);
        get(&object, 100..992);
        get(&object, 0..1000);
        assert_eq!(*asked.lock().unwrap(), vec![0..1000]);
    }

    #[test]
    fn the_known_beginning_is_not_fetched_again() {
        let (object, asked) = object(4 * LEAST_BYTES, LEAST_BYTES);
        get(&object, 4..LEAST_BYTES);
        assert!(asked.lock().unwrap().is_empty());
        get(&object, LEAST_BYTES - 10..LEAST_BYTES + 10);
        assert_eq!(*asked.lock().unwrap(), vec![LEAST_BYTES..2 * LEAST_BYTES]);
    }

    /// As a Parquet file is read: a page's header, the page, the next one's, in several columns.
    #[test]
    fn pages_of_several_columns_are_fetched_once_each() {
        const COLUMN: u64 = 4_000_000;
        let columns = 5;
        let (object, asked) = object(columns * COLUMN, 0);
        for page in 0..50 {
            for column in 0..columns {
                let start = column * COLUMN + page * COLUMN / 50;
                let mut header = [0; 40];
                object.get_read(start).unwrap().read_exact(&mut header).unwrap();
                assert_eq!(header[..], content(start..start + 40));
                get(&object, start + 40..start + COLUMN / 50);
            }
        }
        let asked = asked.lock().unwrap();
        let fetched: u64 = asked.iter().map(|range| range.end - range.start).sum();
        // A column's last part reaches into the next one.
        assert!(fetched <= columns * (COLUMN + LEAST_BYTES), "{fetched}");
        assert!(asked.len() <= 5 * 5, "{}", asked.len());
    }

    #[test]
    fn what_lies_behind_the_end_is_refused() {
        let (object, _) = object(1000, 0);
        assert!(object.get_bytes(990, 11).is_err());
        assert!(object.get_bytes(u64::MAX, 2).is_err());
        let mut rest = vec![];
        object.get_read(999).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, content(999..1000));
    }
}
