//! What Firehose invokes a transform with.
//!
//! Source: AWS's [parameters of a data transformation].
//!
//! [parameters of a data transformation]: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html

use std::borrow::Cow;

use serde::{Deserialize, de::Error as _};

/// The event of one invocation, borrowed from its JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'e> {
    /// The stream whose records these are.
    #[serde(borrow)]
    pub delivery_stream_arn: Cow<'e, str>,
    /// The Kinesis stream that the delivery stream reads from, if it does: then nobody else can
    /// put records into it.
    pub source_kinesis_stream_arn: Option<String>,
    /// The records.
    #[serde(borrow)]
    pub records: Vec<EventRecord<'e>>,
}

/// A record of an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord<'e> {
    /// What the answer calls it by.
    #[serde(borrow)]
    pub record_id: Cow<'e, str>,
    /// Its bytes, in base64.
    #[serde(borrow)]
    pub data: Cow<'e, str>,
}

impl<'e> Event<'e> {
    /// Reads an event's JSON.
    pub fn read(json: &'e str) -> Result<Self, serde_json::Error> {
        let event: Self = serde_json::from_str(json)?;
        // They are repeated in the answer as they are.
        let strange = event.records.iter().find(|record| record.record_id.contains(is_special));
        match strange {
            Some(record) => Err(serde_json::Error::custom(format_args!(
                "expected a recordId of digits, found {:?}",
                record.record_id
            ))),
            None => Ok(event),
        }
    }

    /// The name of the delivery stream, if records can be put into it.
    #[must_use]
    pub fn delivery_stream_name(&self) -> Option<&str> {
        let name = self.delivery_stream_arn.rsplit_once("deliverystream/").map(|(_, name)| name);
        name.filter(|_| self.source_kinesis_stream_arn.is_none())
    }
}

/// Whether JSON has to spell a character otherwise.
fn is_special(character: char) -> bool {
    character.is_control() || matches!(character, '"' | '\\')
}

impl EventRecord<'_> {
    /// Appends the record's bytes. None if they are no base64.
    pub fn decode(&self, to: &mut Vec<u8>) -> Option<()> {
        base64_simd::STANDARD.decode_append(self.data.as_bytes(), to).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_aws_documents_it() {
        let json = r#"{
            "invocationId": "invoked123",
            "deliveryStreamArn": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/flows",
            "region": "eu-west-1",
            "records": [{
                "recordId": "49572672223665514422805246926656954630972486059535892482",
                "approximateArrivalTimestamp": 1510254473773,
                "data": "SGVsbG8="
            }]
        }"#;
        let event = Event::read(json).unwrap();
        assert_eq!(event.delivery_stream_name(), Some("flows"));
        let mut bytes = vec![];
        event.records[0].decode(&mut bytes).unwrap();
        assert_eq!(bytes, b"Hello");
        assert!(matches!(event.records[0].record_id, Cow::Borrowed(_)));
    }

    #[test]
    fn nobody_puts_records_into_a_stream_that_reads_another_one() {
        let json = r#"{
            "deliveryStreamArn": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/flows",
            "sourceKinesisStreamArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/source",
            "records": []
        }"#;
        assert_eq!(Event::read(json).unwrap().delivery_stream_name(), None);
    }

    #[test]
    fn another_event_is_refused() {
        assert!(Event::read(r#"{"Records": []}"#).is_err());
        let json = r#"{"deliveryStreamArn": "", "records": [{"recordId": "a\"b", "data": ""}]}"#;
        let error = Event::read(json).unwrap_err().to_string();
        assert!(error.starts_with("expected a recordId of digits"), "{error}");
    }
}
