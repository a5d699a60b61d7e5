//! Where a public address is, and whose.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroUsize,
};

use maxminddb::{LookupResult, MaxMindDbError, Reader};
use serde::{Deserialize, Serialize};

use crate::json;

/// Databases in `MaxMind`'s format: of cities or countries, of autonomous systems, or both.
///
/// What they say is kept as JSON, once for all addresses that share it, and so is what is said of
/// the addresses that were asked for last. Nothing is asked over the network.
pub struct Geolocation<S: AsRef<[u8]>> {
    databases: Vec<Reader<S>>,
    recent: Recent,
    said: Said,
}

/// What is said of addresses that were asked for lately: each has one place, which another address
/// takes from it. There is nothing to keep in order, so that looking up touches little memory.
struct Recent(Box<[(IpAddr, u32)]>);

/// What the databases say, as members of an object, by the places of their records.
#[derive(Default)]
struct Said {
    by_records: HashMap<Records, u32>,
    members: Vec<Box<[u8]>>,
}

/// The places of an address's records, one for each database.
type Records = Vec<Option<usize>>;

/// How many different things the databases may say at a time, about 400 bytes each.
const MOST_MEMBERS: usize = 1 << 15;

/// No address that is asked for: it is not public.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Recent {
    fn new(most_addresses: NonZeroUsize) -> Self {
        Self(vec![(NO_ADDRESS, 0); most_addresses.get()].into())
    }

    fn place(&mut self, address: IpAddr) -> Option<&mut (IpAddr, u32)> {
        let bits = match address {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // Rotated, so that a network and what is in it are not added up to the same.
            IpAddr::V6(address) => address
                .segments()
                .into_iter()
                .fold(0_u64, |bits, segment| bits.rotate_left(23) ^ u64::from(segment)),
        };
        // Fibonacci hashing: the product's upper bits depend on every bit of the address.
        let mixed = u128::from(bits.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let place = (mixed * self.0.len() as u128) >> 64;
        self.0.get_mut(usize::try_from(place).ok()?)
    }
}

/// A database that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file is none, or a broken one.
    #[error("expected a database in MaxMind's format (.mmdb): {0}")]
    NotADatabase(MaxMindDbError),
    /// Its records are of another form.
    #[error(
        "the database of type {database_type} does not say where {address} is as GeoIP2's and \
         GeoLite2's databases do: {reason}"
    )]
    OtherRecords {
        /// What the database calls itself.
        database_type: String,
        /// The address that was asked for.
        address: IpAddr,
        /// What is wrong.
        reason: MaxMindDbError,
    },
}

impl<S: AsRef<[u8]>> Geolocation<S> {
    /// Opens databases. Where several say something of an address, the first of them counts.
    /// At most so many addresses are
    /// remembered, 24 bytes each.
    pub fn open(
        files: impl IntoIterator<Item = S>,
        most_addresses: NonZeroUsize,
    ) -> Result<Self, DatabaseError> {
        let databases = files.into_iter().map(Reader::from_source).collect::<Result<_, _>>();
        let databases = databases.map_err(DatabaseError::NotADatabase)?;
        Ok(Self { databases, recent: Recent::new(most_addresses), said: Said::default() })
    }

    /// The members `"geo"` and `"as"` of a JSON object, as far as the databases have them, each
    /// with a comma before it. Nothing for an address that is not public.
    pub(crate) fn members(&mut self, address: IpAddr) -> Result<&[u8], DatabaseError> {
        let address = address.to_canonical();
        if self.databases.is_empty() || !is_public(address) {
            return Ok(&[]);
        }
        let known = self.recent.place(address).copied();
        let number = match known {
            Some((recent, number)) if recent == address => number,
            _ => self.look_up(address)?,
        };
        let members = self.said.members.get(number as usize);
        Ok(members.map(|members| &**members).unwrap_or_default())
    }

