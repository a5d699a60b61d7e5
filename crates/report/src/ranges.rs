//! AWS's public addresses: the region that an address belongs to.

use std::net::IpAddr;

use serde::Deserialize;

/// The list of AWS's public addresses.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html>
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    /// Sorted by where they begin; narrower ones after the wider ones around them.
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u128,
    /// The narrower, the later.
    last: std::cmp::Reverse<u128>,
    region: String,
}

#[derive(Deserialize)]
struct Document {
    prefixes: Vec<Prefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<Prefix>,
}

#[derive(Deserialize)]
struct Prefix {
    #[serde(alias = "ipv6_prefix")]
    ip_prefix: String,
    region: String,
}

impl Ranges {
    /// Reads `ip-ranges.json`. Errors, in words, when it is none; a prefix that is none is
    /// passed over.
    pub fn parse(document: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(document)
            .map_err(|error| format!("the list of AWS's addresses cannot be read: {error}"))?;
        let prefixes = document.prefixes.into_iter().chain(document.ipv6_prefixes);
        let mut ranges: Vec<_> = prefixes.filter_map(range).collect();
        ranges.sort_unstable();
        ranges.dedup();
        Ok(Self { ranges })
    }

    /// The region of an address, by the narrowest range around it: `eu-west-1`, or `GLOBAL`.
    #[must_use]
    pub fn region(&self, address: IpAddr) -> Option<&str> {
        let place = number(address);
        let after = self.ranges.partition_point(|range| range.first <= place);
        // Ranges are nested or apart, so the nearest one that reaches here is the narrowest.
        let before = self.ranges.get(..after)?.iter().rev();
        let around = before.take(MOST_NESTED).find(|range| range.last.0 >= place)?;
        Some(&around.region)
    }
}

/// How many ranges that end before an address may begin after the one that holds it.
const MOST_NESTED: usize = 4096;

fn range(prefix: Prefix) -> Option<Range> {
    let (address, length) = prefix.ip_prefix.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let host_bits = if address.is_ipv4() { 32 } else { 128_u32 }.checked_sub(length)?;
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    let first = number(address) & mask;
    Some(Range { first, last: std::cmp::Reverse(first | !mask), region: prefix.region })
}

/// IPv4 addresses as those of IPv6 that stand for them, so that one list does for both.
///
/// NAT64 has another form of them, and a NAT gateway does NAT64: `64:ff9b::/96` of
/// [RFC 6052](https://www.rfc-editor.org/rfc/rfc6052).
fn number(address: IpAddr) -> u128 {
    const NAT64: u128 = 0x0064_ff9b << 96;
    const MAPPED: u128 = 0xffff << 32;
    const HOST: u128 = 0xffff_ffff;
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) if address.to_bits() & !HOST == NAT64 => {
            MAPPED | (address.to_bits() & HOST)
        }
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_says_the_region() {
        let ranges = Ranges::parse(
            r#"{"prefixes": [
                {"ip_prefix": "52.216.0.0/14", "region": "GLOBAL", "service": "AMAZON"},
                {"ip_prefix": "52.218.0.0/17", "region": "eu-west-1", "service": "S3"},
                {"ip_prefix": "52.217.0.0/24", "region": "us-east-1", "service": "S3"},
                {"ip_prefix": "nonsense", "region": "x"}],
              "ipv6_prefixes": [{"ipv6_prefix": "2a05:d018::/36", "region": "eu-west-1"}]}"#,
        )
        .unwrap();
        for (address, region) in [
            ("52.218.1.2", Some("eu-west-1")),
            ("52.217.0.9", Some("us-east-1")),
            ("52.217.1.9", Some("GLOBAL")),
            ("52.220.0.0", None),
            ("203.0.113.5", None),
            ("2a05:d018::1", Some("eu-west-1")),
            ("64:ff9b::34da:102", Some("eu-west-1")),
        ] {
            assert_eq!(ranges.region(address.parse().unwrap()), region, "{address}");
        }
        assert!(Ranges::parse("<html>").unwrap_err().contains("cannot be read"));
    }
}
