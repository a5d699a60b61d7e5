//! The gateway whose traffic is recorded, and the flow logs that record it.

use std::net::IpAddr;

use jiff::Timestamp;
use roxmltree::Node;

use crate::aws::{AwsClient, AwsError};
use crate::nat_gateways::EC2_VERSION;
use crate::xml;

use super::legs::Interval;
use super::objects::Folder;

/// Where a regional gateway's connections seem to come from, to their peers: it has no private
/// address, and AWS documents no record of it. An address of the range for benchmarks (RFC 2544).
const REGIONAL_ADDRESS: &str = "198.18.0.1";

/// A NAT gateway as its records tell of it.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) vpc: String,
    pub(super) subnet: Option<String>,
    pub(super) az_id: Option<String>,
    pub(super) interface: String,
    pub(super) address: IpAddr,
}

impl Gateway {
    /// The gateway, if it is available.
    pub(super) async fn describe(
        moto: &AwsClient,
        region: &str,
        id: &str,
    ) -> Result<Option<Self>, AwsError> {
        let parameters = [("NatGatewayId.1", id)];
        let answer =
            moto.query(region, "ec2", EC2_VERSION, "DescribeNatGateways", &parameters).await?;
        let document = xml::parse(&answer)?;
        let Some(item) = xml::items(&document, "natGatewaySet").next() else { return Ok(None) };
        if xml::text(item, "state") != Some("available") {
            return Ok(None);
        }
        let subnet = xml::text(item, "subnetId").map(str::to_owned);
        let (az_id, account) = match (&subnet, xml::text(item, "vpcId")) {
            (Some(subnet), _) => zone_and_owner(moto, region, subnet).await?,
            (None, Some(vpc)) => (None, owner(moto, region, vpc).await?),
            (None, None) => (None, None),
        };
        Self::of_item(item, region, az_id, account)
            .map(Some)
            .ok_or_else(|| AwsError::Answer(answer.clone()))
    }

    fn of_item(
        item: Node<'_, '_>,
        region: &str,
        az_id: Option<String>,
        account: Option<String>,
    ) -> Option<Self> {
        let text = |name: &str| xml::text(item, name).map(str::to_owned);
        let own = xml::child(item, "natGatewayAddressSet").and_then(|set| xml::child(set, "item"));
        let (interface, address) = match own {
            Some(own) => (xml::text(own, "networkInterfaceId"), xml::text(own, "privateIp")?),
            None if text("availabilityMode")? == "regional" => (None, REGIONAL_ADDRESS),
            None => return None,
        };
        Some(Self {
            id: text("natGatewayId")?,
            account: account.unwrap_or_else(|| "unknown".to_owned()),
            region: region.to_owned(),
            vpc: text("vpcId").unwrap_or_else(|| "-".to_owned()),
            subnet: text("subnetId"),
            az_id,
            interface: interface.unwrap_or("-").to_owned(),
            address: address.parse().ok()?,
        })
    }
}

/// The ID of a subnet's zone, and its owner.
async fn zone_and_owner(
    moto: &AwsClient,
    region: &str,
    subnet: &str,
) -> Result<(Option<String>, Option<String>), AwsError> {
    let parameters = [("SubnetId.1", subnet)];
    let answer = moto.query(region, "ec2", EC2_VERSION, "DescribeSubnets", &parameters).await?;
    let document = xml::parse(&answer)?;
    let item = xml::items(&document, "subnetSet").next();
    let text = |name: &str| item.and_then(|item| xml::text(item, name)).map(str::to_owned);
    Ok((text("availabilityZoneId"), text("ownerId")))
}

/// The owner of a VPC: a regional gateway has no subnet.
async fn owner(moto: &AwsClient, region: &str, vpc: &str) -> Result<Option<String>, AwsError> {
    let parameters = [("VpcId.1", vpc)];
    let answer = moto.query(region, "ec2", EC2_VERSION, "DescribeVpcs", &parameters).await?;
    let document = xml::parse(&answer)?;
    let item = xml::items(&document, "vpcSet").next();
    Ok(item.and_then(|item| xml::text(item, "ownerId")).map(str::to_owned))
}

/// Where a flow log's records go.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    LogGroup(String),
    Folder(Folder),
}

impl Destination {
    fn of_item(item: Node<'_, '_>) -> Option<Self> {
        match xml::text(item, "logDestinationType") {
            Some("s3") => Folder::of_item(item).map(Self::Folder),
            _ => xml::text(item, "logGroupName").map(|name| Self::LogGroup(name.to_owned())),
        }
    }
}

/// A flow log that delivers.
#[derive(Clone, Debug)]
pub(super) struct FlowLog {
    pub(super) id: String,
    pub(super) format: String,
    pub(super) destination: Destination,
    created_at: Timestamp,
    /// An interface, or a regional gateway.
    resource: String,
    /// `all`, `accept` or `reject`.
    traffic: String,
}

impl FlowLog {
    /// The active flow logs that see the gateway's traffic: all of it is accepted.
    pub(super) async fn on(
        moto: &AwsClient,
        region: &str,
        gateway: &Gateway,
    ) -> Result<Vec<Self>, AwsError> {
        let parameters = [
            ("Filter.1.Name", "resource-id"),
            ("Filter.1.Value.1", &gateway.interface),
            ("Filter.1.Value.2", &gateway.id),
        ];
        let answer =
            moto.query(region, "ec2", EC2_VERSION, "DescribeFlowLogs", &parameters).await?;
        let document = xml::parse(&answer)?;
        let flow_logs = xml::items(&document, "flowLogSet").filter_map(Self::of_item);
        Ok(flow_logs.filter(|flow_log| flow_log.traffic != "reject").collect())
    }

