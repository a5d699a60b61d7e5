//! Which endpoints would carry what passed the gateway, and what that would save.

use serde::{Deserialize, Serialize};

use crate::endpoint::{self, Carrier, VpcEndpoint};
use crate::facts::Facts;
use crate::prices;
use crate::traffic::Bytes;
use crate::words;

/// What to do about the traffic with one AWS service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// The service, as the flow logs spell it.
    pub service: String,
    /// What was exchanged with it.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// Of that, with other regions, which an endpoint does not reach; where it is known.
    pub elsewhere_bytes: Option<u64>,
    /// Which kind of endpoint carries it.
    pub carrier: Carrier,
    /// The endpoint's service: `com.amazonaws.eu-west-1.s3`.
    pub endpoint_service: Option<String>,
    /// Whether the VPC has it.
    pub existing: Existing,
    /// What the gateway's data processing of these bytes costs.
    pub nat_processing_dollars: f64,
    /// From how many bytes a month an interface endpoint in one zone costs less.
    pub break_even_bytes_per_month: Option<u64>,
}

/// Whether the VPC has an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Existing {
    /// It has none.
    None,
    /// It has this one, and yet the traffic passed the gateway.
    There {
        /// `vpce-…`
        id: String,
        /// Whether it is ready to be used.
        is_available: bool,
    },
    /// It could not be found out.
    Unknown,
}

/// The advice about every AWS service that was reached, the most bytes first.
#[must_use]
pub fn of(facts: &Facts) -> Vec<Advice> {
    let services = facts.traffic.as_ref().and_then(|traffic| traffic.services.as_ref());
    let services = services.into_iter().flat_map(|services| &services.rows);
    services
        .filter_map(|(service, bytes)| Some(about(service.as_deref()?, *bytes, facts)))
        .collect()
}

fn about(service: &str, bytes: Bytes, facts: &Facts) -> Advice {
    let (carrier, name) = endpoint::carrier(service);
    let is_endpoint = matches!(carrier, Carrier::Gateway | Carrier::Interface);
    let own_region = facts.gateway.region.as_deref();
    let region = own_region.unwrap_or("<region>");
    let prefix = if region.starts_with("cn-") { "cn." } else { "" };
    Advice {
        service: service.to_owned(),
        bytes,
        elsewhere_bytes: elsewhere(service, facts),
        carrier,
        endpoint_service: is_endpoint.then(|| format!("{prefix}com.amazonaws.{region}.{name}")),
        existing: match &facts.endpoints {
            Some(endpoints) => existing(endpoints, carrier, name),
            None => Existing::Unknown,
        },
        nat_processing_dollars: prices::NAT_PROCESSING
            .in_region(own_region)
            .of_bytes(bytes.total()),
        break_even_bytes_per_month: (carrier == Carrier::Interface)
            .then(|| prices::interface_endpoint_break_even_bytes(own_region)),
    }
}

fn existing(endpoints: &[VpcEndpoint], carrier: Carrier, name: &str) -> Existing {
    let fitting = || endpoints.iter().filter(|endpoint| endpoint.carries(carrier, name));
    let found = fitting().find(|endpoint| endpoint.is_available()).or_else(|| fitting().next());
    found.map_or(Existing::None, |endpoint| Existing::There {
        id: endpoint.id.clone(),
        is_available: endpoint.is_available(),
    })
}

/// An endpoint leads to the service in its own region. Told only when every peer is known.
fn elsewhere(service: &str, facts: &Facts) -> Option<u64> {
    let (ranges, own) = (facts.ranges.as_ref()?, facts.gateway.region.as_deref()?);
    let peers = facts.traffic.as_ref()?.peers.as_ref()?;
    let all_are_known =
        peers.count.is_some_and(|count| count.number <= words::length(peers.rows.len()));
    let of_service = peers.rows.iter().filter(|(peer, _)| peer.service.as_deref() == Some(service));
    let elsewhere = of_service.filter(|(peer, _)| {
        ranges.region(peer.address).is_some_and(|region| region != own && region != "GLOBAL")
    });
    all_are_known.then(|| elsewhere.map(|(_, bytes)| bytes.total()).sum())
}

impl Advice {
    /// What passed the gateway, and what to do about it.
    #[must_use]
    pub fn words(&self) -> String {
        let dollars = words::money(self.nat_processing_dollars);
        let elsewhere = match self.elsewhere_bytes {
            Some(bytes) if bytes > 0 => format!(
                " {} of it went to other regions, where no endpoint of this one leads.",
                words::size(bytes)
            ),
            _ => String::new(),
        };
        let size = words::size(self.bytes.total());
        format!("{size} through the gateway, {dollars}. {}{elsewhere}", self.what_to_do())
    }

    /// What to do, in a sentence.
    #[must_use]
    pub fn what_to_do(&self) -> String {
        match (self.carrier, &self.existing) {
            (Carrier::None, _) => "No endpoint carries it.".to_owned(),
            (Carrier::ManyServices, _) => "Many services share these addresses, and most have \
                an interface endpoint; the client knows which one it calls."
                .to_owned(),
            (_, Existing::There { id, is_available: true }) => format!(
                "The VPC has {id} for it, but this traffic did not take it: {}?",
                self.why_not()
            ),
            (_, Existing::There { id, .. }) => {
                format!("The VPC has {id} for it, which is not available.")
            }
            (Carrier::Gateway, Existing::None) => {
                format!("The VPC has no gateway endpoint {}, which would be free.", self.name())
            }
            (Carrier::Gateway, Existing::Unknown) => {
                format!("A gateway endpoint {} would be free.", self.name())
            }
            (Carrier::Interface, existing) => {
                let has = if *existing == Existing::None { "The VPC has no" } else { "An" };
                format!("{has} interface endpoint {}: {}.", self.name(), self.break_even())
            }
        }
    }

    fn name(&self) -> &str {
        self.endpoint_service.as_deref().unwrap_or("?")
    }

    fn why_not(&self) -> &'static str {
        if self.carrier == Carrier::Gateway {
            "do the route tables of the clients' subnets lead to it"
        } else {
            "does the service's name lead to it (private DNS)"
        }
    }

    fn break_even(&self) -> String {
        let break_even = self.break_even_bytes_per_month.unwrap_or_default();
        let spikes = break_even.div_ceil(self.bytes.total().max(1));
        format!(
            "in one zone it pays off from about {} a month, {} like this",
            words::size(break_even),
            words::counted(spikes, "spike")
        )
    }
}
