//! What was counted, up to where, and which events it were: what a checkpoint holds.

use std::collections::BTreeMap;

use export::prometheus::{Counted, Totals, Window};
use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;

/// How far reading has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The stream, if one is read.
    pub stream: Option<StreamPlace>,
    /// The files, by their names.
    #[serde(default)]
    pub files: BTreeMap<String, FilePlace>,
}

/// How far a stream was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamPlace {
    pub arn: String,
    /// Unix milliseconds.
    pub created: i64,
    /// By the shard's ID.
    pub shards: BTreeMap<String, ShardPlace>,
}

/// How far a shard was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShardPlace {
    /// Not at all, and nothing of it is to be left out.
    Oldest,
    /// Not at all, and only what arrived from then on counts: Unix milliseconds.
    Since(i64),
    /// Up to the record with this sequence number.
    After(String),
    /// To its end.
    Finished,
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePlace {
    pub device: u64,
    pub inode: u64,
    /// Bytes of whole lines.
    pub offset: u64,
}

/// What was counted, up to where, and which events it were.
#[derive(Debug)]
pub(crate) struct State {
    pub totals: Totals,
    pub places: Places,
    pub window: Window,
    /// Rises with every change.
    pub changes: u64,
    /// The totals of the last checkpoint, which is what is shown where there is one.
    pub checkpointed: Totals,
}

impl State {
    /// The state of a checkpoint, or nothing yet.
    pub(crate) fn new(checkpoint: Option<Checkpoint>, most_events: usize) -> Self {
        let checkpoint = checkpoint.unwrap_or_default();
        let mut window = Window::new(most_events);
        for digest in checkpoint.window.0 {
            window.remember(digest);
        }
        Self {
            checkpointed: checkpoint.totals.clone(),
            totals: checkpoint.totals,
            places: checkpoint.places,
            window,
            changes: 0,
        }
    }

    /// Adds what a piece of input adds up to.
    pub(crate) fn add(&mut self, counted: &Counted<'_>, most_subnets: usize) {
        self.totals.add(&counted.tally, most_subnets);
        self.totals.events += counted.lines;
        self.totals.bad_lines += counted.bad_lines;
        self.changes += 1;
    }

    /// Notes how far a shard was read.
    pub(crate) fn set_shard(&mut self, shard: &str, place: ShardPlace) {
        if let Some(stream) = &mut self.places.stream {
            stream.shards.insert(shard.to_owned(), place);
            self.changes += 1;
        }
    }

    /// Notes how far a file was read.
    pub(crate) fn set_file(&mut self, name: &str, place: FilePlace) {
        self.places.files.insert(name.to_owned(), place);
        self.changes += 1;
    }
}
