//! Where the records go.

use std::time::{Duration, Instant};

use aws_adapters::DeliveryStreams;
use enrichment::{Batch, Batches, MOST_RECORD_BYTES};
use lambda_kit::Failure;
use recording::Error;

/// What is left of an invocation's time when it gives up: enough to say so.
const TIME_TO_FAIL: Duration = Duration::from_secs(2);

/// Takes batches of records.
pub(crate) trait Outlet {
    /// Puts a batch; how many records of it were not taken, however often they were put.
    async fn put(&self, batch: Batch) -> Result<usize, Error>;
}

/// A delivery stream, for the time of an invocation.
pub(crate) struct Firehose {
    streams: DeliveryStreams,
    name: String,
    deadline: Instant,
}

impl Firehose {
    pub(crate) fn new(streams: DeliveryStreams, name: String, time_left: Duration) -> Self {
        let deadline = Instant::now() + time_left.saturating_sub(TIME_TO_FAIL);
        Self { streams, name, deadline }
    }
}

impl Outlet for Firehose {
    async fn put(&self, batch: Batch) -> Result<usize, Error> {
        let time = self.deadline.saturating_duration_since(Instant::now());
        Ok(self.streams.put(&self.name, batch, time).await?.len())
    }
}

/// Records on their way into an outlet.
pub(crate) struct Records<'o, O> {
    outlet: &'o O,
    batches: Batches,
    counts: Counts,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many are in the stream now.
    pub(crate) put: usize,
    /// How many are longer than a record may be: no flow log has such.
    pub(crate) too_long: usize,
}

impl<'o, O: Outlet> Records<'o, O> {
    pub(crate) fn new(outlet: &'o O) -> Self {
        Self { outlet, batches: Batches::default(), counts: Counts::default() }
    }

    /// Adds a record, and puts a batch when it is full.
    pub(crate) async fn add(&mut self, record: Vec<u8>) -> Result<(), Failure> {
        if record.len() > MOST_RECORD_BYTES {
            self.counts.too_long += 1;
            return Ok(());
        }
        match self.batches.add(record) {
            Some(full) => self.put(full).await,
            None => Ok(()),
        }
    }

    /// Puts what is left. After that, everything is in the stream.
    pub(crate) async fn finish(mut self) -> Result<Counts, Failure> {
        if let Some(last) = self.batches.take() {
            self.put(last).await?;
        }
        Ok(self.counts)
    }

    async fn put(&mut self, batch: Batch) -> Result<(), Failure> {
        let records = batch.len();
        match self.outlet.put(batch).await? {
            0 => {
                self.counts.put += records;
                Ok(())
            }
            refused => Err(Failure::new(
                "NotTaken",
                format!(
                    "the delivery stream has not taken {refused} of {records} records in time, \
                     after {} that it has: raise its quota of records a second, or let fewer \
                     functions run at a time",
                    self.counts.put
                ),
            )),
        }
    }
}
