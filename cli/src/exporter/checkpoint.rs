//! Checkpoints: the whole state in one write, to a file or to an item of DynamoDB.

mod file;
mod item;

use std::time::Duration;

use aws_adapters::SdkConfig;
use export::prometheus::Totals;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Exporter;
use super::state::Places;
use crate::arguments::ExporterArguments;
use crate::error::Error;

use file::CheckpointFile;
use item::Item;

/// What an item of DynamoDB is named by on the command line.
const DYNAMODB: &str = "dynamodb://";

/// The layout of checkpoints. Another one is refused.
const LAYOUT: u32 = 1;

/// A state, as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// [`LAYOUT`].
    layout: u32,
    pub places: Places,
    pub totals: Totals,
    /// The events that were counted last.
    pub window: Digests,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            layout: LAYOUT,
            places: Places::default(),
            totals: Totals::default(),
            window: Digests::default(),
        }
    }
}

/// Digests of events, the oldest first: base64 of 64 bits each, little-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests(pub Vec<u64>);

impl Serialize for Digests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|digest| digest.to_le_bytes()).collect();
        serializer.serialize_str(&base64_simd::STANDARD.encode_to_string(bytes))
    }
}

impl<'de> Deserialize<'de> for Digests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = base64_simd::STANDARD.decode_to_vec(text).map_err(D::Error::custom)?;
        let (digests, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(D::Error::custom("the window is no whole number of events"));
        }
        Ok(Self(digests.iter().map(|digest| u64::from_le_bytes(*digest)).collect()))
    }
}

/// Reads a checkpoint's text; an error says what is wrong with it.
fn parse(text: &[u8]) -> Result<Checkpoint, String> {
    let checkpoint: Checkpoint =
        serde_json::from_slice(text).map_err(|error| format!("it is no checkpoint: {error}"))?;
    if checkpoint.layout != LAYOUT {
        let found = checkpoint.layout;
        return Err(format!("its layout is {found}, expected {LAYOUT}: another natflow wrote it"));
    }
    Ok(checkpoint)
}

/// Why a checkpoint was not written.
pub(crate) enum WriteError {
    /// It may work the next time.
    ForTheMoment(String),
    /// Another exporter goes on from it now.
    Overtaken,
}

/// Writes checkpoints.
pub(crate) struct Checkpointer {
    name: String,
    store: Store,
    every: Duration,
    restored: Option<Checkpoint>,
    /// The changes that were written.
    written: Option<u64>,
}

enum Store {
    File(CheckpointFile),
    Item(Item),
}

impl Checkpointer {
    /// Finds the checkpoint of the command line, if it names one, and keeps others from it.
    pub(crate) async fn open(
        arguments: &ExporterArguments,
        config: &SdkConfig,
    ) -> Result<Option<Self>, Error> {
        let Some(argument) = &arguments.checkpoint else { return Ok(None) };
        let unreadable = |reason| Error::Unreadable { name: argument.clone(), reason };
        let (store, text) = if let Some(place) = argument.strip_prefix(DYNAMODB) {
            let stream = arguments.stream.as_deref();
            let (item, text) = Item::open(place, stream, config).await.map_err(unreadable)?;
            (Store::Item(item), text)
        } else {
            let (file, text) = CheckpointFile::open(argument.as_ref())?;
            (Store::File(file), text)
        };
        let restored = text.map(|text| parse(&text)).transpose().map_err(unreadable)?;
        let (name, every) = (argument.clone(), arguments.checkpoint_every);
        Ok(Some(Self { name, store, every, restored, written: None }))
    }

    /// What the checkpoint held.
    pub(crate) fn take_restored(&mut self) -> Option<Checkpoint> {
        self.restored.take()
    }

    /// Writes what was read, so that whoever wrote it before notices.
    pub(crate) async fn claim(&mut self, exporter: &Exporter) -> Result<(), Error> {
        self.write(exporter).await
    }

    /// Writes the state as it is.
    pub(crate) async fn write(&mut self, exporter: &Exporter) -> Result<(), Error> {
        self.try_write(exporter).await.map_err(|error| self.fatal(error))
    }

    /// Writes changes as long as it can; why it no longer can.
    pub(crate) async fn keep_writing(&mut self, exporter: &Exporter) -> Error {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.try_write(exporter).await {
                Ok(()) => exporter.health.works("the checkpoint"),
                Err(WriteError::ForTheMoment(reason)) => {
                    if exporter.health.fails("the checkpoint", &reason) {
                        exporter.note(&format!("{}: {reason}", self.name));
                    }
                }
                Err(overtaken) => return self.fatal(overtaken),
            }
        }
    }

    async fn try_write(&mut self, exporter: &Exporter) -> Result<(), WriteError> {
        let most_events = match self.store {
            Store::File(_) => usize::MAX,
            Store::Item(_) => item::MOST_EVENTS,
        };
        let (checkpoint, changes) = {
            let state = exporter.state();
            if self.written == Some(state.changes) {
                return Ok(());
            }
            let checkpoint = Checkpoint {
                layout: LAYOUT,
                places: state.places.clone(),
                totals: state.totals.clone(),
                window: Digests(state.window.newest(most_events).collect()),
            };
            (checkpoint, state.changes)
        };
        let text = serde_json::to_vec(&checkpoint)
            .map_err(|error| WriteError::ForTheMoment(error.to_string()))?;
        match &mut self.store {
            Store::File(file) => tokio::task::block_in_place(|| file.write(&text))?,
            Store::Item(item) => item.write(&text).await?,
        }
        self.written = Some(changes);
        exporter.state().checkpointed = checkpoint.totals;
        exporter.health.has_checkpointed(Timestamp::now());
        Ok(())
    }

    fn fatal(&self, error: WriteError) -> Error {
        let reason = match error {
            WriteError::ForTheMoment(reason) => reason,
            WriteError::Overtaken => {
                "another exporter goes on from this checkpoint now: give each \
                                      its own"
                    .to_owned()
            }
        };
        Error::Unreadable { name: self.name.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporter::state::{FilePlace, ShardPlace, StreamPlace};

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let shards = [
            ("shardId-000000000000".to_owned(), ShardPlace::Finished),
            ("shardId-000000000001".to_owned(), ShardPlace::After("49".to_owned())),
            ("shardId-000000000002".to_owned(), ShardPlace::Since(1_700_000_000_123)),
            ("shardId-000000000003".to_owned(), ShardPlace::Oldest),
        ];
        let stream = StreamPlace { arn: "arn".to_owned(), created: 7, shards: shards.into() };
        let file = FilePlace { device: 1, inode: 2, offset: 3 };
        let mut checkpoint = Checkpoint {
            window: Digests(vec![u64::MAX, 0, 7]),
            places: Places { stream: Some(stream), files: [("a".to_owned(), file)].into() },
            ..Checkpoint::default()
        };
        checkpoint.totals.subnets.entry("10.0.0.0/8".to_owned()).or_default().denies = u64::MAX;
        let read = parse(&serde_json::to_vec(&checkpoint).unwrap()).unwrap();
        assert_eq!(read.places, checkpoint.places);
        assert_eq!(read.totals, checkpoint.totals);
        assert_eq!(read.window, checkpoint.window);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        assert!(parse(b"{}").unwrap_err().starts_with("it is no checkpoint: missing field"));
        let other = Checkpoint { layout: 2, ..Checkpoint::default() };
        let error = parse(&serde_json::to_vec(&other).unwrap()).unwrap_err();
        assert_eq!(error, "its layout is 2, expected 1: another natflow wrote it");
    }
}
