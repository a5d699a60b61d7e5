//! Reading the shards of a Kinesis stream.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    config::{Builder, retry::RetryConfig},
    types::ShardIteratorType,
};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;

use crate::ReadError;

/// A Kinesis stream.
///
/// No call is repeated here: a shard answers five calls a second, whoever asks, and the caller
/// counts them.
#[derive(Clone, Debug)]
pub struct Stream {
    client: Client,
    name: String,
}

/// Which stream it is: another one of the same name has another time of creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamIdentity {
    /// Its ARN.
    pub arn: String,
    /// When it was created, in Unix milliseconds.
    pub created: i64,
}

/// A shard, as the stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// `shardId-…`.
    pub id: String,
    /// The shards that it was split from or merged of; they may be gone.
    pub parents: Vec<String>,
    /// Whether nothing more is written to it.
    pub is_closed: bool,
}

/// Where reading a shard begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom<'a> {
    /// At its oldest record.
    Oldest,
    /// After all that it has.
    Latest,
    /// After the record with this sequence number.
    After(&'a str),
    /// At the first record that arrived then or later.
    Since(Timestamp),
}

/// What one call reads.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The records, in their order.
    pub records: Vec<StreamRecord>,
    /// The iterator of the next call; none at the end of a closed shard.
    pub next: Option<String>,
    /// How long before now the last record arrived that was looked at.
    pub behind: Duration,
}

/// A record of a stream.
#[derive(Clone, Debug)]
pub struct StreamRecord {
    /// Its place in the shard.
    pub sequence_number: String,
    /// What its producer wrote.
    pub data: Vec<u8>,
}

impl Stream {
    /// The stream of this name or ARN in the configuration's account and region.
    pub fn new(config: &SdkConfig, name: &str) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Ok(Self { client: Client::from_conf(config), name: name.to_owned() })
    }

    /// Which stream it is.
    pub async fn identity(&self) -> Result<StreamIdentity, ReadError> {
        const OPERATION: &str = "kinesis:DescribeStreamSummary";
        let (name, arn) = self.by_name();
        let call = self.client.describe_stream_summary().set_stream_name(name).set_stream_arn(arn);
        let answer = call.send().await.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        let summary = answer.stream_description_summary();
        let summary =
            summary.ok_or_else(|| ReadError::Unusable(format!("{OPERATION}: nothing")))?;
        let created = summary.stream_creation_timestamp().to_millis().unwrap_or_default();
        Ok(StreamIdentity { arn: summary.stream_arn().to_owned(), created })
    }

    /// All shards that still have records, and the open ones.
    pub async fn shards(&self) -> Result<Vec<Shard>, ReadError> {
        const OPERATION: &str = "kinesis:ListShards";
        let (mut shards, mut token) = (vec![], None);
        loop {
            // A token stands for the stream's name.
            let (name, arn) = if token.is_none() { self.by_name() } else { (None, None) };
            let call = self.client.list_shards().set_stream_name(name).set_stream_arn(arn);
            let answer = call.set_next_token(token).send().await;
            let answer = answer.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            shards.extend(answer.shards().iter().map(described));
            token = answer.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    /// An iterator, which is good for five minutes.
    pub async fn iterator(&self, shard: &str, from: ReadFrom<'_>) -> Result<String, ReadError> {
        const OPERATION: &str = "kinesis:GetShardIterator";
        let (name, arn) = self.by_name();
        let call = self.client.get_shard_iterator().set_stream_name(name).set_stream_arn(arn);
        let call = call.shard_id(shard);
        let call = match from {
            ReadFrom::Oldest => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            ReadFrom::Latest => call.shard_iterator_type(ShardIteratorType::Latest),
            ReadFrom::After(number) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number),
            ReadFrom::Since(time) => call
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(time.as_millisecond())),
        };
        let answer = call.send().await.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        answer.shard_iterator.ok_or_else(|| ReadError::Unusable(format!("{OPERATION}: nothing")))
    }

    /// The next records, 10 MB at most.
    pub async fn records(&self, iterator: &str) -> Result<Batch, ReadError> {
        const OPERATION: &str = "kinesis:GetRecords";
        let call = self.client.get_records().shard_iterator(iterator);
        // An ARN says which account's stream it is; a name is the caller's own.
        let answer = call.set_stream_arn(self.by_name().1).send().await;
        let answer = answer.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        let behind = u64::try_from(answer.millis_behind_latest.unwrap_or_default());
        let records = answer.records.into_iter().map(|record| StreamRecord {
            sequence_number: record.sequence_number,
            data: record.data.into_inner(),
        });
        Ok(Batch {
            records: records.collect(),
            next: answer.next_shard_iterator,
            behind: Duration::from_millis(behind.unwrap_or_default()),
        })
    }

    /// The stream's name, or its ARN.
    fn by_name(&self) -> (Option<String>, Option<String>) {
        let name = Some(self.name.clone());
        if self.name.starts_with("arn:") { (None, name) } else { (name, None) }
    }
}

fn described(shard: &aws_sdk_kinesis::types::Shard) -> Shard {
    let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
    let range = shard.sequence_number_range();
    Shard {
        id: shard.shard_id().to_owned(),
        parents: parents.into_iter().flatten().map(str::to_owned).collect(),
        is_closed: range.is_some_and(|range| range.ending_sequence_number().is_some()),
    }
}
