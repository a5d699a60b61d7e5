//! The datagram that is being written.

use super::image::IPV6_HALF;

/// A buffer of the longest datagram's length, and some spare behind it: a record is written with
/// more than it has, which costs less than to write exactly its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    buffer: Vec<u8>,
    length: usize,
    most: usize,
}

impl Packet {
    pub(crate) fn new(most: usize) -> Self {
        Self { buffer: vec![0; most + IPV6_HALF], length: 0, most }
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    #[inline]
    pub(crate) const fn has_room(&self, length: usize) -> bool {
        self.length + length <= self.most
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Appends bytes, for which there must be room.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if let Some(place) = self.buffer.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    /// Appends the first `length` of these bytes, for which there must be room.
    #[inline]
    pub(crate) fn append_first<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        let place = self.buffer.get_mut(self.length..).and_then(|rest| rest.first_chunk_mut());
        if let Some(place) = place {
            *place = *bytes;
            self.length += length;
        }
    }

    /// Overwrites what stands at a place.
    pub(crate) fn overwrite<const N: usize>(&mut self, place: usize, bytes: [u8; N]) {
        if let Some(place) = self.buffer.get_mut(place..place + N) {
            place.copy_from_slice(&bytes);
        }
    }
}
