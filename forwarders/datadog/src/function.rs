//! From an invocation's event to what is sent.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_adapters::{Bucket, SdkConfig};
use datadog::{Forwarder, Moment, ObjectName, Retries, Sent};
use deliveries::{Content, Delivery, Object, PartialFailures, Payload, Told, Unpacker};
use lambda_kit::{Failure, Invocation};
use serde_json::Value;
use tracing::{error, info, warn};

use crate::account::{AwsAccount, Download};
use crate::failure;
use crate::intake::HttpsIntake;
use crate::settings::{Settings, api_key};

/// An invocation ends so long before Lambda would end it, so that it fails in words.
const SPARE: Duration = Duration::from_secs(3);

/// What an attempt to reach the intake may take.
const ATTEMPT: Duration = Duration::from_secs(15);

/// The pause after the first attempt, on average.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What is kept between invocations that succeed.
pub(crate) struct Function {
    config: SdkConfig,
    forwarder: Forwarder<AwsAccount, HttpsIntake>,
    unpacker: Unpacker,
}

/// What Lambda is answered: which records of a stream, or messages of a queue, must come again.
/// Other events' answers are read by nobody.
pub(crate) type Reply = PartialFailures;

impl Function {
    /// Reads the settings and the key.
    pub(crate) async fn start(config: &SdkConfig) -> Result<Self, Failure> {
        let settings = Settings::read()?;
        let intake = HttpsIntake::new(settings.url, api_key(config).await?);
        let account = AwsAccount::new(config, settings.table);
        let forwarder = Forwarder::new(account, intake, settings.forwarding);
        Ok(Self { config: config.clone(), forwarder, unpacker: Unpacker::default() })
    }

    /// Sends what an event brings.
    pub(crate) async fn handle(
        &mut self,
        event: Value,
        invocation: &Invocation,
    ) -> Result<Reply, Failure> {
        let moment = moment(invocation);
        match Delivery::read(event).map_err(|error| failure::of_event(&error))? {
            Delivery::Payloads(payloads) => self.forward_payloads(&payloads, moment).await,
            Delivery::Objects(told) => self.forward_told(&told, moment).await,
        }
    }

    /// One payload after the other. Of a stream, what comes behind a record that failed comes
    /// again with it, so the rest is not tried; that the first has failed fails the invocation,
    /// for the function's metrics to show it.
    async fn forward_payloads(
        &mut self,
        payloads: &[Payload],
        moment: Moment,
    ) -> Result<Reply, Failure> {
        let mut sent = Sent::default();
        let mut failures = PartialFailures::default();
        for (payload, place) in payloads.iter().zip(0..) {
            match self.forward_payload(payload, moment).await {
                Ok(of_payload) => sent.add(&of_payload),
                Err(failure) => match payload.source.as_ref().filter(|_| place > 0) {
                    Some(source) => {
                        error!(
                            error = failure.name(),
                            sequenceNumber = source.sequence_number,
                            shard = source.shard,
                            "from this record on all will come again: {failure}"
                        );
                        failures.add(&source.sequence_number);
                        break;
                    }
                    None => return Err(failure),
                },
            }
        }
        report(&sent);
        Ok(failures)
    }

    async fn forward_payload(
        &mut self,
        payload: &Payload,
        moment: Moment,
    ) -> Result<Sent, Failure> {
        match self.unpacker.open(payload).map_err(|error| failure::of_payload(&error))? {
            Content::Control => Ok(Sent::default()),
            Content::Events(delivered) => self
                .forwarder
                .forward_log_events(&delivered, moment)
                .await
                .map_err(failure::of_forwarding),
        }
    }

    /// Messages of a queue fail one by one, every other event as a whole.
    async fn forward_told(&mut self, told: &[Told], moment: Moment) -> Result<Reply, Failure> {
        let mut sent = Sent::default();
        let mut failures = PartialFailures::default();
        for message in told {
            match (self.forward_objects(message, moment).await, &message.message_id) {
                (Ok(of_message), _) => sent.add(&of_message),
                (Err(failure), Some(message_id)) => {
                    error!(
                        error = failure.name(),
                        messageId = message_id,
                        "this message will come again: {failure}"
                    );
                    failures.add(message_id);
                }
                (Err(failure), None) => return Err(failure),
            }
        }
        report(&sent);
        Ok(failures)
    }

    async fn forward_objects(&mut self, told: &Told, moment: Moment) -> Result<Sent, Failure> {
        if let Some(error) = &told.error {
            return Err(failure::of_event(&error.clone().into()));
        }
        let mut sent = Sent::default();
        for object in &told.objects {
            sent.add(&self.forward_object(object, moment).await?);
        }
        Ok(sent)
    }

    async fn forward_object(&mut self, told: &Object, moment: Moment) -> Result<Sent, Failure> {
        let mut bucket = Bucket::new(&self.config, &told.bucket);
        let object = match bucket.describe(&told.key).await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NotFound") => {
                warn!(bucket = told.bucket, key = told.key, "the object is gone");
                return Ok(Sent::default());
            }
            Err(error) => return Err(failure::of_read(&error)),
        };
        let version = format!("{} {}", object.size, object.modified.unwrap_or_default());
        let name = ObjectName { bucket: &told.bucket, key: &told.key, version: &version };
        let mut pieces = Download(bucket.part(&object, 0..object.size));
        let sent = self.forwarder.forward_object(name, &mut pieces, moment).await;
        sent.map_err(failure::of_object)
    }
}

fn moment(invocation: &Invocation) -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let retries = Retries {
        deadline: Instant::now() + invocation.time_left.saturating_sub(SPARE),
        attempt: ATTEMPT,
        pause: FIRST_PAUSE,
    };
    Moment { now: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), retries }
}

/// Says what was sent, and loudly what was not.
fn report(sent: &Sent) {
    let seen = sent.seen;
    if sent.too_old + sent.too_new > 0 {
        warn!(
            tooOld = sent.too_old,
            tooNew = sent.too_new,
            "records not sent: Datadog takes points of the last hour and the next 10 minutes"
        );
    }
    if seen.bad_lines > 0 {
        warn!(badLines = seen.bad_lines, "lines that are no records of the format");
    }
    if !sent.missing.is_empty() {
        info!(fields = ?sent.missing, "metrics or tags are missing: the format lacks these fields");
    }
    info!(
        records = seen.records,
        noData = seen.no_data,
        skipData = seen.skip_data,
        points = sent.points,
        requests = sent.requests,
        "sent"
    );
}
