//! A payload as CloudWatch Logs sends it: one interface's records of a minute.

use std::io::Write as _;

use anyhow::Result;
use deliveries::Payload;
use flate2::{Compression, write::GzEncoder};
use flowlog::{Format, RecordedFormat};
use serde_json::json;

/// How many records a payload has: as many as `PutLogEvents` takes at once.
pub(crate) const EVENTS: usize = 10_000;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) struct Material {
    pub(crate) payload: Payload,
    pub(crate) format: Format,
    pub(crate) plain_bytes: usize,
    /// When the payload came, in seconds since 1970.
    pub(crate) now: i64,
}

impl Material {
    pub(crate) fn new() -> Result<Self> {
        let now = 1_700_000_000;
        let mut chance = Chance(SEED);
        let minute = now - 300;
        let events: Vec<_> = (0..EVENTS)
            .map(|place| {
                let (start, line) = line(&mut chance, minute);
                let id = format!(
                    "38490000{:036}{:012}",
                    start * 1000,
                    chance.below(1 << 40) + place as u64
                );
                json!({"id": id, "timestamp": start * 1000, "message": line})
            })
            .collect();
        let content = json!({
            "messageType": "DATA_MESSAGE",
            "owner": "012345678901",
            "logGroup": "nat-flow-recorder",
            "logStream": "eni-0a1b2c3d4e5f60718-all",
            "subscriptionFilters": ["forwarders"],
            "logEvents": events,
        });
        let plain = content.to_string();
        let mut packer = GzEncoder::new(vec![], Compression::default());
        packer.write_all(plain.as_bytes())?;
        let data = base64_simd::STANDARD.encode_to_string(packer.finish()?);
        Ok(Self {
            payload: Payload { data, source: None },
            format: RecordedFormat::Zonal.format(),
            plain_bytes: plain.len(),
            now: i64::try_from(now)?,
        })
    }
}

/// A record in the recorder's format, and when it starts.
fn line(chance: &mut Chance, minute: u64) -> (u64, String) {
    let client = format!("10.0.{}.{}", chance.below(4), chance.below(250));
    let peer = format!("203.0.{}.{}", chance.below(8), chance.below(250));
    let port = 1024 + chance.below(60_000);
    let protocol = if chance.below(10) == 0 { 17 } else { 6 };
    let packets = 1 + chance.below(2_000);
    let bytes = packets * (40 + chance.below(1_400));
    let start = minute + chance.below(60);
    let end = start + chance.below(60);
    let (direction, path, source, ports, destination) = if chance.below(2) == 0 {
        ("ingress", "-", client.as_str(), format!("{port}"), "10.0.0.220")
    } else {
        ("egress", "8", "10.0.0.220", format!("{port}"), peer.as_str())
    };
    let line = format!(
        "ACCEPT {direction} {path} {source} {ports} {destination} 443 {protocol} {bytes} IPv4 \
         {source} - {peer} - {packets} {start} {end} 19 OK eni-0a1b2c3d4e5f60718"
    );
    (start, line)
}

/// Xorshift: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
