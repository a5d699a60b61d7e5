//! VPC endpoints: the ways to AWS services past the gateway.

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
    /// `available`, `pending`, …, in lower case (EC2 spells it either way).
    pub state: String,
    /// The route tables that lead to a gateway endpoint.
    pub route_table_ids: Vec<String>,
    /// Whether the service's own name leads to an interface endpoint.
    pub private_dns_enabled: bool,
}
