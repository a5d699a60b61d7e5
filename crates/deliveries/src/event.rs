//! The event of an invocation.

use std::mem;

use notifications::Told;
use serde::Deserialize;
use serde_json::Value;

/// What an event brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Log events of a [subscription]: one payload, or as many as a Kinesis stream has records.
    ///
    /// [subscription]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    Payloads(Vec<Payload>),
    /// Objects that S3 tells of, through whatever service.
    Objects(Vec<Told>),
}

/// A payload as it comes: base64, and inside it gzip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The base64 text.
    pub data: String,
    /// Where it comes from, if it came through a stream.
    pub source: Option<StreamRecord>,
}

/// The [record] of a Kinesis stream that a payload came in.
///
/// [record]: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The shard, such as `shardId-000000000006`. All records of an event are of one shard.
    pub shard: String,
    /// Its place in the shard: the first that failed is what
    /// [`PartialFailures`](notifications::PartialFailures) is told, and all from there on come
    /// again.
    pub sequence_number: String,
}

/// An event that brings nothing that a forwarder knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A subscription's event, or a Kinesis record, without what it must have.
    #[error("expected {expected} in the event of {sender}, found none; it is not what AWS sends")]
    Incomplete {
        /// Who sends such events.
        sender: &'static str,
        /// The path of what is missing.
        expected: String,
    },
    /// No event of CloudWatch Logs or Kinesis, nor one that tells of objects.
    #[error("expected an event of CloudWatch Logs or Kinesis, or {0}")]
    Unknown(#[from] notifications::EventError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinesisRecord {
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    kinesis: Kinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    data: String,
    sequence_number: String,
}

impl Delivery {
    /// Reads an event.
    pub fn read(event: Value) -> Result<Self, EventError> {
        match event {
            Value::Object(mut event) if event.contains_key("awslogs") => {
                let data = event.get_mut("awslogs").and_then(|logs| logs.get_mut("data"));
                subscription(data.map(Value::take)).map(|payload| Self::Payloads(vec![payload]))
            }
            event if is_of_kinesis(&event) => records(event).map(Self::Payloads),
            event => Ok(Self::Objects(notifications::read(&event)?)),
        }
    }
}

fn subscription(data: Option<Value>) -> Result<Payload, EventError> {
    match data {
        Some(Value::String(data)) => Ok(Payload { data, source: None }),
        _ => Err(EventError::Incomplete {
            sender: "CloudWatch Logs",
            expected: "a text at awslogs.data".to_owned(),
        }),
    }
}

fn is_of_kinesis(event: &Value) -> bool {
    event.pointer("/Records/0/eventSource").and_then(Value::as_str) == Some("aws:kinesis")
}

fn records(mut event: Value) -> Result<Vec<Payload>, EventError> {
    let records = event.get_mut("Records").and_then(Value::as_array_mut).map(mem::take);
    (0..).zip(records.unwrap_or_default()).map(|(place, record)| payload(place, record)).collect()
}

fn payload(place: usize, record: Value) -> Result<Payload, EventError> {
    let record = serde_json::from_value::<KinesisRecord>(record);
    let record = record.map_err(|error| EventError::Incomplete {
        sender: "Kinesis",
        expected: format!("what Records[{place}] lacks ({error})"),
    })?;
    let shard = record.event_id.split(':').next().unwrap_or_default().to_owned();
    let source = StreamRecord {
        stream_arn: record.event_source_arn,
        shard,
        sequence_number: record.kinesis.sequence_number,
    };
    Ok(Payload { data: record.kinesis.data, source: Some(source) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STREAM: &str = "arn:aws:kinesis:eu-west-1:123456789010:stream/records";

    fn kinesis(data: &[&str]) -> Value {
        let records = data.iter().zip(1..).map(|(data, place)| {
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "a1b2",
                    "sequenceNumber": format!("4959{place}"),
                    "data": data,
                    "approximateArrivalTimestamp": 1_700_000_000.5,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": format!("shardId-000000000006:4959{place}"),
                "eventName": "aws:kinesis:record",
                "eventSourceARN": STREAM,
            })
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }

    #[test]
    fn a_subscription_brings_one_payload() {
        let delivery = Delivery::read(json!({"awslogs": {"data": "H4sI"}})).unwrap();
        let payload = Payload { data: "H4sI".to_owned(), source: None };
        assert_eq!(delivery, Delivery::Payloads(vec![payload]));
    }

    #[test]
    fn a_stream_brings_one_payload_a_record() {
        let delivery = Delivery::read(kinesis(&["H4sI", "AAAA"])).unwrap();
        let payload = |data: &str, sequence_number: &str| Payload {
            data: data.to_owned(),
            source: Some(StreamRecord {
                stream_arn: STREAM.to_owned(),
                shard: "shardId-000000000006".to_owned(),
                sequence_number: sequence_number.to_owned(),
            }),
        };
        let expected = vec![payload("H4sI", "49591"), payload("AAAA", "49592")];
        assert_eq!(delivery, Delivery::Payloads(expected));
    }

    #[test]
    fn objects_are_told_of_as_notifications_has_them() {
        let record = json!({
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": "a+b"}},
        });
        let Delivery::Objects(told) = Delivery::read(json!({ "Records": [record] })).unwrap()
        else {
            panic!("not told of objects");
        };
        assert_eq!(told[0].objects[0].key, "a b");
    }

    #[test]
    fn what_is_missing_is_named() {
        let refusal = |event| Delivery::read(event).unwrap_err().to_string();
        assert!(refusal(json!({"awslogs": {}})).contains("a text at awslogs.data"));
        let mut event = kinesis(&["H4sI", "AAAA"]);
        event["Records"][1]["kinesis"].as_object_mut().unwrap().remove("sequenceNumber");
        let refused = refusal(event);
        assert!(refused.contains("Records[1] lacks (missing field `sequenceNumber`"), "{refused}");
        let refused = refusal(json!({"detail": {}}));
        assert!(refused.starts_with("expected an event of CloudWatch Logs or Kinesis, or"));
    }
}
