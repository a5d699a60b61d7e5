//! What all threads send through.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use collectors::Collectors;
use export::netflow::Datagrams;

use crate::arguments::NetflowArguments;
use crate::error::Error;

/// The collectors, and the domain's sequence.
#[derive(Debug)]
pub(crate) struct Sending {
    collectors: Collectors,
    next_sequence: u32,
    /// How often templates were due again.
    template_rounds: u64,
    started: Instant,
}

impl Sending {
    pub(crate) fn start(arguments: &NetflowArguments, next_sequence: u32) -> Result<Self, Error> {
        let collectors = Collectors::connect(&arguments.to, arguments.rate)?;
        Ok(Self { collectors, next_sequence, template_rounds: 0, started: Instant::now() })
    }

    /// Numbers and sends datagrams. How often templates were due again so far: everybody who makes
    /// datagrams repeats those of its own.
    pub(crate) fn send(&mut self, datagrams: &mut Datagrams) -> Result<u64, Error> {
        self.next_sequence = datagrams.number(self.next_sequence);
        self.collectors.send(datagrams)?;
        self.template_rounds += u64::from(self.collectors.are_templates_due());
        Ok(self.template_rounds)
    }

    /// Takes note of what the collectors' hosts have said of the last datagrams.
    pub(crate) fn notice_refusals(&mut self) {
        self.collectors.notice_refusals();
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
