//! NAT gateways: their IDs, and what of them matters to a recording.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The ID of a NAT gateway: `nat-` and 8 or 17 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NatGatewayId(String);

impl NatGatewayId {
    /// The ID as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NatGatewayId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self, Error> {
        let is_hex = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        match id.strip_prefix("nat-") {
            Some(digits) if matches!(digits.len(), 8 | 17) && digits.bytes().all(is_hex) => {
                Ok(Self(id))
            }
            _ => Err(Error::EventRefused(format!(
                "{id:?} is no NAT gateway ID: expected nat- and 8 or 17 hexadecimal digits"
            ))),
        }
    }
}

impl From<NatGatewayId> for String {
    fn from(id: NatGatewayId) -> Self {
        id.0
    }
}

impl fmt::Display for NatGatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A NAT gateway as `DescribeNatGateways` shows it, as far as a recording needs
/// it. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NatGateway {
    /// `available`, or why it cannot be recorded.
    pub state: String,
    /// The `Name` tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The VPC that it serves.
    pub vpc_id: String,
    /// Whether it spans availability zones (`AvailabilityMode: regional`); then
    /// it is recorded as a whole, and not by its interfaces.
    pub regional: bool,
    /// Its distinct network interfaces; of a zonal gateway exactly one.
    pub network_interface_ids: Vec<String>,
    /// Its distinct private addresses: with them a record's leg is told.
    pub private_addresses: Vec<String>,
    /// Its distinct public addresses; a private gateway has none.
    pub public_addresses: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_short_and_long_ids_and_nothing_else() {
        for id in ["nat-0123abcd", "nat-0123456789abcdef0"] {
            assert_eq!(NatGatewayId::try_from(id.to_owned()).unwrap().as_str(), id);
        }
        for id in ["", "nat-", "nat-0123456789ABCDEF0", "nat-0123", "eni-0123abcd", "nat-0123abcg"]
        {
            let error = NatGatewayId::try_from(id.to_owned()).unwrap_err();
            assert!(error.to_string().contains(&format!("{id:?}")), "{error}");
        }
    }
}
