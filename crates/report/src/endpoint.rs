//! VPC endpoints: the ways to AWS services past the gateway.

use serde::{Deserialize, Serialize};

/// An endpoint as `DescribeVpcEndpoints` shows it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-…`
    pub id: String,
    /// `com.amazonaws.eu-west-1.s3`; in China `cn.com.amazonaws.…`.
    pub service_name: String,
    /// `Gateway`, `Interface`, …, as EC2 spells it.
    pub endpoint_type: String,
    /// `available`, `pending`, …; EC2 spells it with a capital letter at times.
    pub state: String,
    /// The route tables that lead to a gateway endpoint.
    pub route_table_ids: Vec<String>,
    /// Whether the service's own name leads to an interface endpoint.
    pub private_dns_enabled: bool,
}

/// The kind of endpoint that carries a service's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Carrier {
    /// A gateway endpoint, which is free.
    Gateway,
    /// An interface endpoint, which costs by the hour and by the gigabyte.
    Interface,
    /// The addresses belong to many services: most have an interface endpoint.
    ManyServices,
    /// None that is known.
    None,
}

/// The services that the flow logs name, as endpoints spell them.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html> (`pkt-src-aws-service`)
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>
const SERVICES: [(&str, Carrier, &str); 10] = [
    ("S3", Carrier::Gateway, "s3"),
    ("DYNAMODB", Carrier::Gateway, "dynamodb"),
    ("API_GATEWAY", Carrier::Interface, "execute-api"),
    ("CODEBUILD", Carrier::Interface, "codebuild"),
    ("EBS", Carrier::Interface, "ebs"),
    ("AMAZON_APPFLOW", Carrier::Interface, "appflow"),
    ("KINESIS_VIDEO_STREAMS", Carrier::Interface, "kinesisvideo"),
    ("AMAZON", Carrier::ManyServices, ""),
    // Instances of anybody: web sites, and services that run on EC2.
    ("EC2", Carrier::None, ""),
    ("CLOUDFRONT", Carrier::None, ""),
];

/// Which endpoint carries a service of the flow logs, and its name in the endpoint's.
#[must_use]
pub fn carrier(service: &str) -> (Carrier, &'static str) {
    let known = SERVICES.iter().find(|(name, _, _)| *name == service);
    known.map_or((Carrier::None, ""), |(_, carrier, name)| (*carrier, name))
}

impl VpcEndpoint {
    /// Whether it carries that service in that way.
    #[must_use]
    pub fn carries(&self, carrier: Carrier, service: &str) -> bool {
        let endpoint_type = match carrier {
            Carrier::Gateway => "Gateway",
            Carrier::Interface => "Interface",
            Carrier::ManyServices | Carrier::None => return false,
        };
        let of_service = self.service_name.rsplit('.').next() == Some(service);
        of_service && self.endpoint_type.eq_ignore_ascii_case(endpoint_type)
    }

    /// Whether it carries anything now.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.state.eq_ignore_ascii_case("available")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_carries_its_own_service_in_its_own_way() {
        let endpoint = VpcEndpoint {
            service_name: "com.amazonaws.eu-west-1.s3".into(),
            endpoint_type: "Gateway".into(),
            state: "Available".into(),
            ..VpcEndpoint::default()
        };
        assert_eq!(carrier("S3"), (Carrier::Gateway, "s3"));
        assert!(endpoint.carries(Carrier::Gateway, "s3") && endpoint.is_available());
        assert!(!endpoint.carries(Carrier::Interface, "s3"));
        assert!(!endpoint.carries(Carrier::Gateway, "dynamodb"));
        assert_eq!(carrier("SOMETHING_NEW").0, Carrier::None);
    }
}
