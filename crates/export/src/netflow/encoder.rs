//! The encoder: flows in, datagrams out.

use std::fmt;

use flowlog::{Leg, LogStatus, Record};

use super::counts::Counts;
use super::datagrams::Datagrams;
use super::flow::Flow;
use super::templated::Templated;
use super::v5::{self, V5};

/// A protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// IPFIX, which is NetFlow's standard.
    #[default]
    Ipfix,
    /// NetFlow v9.
    V9,
    /// NetFlow v5: IPv4 alone, and counters of 32 bits.
    V5,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::Ipfix, Self::V9, Self::V5];

    /// The protocol's short name: `ipfix`, `v9`, `v5`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipfix => "ipfix",
            Self::V9 => "v9",
            Self::V5 => "v5",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipfix => "IPFIX",
            Self::V9 => "NetFlow v9",
            Self::V5 => "NetFlow v5",
        })
    }
}

/// How records become datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The protocol.
    pub protocol: Protocol,
    /// The observation domain, or NetFlow v9's source ID; of NetFlow v5, the engine's type and
    /// number in the lower 16 bits.
    pub domain: u32,
    /// The most bytes of a datagram, those of UDP's header and below aside.
    pub most_bytes: usize,
    /// The private enterprise number under which `traffic-path` (1) and the counts of NODATA (2)
    /// and SKIPDATA (3) are exported. Without one, there are none but IANA's elements.
    /// <https://www.iana.org/assignments/enterprise-numbers/>
    pub enterprise: Option<u32>,
    /// After how many datagrams the templates are repeated.
    pub template_interval: u32,
}

/// The most bytes of a datagram unless something else is asked for: they fit into an Ethernet
/// frame, with a tunnel's headers around them.
const DEFAULT_BYTES: usize = 1400;

/// The templates of all shapes that a format has fit into it, beside a record.
const LEAST_BYTES: usize = 512;

/// The most bytes that UDP over IPv4 carries.
const MOST_BYTES: usize = 65_507;

const DEFAULT_TEMPLATE_INTERVAL: u32 = 256;

impl Settings {
    /// The defaults: domain 0, 1400 bytes, no enterprise, templates every 256 datagrams.
    #[must_use]
    pub const fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            domain: 0,
            most_bytes: DEFAULT_BYTES,
            enterprise: None,
            template_interval: DEFAULT_TEMPLATE_INTERVAL,
        }
    }
}

/// Settings that no datagrams can be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A datagram would be too short for a template and a record, or longer than UDP's.
    #[error(
        "expected {LEAST_BYTES} to {MOST_BYTES} bytes in a datagram, found {found}; {} are usual",
        DEFAULT_BYTES
    )]
    Bytes {
        /// The number that was asked for.
        found: usize,
    },
    /// Only IPFIX has enterprises' elements.
    #[error("{0} has no enterprise elements: leave out the private enterprise number or use IPFIX")]
    Enterprise(Protocol),
    /// NetFlow v5 has 16 bits for the engine.
    #[error("expected a domain of 0 to 65535 for NetFlow v5 (engine type and ID), found {0}")]
    Domain(u32),
}

/// Turns flows into datagrams.
#[derive(Clone, Debug)]
pub struct Encoder {
    settings: Settings,
    /// The time that datagrams bear, in Unix seconds.
    now: u32,
    writer: Writer,
    datagrams: Datagrams,
    /// Of NetFlow v9 and IPFIX, without what the templates count.
    counts: Counts,
}

#[derive(Clone, Debug)]
enum Writer {
    Templated(Box<Templated>),
    V5(Box<V5>),
}

