//! An object's lines, many at a time.

use crate::cut::complete_length;
use crate::error::ObjectError;
use crate::unpack::Unpacker;

/// As many bytes of lines come together: they stay in a core's cache while they are parsed.
const BLOCK_BYTES: usize = 256 * 1024;

/// A longer line, or JSON object, is no flow log: CloudWatch Logs' own objects are far below.
pub(crate) const LONGEST_LINE_BYTES: usize = 16 * 1024 * 1024;

/// The lines of an object, block by block. Blocks begin and end where records do.
#[derive(Debug)]
pub struct Blocks {
    unpacker: Unpacker,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are lines.
    filled: usize,
    /// How many of these were taken as a block.
    taken: usize,
    /// Whether the object begins with a JSON object; known once something was read.
    has_objects: Option<bool>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self::new()
    }
}

impl Blocks {
    /// An object of which nothing has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            unpacker: Unpacker::default(),
            buffer: vec![0; BLOCK_BYTES],
            filled: 0,
            taken: 0,
            has_objects: None,
        }
    }

    /// The next piece of the object, of any length.
    pub fn push(&mut self, piece: Vec<u8>) {
        self.unpacker.push(piece);
    }

    /// No further piece follows.
    pub const fn end(&mut self) {
        self.unpacker.end();
    }

    /// Whether the object has ended. After that, [`Blocks::next`] leaves nothing for later.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.unpacker.is_ended()
    }

    /// The next block; none until further pieces are pushed, or behind the end.
    #[expect(clippy::should_implement_trait, reason = "a block borrows the buffer")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, ObjectError> {
        self.forget_taken();
        loop {
            self.fill()?;
            if self.filled == self.buffer.len() {
                if let Some(length) = self.complete_length() {
                    self.taken = length;
                    break;
                }
                self.grow()?;
            } else if self.is_ended() {
                self.taken = self.filled;
                break;
            } else {
                return Ok(None);
            }
        }
        Ok(self.buffer.get(..self.taken).filter(|block| !block.is_empty()))
    }

    /// Moves what follows the last block to the front.
    fn forget_taken(&mut self) {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        if self.buffer.len() > BLOCK_BYTES && self.filled < BLOCK_BYTES {
            // After a long line.
            self.buffer.truncate(BLOCK_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    /// Reads until the buffer is full or nothing more comes for now.
    fn fill(&mut self) -> Result<(), ObjectError> {
        while let Some(free) = self.buffer.get_mut(self.filled..).filter(|free| !free.is_empty()) {
            match self.unpacker.read(free)? {
                0 => break,
                length => self.filled += length,
            }
        }
        Ok(())
    }

    fn complete_length(&mut self) -> Option<usize> {
        let bytes = self.buffer.get(..self.filled)?;
        let first = || bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let has_objects = *self.has_objects.get_or_insert_with(|| first() == Some(&b'{'));
        complete_length(bytes, has_objects)
    }

    fn grow(&mut self) -> Result<(), ObjectError> {
        if self.buffer.len() >= LONGEST_LINE_BYTES {
            return Err(ObjectError::TooLong);
        }
        self.buffer.resize(self.buffer.len() * 2, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, ObjectError> {
        let mut blocks = Blocks::new();
        let mut found = vec![];
        for piece in pieces.iter().map(Some).chain([None]) {
            match piece {
                Some(piece) => blocks.push(piece.to_vec()),
                None => blocks.end(),
            }
            while let Some(block) = blocks.next()? {
                found.push(block.to_vec());
            }
        }
        Ok(found)
    }

    #[test]
    fn blocks_end_where_lines_do_and_nothing_is_lost() {
        let line = b"10.0.0.1 10.0.0.2 1234\n";
        let text = line.repeat(3 * BLOCK_BYTES / line.len());
        let text = &text[..text.len() - 1];
        for length in [1_000, 300_000, text.len()] {
            let pieces: Vec<_> = text.chunks(length).collect();
            let blocks = blocks(&pieces).unwrap();
            assert!(blocks.len() > 2);
            assert!(blocks[..blocks.len() - 1].iter().all(|block| block.ends_with(b"\n")));
            assert_eq!(blocks.concat(), text);
        }
    }

    #[test]
    fn a_line_longer_than_a_block_stays_whole_and_takes_memory_for_a_while_only() {
        let text = [vec![b'a'; 3 * BLOCK_BYTES], b"\nb\n".to_vec()].concat();
        let found = blocks(&[&text]).unwrap();
        assert!(found[0].len() > 3 * BLOCK_BYTES);
        assert_eq!(found.concat(), text);
        let mut blocks = Blocks::new();
        blocks.push([text, b"b\n".repeat(BLOCK_BYTES)].concat());
        while blocks.next().unwrap().is_some() {}
        assert_eq!(blocks.buffer.capacity(), BLOCK_BYTES);
    }

    #[test]
    fn what_has_no_lines_is_refused() {
        let piece = vec![b'a'; BLOCK_BYTES];
        let pieces = vec![piece.as_slice(); LONGEST_LINE_BYTES / BLOCK_BYTES];
        assert_eq!(blocks(&pieces).unwrap_err(), ObjectError::TooLong);
    }

    #[test]
    fn an_object_in_json_is_not_cut() {
        let object = b"{\"message\":\n\"a } \\\" b\"}";
        let text = object.repeat(2 * BLOCK_BYTES / object.len());
        let blocks = blocks(&[&text]).unwrap();
        assert!(blocks.len() > 1);
        assert!(blocks.iter().all(|block| block.len() % object.len() == 0));
        assert_eq!(blocks.concat(), text);
    }

    #[test]
    fn an_empty_object_has_no_block() {
        assert!(blocks(&[]).unwrap().is_empty());
        assert!(blocks(&[b""]).unwrap().is_empty());
    }
}
