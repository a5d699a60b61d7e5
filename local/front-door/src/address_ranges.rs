//! AWS's public addresses, as far as synthetic traffic has any: in the form of `ip-ranges.json`.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html>

use serde_json::{Value, json};

/// Where the front door has the list.
pub(crate) const PATH: &str = "/_local/ip-ranges.json";

pub(crate) fn document() -> Value {
    let prefix = |prefix: &str, region: &str, service: &str| json!({"ip_prefix": prefix, "region": region, "service": service, "network_border_group": region});
    json!({
        "syncToken": "0",
        "createDate": "1970-01-01-00-00-00",
        "prefixes": [
            prefix("52.216.0.0/15", "us-east-1", "S3"),
            prefix("52.218.0.0/17", "eu-west-1", "S3"),
            prefix("52.94.0.0/22", "us-east-1", "DYNAMODB"),
        ],
        "ipv6_prefixes": [],
    })
}
