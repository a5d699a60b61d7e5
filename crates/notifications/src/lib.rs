//! Which objects a Lambda function is told of.
//!
//! S3 tells of new objects in [its own events], directly, through SQS or through SNS, and in
//! [EventBridge's], directly or through SQS. An event may have many records, and a message of SQS
//! may hold any of them.
//!
//! ```
//! let event = serde_json::json!({"Records": [{
//!     "eventSource": "aws:s3",
//!     "eventName": "ObjectCreated:Put",
//!     "s3": {"bucket": {"name": "logs"}, "object": {"key": "day%3D21/a+b.log.gz"}},
//! }]});
//! let told = notifications::read(&event)?;
//! assert_eq!(told[0].objects[0].key, "day=21/a b.log.gz");
//! # Ok::<(), notifications::EventError>(())
//! ```
//!
//! [its own events]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
//! [EventBridge's]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

mod answer;
mod key;

use serde::Deserialize;
use serde_json::Value;

pub use answer::PartialFailures;
pub use key::decoded;

/// An object that is there now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its bucket.
    pub bucket: String,
    /// Its key, as S3 has it.
    pub key: String,
}

/// What succeeds or fails together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The ID of the message of SQS, which can fail by itself; none for any other event, which
    /// fails as a whole.
    pub message_id: Option<String>,
    /// The objects, in the order of the event; or why the message cannot be understood.
    pub objects: Vec<Object>,
    /// What is wrong with the message.
    pub error: Option<EventError>,
}

/// An event that tells of no objects in any known way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an event of S3, directly or through SQS, SNS or EventBridge, found {found}")]
pub struct EventError {
    found: String,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Key,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

/// Reads an event: one group for each message of SQS, or one for everything.
///
/// A message that cannot be understood is a group with an error, so that the others are handled;
/// any other event that cannot be understood is an error.
pub fn read(event: &Value) -> Result<Vec<Told>, EventError> {
    let records = event.get("Records").and_then(Value::as_array);
    let Some(messages) = records.filter(|records| records.iter().any(is_of_sqs)) else {
        let objects = objects(event)?;
        return Ok(vec![Told { message_id: None, objects, error: None }]);
    };
    Ok(messages.iter().map(of_message).collect())
}

fn is_of_sqs(record: &Value) -> bool {
    record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs")
}

fn of_message(message: &Value) -> Told {
    let text = |name| message.get(name).and_then(Value::as_str);
    let message_id = text("messageId").map(str::to_owned);
    match text("body").ok_or_else(|| not(message)).and_then(objects_of_text) {
        Ok(objects) => Told { message_id, objects, error: None },
        Err(error) => Told { message_id, objects: vec![], error: Some(error) },
    }
}

fn objects_of_text(text: &str) -> Result<Vec<Object>, EventError> {
    let event = serde_json::from_str(text);
    objects(&event.map_err(|_| EventError { found: shortened(text) })?)
}

/// The objects that an event tells of, whatever brought it.
fn objects(event: &Value) -> Result<Vec<Object>, EventError> {
    // S3 asks whether it may send: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(vec![]);
    }
    // SNS puts the event into a text, unless raw delivery is on.
    if let Some(message) = event.get("Message").and_then(Value::as_str) {
        return objects_of_text(message);
    }
    if let Some(detail) = event.get("detail") {
        return of_event_bridge(event, detail);
    }
    let records = event.get("Records").and_then(Value::as_array).ok_or_else(|| not(event))?;
    let objects = records.iter().map(of_record).collect::<Result<Vec<_>, _>>()?;
    Ok(objects.into_iter().flatten().collect())
}

/// The objects of one record: several, if SNS has put an event into it.
fn of_record(record: &Value) -> Result<Vec<Object>, EventError> {
    if let Some(message) = record.pointer("/Sns/Message").and_then(Value::as_str) {
        return objects_of_text(message);
    }
    let s3 = record.get("s3").ok_or_else(|| not(record))?;
    let S3 { bucket, object } = S3::deserialize(s3).map_err(|_| not(record))?;
    let name = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
    if is_removal(name) {
        return Ok(vec![]);
    }
    Ok(vec![Object { bucket: bucket.name, key: decoded(&object.key) }])
}

