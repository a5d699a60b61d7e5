//! The one flow-log record in what Firehose holds as a record.

use std::str;

use flowlog::{BadLine, Field, Format, Parser, Record};

/// How many formats are told apart by their content, at most.
const MOST_FORMATS: usize = 8;

/// Reads records that come one by one, from whatever flow logs.
pub(crate) struct RecordReader {
    /// The format that was told, or those that were met.
    known: Vec<Known>,
    /// Which of them the last record had.
    last: usize,
    /// Whether the format was told. If not, it is told from each record's content.
    is_told: bool,
    /// The last header line that a record brought, its line feed included, and its format.
    headed: Option<(Box<[u8]>, Known)>,
}

/// Why the bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRecord {
    /// They are no base64.
    #[error("expected base64 in `data`")]
    NotBase64,
    /// The line is wrong.
    #[error("{0}")]
    Bad(#[from] BadLine),
    /// The line is of none of the formats that are known by their content.
    #[error(
        "the format of `{0}` cannot be told: give the function the flow log's format as FORMAT"
    )]
    UnknownFormat(String),
    /// There are several lines, and each would be a document.
    #[error("expected one flow-log record, found several: OpenSearch takes one document of each")]
    Several,
    /// Its document would not fit into any answer.
    #[error("its document is larger than a function's answer may be")]
    TooLarge,
}

impl RecordReader {
    /// A reader of records in this format; without it, of those in the documented formats.
    /// Records that bring their header line are read by that in either case.
    pub(crate) fn new(format: Option<Format>) -> Self {
        let is_told = format.is_some();
        let known = vec![Known::new(format.unwrap_or_else(Format::aws_default))];
        Self { known, last: 0, is_told, headed: None }
    }

    /// Hands the record to `take`. None if there is none: a header line alone, or a message that
    /// asks whether somebody listens. What was taken before an error counts for nothing.
    pub(crate) fn read<T>(
        &mut self,
        data: &[u8],
        mut take: impl FnMut(&Record<'_>) -> T,
    ) -> Result<Option<T>, NoRecord> {
        if let Some((known, lines)) = self.headed(data) {
            return known.one(lines, true, take);
        }
        let is_told = self.is_told;
        let read = match self.known.get_mut(self.last) {
            Some(known) => known.one(data, is_told, &mut take),
            None => Err(unknown(data)),
        };
        match read {
            Err(NoRecord::Bad(_) | NoRecord::UnknownFormat(_)) if !is_told => {
                self.choose(data)?.one(data, true, take)
            }
            read => read,
        }
    }

    /// What reads data that begins with a header line, and the lines after it.
    fn headed<'d>(&mut self, data: &'d [u8]) -> Option<(&mut Known, &'d [u8])> {
        let is_last = |header: &[u8]| data.starts_with(header);
        if !self.headed.as_ref().is_some_and(|(header, _)| is_last(header)) {
            let (header, format) = header(data)?;
            self.headed = Some((header.into(), Known::new(format)));
        }
        let (header, known) = self.headed.as_mut()?;
        data.get(header.len()..).map(|lines| (known, lines))
    }

    /// What reads the format that the data's content tells.
    fn choose(&mut self, data: &[u8]) -> Result<&mut Known, NoRecord> {
        let format = Format::detect(data).map_err(|_| unknown(data))?;
        let met = self.known.iter().position(|known| known.format == format);
        self.last = met.unwrap_or_else(|| {
            self.known.truncate(MOST_FORMATS - 1);
            self.known.push(Known::new(format));
            self.known.len() - 1
        });
        self.known.get_mut(self.last).ok_or_else(|| unknown(data))
    }
}

/// A format and what reads it.
struct Known {
    format: Format,
    parser: Parser,
}

impl Known {
    fn new(format: Format) -> Self {
        Self { parser: Parser::new(format.clone()), format }
    }

    /// Reads the one record. `is_certain`: the format need not be told from the content.
    fn one<T>(
        &mut self,
        lines: &[u8],
        is_certain: bool,
        mut take: impl FnMut(&Record<'_>) -> T,
    ) -> Result<Option<T>, NoRecord> {
        let fields = self.parser.format().fields().as_ptr();
        let mut records = self.parser.records(lines);
        let taken = match records.next() {
            None => Ok(None),
            Some(Err(bad)) => Err(NoRecord::Bad(bad)),
            Some(Ok(record)) if !is_certain && !is_plausible(&record) => Err(unknown(lines)),
            Some(Ok(record)) => Ok(Some(take(&record))),
        };
        let is_several = matches!(taken, Ok(Some(_))) && records.next().is_some();
        // A header line among the lines counts for them alone.
        if self.parser.format().fields().as_ptr() != fields {
            self.parser = Parser::new(self.format.clone());
        }
        if is_several { Err(NoRecord::Several) } else { taken }
    }
}

/// Whether the record's interface or gateway is one: the recorded formats differ in that alone.
fn is_plausible(record: &Record<'_>) -> bool {
    let begins =
        |field, prefix: &[u8]| record.bytes(field).is_none_or(|value| value.starts_with(prefix));
    begins(Field::InterfaceId, b"eni-") && begins(Field::ResourceId, b"nat-")
}

/// The header line that the data begins with, its line feed included.
fn header(data: &[u8]) -> Option<(&[u8], Format)> {
    let length = data.iter().position(|byte| *byte == b'\n').map_or(data.len(), |end| end + 1);
    let line = data.get(..length)?;
    // Hardly any record gets further: it has dots and capital letters.
    let is_name = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-' || *byte <= b' '
    };
    if !line.iter().all(is_name) {
        return None;
    }
    Some((line, Format::from_header(str::from_utf8(line).ok()?)?))
}

