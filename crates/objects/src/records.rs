//! An object's records.

use flowlog::{Counts, Field, Format, Parser, Records};

use crate::blocks::Blocks;
use crate::error::ObjectError;

/// The records of an object, block by block. Bad lines are counted and shown, and end nothing.
#[derive(Debug)]
pub struct ObjectRecords {
    blocks: Blocks,
    format: Option<Format>,
    checked_fields: Option<Box<[Field]>>,
    /// Known once the first block has come.
    parser: Option<Parser>,
}

impl ObjectRecords {
    /// An object of which nothing has come yet. Its format is told by its beginning if none is
    /// given; a header line in it always counts.
    #[must_use]
    pub fn new(format: Option<Format>) -> Self {
        Self { blocks: Blocks::new(), format, checked_fields: None, parser: None }
    }

    /// The same, looking at these fields and the log status only: see [`Parser::checking`].
    #[must_use]
    pub fn checking(format: Option<Format>, fields: &[Field]) -> Self {
        Self { checked_fields: Some(fields.into()), ..Self::new(format) }
    }

    /// The next piece of the object, of any length.
    pub fn push(&mut self, piece: Vec<u8>) {
        self.blocks.push(piece);
    }

    /// No further piece follows.
    pub const fn end(&mut self) {
        self.blocks.end();
    }

    /// Whether the object has ended, so that no records are left once [`ObjectRecords::next`] has
    /// answered none.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.blocks.is_ended()
    }

    /// The records of the next block; none until further pieces are pushed, or behind the end.
    #[expect(clippy::should_implement_trait, reason = "records borrow the block")]
    pub fn next(&mut self) -> Result<Option<Records<'_, '_>>, ObjectError> {
        let Some(block) = self.blocks.next()? else { return Ok(None) };
        let parser = match self.parser.take() {
            Some(parser) => parser,
            None => parser(block, self.format.as_ref(), self.checked_fields.as_deref())?,
        };
        Ok(Some(self.parser.insert(parser).records(block)))
    }

    /// The format of the next record; none before the first block.
    #[must_use]
    pub fn format(&self) -> Option<&Format> {
        self.parser.as_ref().map(Parser::format)
    }

    /// What the lines so far were.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.parser.as_ref().map(Parser::counts).unwrap_or_default()
    }
}

fn parser(
    block: &[u8],
    format: Option<&Format>,
    checked_fields: Option<&[Field]>,
) -> Result<Parser, ObjectError> {
    let format = match format {
        Some(format) => format.clone(),
        None => Format::detect(block)?,
    };
    Ok(match checked_fields {
        Some(fields) => Parser::checking(format, fields),
        None => Parser::new(format),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(object: &mut ObjectRecords) -> Result<Vec<Option<u64>>, ObjectError> {
        let mut found = vec![];
        while let Some(mut records) = object.next()? {
            while let Some(record) = records.next() {
                found.push(record.ok().and_then(|record| record.number(Field::Bytes)));
            }
        }
        Ok(found)
    }

    #[test]
    fn records_come_with_the_pieces_and_bad_lines_end_nothing() {
        let mut object = ObjectRecords::checking(None, &[Field::Bytes]);
        object.push(b"bytes srcaddr\n5 10.0".to_vec());
        assert_eq!(bytes(&mut object), Ok(vec![]));
        object.push(b".0.1\nmany 10.0.0.1\n7 nonsense".to_vec());
        object.end();
        assert_eq!(bytes(&mut object), Ok(vec![Some(5), None, Some(7)]));
        assert!(object.is_read());
        assert_eq!((object.counts().read, object.counts().bad), (2, 1));
        assert_eq!(object.format().unwrap().position(Field::Bytes), Some(0));
    }

    #[test]
    fn a_format_that_cannot_be_told_is_asked_for() {
        let object = |format| {
            let mut object = ObjectRecords::new(format);
            object.push(b"10.0.0.1 5\n".to_vec());
            object.end();
            object
        };
        let error = bytes(&mut object(None)).unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && error.ends_with("FORMAT)"), "{error}");
        let format = Format::parse("${srcaddr} ${bytes}").unwrap();
        assert_eq!(bytes(&mut object(Some(format))), Ok(vec![Some(5)]));
    }
}
