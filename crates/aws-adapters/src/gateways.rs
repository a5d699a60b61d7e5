use std::collections::BTreeSet;

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{
        AvailabilityMode, Filter, NatGateway as Described, NatGatewayAddress, NatGatewayState,
    },
};
use aws_types::SdkConfig;
use recording::{
    Error, NatGatewayId,
    gateway::NatGateway,
    ports::{ExistingGateways, Gateways},
};

use crate::error;

/// The NAT gateways that EC2 knows.
#[derive(Clone, Debug)]
pub struct Ec2Gateways {
    client: Client,
}

impl Ec2Gateways {
    /// The gateways of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl Gateways for Ec2Gateways {
    async fn describe(&self, gateway: &NatGatewayId) -> Result<NatGateway, Error> {
        let answer = self.client.describe_nat_gateways().nat_gateway_ids(gateway.as_str());
        let answer = answer.send().await.map_err(|failed| match failed.code() {
            Some("NatGatewayNotFound" | "InvalidNatGatewayID.NotFound") => unknown(gateway),
            _ => error::of_call("ec2:DescribeNatGateways", &failed),
        })?;
        answer.nat_gateways().first().map(described).ok_or_else(|| unknown(gateway))
    }
}

/// What a filter of EC2 takes.
const FILTER_VALUES: usize = 200;

impl ExistingGateways for Ec2Gateways {
    /// Asks by a filter: an ID that EC2 does not know would otherwise fail the call. A gateway
    /// that was deleted is shown for another hour.
    async fn existing(
        &self,
        gateways: &BTreeSet<NatGatewayId>,
    ) -> Result<BTreeSet<NatGatewayId>, Error> {
        let ids: Vec<String> = gateways.iter().map(ToString::to_string).collect();
        let mut existing = BTreeSet::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let filter = Filter::builder().name("nat-gateway-id").set_values(Some(ids.to_vec()));
            let call = self.client.describe_nat_gateways().filter(filter.build());
            let mut found = call.into_paginator().items().send();
            while let Some(gateway) = found.next().await {
                let gateway =
                    gateway.map_err(|failed| error::of_call("ec2:DescribeNatGateways", &failed))?;
                existing.extend(if_it_lasts(&gateway));
            }
        }
        Ok(existing)
    }
}

fn if_it_lasts(gateway: &Described) -> Option<NatGatewayId> {
    let is_going = [Some(&NatGatewayState::Deleted), Some(&NatGatewayState::Deleting)];
    let id = gateway.nat_gateway_id().filter(|_| !is_going.contains(&gateway.state()))?;
    NatGatewayId::try_from(id.to_owned()).ok()
}

fn unknown(gateway: &NatGatewayId) -> Error {
    Error::GatewayNotFound {
        gateway: gateway.to_string(),
        found: "EC2 knows none of this ID".to_owned(),
    }
}

fn described(gateway: &Described) -> NatGateway {
    let name = gateway.tags().iter().find(|tag| tag.key() == Some("Name"));
    let state = gateway.state().map_or("in an unknown state", |state| state.as_str());
    NatGateway {
        state: state.to_owned(),
        name: name.and_then(|tag| tag.value()).map(str::to_owned),
        vpc_id: gateway.vpc_id().unwrap_or("unknown VPC").to_owned(),
        regional: gateway.availability_mode() == Some(&AvailabilityMode::Regional),
        network_interface_ids: distinct(gateway, NatGatewayAddress::network_interface_id),
        private_addresses: distinct(gateway, NatGatewayAddress::private_ip),
        public_addresses: distinct(gateway, NatGatewayAddress::public_ip),
    }
}

/// EC2 repeats the one network interface of a zonal gateway with every address.
fn distinct(gateway: &Described, of: fn(&NatGatewayAddress) -> Option<&str>) -> Vec<String> {
    let addresses = gateway.nat_gateway_addresses().iter();
    let distinct: BTreeSet<&str> = addresses.filter_map(of).collect();
    distinct.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_interface_of_a_zonal_gateway_is_named_once() {
        let address = |private: &str, public: Option<&str>| {
            NatGatewayAddress::builder()
                .network_interface_id("eni-1")
                .private_ip(private)
                .set_public_ip(public.map(str::to_owned))
                .build()
        };
        let gateway = Described::builder()
            .nat_gateway_addresses(address("10.0.0.9", Some("192.0.2.1")))
            .nat_gateway_addresses(address("10.0.0.8", None))
            .build();

        let described = described(&gateway);

        assert_eq!(described.network_interface_ids, ["eni-1"]);
        assert_eq!(described.private_addresses, ["10.0.0.8", "10.0.0.9"]);
        assert_eq!(described.public_addresses, ["192.0.2.1"]);
        assert!(!described.regional);
    }

    #[test]
    fn a_gateway_that_is_being_deleted_does_not_last() {
        let gateway = |state: &str| {
            Described::builder().nat_gateway_id("nat-0123abcd").state(state.into()).build()
        };
        for (state, lasts) in
            [("available", true), ("pending", true), ("deleting", false), ("deleted", false)]
        {
            assert_eq!(if_it_lasts(&gateway(state)).is_some(), lasts, "{state}");
        }
    }

    #[test]
    fn a_regional_gateway_is_told_by_its_availability_mode() {
        let gateway = Described::builder().availability_mode(AvailabilityMode::Regional).build();
        assert!(described(&gateway).regional);
    }
}
