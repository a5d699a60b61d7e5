//! What is transformed: the same each time.

use std::{
    collections::BTreeMap, collections::BTreeSet, net::Ipv4Addr, time::Duration, time::Instant,
};

use anyhow::Result;
use enrichment::{Enricher, Geolocation, MOST_ADDRESSES, UnknownInterfaces};
use report::interface::{NetworkInterface, Tags};

use crate::mmdb::{Database, Value, named, text};
use crate::random::Random;

/// How many peers there are, in networks of 256.
const PEERS: u64 = 1 << 18;

/// How many interfaces.
const INTERFACES: u64 = 500;

const MOST_AGE: Duration = Duration::from_mins(5);

pub(crate) struct Material {
    /// Events as Firehose makes them.
    pub(crate) events: Vec<String>,
    /// Their records' lines.
    pub(crate) lines: Vec<String>,
    /// How many different public addresses they have.
    pub(crate) addresses: usize,
    cities: Vec<u8>,
    systems: Vec<u8>,
}

impl Material {
    pub(crate) fn new(events: usize, records: usize) -> Self {
        let mut random = Random(1);
        let mut peers = BTreeSet::new();
        let lines: Vec<_> = (0..events * records)
            .map(|_| {
                let peer = peer(random.rank(PEERS));
                peers.insert(peer);
                line(&mut random, peer)
            })
            .collect();
        let events = lines.chunks(records).map(event).collect();
        let addresses = peers.len();
        Self { events, lines, addresses, cities: cities(), systems: systems() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.events.iter().map(String::len).sum()
    }

    pub(crate) fn enricher(&self) -> Result<Enricher<Vec<u8>>> {
        let databases = [self.cities.clone(), self.systems.clone()];
        let geolocation = Geolocation::open(databases, MOST_ADDRESSES)?;
        Ok(Enricher::new(None, geolocation, MOST_AGE))
    }

    /// Without databases.
    pub(crate) fn bare() -> Result<Enricher<Vec<u8>>> {
        Ok(Enricher::new(None, Geolocation::open([], MOST_ADDRESSES)?, MOST_AGE))
    }

    /// What EC2 would answer.
    pub(crate) fn teach(
        enricher: &mut Enricher<Vec<u8>>,
        unknown: &UnknownInterfaces,
        now: Instant,
    ) {
        let instance = Tags::from([("Name".to_owned(), "web-1".to_owned())]);
        let found: Vec<_> = unknown.0.iter().map(|id| interface(id)).collect();
        let tags = BTreeMap::from([("i-0a1b2c3d4e5f60718".to_owned(), instance)]);
        enricher.learn(unknown, &found, &tags, now);
    }
}

fn interface(id: &str) -> NetworkInterface {
    NetworkInterface {
        id: id.to_owned(),
        interface_type: "interface".to_owned(),
        instance_id: Some("i-0a1b2c3d4e5f60718".to_owned()),
        account_id: Some("123456789012".to_owned()),
        vpc_id: Some("vpc-0a1b2c3d4e5f60718".to_owned()),
        subnet_id: Some("subnet-0a1b2c3d4e5f60718".to_owned()),
        zone_name: Some("eu-west-1a".to_owned()),
        zone_id: Some("euw1-az1".to_owned()),
        security_groups: vec!["sg-0a1b2c3d4e5f60718".to_owned(), "sg-0a1b2c3d4e5f60719".to_owned()],
        ..NetworkInterface::default()
    }
}

/// A record of AWS's default format.
fn line(random: &mut Random, peer: Ipv4Addr) -> String {
    let interface = random.rank(INTERFACES);
    let client = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(interface).unwrap_or_default());
    let (port, packets, bytes) =
        (32_768 + random.below(28_000), random.below(900), random.below(1_000_000));
    let start = 1_700_000_000 + random.below(120);
    let (source, destination) = if random.below(2) == 0 { (client, peer) } else { (peer, client) };
    format!(
        "2 123456789012 eni-0a1b2c3d4e{interface:07x} {source} {destination} {port} 443 6 \
         {packets} {bytes} {start} {} ACCEPT OK\n",
        start + 60
    )
}

fn event(lines: &[String]) -> String {
    let records = lines.iter().zip(0_u64..).map(|(line, number)| {
        let data = base64_simd::STANDARD.encode_to_string(line);
        format!(
            r#"{{"recordId":"49572672223665514422805246926656954630972486059535{number:06}","approximateArrivalTimestamp":1700000100000,"data":"{data}"}}"#
        )
    });
    format!(
        r#"{{"invocationId":"invoked123","deliveryStreamArn":"arn:aws:firehose:eu-west-1:123456789012:deliverystream/flows","region":"eu-west-1","records":[{}]}}"#,
        records.collect::<Vec<_>>().join(",")
    )
}

/// The address of a peer of this rank, far from those of the ranks beside it.
fn peer(rank: u64) -> Ipv4Addr {
    let scattered = rank.wrapping_mul(0x9e37_79b9) % PEERS;
    Ipv4Addr::from_bits(0x1000_0000 + u32::try_from(scattered).unwrap_or_default() * 331)
}

fn networks() -> impl Iterator<Item = (Ipv4Addr, u32)> {
    let count = u32::try_from(PEERS).unwrap_or_default() * 331 / 4096 + 1;
    (0..count).map(|number| (Ipv4Addr::from_bits(0x1000_0000 + number * 4096), number))
}

fn cities() -> Vec<u8> {
    let mut database = Database::new("GeoLite2-City");
    for (network, number) in networks() {
        let degrees = f64::from(number % 1700) / 10.0 - 85.0;
        let location = vec![
            ("accuracy_radius", Value::Number(20)),
            ("latitude", Value::Double(degrees)),
            ("longitude", Value::Double(degrees + 0.123)),
            ("time_zone", text("Europe/Berlin")),
        ];
        let city = Value::Map(vec![
            ("city", Value::Map(vec![named(&format!("City {number}"))])),
            ("continent", Value::Map(vec![("code", text("EU")), named("Europe")])),
            ("country", Value::Map(vec![("iso_code", text("DE")), named("Germany")])),
            ("location", Value::Map(location)),
            ("postal", Value::Map(vec![("code", text("10115"))])),
            (
                "subdivisions",
                Value::Array(vec![Value::Map(vec![("iso_code", text("BE")), named("Berlin")])]),
            ),
        ]);
        database.add(network.into(), 20, &city);
    }
    database.bytes()
}

fn systems() -> Vec<u8> {
    let mut database = Database::new("GeoLite2-ASN");
    for (network, number) in networks() {
        let system = Value::Map(vec![
            ("autonomous_system_number", Value::Number(64_496 + number)),
            ("autonomous_system_organization", text("Example Networks Ltd")),
        ]);
        database.add(network.into(), 20, &system);
    }
    database.bytes()
}
