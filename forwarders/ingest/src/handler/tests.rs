use std::{cell::RefCell, io::Write as _};

use enrichment::{Batch, MOST_RECORD_BYTES};
use flate2::{Compression, write::GzEncoder};
use recording::Error;
use serde_json::json;

use super::*;

/// A stream that takes so many calls, and then no more.
#[derive(Default)]
struct Stream {
    taken: RefCell<Vec<Vec<u8>>>,
    calls: RefCell<usize>,
    most_calls: Option<usize>,
}

impl Outlet for &Stream {
    async fn put(&self, batch: Batch) -> Result<usize, Error> {
        *self.calls.borrow_mut() += 1;
        if self.most_calls.is_some_and(|most| *self.calls.borrow() > most) {
            return Ok(1);
        }
        self.taken.borrow_mut().extend(batch);
        Ok(0)
    }
}

fn payload(kind: &str, messages: &[&str]) -> String {
    let events = messages
        .iter()
        .zip(1..)
        .map(|(message, id)| json!({"id": id.to_string(), "timestamp": 1000, "message": message}));
    let content = json!({
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "flows",
        "logStream": "eni-1-all",
        "logEvents": events.collect::<Vec<_>>(),
    });
    let mut packer = GzEncoder::new(vec![], Compression::fast());
    packer.write_all(content.to_string().as_bytes()).unwrap();
    base64_simd::STANDARD.encode_to_string(packer.finish().unwrap())
}

fn kinesis(payloads: &[String]) -> Value {
    let records = payloads.iter().zip(1..).map(|(data, number)| {
        json!({
            "eventSource": "aws:kinesis",
            "eventID": format!("shardId-000000000000:{number}"),
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "kinesis": {"data": data, "sequenceNumber": number.to_string()},
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

async fn put(stream: &Stream, event: Value) -> Result<Value, Failure> {
    let source = Source(SdkConfig::builder().build());
    let failures = handle(&source, stream, event).await?;
    Ok(serde_json::to_value(failures).unwrap())
}

#[tokio::test]
async fn each_line_is_a_record_of_the_stream() {
    let stream = Stream::default();
    let data = payload("DATA_MESSAGE", &["a 1", "b 2\nc 3", ""]);
    let answer = put(&stream, json!({"awslogs": {"data": data}})).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(*stream.taken.borrow(), [b"a 1\n", b"b 2\n", b"c 3\n"]);
}

#[tokio::test]
async fn many_records_are_put_500_at_a_time() {
    let stream = Stream::default();
    let messages = vec!["a 1"; 1_001];
    let data = payload("DATA_MESSAGE", &messages);
    put(&stream, json!({"awslogs": {"data": data}})).await.unwrap();
    assert_eq!((stream.taken.borrow().len(), *stream.calls.borrow()), (1_001, 3));
}

#[tokio::test]
async fn a_line_that_no_record_can_hold_is_left_out_alone() {
    let stream = Stream::default();
    let longest = "x".repeat(MOST_RECORD_BYTES - 1);
    let data = payload("DATA_MESSAGE", &["a 1", &format!("{longest}x"), &longest]);
    put(&stream, json!({"awslogs": {"data": data}})).await.unwrap();
    let lengths: Vec<_> = stream.taken.borrow().iter().map(Vec::len).collect();
    assert_eq!(lengths, [4, MOST_RECORD_BYTES]);
}

#[tokio::test]
async fn a_control_message_is_no_record() {
    let stream = Stream::default();
    let data = payload("CONTROL_MESSAGE", &["CWL CONTROL MESSAGE: Checking health"]);
    put(&stream, json!({"awslogs": {"data": data}})).await.unwrap();
    assert_eq!(*stream.calls.borrow(), 0);
}

#[tokio::test]
async fn what_the_stream_does_not_take_comes_again() {
    let stream = Stream { most_calls: Some(1), ..Stream::default() };
    let payloads = ["a 1", "b 2", "c 3"].map(|line| payload("DATA_MESSAGE", &[line]));
    let answer = put(&stream, kinesis(&payloads)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "2"}]}));
    assert_eq!(*stream.taken.borrow(), [b"a 1\n"]);

    // Nothing was taken: the function's metrics show it.
    for event in [json!({"awslogs": {"data": payloads[0]}}), kinesis(&payloads)] {
        let stream = Stream { most_calls: Some(0), ..Stream::default() };
        let failure = put(&stream, event).await.unwrap_err();
        assert_eq!(failure.name(), "NotTaken");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let stream = Stream::default();
    for event in [json!({}), json!({"awslogs": {"data": "rubbish"}})] {
        let failure = put(&stream, event).await.unwrap_err();
        assert_eq!(failure.name(), "EventRefused", "{failure}");
    }
    let payloads = [payload("DATA_MESSAGE", &["a 1"]), "rubbish".to_owned()];
    let answer = put(&stream, kinesis(&payloads)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "2"}]}));
}