impl Encoder {
    /// An encoder without datagrams.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { protocol, domain, most_bytes, enterprise, .. } = settings;
        if !(LEAST_BYTES..=MOST_BYTES).contains(&most_bytes) {
            return Err(SettingsError::Bytes { found: most_bytes });
        }
        if enterprise.is_some() && protocol != Protocol::Ipfix {
            return Err(SettingsError::Enterprise(protocol));
        }
        if protocol == Protocol::V5 && u16::try_from(domain).is_err() {
            return Err(SettingsError::Domain(domain));
        }
        const { assert!(LEAST_BYTES > v5::HEADER + v5::RECORD) };
        let writer = match protocol {
            Protocol::V5 => Writer::V5(Box::new(V5::new(&settings))),
            Protocol::Ipfix | Protocol::V9 => {
                Writer::Templated(Box::new(Templated::new(&settings)))
            }
        };
        let datagrams = Datagrams::new(protocol);
        Ok(Self { settings, now: 0, writer, datagrams, counts: Counts::default() })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sets the time of the datagrams that are finished from now on, in Unix seconds. NetFlow v5
    /// and v9 bear another where their flows are older than 49 days.
    pub const fn set_time(&mut self, unix_seconds: u32) {
        self.now = unix_seconds;
    }

    /// Adds a record; one without traffic (NODATA, SKIPDATA) is counted, as is one that cannot be
    /// exported. With a leg, it is a gateway's: see [`Flow::read`].
    #[inline]
    pub fn add_record(&mut self, record: &Record<'_>, leg: Option<Leg>) {
        match record.status() {
            LogStatus::Ok => match Flow::read(record, leg) {
                Ok(flow) => self.add(&flow),
                Err(reason) => self.counts.refuse(reason),
            },
            LogStatus::NoData => self.counts.empty += 1,
            LogStatus::SkipData => self.counts.skipped += 1,
        }
    }

    /// Adds a flow.
    #[inline]
    pub fn add(&mut self, flow: &Flow) {
        self.counts.unknown_gateway += u64::from(flow.has_unknown_gateway);
        match &mut self.writer {
            Writer::Templated(writer) => writer.add(flow, self.now, &mut self.datagrams),
            Writer::V5(writer) => {
                writer.add(flow, self.now, &mut self.datagrams, &mut self.counts);
            }
        }
    }

    /// Says what was and what was not exported, in an options record: flows
    /// (exportedFlowRecordTotalCount), SKIPDATA records (notSentFlowTotalCount), NODATA records
    /// (ignoredDataRecordTotalCount). The counts are all encoders'. NetFlow v5 has no such thing.
    pub fn report(&mut self, counts: &Counts) {
        if let Writer::Templated(writer) = &mut self.writer {
            writer.report(counts, self.now, &mut self.datagrams);
        }
    }

    /// Lets the next datagram begin with all templates.
    pub fn repeat_templates(&mut self) {
        if let Writer::Templated(writer) = &mut self.writer {
            writer.repeat_templates();
        }
    }

    /// Finishes the datagram that is being written.
    pub fn finish(&mut self) {
        match &mut self.writer {
            Writer::Templated(writer) => writer.close(self.now, &mut self.datagrams),
            Writer::V5(writer) => writer.close(self.now, &mut self.datagrams),
        }
    }

    /// The finished datagrams.
    #[must_use]
    pub const fn datagrams(&self) -> &Datagrams {
        &self.datagrams
    }

    /// The finished datagrams, to be numbered and, once sent, [cleared](Encoder::clear).
    pub const fn datagrams_mut(&mut self) -> &mut Datagrams {
        &mut self.datagrams
    }

    /// Forgets the finished datagrams, which are counted.
    pub fn clear(&mut self) {
        self.counts.datagrams += self.datagrams.count() as u64;
        self.counts.bytes +=
            self.datagrams.iter().map(|datagram| datagram.bytes.len() as u64).sum::<u64>();
        self.datagrams.clear();
    }

    /// What became of the records. Complete once the encoder is [finished](Encoder::finish) and
    /// cleared.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        if let Writer::Templated(writer) = &self.writer {
            writer.count_shapes(&mut counts);
        }
        counts
    }
}
