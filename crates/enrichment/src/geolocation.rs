//! Where a public address is, and whose.

use std::{net::IpAddr, num::NonZeroUsize};

use lru::LruCache;
use maxminddb::Reader;
use serde::{Deserialize, Serialize};

use crate::json;

/// Databases in `MaxMind`'s format: of cities or countries, of autonomous systems, or both.
///
/// What they say of an address is kept as JSON for the addresses that were asked for last. Nothing
/// is asked over the network.
pub struct Geolocation<S: AsRef<[u8]>> {
    databases: Vec<Reader<S>>,
    cache: LruCache<IpAddr, Box<[u8]>>,
}

/// A database that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file is none, or a broken one.
    #[error("expected a database in MaxMind's format (.mmdb): {0}")]
    NotADatabase(maxminddb::MaxMindDbError),
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
        reason: maxminddb::MaxMindDbError,
    },
}

impl<S: AsRef<[u8]>> Geolocation<S> {
    /// Opens databases. Where several say something of an address, the first of them counts.
    /// `most_addresses` are remembered, about 500 bytes each.
    pub fn open(
        files: impl IntoIterator<Item = S>,
        most_addresses: NonZeroUsize,
    ) -> Result<Self, DatabaseError> {
        let databases = files.into_iter().map(Reader::from_source).collect::<Result<_, _>>();
        let databases = databases.map_err(DatabaseError::NotADatabase)?;
        Ok(Self { databases, cache: LruCache::new(most_addresses) })
    }

    /// The members `"geo"` and `"as"` of a JSON object, as far as the databases have them, each
    /// with a comma before it. Nothing for an address that is not public.
    pub(crate) fn members(&mut self, address: IpAddr) -> Result<&[u8], DatabaseError> {
        let address = address.to_canonical();
        if self.databases.is_empty() || !is_public(address) {
            return Ok(&[]);
        }
        let databases = &self.databases;
        let members = self.cache.try_get_or_insert(address, || look_up(databases, address));
        members.map(|members| &**members)
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

fn look_up<S: AsRef<[u8]>>(
    databases: &[Reader<S>],
    address: IpAddr,
) -> Result<Box<[u8]>, DatabaseError> {
    let (mut geo, mut system) = (Geo::default(), AutonomousSystem::default());
    for database in databases {
        if let Some(found) = find(database, address)? {
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

fn find<S: AsRef<[u8]>>(
    database: &Reader<S>,
    address: IpAddr,
) -> Result<Option<Found<'_>>, DatabaseError> {
    // A database of IPv4 knows nothing of others.
    if address.is_ipv6() && database.metadata().ip_version == 4 {
        return Ok(None);
    }
    let found = database.lookup(address).and_then(|found| found.decode());
    found.map_err(|reason| DatabaseError::OtherRecords {
        database_type: database.metadata().database_type.clone(),
        address,
        reason,
    })
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
