//! Splitting a line at its blanks.

use crate::blocks::{BLOCK, Blanks};

/// Where a value stands in its line: bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The whole of a text.
    pub(crate) fn whole(text: &[u8]) -> Self {
        Self { start: 0, end: place(text.len()) }
    }

    /// The value's bytes.
    pub(crate) fn of(self, line: &[u8]) -> &[u8] {
        line.get(self.start()..self.end()).unwrap_or_default()
    }

    /// Where the value begins, in bytes from the line's begin.
    pub(crate) const fn start(self) -> usize {
        self.start as usize
    }

    /// Where the value ends, in bytes from the line's begin.
    pub(crate) const fn end(self) -> usize {
        self.end as usize
    }
}

/// A place in a line. No line is longer than 4 GiB.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The values of a line, or as many of them as were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    /// The places of the first values; what comes after them is left from other lines.
    places: Vec<Span>,
    /// How many values the line has; `places` holds the first of them.
    count: usize,
    is_ascii: bool,
}

impl Spans {
    /// How many values the line has.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Whether the line is known to be ASCII.
    pub(crate) const fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The place of a value, from 0.
    pub(crate) fn get(&self, index: usize) -> Option<Span> {
        self.kept().get(index).copied()
    }

    /// The places of the values, of those that were asked for.
    pub(crate) fn kept(&self) -> &[Span] {
        self.places.get(..self.count).unwrap_or(&self.places)
    }

    /// Splits the first line of `text` into its values and keeps the places of the first
    /// `most`. Returns how long the line is, line feed included.
    ///
    /// Values are separated by one blank or several: a space, a tab, a carriage return or any
    /// other byte below the space, except the line feed, which ends the line.
    pub(crate) fn split(&mut self, text: &[u8], most: usize) -> usize {
        self.split_regular(text, most).unwrap_or_else(|| self.split_any(text, most))
    }

    /// Splits a line with single blanks between its values, as AWS writes it. None if it is
    /// another one, or has more values than `most`.
    fn split_regular(&mut self, text: &[u8], most: usize) -> Option<usize> {
        // Ends the line where the text does.
        let mut last = [b'\n'; BLOCK];
        self.count = 0;
        self.is_ascii = true;
        let (mut base, mut start, mut was_blank) = (0, 0, 1);
        let mut rest = text;
        loop {
            let (block, next) = rest.split_first_chunk().unwrap_or_else(|| {
                last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                (&last, &[])
            });
            let found = Blanks::of(block);
            let of_line = found.line_feeds ^ found.line_feeds.wrapping_sub(1);
            let blanks = found.all & of_line;
            if blanks & (blanks << 1 | was_blank) != 0 || self.count > most {
                return None;
            }
            was_blank = blanks >> (BLOCK - 1);
            self.is_ascii &= found.is_ascii;
            start = self.note(base, start, blanks)?;
            if found.line_feeds != 0 {
                return (self.count <= most).then_some(text.len().min(start as usize));
            }
            base += place(BLOCK);
            rest = next;
        }
    }

    /// Notes the values that end at the blanks of a block. Returns where the next value begins.
    fn note(&mut self, base: u32, start: u32, blanks: u64) -> Option<u32> {
        if self.places.len() < self.count + BLOCK {
            self.places.resize(2 * (self.count + BLOCK), Span::default());
        }
        let (mut start, mut left) = (start, blanks);
        let mut free = self.places.get_mut(self.count..).unwrap_or_default().iter_mut();
        while left != 0 {
            let end = base + left.trailing_zeros();
            *free.next()? = Span { start, end };
            start = end + 1;
            left &= left - 1;
            self.count += 1;
        }
        Some(start)
    }

    /// Splits any line.
    fn split_any(&mut self, text: &[u8], most: usize) -> usize {
        self.places.clear();
        self.count = 0;
        self.is_ascii = false;
        let mut start = 0;
        for (at, byte) in text.iter().enumerate().filter(|(_, byte)| **byte <= b' ') {
            self.push(start, at, most);
            start = at + 1;
            if *byte == b'\n' {
                return start;
            }
        }
        self.push(start, text.len(), most);
        text.len()
    }

    fn push(&mut self, start: usize, end: usize, most: usize) {
        if start < end {
            self.count += 1;
            if self.places.len() < most {
                self.places.push(Span { start: place(start), end: place(end) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &[u8]) -> (usize, Vec<Vec<u8>>) {
        let mut spans = Spans::default();
        let length = spans.split(text, usize::MAX);
        let values = (0..spans.count()).map(|index| spans.get(index).unwrap().of(text).to_vec());
        (length, values.collect())
    }

    #[test]
    fn only_as_many_places_as_asked_for_are_kept() {
        let mut spans = Spans::default();
        assert_eq!(spans.split(b"one two three\nfour", 2), 14);
        assert_eq!(spans.count(), 3);
        assert_eq!(spans.get(1).map(|span| span.of(b"one two three")), Some(b"two".as_slice()));
        assert_eq!(spans.get(2), None);
    }

    proptest! {
        /// Splitting eight bytes at a time finds what splitting byte by byte finds, whatever
        /// the bytes are and wherever they stand.
        #[test]
        fn splitting_is_what_it_is_byte_by_byte(
            text in proptest::collection::vec(
                prop_oneof![
                    Just(b' '), Just(b'\n'), Just(b'\r'), Just(0x1f), Just(b'!'), any::<u8>()
                ],
                0..64,
            )
        ) {
            let length = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
            let line = &text[..length];
            let expected: Vec<_> = line
                .split(|byte| *byte <= b' ')
                .filter(|value| !value.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            prop_assert_eq!(values(&text), (length, expected));
        }
    }
}
