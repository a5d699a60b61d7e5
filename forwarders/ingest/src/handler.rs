use aws_adapters::{Bucket, ReadError, SdkConfig};
use deliveries::{Content, Delivery, Object, PartialFailures, Payload, Told, Unpacker};
use lambda_kit::Failure;
use objects::Blocks;
use recording::ErrorName;
use serde_json::Value;
use tracing::{error, info, warn};

use crate::{
    lines::{self, ObjectLines},
    outlet::{Counts, Outlet, Records},
};

/// Where objects are read.
pub(crate) struct Source(pub(crate) SdkConfig);

/// Puts everything that the event brings into the stream. What fails and can come again by
/// itself, a record of Kinesis or a message of SQS, is answered; anything else fails the
/// invocation.
pub(crate) async fn handle(
    source: &Source,
    outlet: impl Outlet,
    event: Value,
) -> Result<PartialFailures, Failure> {
    let delivery = Delivery::read(event).map_err(|error| refused(&error))?;
    match delivery {
        Delivery::Payloads(payloads) => put_payloads(&outlet, &payloads).await,
        Delivery::Objects(told) => put_objects(source, &outlet, &told).await,
    }
}

/// One payload after the other. Of a stream, the one that failed and all after it come again; that
/// the first has failed fails the invocation, for the function's metrics, and the alarm, to show it.
async fn put_payloads(
    outlet: &impl Outlet,
    payloads: &[Payload],
) -> Result<PartialFailures, Failure> {
    let mut unpacker = Unpacker::default();
    let mut failures = PartialFailures::default();
    for (payload, place) in payloads.iter().zip(0..) {
        if let Err(failure) = put_payload(outlet, &mut unpacker, payload).await {
            let source = payload.source.as_ref().filter(|_| place > 0);
            let Some(source) = source else { return Err(failure) };
            error!(error = failure.name(), shard = source.shard, "{failure}");
            failures.add(&source.sequence_number);
            break;
        }
    }
    Ok(failures)
}

async fn put_payload(
    outlet: &impl Outlet,
    unpacker: &mut Unpacker,
    payload: &Payload,
) -> Result<(), Failure> {
    let events = match unpacker.open(payload).map_err(|error| refused(&error))? {
        Content::Control => return Ok(()),
        Content::Events(events) => events,
    };
    let mut records = Records::new(outlet);
    for event in &events.log_events {
        for record in lines::of_message(&event.message) {
            records.add(record).await?;
        }
    }
    told(&format!("{}:{}", events.log_group, events.log_stream), records.finish().await?);
    Ok(())
}

async fn put_objects(
    source: &Source,
    outlet: &impl Outlet,
    told: &[Told],
) -> Result<PartialFailures, Failure> {
    let mut failures = PartialFailures::default();
    for group in told {
        match (put_group(source, outlet, group).await, &group.message_id) {
            (Ok(()), _) => {}
            (Err(failure), None) => return Err(failure),
            (Err(failure), Some(message)) => {
                error!(error = failure.name(), message, "{failure}");
                failures.add(message);
            }
        }
    }
    Ok(failures)
}

async fn put_group(source: &Source, outlet: &impl Outlet, group: &Told) -> Result<(), Failure> {
    if let Some(error) = &group.error {
        return Err(refused(error));
    }
    for object in &group.objects {
        put_object(source, outlet, object).await?;
    }
    Ok(())
}

async fn put_object(source: &Source, outlet: &impl Outlet, object: &Object) -> Result<(), Failure> {
    let place = format!("s3://{}/{}", object.bucket, object.key);
    let mut bucket = Bucket::new(&source.0, &object.bucket);
    let found = bucket.describe(&object.key).await.map_err(|error| unread(&place, &error))?;
    let mut stream = bucket.part(&found, 0..found.size);
    let (mut blocks, mut lines) = (Blocks::new(), ObjectLines::default());
    let mut records = Records::new(outlet);
    while !blocks.is_ended() {
        match stream.next().await.map_err(|error| unread(&place, &error))? {
            Some(piece) => blocks.push(piece),
            None => blocks.end(),
        }
        let broken = |error| Failure::new("ObjectRefused", format!("{place}: {error}"));
        while let Some(block) = blocks.next().map_err(broken)? {
            for record in lines.records(block) {
                records.add(record).await?;
            }
        }
    }
    told(&place, records.finish().await?);
    Ok(())
}

fn told(place: &str, counts: Counts) {
    info!(from = place, records = counts.put, "put");
    if counts.too_long > 0 {
        warn!(from = place, lines = counts.too_long, "longer than a record of Firehose may be");
    }
}

fn refused(error: &impl std::error::Error) -> Failure {
    Failure::new(ErrorName::EventRefused.as_str(), error.to_string())
}

fn unread(place: &str, error: &ReadError) -> Failure {
    let name = match error {
        ReadError::NoAnswer { .. } => ErrorName::Transient,
        _ => ErrorName::AwsRefused,
    };
    Failure::new(name.as_str(), format!("{place} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
