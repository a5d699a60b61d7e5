//! What a transform answers.

use std::ops::Range;

use crate::event::EventRecord;

/// The most that a function may answer, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MOST_ANSWER_BYTES: usize = 6_291_456;

const HEAD: &str = r#"{"records":["#;
const TAIL: &str = "]}";
const RECORD_ID: &str = r#",{"recordId":""#;
const FIRST_RECORD_ID: &str = r#"{"recordId":""#;
const OK: &str = r#"","result":"Ok","data":""#;
const OK_END: &str = r#""}"#;
const DROPPED: &str = r#"","result":"Dropped"}"#;
const FAILED: &str = r#"","result":"ProcessingFailed"}"#;

/// The answer as it grows. It keeps room for the shortest answer of each record to come, so that
/// it never exceeds its limit, whatever the documents are.
pub(crate) struct Answer {
    json: String,
    most_bytes: usize,
    /// What the records to come take at least, and the end.
    reserved: usize,
}

/// Where a record's result stands in the answer.
pub(crate) type Place = Range<usize>;

impl Answer {
    pub(crate) fn new(records: &[EventRecord<'_>], most_bytes: usize) -> Self {
        let shortest: usize = records.iter().map(shortest).sum();
        // Most documents are some five times as long as their lines.
        let mut json = String::with_capacity(most_bytes.min(16 * shortest));
        json.push_str(HEAD);
        Self { json, most_bytes, reserved: shortest + TAIL.len() }
    }

    /// Answers a document, unless there is no room for it.
    pub(crate) fn ok(&mut self, record: &EventRecord<'_>, document: &[u8]) -> bool {
        let encoded = base64_simd::STANDARD.encoded_length(document.len());
        let length = RECORD_ID.len() + record.record_id.len() + OK.len() + encoded + OK_END.len();
        let others = self.reserved - shortest(record);
        if self.json.len() + length + others > self.most_bytes {
            return false;
        }
        self.begin(record, OK);
        base64_simd::STANDARD.encode_append(document, &mut self.json);
        self.json.push_str(OK_END);
        true
    }

    /// Answers that the record needs no delivery.
    pub(crate) fn dropped(&mut self, record: &EventRecord<'_>) {
        self.begin(record, DROPPED);
    }

    /// The same of a record that is to be put back. There is room for [`Answer::fail`] where it is.
    pub(crate) fn put_back(&mut self, record: &EventRecord<'_>) -> Place {
        self.reserved += FAILED.len() - DROPPED.len();
        self.begin(record, DROPPED)
    }

    /// Answers that the record is none: Firehose keeps it in the bucket.
    pub(crate) fn failed(&mut self, record: &EventRecord<'_>) {
        self.begin(record, FAILED);
    }

    fn begin(&mut self, record: &EventRecord<'_>, result: &str) -> Place {
        self.reserved -= shortest(record);
        let is_first = self.json.len() == HEAD.len();
        self.json.push_str(if is_first { FIRST_RECORD_ID } else { RECORD_ID });
        // Event::read has seen that nothing in it needs an escape.
        self.json.push_str(&record.record_id);
        let start = self.json.len();
        self.json.push_str(result);
        start..self.json.len()
    }

    /// Answers what was [put back](Answer::put_back) as [`Answer::failed`] does. The places of what
    /// comes before stay.
    pub(crate) fn fail(json: &mut String, place: Place) {
        json.replace_range(place, FAILED);
    }

    pub(crate) fn finish(mut self) -> String {
        self.json.push_str(TAIL);
        self.json
    }
}

/// What a record takes at least, whatever becomes of it.
fn shortest(record: &EventRecord<'_>) -> usize {
    RECORD_ID.len() + record.record_id.len() + FAILED.len()
}
