//! Which subnet an address is in.

use std::collections::HashMap;
use std::net::IpAddr;

pub use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;

/// The subnets by which traffic is counted. Where they overlap, the smallest one has an address.
#[derive(Clone, Debug, Default)]
pub struct Subnets {
    networks: JointPrefixMap<IpNet, usize>,
    labels: Vec<String>,
}

/// A line that names no subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: found `{found}`, expected a subnet such as `10.0.1.0/24 private-a`")]
pub struct SubnetsError {
    line: usize,
    found: String,
}

impl Subnets {
    /// Reads a list: on each line a subnet and, if it is not to be called by its addresses, its
    /// label. What follows a `#` is a comment. Subnets of one label are counted together.
    pub fn parse(text: &str) -> Result<Self, SubnetsError> {
        let mut subnets = vec![];
        for (line, number) in text.lines().zip(1..) {
            let words = line.split('#').next().unwrap_or_default().trim();
            if words.is_empty() {
                continue;
            }
            let (network, label) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            let network = network.parse().map_err(|_| SubnetsError {
                line: number,
                found: words.chars().take(60).collect(),
            })?;
            subnets.push((network, label.trim().to_owned()));
        }
        Ok(subnets.into_iter().collect())
    }

    /// The place of the smallest subnet that has an address.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<usize> {
        self.networks.get_lpm(&IpNet::from(address)).map(|(_, place)| *place)
    }

    /// The labels, by place.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

impl FromIterator<(IpNet, String)> for Subnets {
    /// Subnets and their labels; an empty label stands for the subnet's addresses.
    fn from_iter<I: IntoIterator<Item = (IpNet, String)>>(subnets: I) -> Self {
        let mut made = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (network, label) in subnets {
            let network = network.trunc();
            let label = if label.is_empty() { network.to_string() } else { label };
            let place = *places.entry(label).or_insert_with_key(|label| {
                made.labels.push(label.clone());
                made.labels.len() - 1
            });
            made.networks.insert(network, place);
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label_of(subnets: &Subnets, address: &str) -> Option<String> {
        subnets.find(address.parse().unwrap()).map(|place| subnets.labels()[place].clone())
    }

    #[test]
    fn the_smallest_subnet_has_an_address() {
        let list = "# ours\n10.0.0.0/8 all\n10.0.1.0/24\n\n10.0.1.128/25  upper half # new\n\
                    2001:db8::/32 all\n2001:db8:1::/64";
        let subnets = Subnets::parse(list).unwrap();
        let of = |address| label_of(&subnets, address);
        assert_eq!(of("10.9.9.9").as_deref(), Some("all"));
        assert_eq!(of("10.0.1.5").as_deref(), Some("10.0.1.0/24"));
        assert_eq!(of("10.0.1.200").as_deref(), Some("upper half"));
        assert_eq!(of("2001:db8:1::7").as_deref(), Some("2001:db8:1::/64"));
        assert_eq!(of("2001:db8:2::7").as_deref(), Some("all"));
        assert_eq!(of("203.0.113.5"), None);
        assert_eq!(of("2001:db9::1"), None);
        assert_eq!(subnets.labels().len(), 4);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let error = Subnets::parse("10.0.1.0/24\n10.0.2.0/33 b").unwrap_err();
        let expected = "line 2: found `10.0.2.0/33 b`, expected a subnet such as `10.0.1.0/24 \
                        private-a`";
        assert_eq!(error.to_string(), expected);
    }

    proptest! {
        /// Whatever subnets there are, the one found is what looking at each of them finds.
        #[test]
        fn the_longest_prefix_is_found(
            networks in proptest::collection::vec((any::<[u8; 2]>(), 8_u8..=20, any::<bool>()), 0..40),
            address in any::<[u8; 3]>(),
        ) {
            let networks: Vec<IpNet> = networks.iter().map(|([a, b], length, is_v6)| {
                let text = if *is_v6 { format!("{a:02x}{b:02x}::/{length}") } else { format!("{a}.{b}.0.0/{length}") };
                text.parse::<IpNet>().unwrap().trunc()
            }).collect();
            let subnets: Subnets = networks.iter().map(|network| (*network, String::new())).collect();
            let [a, b, c] = address;
            for address in [format!("{a}.{b}.{c}.1"), format!("{a:02x}{b:02x}:{c:x}::1")] {
                let address: IpAddr = address.parse().unwrap();
                let holding = networks.iter().filter(|network| network.contains(&address));
                let longest = holding.max_by_key(|network| network.prefix_len());
                let found = subnets.find(address).map(|place| subnets.labels()[place].clone());
                prop_assert_eq!(found, longest.map(ToString::to_string));
            }
        }
    }
}
