//! A spike whose truth is known: who exchanged how much with whom, and the records of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use flowlog::{Field, RecordedFormat};
use jiff::{SignedDuration, Timestamp};
use report::metered::MeteredMinute;

pub(crate) const INTERFACE: &str = "eni-0a1b2c3d";
pub(crate) const GATEWAY: &str = "nat-0123456789abcdef0";
const OWN: &str = "10.0.0.220";

/// What a client exchanged with a peer in a minute.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) client: IpAddr,
    pub(crate) peer: IpAddr,
    pub(crate) service: &'static str,
    pub(crate) port: u16,
    /// The minute of the recording, from 0.
    pub(crate) minute: i64,
    pub(crate) upload: u64,
    pub(crate) download: u64,
}

/// A spike and its records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spike {
    pub(crate) exchanges: Vec<Exchange>,
    /// Records that are no traffic, with their status.
    pub(crate) others: Vec<(&'static str, i64)>,
    pub(crate) regional: bool,
    /// What CloudWatch metered and no record has.
    pub(crate) unrecorded: u64,
}

/// The first minute of the recording.
pub(crate) fn begin() -> Timestamp {
    "2026-11-21T04:12:00Z".parse().unwrap()
}

pub(crate) const MINUTES: i64 = 7;

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Spike {
    /// The noise of a normal afternoon: twelve clients with a few peers each, the same each time.
    pub(crate) fn noise() -> Self {
        let mut spike = Self::default();
        let mut number = 0x2026_1121_u64;
        let mut next = |below: u64| {
            // Marsaglia's xorshift.
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            number % below
        };
        for minute in 0..MINUTES {
            for client in 20..32_u8 {
                let peer = u8::try_from(next(6)).unwrap();
                spike.exchanges.push(Exchange {
                    client: IpAddr::from([10, 0, 1, client]),
                    peer: IpAddr::from([198, 51, 100, peer]),
                    service: if peer == 3 { "AMAZON" } else { "-" },
                    port: if peer == 5 { 53 } else { 443 },
                    minute,
                    upload: 10_000 + next(500_000),
                    download: 10_000 + next(3_000_000),
                });
            }
        }
        spike
    }

    /// A client that exchanges as much in every minute.
    pub(crate) fn with(
        mut self,
        client: &str,
        (peer, service): (&str, &'static str),
        [upload, download]: [u64; 2],
    ) -> Self {
        self.exchanges.extend((0..MINUTES).map(|minute| Exchange {
            client: address(client),
            peer: address(peer),
            service,
            port: 443,
            minute,
            upload,
            download,
        }));
        self
    }

    /// The records: when they begin, in milliseconds, and their texts.
    pub(crate) fn records(&self) -> Vec<(i64, String)> {
        let format = if self.regional { RecordedFormat::Regional } else { RecordedFormat::Zonal };
        let traffic = self.exchanges.iter().flat_map(|exchange| self.legs(exchange, format));
        let others = self.others.iter().map(|(status, minute)| {
            let start = start(*minute);
            let text = written(format, |field| match field {
                Field::Start => start.to_string(),
                Field::End => (start + 59).to_string(),
                Field::LogStatus => (*status).to_owned(),
                Field::InterfaceId => INTERFACE.to_owned(),
                Field::ResourceId => GATEWAY.to_owned(),
                _ => "-".to_owned(),
            });
            (start * 1000, text)
        });
        traffic.chain(others).collect()
    }

    /// The four records of an exchange.
    fn legs(&self, exchange: &Exchange, format: RecordedFormat) -> Vec<(i64, String)> {
        let start = start(exchange.minute);
        let (client, peer) = (exchange.client.to_string(), exchange.peer.to_string());
        let (own, service) = (OWN.to_owned(), exchange.service);
        let legs = [
            // direction, path, addresses of the record, addresses of the packet, upload?
            ("ingress", "-", [&client, &own], [&client, &peer], true),
            ("egress", "8", [&own, &peer], [&own, &peer], true),
            ("ingress", "-", [&peer, &own], [&peer, &own], false),
            ("egress", "1", [&own, &client], [&peer, &client], false),
        ];
        let leg = |(direction, path, addresses, packet, is_upload): (
            &str,
            &str,
            [&String; 2],
            [&String; 2],
            bool,
        )| {
            // A regional gateway's records may name the far end in place of the gateway.
            let addresses = if self.regional { packet } else { addresses };
            let bytes = if is_upload { exchange.upload } else { exchange.download };
            let [services, ports] = if is_upload {
                [["-", service].map(str::to_owned), ["40000".into(), exchange.port.to_string()]]
            } else {
                [[service, "-"].map(str::to_owned), [exchange.port.to_string(), "40000".into()]]
            };
            let text = written(format, |field| match field {
                Field::Action => "ACCEPT".to_owned(),
                Field::FlowDirection => direction.to_owned(),
                Field::TrafficPath => path.to_owned(),
                Field::SrcAddr => addresses[0].clone(),
                Field::DstAddr => addresses[1].clone(),
                Field::SrcPort => ports[0].clone(),
                Field::DstPort => ports[1].clone(),
                Field::Protocol => if exchange.port == 53 { "17" } else { "6" }.to_owned(),
                Field::Bytes => bytes.to_string(),
                Field::Type => if exchange.client.is_ipv6() { "IPv6" } else { "IPv4" }.to_owned(),
                Field::PktSrcAddr => packet[0].clone(),
                Field::PktDstAddr => packet[1].clone(),
                Field::PktSrcAwsService => services[0].clone(),
                Field::PktDstAwsService => services[1].clone(),
                Field::Packets => (bytes / 1400 + 1).to_string(),
                Field::Start => start.to_string(),
                Field::End => (start + 59).to_string(),
                Field::TcpFlags => "3".to_owned(),
                Field::LogStatus => "OK".to_owned(),
                Field::ResourceId => GATEWAY.to_owned(),
                _ => INTERFACE.to_owned(),
            });
            (start * 1000, text)
        };
        legs.into_iter().filter(|leg| bytes_of(exchange, leg.4) > 0).map(leg).collect()
    }

    /// What CloudWatch meters of it: a quiet minute, then all that was exchanged.
    pub(crate) fn metered(&self) -> Vec<MeteredMinute> {
        let minutes = -1..MINUTES;
        let metered = minutes.map(|minute| {
            let at = begin().saturating_add(SignedDuration::from_mins(minute)).unwrap();
            let own = self.exchanges.iter().filter(|exchange| exchange.minute == minute);
            let (upload, download) = own.fold((0, 0), |(upload, download), exchange| {
                (upload + exchange.upload, download + exchange.download)
            });
            MeteredMinute {
                at,
                upload_bytes: upload + 1_000,
                download_bytes: download + 9_000 + self.unrecorded,
                ..MeteredMinute::default()
            }
        });
        metered.collect()
    }

    /// Upload and download by a key.
    pub(crate) fn truth(&self, key: impl Fn(&Exchange) -> String) -> BTreeMap<String, [u64; 2]> {
        let mut truth: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for exchange in &self.exchanges {
            let sums = truth.entry(key(exchange)).or_default();
            sums[0] += exchange.upload;
            sums[1] += exchange.download;
        }
        truth
    }
}

fn bytes_of(exchange: &Exchange, is_upload: bool) -> u64 {
    if is_upload { exchange.upload } else { exchange.download }
}

fn start(minute: i64) -> i64 {
    begin().as_second() + minute * 60
}

fn written(format: RecordedFormat, value: impl Fn(Field) -> String) -> String {
    format.fields().map(value).collect::<Vec<_>>().join(" ")
}