    /// Which of the members is said of an address that was not asked for lately.
    fn look_up(&mut self, address: IpAddr) -> Result<u32, DatabaseError> {
        let found = self.databases.iter().map(|database| lookup(database, address));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let records: Records = found.iter().map(|found| found.as_ref()?.offset()).collect();
        let number = self.said.by_records.get(&records).copied();
        let number = match number {
            Some(number) => number,
            None => self.remember(records, members(&self.databases, &found, address)?),
        };
        if let Some(place) = self.recent.place(address) {
            *place = (address, number);
        }
        Ok(number)
    }

    /// Keeps members. When there are too many, all are forgotten.
    fn remember(&mut self, records: Records, members: Box<[u8]>) -> u32 {
        if self.said.members.len() == MOST_MEMBERS {
            self.said = Said::default();
            self.recent.0.fill((NO_ADDRESS, 0));
        }
        let number = u32::try_from(self.said.members.len()).unwrap_or_default();
        self.said.members.push(members);
        self.said.by_records.insert(records, number);
        number
    }
}

/// Whether an address is somebody's in the internet.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
/// <https://www.iana.org/assignments/ipv6-address-space>
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                // Multicast, reserved and broadcast.
                || first >= 224
                || first == 0
                // Shared by the customers of one provider.
                || (first == 100 && (64..128).contains(&second))
                || (first == 192 && second == 0 && third == 0)
                // Benchmarks.
                || (first == 198 && (18..20).contains(&second)))
        }
        // All that was given to anybody is in 2000::/3.
        IpAddr::V6(address) => address.segments().first().is_some_and(|first| first >> 13 == 1),
    }
}

/// What any of the databases says; each has some of it.
#[derive(Deserialize)]
struct Found<'d> {
    #[serde(borrow)]
    continent: Option<Coded<'d>>,
    #[serde(borrow)]
    country: Option<Coded<'d>>,
    #[serde(borrow)]
    subdivisions: Option<Vec<Coded<'d>>>,
    #[serde(borrow)]
    city: Option<Coded<'d>>,
    #[serde(borrow)]
    postal: Option<Coded<'d>>,
    #[serde(borrow)]
    location: Option<Location<'d>>,
    autonomous_system_number: Option<u32>,
    #[serde(borrow)]
    autonomous_system_organization: Option<&'d str>,
}

/// Something with a code, a name, or both.
#[derive(Clone, Copy, Deserialize)]
struct Coded<'d> {
    #[serde(alias = "iso_code")]
    code: Option<&'d str>,
    #[serde(borrow)]
    names: Option<Names<'d>>,
}

#[derive(Clone, Copy, Deserialize)]
struct Names<'d> {
    #[serde(borrow)]
    en: Option<&'d str>,
}

#[derive(Clone, Copy, Deserialize)]
struct Location<'d> {
    latitude: Option<f64>,
    longitude: Option<f64>,
    #[serde(borrow)]
    time_zone: Option<&'d str>,
}

/// The fields of ECS: <https://www.elastic.co/docs/reference/ecs/ecs-geo>
#[derive(Default, PartialEq, Serialize)]
struct Geo<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    continent_code: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_iso_code: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_name: Option<&'d str>,
    /// The country's code and its part's: `DE-BE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    region_iso_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region_name: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city_name: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Point>,
}

/// Degrees. Never made up: half a location is none.
#[derive(PartialEq, Serialize)]
struct Point {
    lat: f64,
    lon: f64,
}

/// <https://www.elastic.co/docs/reference/ecs/ecs-as>
#[derive(Default, PartialEq, Serialize)]
struct AutonomousSystem<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Organization<'d>>,
}

#[derive(PartialEq, Serialize)]
struct Organization<'d> {
    name: &'d str,
}

