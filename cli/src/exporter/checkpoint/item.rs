//! A checkpoint in an item of DynamoDB: its text, compressed.

use std::io::{Read as _, Write as _};

use aws_adapters::{CheckpointItem, MOST_CHECKPOINT_BYTES, SdkConfig, Written};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};

use super::WriteError;

/// How many events an item remembers: 80 KB of the 400 KB that an item may have, since what is
/// random cannot be compressed, and every kilobyte is billed with every write.
pub(super) const MOST_EVENTS: usize = 10_000;

/// A checkpoint in an item.
pub(super) struct Item {
    stored: CheckpointItem,
    /// What was written last.
    version: u64,
    /// Nobody else is called so.
    writer: String,
}

impl Item {
    /// Reads the item, if it is there.
    pub(super) async fn open(
        place: &str,
        stream: Option<&str>,
        config: &SdkConfig,
    ) -> Result<(Self, Option<Vec<u8>>), String> {
        let (table, name) = place.split_once('/').unwrap_or((place, ""));
        let name = if name.is_empty() { stream.unwrap_or_default() } else { name };
        if table.is_empty() || name.is_empty() {
            return Err("expected dynamodb://TABLE/NAME".to_owned());
        }
        let item = CheckpointItem::new(config, table, name).map_err(|error| error.to_string())?;
        let stored = item.read().await.map_err(|error| error.to_string())?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        let text = stored.map(|stored| inflated(&stored.content)).transpose()?;
        let started = jiff::Timestamp::now().as_nanosecond();
        let writer = format!("{}-{started}", std::process::id());
        Ok((Self { stored: item, version, writer }, text))
    }

    /// Replaces the item, unless another exporter has.
    pub(super) async fn write(&mut self, text: &[u8]) -> Result<(), WriteError> {
        let content = deflated(text);
        let content = content.map_err(|error| WriteError::ForTheMoment(error.to_string()))?;
        if content.len() > MOST_CHECKPOINT_BYTES {
            return Err(WriteError::ForTheMoment(format!(
                "the checkpoint has {} bytes, and an item of DynamoDB holds {MOST_CHECKPOINT_BYTES}: \
                 lower --max-subnets, or write to a file",
                content.len()
            )));
        }
        loop {
            let written = self.stored.write(self.version + 1, &self.writer, &content).await;
            match written.map_err(|error| WriteError::ForTheMoment(error.to_string()))? {
                Written::Done => {
                    self.version += 1;
                    return Ok(());
                }
                // This one comes after it.
                Written::Preceded => self.version += 1,
                Written::Overtaken => return Err(WriteError::Overtaken),
            }
        }
    }
}

fn deflated(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}

fn inflated(content: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = vec![];
    let read = GzDecoder::new(content).read_to_end(&mut text);
    read.map_err(|error| format!("it is no checkpoint: {error}"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::{Checkpoint, Digests, parse};
    use super::*;
    use crate::exporter::state::{Places, ShardPlace, StreamPlace};

    /// A thousand subnets, five hundred shards and all events that it remembers.
    #[test]
    fn a_large_checkpoint_has_room_in_an_item() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let mut checkpoint = Checkpoint::default();
        for place in 0..1000 {
            let label = format!("10.{}.{}.0/24", place / 256, place % 256);
            let counts = checkpoint.totals.subnets.entry(label).or_default();
            counts.received_bytes = next() >> 16;
            counts.sent_bytes = next() >> 16;
            counts.received_packets = next() >> 24;
            counts.sent_packets = next() >> 24;
            counts.accepts = next() >> 24;
            counts.denies = next() >> 40;
        }
        let shards = (0..500).map(|place| {
            let number = format!("4959033827149025660855969253836157{:022}", next());
            (format!("shardId-{place:012}"), ShardPlace::After(number))
        });
        let stream = StreamPlace { arn: "arn".to_owned(), created: 0, shards: shards.collect() };
        checkpoint.places = Places { stream: Some(stream), ..Places::default() };
        checkpoint.window = Digests((0..MOST_EVENTS).map(|_| next()).collect());
        let text = serde_json::to_vec(&checkpoint).unwrap();
        let content = deflated(&text).unwrap();
        assert!(content.len() < MOST_CHECKPOINT_BYTES / 2, "{} bytes", content.len());
        assert_eq!(parse(&inflated(&content).unwrap()).unwrap().totals, checkpoint.totals);
    }
}
