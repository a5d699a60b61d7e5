use aws_sdk_ec2::{
    Client,
    types::{Filter, VpcEndpoint as Described},
};
use aws_types::SdkConfig;
use recording::{Error, ports::VpcEndpoints};
use report::endpoint::VpcEndpoint;

use crate::error;

/// The VPC endpoints that EC2 knows.
#[derive(Clone, Debug)]
pub struct Ec2VpcEndpoints {
    client: Client,
}

impl Ec2VpcEndpoints {
    /// The endpoints of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl VpcEndpoints for Ec2VpcEndpoints {
    async fn of_vpc(&self, vpc_id: &str) -> Result<Vec<VpcEndpoint>, Error> {
        let filter = Filter::builder().name("vpc-id").values(vpc_id).build();
        let call = self.client.describe_vpc_endpoints().filters(filter);
        let mut endpoints = call.into_paginator().items().send();
        let mut found = vec![];
        while let Some(endpoint) = endpoints.next().await {
            let endpoint =
                endpoint.map_err(|failed| error::of_call("ec2:DescribeVpcEndpoints", &failed))?;
            found.push(described(&endpoint));
        }
        Ok(found)
    }
}

fn described(endpoint: &Described) -> VpcEndpoint {
    VpcEndpoint {
        id: endpoint.vpc_endpoint_id().unwrap_or_default().to_owned(),
        service_name: endpoint.service_name().unwrap_or_default().to_owned(),
        endpoint_type: endpoint.vpc_endpoint_type().map_or("", |kind| kind.as_str()).to_owned(),
        state: endpoint.state().map_or("", |state| state.as_str()).to_lowercase(),
        route_table_ids: endpoint.route_table_ids().to_vec(),
        private_dns_enabled: endpoint.private_dns_enabled().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{State, VpcEndpointType};

    use super::*;

    #[test]
    fn states_are_in_lower_case() {
        let endpoint = Described::builder()
            .vpc_endpoint_id("vpce-1")
            .service_name("com.amazonaws.eu-west-1.s3")
            .vpc_endpoint_type(VpcEndpointType::Gateway)
            .state(State::from("Available"))
            .route_table_ids("rtb-1")
            .build();
        let described = described(&endpoint);
        assert_eq!((&*described.endpoint_type, &*described.state), ("Gateway", "available"));
        assert_eq!(described.route_table_ids, ["rtb-1"]);
    }
}
