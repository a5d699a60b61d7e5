//! Finished datagrams, one behind the other.

use super::encoder::Protocol;

/// A finished datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'d> {
    /// Its bytes: the payload of UDP.
    pub bytes: &'d [u8],
    /// How many flow records it has.
    pub flow_records: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: usize,
    flow_records: u32,
    /// How far the sequence goes on behind it; none if it has a number of another domain already.
    units: Option<u32>,
}

/// Finished datagrams in one buffer, which is used again once they are sent.
#[derive(Clone, Debug)]
pub struct Datagrams {
    sequence_place: usize,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Datagrams {
    /// No datagrams of a protocol.
    #[must_use]
    pub const fn new(protocol: Protocol) -> Self {
        let sequence_place = match protocol {
            Protocol::Ipfix => 8,
            Protocol::V9 => 12,
            Protocol::V5 => 16,
        };
        Self { sequence_place, bytes: vec![], entries: vec![] }
    }

    pub(super) fn push(&mut self, bytes: &[u8], flow_records: u32, units: u32) {
        self.bytes.extend_from_slice(bytes);
        let units = Some(units);
        self.entries.push(Entry { end: self.bytes.len(), flow_records, units });
    }

    /// Adds a datagram that has its number, of another domain.
    pub(super) fn push_numbered(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.entries.push(Entry { end: self.bytes.len(), flow_records: 0, units: None });
    }

    /// The datagrams, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        let mut rest = &*self.bytes;
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let (bytes, behind) = rest.split_at_checked(entry.end - start).unwrap_or_default();
            (rest, start) = (behind, entry.end);
            Datagram { bytes, flow_records: entry.flow_records }
        })
    }

    /// How many datagrams there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.entries.len()
    }

    /// How far the sequence goes on with these datagrams: flow records in NetFlow v5, datagrams
    /// in NetFlow v9, data records in IPFIX.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.entries.iter().filter_map(|entry| entry.units).map(u64::from).sum()
    }

    /// Gives the datagrams their sequence numbers, from `first` on, and returns the one that
    /// follows. They are modulo 2^32.
    pub fn number(&mut self, first: u32) -> u32 {
        let mut next = first;
        let mut start = 0;
        for entry in &self.entries {
            let place = start + self.sequence_place;
            start = entry.end;
            let Some(units) = entry.units else { continue };
            if let Some(sequence) = self.bytes.get_mut(place..place + 4) {
                sequence.copy_from_slice(&next.to_be_bytes());
            }
            next = next.wrapping_add(units);
        }
        next
    }

    /// Forgets the datagrams and keeps their buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let mut datagrams = Datagrams::new(Protocol::Ipfix);
        for units in [3, 0, 2] {
            datagrams.push(&[0; 16], units, units);
        }
        datagrams.push_numbered(&[7; 16]);
        assert_eq!(datagrams.number(u32::MAX - 1), 3);
        let sequence = |datagram: Datagram<'_>| datagram.bytes[8..12].to_vec();
        let expected = [[255, 255, 255, 254], [0, 0, 0, 1], [0, 0, 0, 1], [7, 7, 7, 7]];
        assert_eq!(datagrams.iter().map(sequence).collect::<Vec<_>>(), expected);
        assert_eq!(datagrams.units(), 5);
    }
}