fn unknown(data: &[u8]) -> NoRecord {
    const MOST_CHARACTERS: usize = 120;
    let text = String::from_utf8_lossy(data);
    NoRecord::UnknownFormat(text.trim_end().chars().take(MOST_CHARACTERS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "2 123456789010 eni-0a1b 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1418530010 1418530070 \
         ACCEPT OK";
    const RECORDED: &str = "ACCEPT egress 8 10.0.0.220 40000 203.0.113.5 443 6 1500 IPv4 \
         10.0.0.220 - 203.0.113.5 S3 3 1700000000 1700000060 19 OK ";

    fn read(reader: &mut RecordReader, data: &str) -> Result<Option<String>, NoRecord> {
        reader.read(data.as_bytes(), |record| {
            let text = |field| record.text(field).unwrap_or("lacking");
            let [interface, resource] = [Field::InterfaceId, Field::ResourceId].map(text);
            format!("{} {interface} {resource}", text(Field::Bytes))
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what is wrapped")]
    fn found(text: &str) -> Result<Option<String>, NoRecord> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn each_record_has_the_format_that_its_content_tells() {
        let mut reader = RecordReader::new(None);
        for _ in 0..2 {
            assert_eq!(read(&mut reader, DEFAULT), found("4249 eni-0a1b lacking"));
            assert_eq!(read(&mut reader, &format!("{RECORDED}eni-1")), found("1500 eni-1 lacking"));
            assert_eq!(read(&mut reader, &format!("{RECORDED}nat-1")), found("1500 lacking nat-1"));
            let wrapped = format!("{{\"message\":\"{DEFAULT}\"}}\n");
            assert_eq!(read(&mut reader, &wrapped), found("4249 eni-0a1b lacking"));
        }
        assert_eq!(reader.known.len(), 3);
        let unknown = Err(NoRecord::UnknownFormat("10.0.0.1 10.0.0.2".to_owned()));
        assert_eq!(read(&mut reader, "10.0.0.1 10.0.0.2\n"), unknown);
    }

    #[test]
    fn a_told_format_is_that_of_every_record_without_a_header() {
        let mut reader = RecordReader::new(Format::parse("${bytes} ${interface-id}").ok());
        let headed = "interface-id flow-mood bytes\neni-2 good 30\n";
        for _ in 0..2 {
            assert_eq!(read(&mut reader, "20 -\n"), found("20 - lacking"));
            assert_eq!(read(&mut reader, headed), found("30 eni-2 lacking"));
            assert_eq!(read(&mut reader, "bytes action\n"), Ok(None));
            assert_eq!(read(&mut reader, "bytes action\n20 ACCEPT"), found("20 lacking lacking"));
            // Another header, longer than all of them.
            let other = "action bytes instance-id srcaddr\nACCEPT 40 - -";
            assert_eq!(read(&mut reader, other), found("40 lacking lacking"));
        }
        let bad = read(&mut reader, "many eni-1").unwrap_err().to_string();
        assert!(bad.contains("many"), "{bad}");
    }

    #[test]
    fn a_header_in_an_envelope_counts_for_it_alone() {
        let mut reader = RecordReader::new(Format::parse("${bytes}").ok());
        let headed = r#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"action bytes"},
            {"message":"ACCEPT 7"}]}"#;
        assert_eq!(read(&mut reader, headed), found("7 lacking lacking"));
        assert_eq!(read(&mut reader, "8"), found("8 lacking lacking"));
    }

    #[test]
    fn several_records_are_none() {
        let mut reader = RecordReader::new(None);
        assert_eq!(read(&mut reader, &format!("{DEFAULT}\n{DEFAULT}\n")), Err(NoRecord::Several));
        assert_eq!(read(&mut reader, &format!("{DEFAULT}\nrubbish\n")), Err(NoRecord::Several));
        assert_eq!(read(&mut reader, &format!("{DEFAULT}\n\n")), found("4249 eni-0a1b lacking"));
    }

    #[test]
    fn what_holds_no_record_is_none() {
        let mut reader = RecordReader::new(None);
        let control = r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"a"}]}"#;
        for data in ["", "\n", control] {
            assert_eq!(read(&mut reader, data), Ok(None), "{data}");
        }
        assert!(matches!(read(&mut reader, "{\"a\": 1}"), Err(NoRecord::UnknownFormat(_))));
    }
}
