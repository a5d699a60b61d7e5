//! Splitting a line at its blanks, eight bytes at a time.

/// Where a value stands in its line: bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The value's bytes.
    pub(crate) fn of(self, line: &[u8]) -> &[u8] {
        line.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the value begins, in bytes from the line's begin.
    pub(crate) const fn start(self) -> usize {
        self.start
    }
}

/// The values of a line, or as many of them as were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    spans: Vec<Span>,
    /// How many values the line has; `spans` holds the first of them.
    count: usize,
}

impl Spans {
    /// How many values the line has.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The place of a value, from 0.
    pub(crate) fn get(&self, index: usize) -> Option<Span> {
        self.spans.get(index).copied()
    }

    /// Splits the first line of `text` into its values and keeps the places of the first
    /// `most`. Returns how long the line is, line feed included.
    ///
    /// Values are separated by one blank or several: a space, a tab, a carriage return or any
    /// other byte below the space, except the line feed, which ends the line.
    pub(crate) fn split(&mut self, text: &[u8], most: usize) -> usize {
        self.spans.clear();
        self.count = 0;
        let mut value_start = 0;
        let mut base = 0;
        let mut rest = text;
        while let Some((chunk, next)) = rest.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk);
            let mut blanks = blank_bytes(word);
            while blanks != 0 {
                let bit = blanks.trailing_zeros();
                let at = base + (bit / 8) as usize;
                self.push(value_start, at, most);
                value_start = at + 1;
                if (word >> (bit - 7)) & 0xff == u64::from(b'\n') {
                    return value_start;
                }
                blanks &= blanks - 1;
            }
            base += 8;
            rest = next;
        }
        self.split_end(rest, base, value_start, most)
    }

    /// Splits the last bytes, fewer than eight.
    fn split_end(&mut self, rest: &[u8], base: usize, start: usize, most: usize) -> usize {
        let mut value_start = start;
        for (at, byte) in (base..).zip(rest) {
            if *byte <= b' ' {
                self.push(value_start, at, most);
                value_start = at + 1;
                if *byte == b'\n' {
                    return value_start;
                }
            }
        }
        let end = base + rest.len();
        self.push(value_start, end, most);
        end
    }

    fn push(&mut self, start: usize, end: usize, most: usize) {
        if start < end {
            self.count += 1;
            if self.spans.len() < most {
                self.spans.push(Span { start, end });
            }
        }
    }
}

/// The highest bit of each byte that is a space or below it.
///
/// Setting the highest bit first keeps each subtraction inside its byte, so that no byte is
/// taken for a blank because of its neighbour.
const fn blank_bytes(word: u64) -> u64 {
    const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;
    const FIRST_VISIBLE: u64 = 0x2121_2121_2121_2121;
    let visible = (word | HIGHEST_BITS) - FIRST_VISIBLE;
    !visible & !word & HIGHEST_BITS
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
