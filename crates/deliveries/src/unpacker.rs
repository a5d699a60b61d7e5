//! From base64 to log events.

use std::io::{self, Read as _};

use base64_simd::STANDARD;
use flate2::bufread::GzDecoder;

use crate::{Content, Payload};

/// The largest content, in bytes: CloudWatch Logs takes 1 MiB or 10,000 events in a batch, and a
/// few of these are all that 6 MB, the most that Lambda is invoked with, hold of real records.
/// What inflates to more was made to fill the memory.
const MOST_BYTES: usize = 32 << 20;

/// What deflate makes of 1,032 bytes is at least one: <https://zlib.net/zlib_tech.html>
const MOST_RATIO: usize = 1032;

/// Opens payloads one after the other, and keeps its memory for the next one.
#[derive(Clone, Debug, Default)]
pub struct Unpacker {
    packed: Vec<u8>,
    plain: Vec<u8>,
}

/// Why a payload cannot be opened. It will not open the next time, either.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The data is no base64.
    #[error("a payload is not base64 as CloudWatch Logs and Kinesis write it")]
    NotBase64,
    /// What is in it is not compressed as CloudWatch Logs does it, or broken.
    #[error("a payload of {packed} bytes cannot be inflated: {error}")]
    NotGzip {
        /// How many bytes it has before inflating.
        packed: usize,
        /// What is wrong.
        error: io::Error,
    },
    /// It inflates to more than any payload of CloudWatch Logs.
    #[error("a payload of {packed} bytes inflates to more than {MOST_BYTES} bytes; refused")]
    TooLarge {
        /// How many bytes it has before inflating.
        packed: usize,
    },
    /// Its text is not what CloudWatch Logs sends to subscriptions.
    #[error("a payload is not what CloudWatch Logs sends to subscriptions: {problem}")]
    NotLogEvents {
        /// What is wrong.
        problem: String,
    },
}

impl Unpacker {
    /// Opens a payload of an event.
    pub fn open(&mut self, payload: &Payload) -> Result<Content<'_>, PayloadError> {
        self.packed.clear();
        let data = payload.data.as_bytes();
        self.packed.reserve(STANDARD.estimated_decoded_length(data.len()));
        STANDARD.decode_append(data, &mut self.packed).map_err(|_| PayloadError::NotBase64)?;
        inflate(&self.packed, &mut self.plain, MOST_BYTES)?;
        read(&self.plain)
    }

    /// Opens the data of a Kinesis record that was read from its stream, which is not base64.
    pub fn open_record(&mut self, data: &[u8]) -> Result<Content<'_>, PayloadError> {
        inflate(data, &mut self.plain, MOST_BYTES)?;
        read(&self.plain)
    }
}

fn inflate(packed: &[u8], plain: &mut Vec<u8>, most: usize) -> Result<(), PayloadError> {
    plain.clear();
    // One byte more, so that reading finds the end without growing.
    plain.reserve(announced_length(packed).min(most) + 1);
    let just_above = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let inflated = GzDecoder::new(packed).take(just_above).read_to_end(plain);
    inflated.map_err(|error| PayloadError::NotGzip { packed: packed.len(), error })?;
    if plain.len() > most {
        return Err(PayloadError::TooLarge { packed: packed.len() });
    }
    Ok(())
}

/// The length that gzip writes at its end (RFC 1952, ISIZE): a hint, since it can be wrong.
fn announced_length(packed: &[u8]) -> usize {
    let announced = packed.last_chunk().map_or(0, |end| u32::from_le_bytes(*end));
    usize::try_from(announced).unwrap_or(usize::MAX).min(packed.len().saturating_mul(MOST_RATIO))
}

