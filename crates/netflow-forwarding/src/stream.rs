//! The stream of datagrams to the collectors.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use collectors::Collectors;
use export::netflow::{Counts, Encoder};
use flowlog::{Leg, Record};

use crate::{Error, Sequences, Settings};

/// Numbers are reserved for so many datagrams at a time: about 1.4 MB, and one write to the table
/// for some 28,000 records.
const MOST_DATAGRAMS: usize = 1000;

/// So many bytes of datagrams are kept at the most, however long each is.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Datagrams on their way to the collectors.
///
/// They are encoded first, then as many numbers are reserved as they take, then they are sent: so
/// that a number that is reserved and not sent stands for a datagram that was lost, which is what
/// collectors take a gap for.
pub(crate) struct Stream<'s, S> {
    encoder: Encoder,
    collectors: Collectors,
    sequences: &'s S,
    domain: String,
    most_datagrams: usize,
    /// Records in a second.
    rate: Option<u32>,
    /// What tells this invocation's reservations from all others.
    token: String,
    reservations: u64,
    /// Flow records that were encoded and never sent.
    abandoned: u64,
}

impl<'s, S: Sequences> Stream<'s, S> {
    /// Finds the collectors. The encoder is new, so that templates come first.
    pub(crate) fn open(settings: &Settings, sequences: &'s S, token: &str) -> Result<Self, Error> {
        let mut encoder = Encoder::new(settings.datagrams).map_err(|error| {
            let (name, found) = ("PROTOCOL", settings.datagrams.protocol.to_string());
            Error::SettingsWrong { name, found, expected: error.to_string().into() }
        })?;
        encoder.set_time(unix_seconds());
        Ok(Self {
            encoder,
            collectors: Collectors::connect(&settings.collectors, settings.rate)?,
            sequences,
            domain: settings.sequence(),
            most_datagrams: MOST_DATAGRAMS.min(MOST_BYTES / settings.datagrams.most_bytes),
            rate: settings.rate.map(Into::into),
            token: token.to_owned(),
            reservations: 0,
            abandoned: 0,
        })
    }

    #[inline]
    pub(crate) fn add(&mut self, record: &Record<'_>, leg: Option<Leg>) {
        self.encoder.add_record(record, leg);
    }

    /// Whether it is time to send: enough is there, or what takes a second at the pace.
    pub(crate) fn is_due(&self) -> bool {
        self.encoder.datagrams().count() >= self.most_datagrams
            || self.sending_time() >= Duration::from_secs(1)
    }

    /// How long what is finished takes at the pace.
    pub(crate) fn sending_time(&self) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        Duration::from_secs(self.records_waiting()) / rate
    }

    fn records_waiting(&self) -> u64 {
        let datagrams = self.encoder.datagrams().iter();
        datagrams.map(|datagram| u64::from(datagram.flow_records)).sum()
    }

    /// Numbers and sends what is finished.
    pub(crate) async fn send(&mut self) -> Result<(), Error> {
        let units = self.encoder.datagrams().units();
        let first = if units == 0 { 0 } else { self.reserve(units).await? };
        self.encoder.datagrams_mut().number(first);
        self.collectors.send(self.encoder.datagrams())?;
        self.encoder.clear();
        self.encoder.set_time(unix_seconds());
        if self.collectors.are_templates_due() {
            self.encoder.repeat_templates();
        }
        Ok(())
    }

    async fn reserve(&mut self, units: u64) -> Result<u32, Error> {
        let token = format!("{}/{}", self.token, self.reservations);
        self.reservations += 1;
        let first = self.sequences.reserve(&self.domain, units, &token).await;
        let failed = |source| Error::SequenceNotReserved { domain: self.domain.clone(), source };
        // The protocols count modulo 2^32.
        #[expect(clippy::cast_possible_truncation, reason = "that is the modulus")]
        first.map(|first| first as u32).map_err(failed)
    }

    /// Sends everything.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        self.encoder.finish();
        self.send().await
    }

    /// Forgets what was not sent, the templates among it included.
    pub(crate) fn abandon(&mut self) {
        self.encoder.finish();
        self.abandoned += self.records_waiting();
        self.encoder.datagrams_mut().clear();
        self.encoder.repeat_templates();
    }

    /// Says what was and what was not exported, in an options record.
    pub(crate) async fn report(&mut self) -> Result<(), Error> {
        let counts = self.counts();
        self.encoder.report(&counts);
        self.finish().await
    }

    /// What became of the records. Those that were abandoned are in none of its sums.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.encoder.counts();
        counts.records = counts.records.saturating_sub(self.abandoned);
        counts.flow_records = counts.flow_records.saturating_sub(self.abandoned);
        counts
    }

    /// An error if a collector's host has said that nobody listens.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        let refused = self.collectors.refusals();
        if refused.is_empty() { Ok(()) } else { Err(Error::CollectorRefused(refused.join(", "))) }
    }
}

/// The time that datagrams bear, in Unix seconds.
fn unix_seconds() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// When an invocation must have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

/// What the end of an invocation takes: the last datagrams, deletions, the answer.
const ENDING: Duration = Duration::from_secs(5);

impl Deadline {
    pub(crate) fn after(time_left: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time_left).unwrap_or(now))
    }

    /// Whether there is time for something that takes so long, and for an orderly end.
    pub(crate) fn leaves(self, time: Duration) -> bool {
        self.0.saturating_duration_since(Instant::now()) > time + ENDING
    }
}