/// The members of all that was found, each with a comma before it.
fn members<S: AsRef<[u8]>>(
    databases: &[Reader<S>],
    found: &[Option<LookupResult<'_, S>>],
    address: IpAddr,
) -> Result<Box<[u8]>, DatabaseError> {
    let (mut geo, mut system) = (Geo::default(), AutonomousSystem::default());
    for (database, found) in databases.iter().zip(found) {
        let found = found.as_ref().map(LookupResult::decode::<Found<'_>>).transpose();
        let found = found.map_err(|reason| other_records(database, address, reason))?.flatten();
        if let Some(found) = found {
            if geo == Geo::default() {
                geo = geo_of(&found);
            }
            if system == AutonomousSystem::default() {
                system = system_of(&found);
            }
        }
    }
    let mut members = vec![];
    if geo != Geo::default() {
        members.extend_from_slice(br#","geo":"#);
        json::push(&mut members, &geo);
    }
    if system != AutonomousSystem::default() {
        members.extend_from_slice(br#","as":"#);
        json::push(&mut members, &system);
    }
    Ok(members.into())
}

/// Where the address's record is. A database of IPv4 knows nothing of others.
fn lookup<S: AsRef<[u8]>>(
    database: &Reader<S>,
    address: IpAddr,
) -> Result<Option<LookupResult<'_, S>>, DatabaseError> {
    if address.is_ipv6() && database.metadata().ip_version == 4 {
        return Ok(None);
    }
    let found = database.lookup(address);
    found.map(Some).map_err(|reason| other_records(database, address, reason))
}

fn other_records<S: AsRef<[u8]>>(
    database: &Reader<S>,
    address: IpAddr,
    reason: MaxMindDbError,
) -> DatabaseError {
    DatabaseError::OtherRecords {
        database_type: database.metadata().database_type.clone(),
        address,
        reason,
    }
}

fn geo_of<'d>(found: &Found<'d>) -> Geo<'d> {
    let code = |part: Option<Coded<'d>>| part.and_then(|part| part.code);
    let name = |part: Option<Coded<'d>>| part.and_then(|part| part.names)?.en;
    // Subdivisions begin with the largest.
    let region = found.subdivisions.as_ref().and_then(|regions| regions.first()).copied();
    let point =
        |location: Location<'_>| Some(Point { lat: location.latitude?, lon: location.longitude? });
    Geo {
        continent_code: code(found.continent),
        country_iso_code: code(found.country),
        country_name: name(found.country),
        region_iso_code: code(found.country)
            .zip(code(region))
            .map(|(country, region)| format!("{country}-{region}")),
        region_name: name(region),
        city_name: name(found.city),
        postal_code: code(found.postal),
        timezone: found.location.and_then(|location| location.time_zone),
        location: found.location.and_then(point),
    }
}

fn system_of<'d>(found: &Found<'d>) -> AutonomousSystem<'d> {
    AutonomousSystem {
        number: found.autonomous_system_number,
        organization: found.autonomous_system_organization.map(|name| Organization { name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut geolocation: Geolocation<Vec<u8>> =
            Geolocation::open([], NonZeroUsize::MIN).unwrap();
        let address = "203.0.113.5".parse().unwrap();
        let first = geolocation.remember(vec![Some(0)], Box::default());
        *geolocation.recent.place(address).unwrap() = (address, first);
        for place in 1..2 * MOST_MEMBERS + 10 {
            geolocation.remember(vec![Some(place)], Box::default());
            assert!(geolocation.said.members.len() <= MOST_MEMBERS);
            assert!(geolocation.said.by_records.len() <= MOST_MEMBERS);
        }
        // What it stood for is forgotten, and the number stands for something else.
        assert_eq!(geolocation.recent.place(address), Some(&mut (NO_ADDRESS, 0)));
    }

    #[test]
    fn only_public_addresses_are_somewhere() {
        for (address, expected) in [
            ("10.0.1.5", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("192.0.0.8", false),
            ("198.18.0.1", false),
            ("198.20.0.1", true),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
            ("203.0.113.5", true),
            ("2001:db8::1", true),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