/// S3 encodes keys in its own events, and does not in those of EventBridge.
fn of_event_bridge(event: &Value, detail: &Value) -> Result<Vec<Object>, EventError> {
    let S3 { bucket, object } = S3::deserialize(detail).map_err(|_| not(event))?;
    let is_new = event.get("detail-type").and_then(Value::as_str) == Some("Object Created");
    let object = Object { bucket: bucket.name, key: object.key };
    Ok(if is_new { vec![object] } else { vec![] })
}

/// Whether the object is gone, or was not created: `s3:` stands before the name in rules alone.
fn is_removal(event_name: &str) -> bool {
    let name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    !name.is_empty() && !name.starts_with("ObjectCreated")
}

fn not(event: &Value) -> EventError {
    EventError { found: shortened(&event.to_string()) }
}

fn shortened(text: &str) -> String {
    const MOST_CHARACTERS: usize = 120;
    let mut shown: String = text.chars().take(MOST_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn s3_record(key: &str) -> Value {
        json!({
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 5}},
        })
    }

    fn s3(keys: &[&str]) -> Value {
        json!({"Records": keys.iter().map(|key| s3_record(key)).collect::<Vec<_>>()})
    }

    fn event_bridge(key: &str) -> Value {
        json!({
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "logs"}, "object": {"key": key}},
        })
    }

    fn sqs(bodies: &[String]) -> Value {
        let records = bodies.iter().zip(1..).map(|(body, number)| {
            json!({"eventSource": "aws:sqs", "messageId": format!("m{number}"), "body": body})
        });
        json!({"Records": records.collect::<Vec<_>>()})
    }

    fn keys(told: &Told) -> Vec<&str> {
        told.objects.iter().map(|object| object.key.as_str()).collect()
    }

    #[test]
    fn every_record_of_an_event_counts() {
        let told = read(&s3(&["a.log", "b%2Bc+d.log"])).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].message_id.as_ref(), keys(&told[0])),
            (None, vec!["a.log", "b+c d.log"])
        );
        assert_eq!(told[0].objects[0].bucket, "logs");
    }

    #[test]
    fn event_bridge_does_not_encode_keys() {
        let told = read(&event_bridge("day=21/a+b%20.log")).unwrap();
        assert_eq!(keys(&told[0]), ["day=21/a+b%20.log"]);
    }

    #[test]
    fn a_message_of_sqs_holds_any_of_them() {
        let of_sns = json!({"Type": "Notification", "Message": s3(&["c+d"]).to_string()});
        let bodies = [s3(&["a", "b"]), of_sns, event_bridge("e+f")].map(|event| event.to_string());
        let told = read(&sqs(&bodies)).unwrap();
        let found: Vec<_> =
            told.iter().map(|told| (told.message_id.as_deref().unwrap(), keys(told))).collect();
        assert_eq!(found, [("m1", vec!["a", "b"]), ("m2", vec!["c d"]), ("m3", vec!["e+f"])]);
    }

    #[test]
    fn sns_invokes_with_records_of_its_own() {
        let message = s3(&["a", "b"]).to_string();
        let event = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]});
        assert_eq!(keys(&read(&event).unwrap()[0]), ["a", "b"]);
    }

    #[test]
    fn a_message_that_cannot_be_understood_fails_alone() {
        let told = read(&sqs(&["no JSON".to_owned(), s3(&["a"]).to_string()])).unwrap();
        let error = told[0].error.as_ref().unwrap().to_string();
        assert!(error.ends_with("found `no JSON`"), "{error}");
        assert_eq!((keys(&told[1]), &told[1].error), (vec!["a"], &None));
    }

    #[test]
    fn what_creates_no_object_is_no_object() {
        let mut deleted = s3(&["a"]);
        deleted["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
        let mut gone = event_bridge("a");
        gone["detail-type"] = "Object Deleted".into();
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
        for event in [deleted, gone, test.clone(), sqs(&[test.to_string()])] {
            assert_eq!(keys(&read(&event).unwrap()[0]), [""; 0], "{event}");
        }
    }

    #[test]
    fn other_events_are_refused() {
        for event in [json!({}), json!([]), json!({"Records": [{"kinesis": {}}]})] {
            let error = read(&event).unwrap_err().to_string();
            assert!(error.contains("expected an event of S3"), "{error}");
        }
    }
}
