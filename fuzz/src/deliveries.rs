//! What forwarders are invoked with: events, and the payloads of subscriptions.

use std::io::Write as _;

use base64_simd::STANDARD;
use deliveries::{Content, Delivery, LogEvents, Unpacker};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// An event is read or refused. Bytes are opened as a packed payload or refused; packed here, they
/// are what serde makes of them as JSON, the same directly and through an event.
pub fn check(input: &[u8]) {
    let mut unpacker = Unpacker::default();
    let _ = unpacker.open_record(input);
    if let Ok(event) = serde_json::from_slice::<Value>(input) {
        let _ = Delivery::read(event);
    }
    let packed = packed(input);
    let direct = format!("{:?}", unpacker.open_record(&packed));
    let event = json!({"awslogs": {"data": STANDARD.encode_to_string(&packed)}});
    let Ok(Delivery::Payloads(payloads)) = Delivery::read(event) else {
        panic!("a subscription's event brings payloads");
    };
    let opened = unpacker.open(&payloads[0]);
    assert_eq!(format!("{opened:?}"), direct);
    let Ok(content) = opened else { return };
    let plain = match serde_json::from_slice::<Value>(input) {
        Ok(plain) => plain,
        // One that nobody reads, and that a value cannot hold.
        Err(error) => return assert!(error.to_string().starts_with("number out of range")),
    };
    match content {
        Content::Events(events) => assert_same(&events, &plain),
        Content::Control => assert_eq!(*member(&plain, "messageType", 0), "CONTROL_MESSAGE"),
    }
}

fn assert_same(events: &LogEvents<'_>, plain: &Value) {
    assert_eq!(*member(plain, "messageType", 0), "DATA_MESSAGE");
    assert_eq!(member(plain, "owner", 1).as_str().unwrap_or_default(), events.owner);
    assert_eq!(member(plain, "logStream", 3).as_str().unwrap_or_default(), events.log_stream);
    let found: Vec<_> = events
        .log_events
        .iter()
        .map(|event| (Some(&*event.id), Some(event.timestamp), Some(&*event.message)))
        .collect();
    let expected: Vec<_> = member(plain, "logEvents", 4)
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|event| {
            let [id, time, message] = [("id", 0), ("timestamp", 1), ("message", 2)]
                .map(|(name, at)| member(event, name, at));
            (id.as_str(), time.as_i64(), message.as_str())
        })
        .collect();
    assert_eq!(found, expected);
}

/// A member of an object. Serde takes a list for an object, too: its members in their order.
fn member<'v>(of: &'v Value, name: &str, place: usize) -> &'v Value {
    static NONE: Value = Value::Null;
    of.get(name).or_else(|| of.get(place)).unwrap_or(&NONE)
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(vec![], Compression::fast());
    packer.write_all(plain).expect("memory takes everything");
    packer.finish().expect("memory takes everything")
}
