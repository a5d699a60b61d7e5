//! IDs of NAT gateways.

use std::collections::BTreeSet;
use std::fmt;

use macro_protocol::shown;
use serde_json::Value;

use crate::refusal::Refusal;

/// What a parameter value of 4,096 bytes holds, at 21 characters and a comma each.
const MOST_GATEWAYS: usize = 186;

/// `nat-` and 17 lower-case hexadecimal digits (8, for the oldest gateways).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct GatewayId {
    digits: String,
}

impl GatewayId {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("nat-")?;
        let is_id = matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self { digits: digits.to_owned() })
    }

    /// Made of the ID alone: a gateway's alarm stays the same one, with its state, wherever in the
    /// list the gateway stands.
    #[must_use]
    pub fn alarm_logical_id(&self) -> String {
        format!("NatSpikeAlarm{}", self.digits)
    }
}

impl fmt::Display for GatewayId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "nat-{}", self.digits)
    }
}

/// The gateways that `NatGatewayIDs` names: a list, or a string with commas. Spaces and empty
/// elements (a trailing comma) are ignored.
pub(crate) fn gateways(value: &Value) -> Result<BTreeSet<GatewayId>, Refusal> {
    let mut gateways = BTreeSet::new();
    for item in items(value) {
        let text = item.as_str().ok_or_else(|| Refusal::WrongGatewayId { found: shown(item) })?;
        for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
            let gateway = GatewayId::parse(id)
                .ok_or_else(|| Refusal::WrongGatewayId { found: shown(&id.into()) })?;
            if !gateways.insert(gateway) {
                return Err(Refusal::DuplicateGateway { found: shown(&id.into()) });
            }
        }
    }
    match gateways.len() {
        0 => Err(Refusal::NoGateway { found: shown(value) }),
        1..=MOST_GATEWAYS => Ok(gateways),
        count => Err(Refusal::TooManyGateways { count, most: MOST_GATEWAYS }),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}
