//! Sends datagrams to NetFlow and IPFIX collectors.
//!
//! UDP has no answers: that a datagram was sent means that the kernel has taken it. Where nobody
//! listens, the other host may say so afterwards, which is counted.

mod collector;
mod error;
mod kernel;
mod pace;

pub use collector::{Collector, CollectorName};
pub use error::CollectorError;
pub use pace::Pace;

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use export::netflow::{Datagram, Datagrams};

/// A collector that has just started knows the templates after this time at the latest.
const TEMPLATE_TIME: Duration = Duration::from_mins(1);

/// Collectors that all get the same datagrams, at one pace.
#[derive(Debug)]
pub struct Collectors {
    list: Vec<Collector>,
    pace: Option<Pace>,
    started: Instant,
    templates_sent: Instant,
}

impl Collectors {
    /// Finds every collector; the pace is in records a second.
    pub fn connect(
        names: &[CollectorName],
        rate: Option<NonZero<u32>>,
    ) -> Result<Self, CollectorError> {
        let list = names.iter().map(Collector::connect).collect::<Result<_, _>>()?;
        let now = Instant::now();
        Ok(Self { list, pace: rate.map(Pace::new), started: now, templates_sent: now })
    }

    /// Sends datagrams to every collector in their order, and sleeps where they would come faster
    /// than the pace.
    pub fn send(&mut self, datagrams: &Datagrams) -> Result<(), CollectorError> {
        let datagrams: Vec<_> = datagrams.iter().collect();
        let mut rest = &*datagrams;
        while !rest.is_empty() {
            let (burst, later) = rest.split_at(self.burst(rest));
            self.wait_before(burst);
            let bytes: Vec<_> = burst.iter().map(|datagram| datagram.bytes).collect();
            for collector in &mut self.list {
                collector.send(&bytes)?;
            }
            rest = later;
        }
        Ok(())
    }

    /// How many of the datagrams go out together: one at least.
    fn burst(&self, datagrams: &[Datagram<'_>]) -> usize {
        let Some(pace) = &self.pace else { return datagrams.len() };
        let mut records = 0;
        let fitting = datagrams.iter().take_while(|datagram| {
            records += u64::from(datagram.flow_records);
            records <= pace.burst()
        });
        fitting.count().max(1).min(datagrams.len())
    }

    fn wait_before(&mut self, burst: &[Datagram<'_>]) {
        let Some(pace) = &mut self.pace else { return };
        let records = burst.iter().map(|datagram| u64::from(datagram.flow_records)).sum();
        let delay = pace.delay(self.started.elapsed(), records);
        if !delay.is_zero() {
            thread::sleep(delay);
        }
    }

    /// Whether whoever makes the datagrams should repeat its templates: once a minute.
    pub fn are_templates_due(&mut self) -> bool {
        let are_due = self.templates_sent.elapsed() >= TEMPLATE_TIME;
        if are_due {
            self.templates_sent = Instant::now();
        }
        are_due
    }

    /// Takes note of what the hosts have said since the last datagrams were sent.
    pub fn notice_refusals(&mut self) {
        self.list.iter_mut().for_each(Collector::notice_refusal);
    }

    /// The collectors whose hosts have said that nobody listens, as far as they have by now, each
    /// with how often.
    pub fn refusals(&mut self) -> Vec<String> {
        self.notice_refusals();
        let refused = self.list.iter().filter(|collector| collector.refused() > 0);
        refused.map(|c| format!("{} (said {} times)", c.name(), c.refused())).collect()
    }

    /// The collectors.
    #[must_use]
    pub fn list(&self) -> &[Collector] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use export::netflow::{Encoder, Protocol, Settings};
    use flowlog::Parser;

    use super::*;

    /// The first burst does not wait, and the last one has taken its time before it goes out.
    #[test]
    fn a_pace_takes_its_time() {
        let text = "srcaddr dstaddr bytes packets start end\n".to_owned()
            + &"10.0.0.1 10.0.0.2 1 1 1700000000 1700000060\n".repeat(280);
        let mut encoder = Encoder::new(Settings::new(Protocol::V5)).unwrap();
        let mut parser = Parser::detect(text.as_bytes()).unwrap();
        let mut records = parser.records(text.as_bytes());
        while let Some(record) = records.next() {
            encoder.add_record(&record.unwrap(), None);
        }
        encoder.finish();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let name: CollectorName = socket.local_addr().unwrap().to_string().parse().unwrap();
        let mut collectors = Collectors::connect(&[name], NonZero::new(1000)).unwrap();
        let started = Instant::now();
        collectors.send(encoder.datagrams()).unwrap();
        let (datagrams, of_one) = (encoder.datagrams().count(), Duration::from_millis(28));
        assert_eq!(datagrams, 10);
        assert!(started.elapsed() + pace::BURST >= of_one * 9, "{:?}", started.elapsed());
    }

    #[test]
    fn templates_are_due_once_a_minute() {
        let now = Instant::now();
        let templates_sent = now.checked_sub(TEMPLATE_TIME).unwrap();
        let mut collectors = Collectors { list: vec![], pace: None, started: now, templates_sent };
        assert!(collectors.are_templates_due());
        assert!(!collectors.are_templates_due(), "they have just been sent");
    }
}
