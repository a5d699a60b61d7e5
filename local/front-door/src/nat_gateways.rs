//! NAT gateways: an unknown one is an error, where moto answers an empty list.

use std::collections::HashSet;

use crate::aws::AwsError;
use crate::aws_calls::{Answer, AwsCall, Refusal};
use crate::door::Door;
use crate::{pipeline, xml};

pub(crate) const EC2_VERSION: &str = "2016-11-15";

/// `DescribeNatGateways`.
pub(crate) async fn describe(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let asked_for = call.parameters.texts("NatGatewayId");
    if !asked_for.is_empty() {
        let known = match known(door, &call.region, &asked_for).await {
            Ok(known) => known,
            // A moto that refuses unknown ones itself.
            Err(AwsError::Service { .. }) => return Ok(pipeline::forward(door, call).await),
            Err(error) => {
                let message = format!("gateways unknown: {error}");
                return Err(Refusal::new(500, "InternalError", &message));
            }
        };
        if let Some(unknown) = asked_for.iter().find(|id| !known.contains(*id)) {
            let message = format!("The Nat Gateway {unknown} was not found");
            return Err(Refusal::new(400, "NatGatewayNotFound", &message));
        }
    }
    Ok(pipeline::forward(door, call).await)
}

/// Those of the gateways that exist.
async fn known(door: &Door, region: &str, ids: &[String]) -> Result<HashSet<String>, AwsError> {
    let numbered: Vec<_> =
        (1..).zip(ids).map(|(n, id)| (format!("NatGatewayId.{n}"), id)).collect();
    let parameters: Vec<_> =
        numbered.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
    let answer =
        door.moto.query(region, "ec2", EC2_VERSION, "DescribeNatGateways", &parameters).await?;
    let document = xml::parse(&answer)?;
    Ok(xml::items(&document, "natGatewaySet")
        .filter_map(|item| xml::text(item, "natGatewayId"))
        .map(str::to_owned)
        .collect())
}
