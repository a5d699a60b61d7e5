//! Cutting inputs into pieces that begin and end where records do.

use std::io::Read;

use crate::error::Error;

/// How many bytes are read at a time: they stay in a core's cache while they are parsed.
const CHUNK_LENGTH: usize = 256 * 1024;

/// A piece of an input, whose buffer is used again.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    buffer: Vec<u8>,
    length: usize,
}

impl Chunk {
    /// The piece's bytes.
    #[must_use]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Empties the piece, so that it can be written to.
    pub(crate) fn start(&mut self) -> &mut Vec<u8> {
        self.buffer.clear();
        &mut self.buffer
    }

    /// Ends writing to the piece.
    pub(crate) fn finish(&mut self) {
        self.length = self.buffer.len();
    }
}

/// Something that is read piece by piece.
pub(crate) trait ChunkSource {
    /// Reads the next piece, which begins and ends where records do. False at the end.
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, Error>;
}

/// Lines, or JSON objects that may span several of them.
pub(crate) struct Lines<R> {
    name: String,
    source: R,
    /// What was read behind the end of the last piece.
    carried: Vec<u8>,
    /// Whether the input begins with a JSON object; known once something was read.
    has_objects: Option<bool>,
}

impl<R: Read> Lines<R> {
    /// Reads from `source`; `name` is what messages call it.
    pub(crate) fn new(name: &str, source: R) -> Self {
        Self { name: name.to_owned(), source, carried: vec![], has_objects: None }
    }

    /// Reads until the buffer is full, or to the end. Returns how many bytes the buffer holds.
    fn read_into(&mut self, buffer: &mut [u8], from: usize) -> Result<usize, Error> {
        let mut filled = from;
        while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.source.read(free) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::input(&self.name)(error)),
            }
        }
        Ok(filled)
    }

    fn complete_length(&mut self, bytes: &[u8]) -> Option<usize> {
        let first = || bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let has_objects = *self.has_objects.get_or_insert_with(|| first() == Some(&b'{'));
        objects::complete_length(bytes, has_objects)
    }
}

impl<R: Read> ChunkSource for Lines<R> {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, Error> {
        let mut filled = self.carried.len();
        // Shrinks again after a long line.
        chunk.buffer.resize(CHUNK_LENGTH.max(filled * 2), 0);
        if let Some(start) = chunk.buffer.get_mut(..filled) {
            start.copy_from_slice(&self.carried);
        }
        self.carried.clear();
        loop {
            filled = self.read_into(&mut chunk.buffer, filled)?;
            chunk.length = filled;
            if filled < chunk.buffer.len() {
                return Ok(filled > 0);
            }
            if let Some(length) = self.complete_length(&chunk.buffer) {
                chunk.length = length;
                self.carried.extend_from_slice(chunk.buffer.get(length..).unwrap_or_default());
                return Ok(true);
            }
            chunk.buffer.resize(filled * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new("test", text);
        let mut chunk = Chunk::default();
        let mut pieces = vec![];
        while lines.fill(&mut chunk).unwrap() {
            pieces.push(chunk.bytes().to_vec());
        }
        pieces
    }

    #[test]
    fn pieces_end_where_lines_do_and_nothing_is_lost() {
        let line = b"10.0.0.1 10.0.0.2 1234\n";
        let text = line.repeat(3 * CHUNK_LENGTH / line.len());
        let pieces = pieces(&text[..text.len() - 1]);
        assert!(pieces.len() > 2);
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b"\n")));
        assert_eq!(pieces.concat(), text[..text.len() - 1]);
    }

    #[test]
    fn a_line_longer_than_a_piece_stays_whole() {
        let text = [vec![b'a'; 3 * CHUNK_LENGTH], b"\nb\n".to_vec()].concat();
        let pieces = pieces(&text);
        assert!(pieces[0].len() > 3 * CHUNK_LENGTH);
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn an_object_is_not_cut() {
        let object = b"{\"message\":\n\"a } \\\" b\"}";
        let text = object.repeat(2 * CHUNK_LENGTH / object.len());
        let pieces = pieces(&text);
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|piece| piece.len() % object.len() == 0));
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn an_empty_input_has_no_piece() {
        assert!(pieces(b"").is_empty());
    }
}
