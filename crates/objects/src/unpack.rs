//! What comes out of an object's bytes.

use flate2::{Decompress, FlushDecompress, Status};

use crate::ObjectError;

const GZIP: &[u8] = &[0x1f, 0x8b];

/// What other files begin with that people keep flow logs in.
const OTHERS: [(&[u8], &str); 4] = [
    (b"PAR1", "Parquet"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "Zstandard"),
    (b"PK\x03\x04", "Zip"),
    (b"BZh", "bzip2"),
];

/// The longest of the signatures above.
const SIGNATURE_BYTES: usize = 4;

/// The largest window that gzip has: 2^15 bytes.
const WINDOW_BITS: u8 = 15;

/// Inflates what is packed, and passes on what is not.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    /// What was pushed, from `start` on not read yet.
    input: Vec<u8>,
    start: usize,
    is_ended: bool,
    state: State,
    unpacked: u64,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was read yet.
    #[default]
    Beginning,
    Plain,
    Member(Box<Decompress>),
    BehindMember,
}

impl Unpacker {
    pub(crate) fn push(&mut self, piece: Vec<u8>) {
        if self.start == self.input.len() {
            self.input = piece;
        } else {
            self.input.drain(..self.start);
            self.input.extend_from_slice(&piece);
        }
        self.start = 0;
    }

    pub(crate) const fn end(&mut self) {
        self.is_ended = true;
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.is_ended
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.start..).unwrap_or_default()
    }

    /// Writes into `output`, which is not empty, and returns how many bytes: 0 when there is
    /// nothing more, or not yet.
    pub(crate) fn read(&mut self, output: &mut [u8]) -> Result<usize, ObjectError> {
        self.begin()?;
        loop {
            let length = match &self.state {
                State::Beginning | State::BehindMember => 0,
                State::Plain => self.copy(output),
                State::Member(_) => self.inflate(output)?,
            };
            if length == 0 && self.begin_another_member()? {
                continue;
            }
            self.unpacked += length as u64;
            return Ok(length);
        }
    }

    /// Tells how the object is packed, once enough of it is there.
    fn begin(&mut self) -> Result<(), ObjectError> {
        let can_tell = self.is_ended || self.rest().len() >= SIGNATURE_BYTES;
        if can_tell && matches!(self.state, State::Beginning) {
            self.state = self.beginning()?;
        }
        Ok(())
    }

    fn beginning(&self) -> Result<State, ObjectError> {
        let begins_with = |signature: &[u8]| self.rest().starts_with(signature);
        match OTHERS.into_iter().find(|(signature, _)| begins_with(signature)) {
            Some((_, name)) => Err(ObjectError::Packing(name)),
            None if begins_with(GZIP) => Ok(member()),
            None => Ok(State::Plain),
        }
    }

    /// Whether another member has begun, before which there may be zeros.
    fn begin_another_member(&mut self) -> Result<bool, ObjectError> {
        if !matches!(self.state, State::BehindMember) {
            return Ok(false);
        }
        self.start += self.rest().iter().take_while(|byte| **byte == 0).count();
        let rest = self.rest();
        if rest.starts_with(GZIP) {
            self.state = member();
            return Ok(true);
        }
        if rest.is_empty() || (GZIP.starts_with(rest) && !self.is_ended) {
            return Ok(false);
        }
        Err(self.damaged("something else follows"))
    }

    fn copy(&mut self, output: &mut [u8]) -> usize {
        let length = self.rest().len().min(output.len());
        if let (Some(from), Some(to)) = (self.rest().get(..length), output.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.start += length;
        length
    }

    /// How many bytes were inflated.
    fn inflate(&mut self, output: &mut [u8]) -> Result<usize, ObjectError> {
        let State::Member(member) = &mut self.state else { return Ok(0) };
        let (read, written) = (member.total_in(), member.total_out());
        let input = self.input.get(self.start..).unwrap_or_default();
        let status = member.decompress(input, output, FlushDecompress::None);
        let (read, written) = (member.total_in() - read, member.total_out() - written);
        self.start += usize::try_from(read).unwrap_or_default();
        match status {
            Ok(Status::StreamEnd) => self.state = State::BehindMember,
            Ok(_) if self.is_ended && written == 0 => {
                return Err(ObjectError::CutOff(self.unpacked));
            }
            Ok(_) => {}
            Err(error) => return Err(self.damaged(&error.to_string())),
        }
        Ok(usize::try_from(written).unwrap_or_default())
    }

    fn damaged(&self, reason: &str) -> ObjectError {
        ObjectError::Damaged { inflated: self.unpacked, reason: reason.to_owned() }
    }
}

fn member() -> State {
    State::Member(Box::new(Decompress::new_gzip(WINDOW_BITS)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out of pieces, through an output of so many bytes.
    fn unpacked(pieces: &[&[u8]], output: usize) -> Result<Vec<u8>, ObjectError> {
        let mut unpacker = Unpacker::default();
        let mut found = vec![];
        let mut output = vec![0; output];
        for piece in pieces.iter().map(Some).chain([None]) {
            match piece {
                Some(piece) => unpacker.push(piece.to_vec()),
                None => unpacker.end(),
            }
            loop {
                match unpacker.read(&mut output)? {
                    0 => break,
                    length => found.extend_from_slice(&output[..length]),
                }
            }
        }
        Ok(found)
    }

    proptest! {
        /// However an object comes, and however little is taken at a time.
        #[test]
        fn members_come_out_one_after_the_other(
            texts in proptest::collection::vec("[a-c\n]{0,200}", 1..4),
            padding in 0..5_usize,
            piece in 1..80_usize,
            output in 1..300_usize,
        ) {
            let members = texts.iter().map(|text| packed(text.as_bytes()));
            let object = members.collect::<Vec<_>>().join(&vec![0; padding][..]);
            let pieces: Vec<_> = object.chunks(piece).collect();
            prop_assert_eq!(unpacked(&pieces, output).unwrap(), texts.concat().into_bytes());
        }

        #[test]
        fn plain_text_stays(text in "[a-c\n]{0,200}", piece in 1..80_usize, output in 1..80_usize) {
            let pieces: Vec<_> = text.as_bytes().chunks(piece).collect();
            prop_assert_eq!(unpacked(&pieces, output).unwrap(), text.as_bytes());
        }

        #[test]
        fn no_bytes_are_a_defect(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpacked(&[&bytes], 64);
            let _ = unpacked(&[GZIP, &bytes], 64);
        }
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let object = packed(&b"10.0.0.1 1\n".repeat(1000));
        let cut = unpacked(&[&object[..object.len() - 9]], 64).unwrap_err();
        assert!(matches!(cut, ObjectError::CutOff(_)), "{cut}");
        // Three bytes wait for the end, since more may tell another packing.
        let cut = unpacked(&[&object[..3]], 64).unwrap_err();
        assert_eq!(cut, ObjectError::CutOff(0));
        let mut changed = object.clone();
        let last = changed.len() - 5;
        changed[last] ^= 1;
        let damaged = unpacked(&[&changed], 64).unwrap_err();
        assert!(matches!(damaged, ObjectError::Damaged { .. }), "{damaged}");
        let followed = unpacked(&[&object, b"more"], 64).unwrap_err();
        assert!(followed.to_string().ends_with("something else follows"), "{followed}");
    }

    #[test]
    fn other_files_are_named() {
        for (signature, name) in OTHERS {
            let error = unpacked(&[signature, b" and more"], 64).unwrap_err();
            assert_eq!(error, ObjectError::Packing(name));
        }
    }
}
