//! Addresses that stand in a recording again and again.

use std::net::Ipv4Addr;

use crate::digits::ShortText;
use crate::split::Span;
use crate::value::{Cell, Kind};

/// An address and how it is written.
#[derive(Clone, Copy, Debug)]
struct Known {
    text: ShortText,
    address: Ipv4Addr,
}

/// No value is the empty text.
const NONE: Known = Known { text: ShortText::EMPTY, address: Ipv4Addr::UNSPECIFIED };

/// The two addresses that stand first in a line: whatever passes a gateway comes from it or goes
/// to it, and the packet's addresses mostly are the record's. What is written as one of them need
/// not be read again.
#[derive(Clone, Debug)]
pub(crate) struct KnownAddresses {
    /// Both of the last line that had two.
    both: [Known; 2],
    /// The first of this line.
    first: Known,
}

impl Default for KnownAddresses {
    fn default() -> Self {
        Self { both: [NONE; 2], first: NONE }
    }
}

impl KnownAddresses {
    /// Reads an address into a cell, as [`Kind::read_in`] does; `place` counts the line's
    /// addresses from 0.
    #[inline]
    pub(crate) fn read_in(
        &mut self,
        line: &[u8],
        span: Span,
        place: usize,
        cell: &mut Cell,
    ) -> bool {
        let text = ShortText::of(line, span);
        let Some(read) = text.and_then(|text| self.known(text).or_else(|| read(text))) else {
            return Kind::Address.read_in(line, span, cell);
        };
        match place {
            0 => self.first = read,
            1 => self.both = [self.first, read],
            _ => {}
        }
        *cell = Cell::V4(read.address);
        true
    }

    fn known(&self, text: ShortText) -> Option<Known> {
        let [first, second] = self.both;
        let is_second = second.text == text;
        let known = if is_second { second } else { first };
        (is_second || first.text == text).then_some(known)
    }
}

fn read(text: ShortText) -> Option<Known> {
    text.ipv4().map(|address| Known { text, address })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::split::Spans;

    /// Texts that are easily taken for each other, and some that are no addresses of IPv4.
    const TEXTS: [&str; 10] = [
        "10.0.0.1",
        "10.0.0.11",
        "10.0.0.2",
        "110.0.0.1",
        "10.0.0.256",
        "10.0.0.1.",
        "1",
        "255.255.255.255",
        "2001:db8::1",
        "-",
    ];

    proptest! {
        /// Whatever was read before, an address is what it is by itself.
        #[test]
        fn what_is_known_changes_no_address(
            lines in proptest::collection::vec(
                proptest::collection::vec(select(&TEXTS[..]), 1..6), 1..12,
            )
        ) {
            let mut known = KnownAddresses::default();
            let mut spans = Spans::default();
            for texts in lines {
                let line = texts.join(" ");
                spans.split(line.as_bytes(), texts.len());
                for (place, text) in texts.iter().enumerate() {
                    let span = spans.get(place).unwrap();
                    let mut cell = Cell::Dash;
                    let is_read = known.read_in(line.as_bytes(), span, place, &mut cell);
                    let expected = Kind::Address.read(text.as_bytes());
                    prop_assert_eq!(is_read, expected.is_ok());
                    if let Ok(expected) = expected {
                        prop_assert_eq!(cell.value(text.as_bytes()), Some(expected));
                    }
                }
            }
        }
    }
}