fn read(plain: &[u8]) -> Result<Content<'_>, PayloadError> {
    let problem = |problem: String| PayloadError::NotLogEvents { problem };
    let text = str::from_utf8(plain).map_err(|error| problem(error.to_string()))?;
    Content::read(text).map_err(|error| problem(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::LogEvents;

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(vec![], Compression::fast());
        packer.write_all(plain).unwrap();
        packer.finish().unwrap()
    }

    fn payload(packed: &[u8]) -> Payload {
        Payload { data: STANDARD.encode_to_string(packed), source: None }
    }

    fn message(messages: &[String]) -> Value {
        let log_events = messages.iter().zip(0..).map(|(message, place)| {
            json!({"id": format!("3849{place}"), "timestamp": 1000 + place, "message": message})
        });
        json!({
            "messageType": "DATA_MESSAGE",
            "owner": "012345678901",
            "logGroup": "recordings",
            "logStream": "eni-0a1b-all",
            "subscriptionFilters": ["forwarders"],
            "logEvents": log_events.collect::<Vec<_>>(),
        })
    }

    fn refusal(packed: &[u8]) -> String {
        Unpacker::default().open(&payload(packed)).unwrap_err().to_string()
    }

    fn events(content: Content<'_>) -> LogEvents<'_> {
        match content {
            Content::Events(events) => events,
            Content::Control => panic!("no events"),
        }
    }

    proptest! {
        /// Whatever the messages hold, they come out as they went in, base64 or not.
        #[test]
        fn messages_come_out_as_they_went_in(
            deliveries in prop::collection::vec(prop::collection::vec(any::<String>(), 0..4), 1..3),
        ) {
            let mut unpacker = Unpacker::default();
            for messages in deliveries {
                let packed = packed(message(&messages).to_string().as_bytes());
                let opened = events(unpacker.open(&payload(&packed)).unwrap());
                let found: Vec<_> =
                    opened.log_events.iter().map(|event| event.message.clone()).collect();
                prop_assert_eq!(&found, &messages);
                let opened = format!("{opened:?}");
                let direct = events(unpacker.open_record(&packed).unwrap());
                prop_assert_eq!(format!("{direct:?}"), opened);
            }
        }
    }

    #[test]
    fn everything_about_an_event_is_known() {
        let packed = packed(message(&["a b".to_owned(), "c".to_owned()]).to_string().as_bytes());
        let mut unpacker = Unpacker::default();
        let opened = events(unpacker.open(&payload(&packed)).unwrap());
        assert_eq!(opened.owner, "012345678901");
        assert_eq!(opened.log_group, "recordings");
        assert_eq!(opened.log_stream, "eni-0a1b-all");
        let last = opened.log_events.last().unwrap();
        assert_eq!((&*last.id, last.timestamp, &*last.message), ("38491", 1001, "c"));
    }

    #[test]
    fn a_control_message_brings_no_events() {
        let mut control = message(&["CWL CONTROL MESSAGE: Checking health".to_owned()]);
        control["messageType"] = "CONTROL_MESSAGE".into();
        let packed = packed(control.to_string().as_bytes());
        assert_eq!(Unpacker::default().open(&payload(&packed)).unwrap(), Content::Control);
    }

    #[test]
    fn what_is_no_payload_is_named() {
        let not_base64 = Payload { data: "H4sI*".to_owned(), source: None };
        let refused = Unpacker::default().open(&not_base64).unwrap_err();
        assert!(refused.to_string().contains("not base64"), "{refused}");

        let whole = packed(message(&["a".to_owned()]).to_string().as_bytes());
        assert!(refusal(b"{}").contains("cannot be inflated"));
        assert!(refusal(&whole[..whole.len() - 9]).contains("cannot be inflated"));
        let mut broken = whole.clone();
        let checksum = broken.len() - 8;
        broken[checksum] ^= 1;
        assert!(refusal(&broken).contains("cannot be inflated"));

        assert!(refusal(&packed(b"\xff")).contains("invalid utf-8"));
        assert!(refusal(&packed(b"{}")).contains("missing field `messageType`"));
        let other = packed(br#"{"messageType":"PING"}"#);
        assert!(refusal(&other).contains("messageType is `PING`"));
    }

    /// Neither the bytes that come out nor the announced length fill the memory.
    #[test]
    fn what_inflates_without_end_is_refused() {
        let most = 1000;
        let inflated = |length| inflate(&packed(&vec![b' '; length]), &mut vec![], most);
        assert!(inflated(most).is_ok());
        let refused = inflated(most + 1).unwrap_err();
        assert!(matches!(refused, PayloadError::TooLarge { .. }), "{refused}");

        let mut liar = packed(b"{}");
        let length = liar.len() - 4;
        liar[length..].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut unpacker = Unpacker::default();
        assert!(unpacker.open_record(&liar).is_err());
        assert!(unpacker.plain.capacity() < 64 << 10);
    }
}