    fn of_item(item: Node<'_, '_>) -> Option<Self> {
        let text = |name: &str| xml::text(item, name).map(str::to_owned);
        let delivers = text("deliverLogsStatus").as_deref() != Some("FAILED");
        let is_active = text("flowLogStatus").as_deref() == Some("ACTIVE");
        (delivers && is_active).then_some(())?;
        Some(Self {
            id: text("flowLogId")?,
            format: text("logFormat")?,
            destination: Destination::of_item(item)?,
            created_at: text("creationTime")?.parse().ok()?,
            resource: text("resourceId")?,
            traffic: text("trafficType").unwrap_or_else(|| "ALL".to_owned()).to_lowercase(),
        })
    }

    /// Whether it records the gateway as such, a regional one, and no interface.
    pub(super) fn is_of(&self, gateway: &Gateway) -> bool {
        self.resource == gateway.id
    }

    /// The part of an interval that it has seen; none if it was created after it.
    pub(super) fn seen_of(&self, interval: Interval) -> Option<Interval> {
        let start = interval.start.max(self.created_at);
        (start < interval.end).then_some(Interval { start, end: interval.end })
    }

    /// The log stream that AWS writes to: `eni-…-all`.
    pub(super) fn stream(&self) -> String {
        format!("{}-{}", self.resource, self.traffic)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const GATEWAY: &str = "<r xmlns='http://ec2'><natGatewaySet><item>\
        <natGatewayAddressSet><item><networkInterfaceId>eni-1</networkInterfaceId>\
        <privateIp>10.0.0.220</privateIp></item></natGatewayAddressSet>\
        <natGatewayId>nat-1</natGatewayId><state>available</state>\
        <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item></natGatewaySet></r>";

    pub(crate) fn gateway() -> Gateway {
        let document = xml::parse(GATEWAY).unwrap();
        let item = xml::items(&document, "natGatewaySet").next().unwrap();
        let (az_id, account) = (Some("use1-az1".to_owned()), Some("123456789012".to_owned()));
        Gateway::of_item(item, "us-east-1", az_id, account).unwrap()
    }

    fn flow_log(resource: &str) -> FlowLog {
        FlowLog {
            id: "fl-1".to_owned(),
            format: "${bytes}".to_owned(),
            destination: Destination::LogGroup("g".to_owned()),
            created_at: "2026-01-02T03:04:00Z".parse().unwrap(),
            resource: resource.to_owned(),
            traffic: "all".to_owned(),
        }
    }

    pub(crate) fn zonal_flow_log() -> FlowLog {
        flow_log("eni-1")
    }

    pub(crate) fn regional_flow_log() -> FlowLog {
        flow_log("nat-1")
    }

    #[test]
    fn only_a_regional_gateway_has_no_interface() {
        let gateway = |mode: &str| {
            let text = format!(
                "<r><item><natGatewayAddressSet/><natGatewayId>nat-1</natGatewayId>\
                 <availabilityMode>{mode}</availabilityMode><vpcId>vpc-1</vpcId></item></r>"
            );
            let document = xml::parse(&text).unwrap();
            let item = document.root_element().first_element_child().unwrap();
            Gateway::of_item(item, "us-east-1", None, None)
        };
        let regional = gateway("regional").unwrap();
        assert_eq!((regional.interface.as_str(), regional.subnet), ("-", None));
        assert!(gateway("zonal").is_none());
    }

    #[test]
    fn streams_are_named_after_the_recorded_resource() {
        assert_eq!(zonal_flow_log().stream(), "eni-1-all");
        assert!(regional_flow_log().is_of(&gateway()));
        assert!(!zonal_flow_log().is_of(&gateway()));
    }

    #[test]
    fn what_passed_before_a_flow_log_was_created_is_not_recorded() {
        let interval = |start: &str, end: &str| {
            let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
            zonal_flow_log().seen_of(Interval { start, end })
        };
        assert!(interval("2026-01-02T03:03:58Z", "2026-01-02T03:04:00Z").is_none());
        let partly = interval("2026-01-02T03:03:58Z", "2026-01-02T03:04:01Z").unwrap();
        assert_eq!(partly.milliseconds(), 1000);
        let wholly = interval("2026-01-02T03:04:01Z", "2026-01-02T03:04:03Z").unwrap();
        assert_eq!(wholly.milliseconds(), 2000);
    }

    #[test]
    fn failed_and_inactive_flow_logs_deliver_nothing() {
        let item = |delivery: &str, status: &str| {
            let text = format!(
                "<r><item><deliverLogsStatus>{delivery}</deliverLogsStatus>\
                 <flowLogStatus>{status}</flowLogStatus><flowLogId>fl-1</flowLogId>\
                 <creationTime>2026-01-02T03:04:05.678Z</creationTime>\
                 <logFormat>x</logFormat><logGroupName>g</logGroupName>\
                 <resourceId>eni-1</resourceId></item></r>"
            );
            let document = xml::parse(&text).unwrap();
            FlowLog::of_item(document.root_element().first_element_child().unwrap()).is_some()
        };
        assert!(item("SUCCESS", "ACTIVE"));
        assert!(!item("FAILED", "ACTIVE"));
        assert!(!item("SUCCESS", "DELETING"));
    }
}
