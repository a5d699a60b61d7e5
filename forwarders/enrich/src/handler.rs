use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use aws_adapters::{DeliveryStreams, Ec2NetworkInterfaces, SdkConfig};
use enrichment::{
    Batches, DatabaseError, Enricher, Event, Geolocation, MOST_ADDRESSES, NoAnswer, Outcome,
    Transformed, UnknownInterfaces,
};
use lambda_kit::Failure;
use mapped_file::MappedFile;
use recording::{Error, ports::NetworkInterfaces as _};
use serde_json::value::RawValue;
use tracing::{info, warn};

use crate::{databases, settings};

/// What is left of an invocation's time when it gives up putting back.
const TIME_TO_ANSWER: Duration = Duration::from_secs(5);

/// What is asked of AWS.
pub(crate) struct Aws {
    pub(crate) interfaces: Ec2NetworkInterfaces,
    pub(crate) streams: DeliveryStreams,
}

/// The enricher, which one invocation after the other uses.
pub(crate) type Kept = RefCell<Enricher<MappedFile>>;

/// Makes an enricher from the settings.
pub(crate) async fn open(config: &SdkConfig) -> Result<Kept, Failure> {
    let (format, most_age) = (settings::format()?, settings::most_age()?);
    let mut files = vec![];
    for place in settings::databases() {
        files.push(databases::open(config, &place).await?);
    }
    let databases = Geolocation::open(files, MOST_ADDRESSES).map_err(|error| wrong(&error))?;
    Ok(RefCell::new(Enricher::new(format, databases, most_age)))
}

/// Answers an event of Firehose.
pub(crate) async fn handle(
    kept: &Kept,
    aws: &Aws,
    event: &str,
    time_left: Duration,
) -> Result<Box<RawValue>, Failure> {
    let event = Event::read(event)?;
    let now = Instant::now();
    let transformed = loop {
        let transformed = kept.borrow_mut().transform(&event, now);
        match transformed {
            Ok(transformed) => break transformed,
            Err(NoAnswer::Unknown(unknown)) => learn(kept, aws, &unknown, now).await?,
            Err(NoAnswer::Database(error)) => return Err(wrong(&error)),
        }
    };
    let deadline = now + time_left.saturating_sub(TIME_TO_ANSWER);
    let not_put_back = put_back(aws, &event, &transformed, deadline).await?;
    tell(&transformed, not_put_back.len());
    Ok(RawValue::from_string(transformed.into_json(&not_put_back))?)
}

/// Asks EC2 about all interfaces that are not known, in as few calls as it takes.
async fn learn(
    kept: &Kept,
    aws: &Aws,
    unknown: &UnknownInterfaces,
    now: Instant,
) -> Result<(), Error> {
    let found = aws.interfaces.with_ids(&unknown.0).await?;
    let mut instances: Vec<_> = found.iter().filter_map(|one| one.instance_id.clone()).collect();
    instances.sort_unstable();
    instances.dedup();
    let tags = aws.interfaces.instance_tags(&instances).await?;
    info!(asked = unknown.0.len(), found = found.len(), "asked EC2 about interfaces");
    kept.borrow_mut().learn(unknown, &found, &tags, now);
    Ok(())
}

/// Puts what found no room in the answer into the stream again. Returns what the stream did not
/// take.
async fn put_back(
    aws: &Aws,
    event: &Event<'_>,
    transformed: &Transformed,
    deadline: Instant,
) -> Result<Vec<usize>, Error> {
    let Some(stream) = event.delivery_stream_name() else { return Ok(vec![]) };
    let mut batches = Batches::default();
    let mut calls = vec![];
    for place in transformed.overflow() {
        let mut data = vec![];
        event.records.get(place).and_then(|record| record.decode(&mut data));
        calls.extend(batches.add(data));
    }
    calls.extend(batches.take());
    let mut places = transformed.overflow();
    let mut not_taken = vec![];
    for call in calls {
        let of_call: Vec<_> = places.by_ref().take(call.len()).collect();
        let time = deadline.saturating_duration_since(Instant::now());
        if time.is_zero() {
            not_taken.extend(of_call);
            continue;
        }
        let refused = aws.streams.put(stream, call, time).await?;
        not_taken.extend(refused.iter().filter_map(|place| of_call.get(*place)));
    }
    Ok(not_taken)
}

fn tell(transformed: &Transformed, not_put_back: usize) {
    let Outcome { documents, without_record, failed, reasons } = &transformed.outcome;
    let put_back = transformed.overflow().count() - not_put_back;
    info!(documents, without_record, put_back, failed = failed + not_put_back, "transformed");
    for (record, reason) in reasons {
        warn!(record, "no flow-log record, kept in the bucket: {reason}");
    }
    if put_back > 0 {
        warn!("the answer was full: lower the BufferSizeInMBs of the stream's processor");
    }
}

fn wrong(error: &DatabaseError) -> Failure {
    Failure::new("DatabaseWrong", error.to_string())
}
