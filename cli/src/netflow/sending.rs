//! What all threads send through.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use collectors::Collectors;
use export::netflow::Datagrams;

use crate::arguments::NetflowArguments;
use crate::error::Error;

/// A collector that has just started knows the templates after this time at the latest.
const TEMPLATE_TIME: Duration = Duration::from_mins(1);

/// The collectors, and the domain's sequence.
#[derive(Debug)]
pub(crate) struct Sending {
    collectors: Collectors,
    next_sequence: u32,
    started: Instant,
    templates_sent: Instant,
}

impl Sending {
    pub(crate) fn start(arguments: &NetflowArguments, next_sequence: u32) -> Result<Self, Error> {
        let collectors = Collectors::connect(&arguments.to, arguments.rate)?;
        let now = Instant::now();
        Ok(Self { collectors, next_sequence, started: now, templates_sent: now })
    }

    /// Numbers and sends datagrams. Whether whoever made them should repeat its templates.
    pub(crate) fn send(&mut self, datagrams: &mut Datagrams) -> Result<bool, Error> {
        self.next_sequence = datagrams.number(self.next_sequence);
        self.collectors.send(datagrams)?;
        let are_templates_due = self.templates_sent.elapsed() >= TEMPLATE_TIME;
        if are_templates_due {
            self.templates_sent = Instant::now();
        }
        Ok(are_templates_due)
    }

    /// The number that the next datagram of the domain would have.
    #[must_use]
    pub(crate) const fn next_sequence(&self) -> u32 {
        self.next_sequence
    }

    /// Each collector's name, and how often its host has said that nobody listens.
    pub(crate) fn collectors(&self) -> impl Iterator<Item = (String, u64)> {
        let list = self.collectors.list().iter();
        list.map(|collector| (collector.name().to_string(), collector.refused()))
    }

    /// How long sending has taken so far, with all reading in between.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The time that datagrams bear, in Unix seconds.
#[must_use]
pub(crate) fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
