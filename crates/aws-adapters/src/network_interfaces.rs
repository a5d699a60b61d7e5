use std::{collections::BTreeMap, net::IpAddr};

use aws_sdk_ec2::{
    Client,
    operation::describe_network_interfaces::builders::DescribeNetworkInterfacesFluentBuilder,
    types::{Filter, NetworkInterface as Described, Tag},
};
use aws_types::SdkConfig;
use recording::{Error, ports::NetworkInterfaces};
use report::interface::{NetworkInterface, Tags};

use crate::error;

/// How many values a filter takes.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html>
const MOST_FILTER_VALUES: usize = 200;

/// The network interfaces that EC2 knows.
#[derive(Clone, Debug)]
pub struct Ec2NetworkInterfaces {
    client: Client,
}

impl Ec2NetworkInterfaces {
    /// The interfaces of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    async fn found(
        &self,
        vpc_id: &str,
        filter: &str,
        addresses: Vec<String>,
    ) -> Result<Vec<NetworkInterface>, Error> {
        if addresses.is_empty() {
            return Ok(vec![]);
        }
        let call = self.client.describe_network_interfaces();
        let call = call.filters(filter_of("vpc-id", vec![vpc_id.to_owned()]));
        self.described_by(call.filters(filter_of(filter, addresses))).await
    }

    /// The interfaces with these IDs; those that do not exist are left out.
    pub async fn with_ids(&self, ids: &[String]) -> Result<Vec<NetworkInterface>, Error> {
        let mut found = vec![];
        for ids in ids.chunks(MOST_FILTER_VALUES) {
            let call = self.client.describe_network_interfaces();
            // Asked for by name, one that does not exist would fail the call.
            let call = call.filters(filter_of("network-interface-id", ids.to_vec()));
            found.extend(self.described_by(call).await?);
        }
        Ok(found)
    }

    async fn described_by(
        &self,
        call: DescribeNetworkInterfacesFluentBuilder,
    ) -> Result<Vec<NetworkInterface>, Error> {
        let mut interfaces = call.into_paginator().items().send();
        let mut found = vec![];
        while let Some(interface) = interfaces.next().await {
            let interface = interface
                .map_err(|failed| error::of_call("ec2:DescribeNetworkInterfaces", &failed))?;
            found.push(described(&interface));
        }
        Ok(found)
    }
}

impl NetworkInterfaces for Ec2NetworkInterfaces {
    async fn with_addresses(
        &self,
        vpc_id: &str,
        addresses: &[IpAddr],
    ) -> Result<Vec<NetworkInterface>, Error> {
        let (v4, v6): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4());
        let texts = |addresses: Vec<IpAddr>| addresses.iter().map(ToString::to_string).collect();
        let mut found = self.found(vpc_id, "addresses.private-ip-address", texts(v4)).await?;
        found.extend(self.found(vpc_id, "ipv6-addresses.ipv6-address", texts(v6)).await?);
        Ok(found)
    }

    async fn instance_tags(
        &self,
        instance_ids: &[String],
    ) -> Result<BTreeMap<String, Tags>, Error> {
        let mut tags: BTreeMap<String, Tags> = BTreeMap::new();
        for ids in instance_ids.chunks(MOST_FILTER_VALUES) {
            let call = self.client.describe_tags();
            let call = call.filters(filter_of("resource-id", ids.to_vec()));
            let mut found = call.into_paginator().items().send();
            while let Some(tag) = found.next().await {
                let tag = tag.map_err(|failed| error::of_call("ec2:DescribeTags", &failed))?;
                if let (Some(id), Some(key), Some(value)) =
                    (tag.resource_id(), tag.key(), tag.value())
                {
                    tags.entry(id.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
                }
            }
        }
        Ok(tags)
    }
}

fn filter_of(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn described(interface: &Described) -> NetworkInterface {
    let v4 = interface.private_ip_addresses().iter();
    let v4 = v4.filter_map(|address| address.private_ip_address());
    let v6 = interface.ipv6_addresses().iter().filter_map(|address| address.ipv6_address());
    let attachment = interface.attachment();
    NetworkInterface {
        id: interface.network_interface_id().unwrap_or_default().to_owned(),
        addresses: v4.chain(v6).filter_map(|address| address.parse().ok()).collect(),
        interface_type: interface
            .interface_type()
            .map_or("interface", |kind| kind.as_str())
            .to_owned(),
        description: interface.description().unwrap_or_default().to_owned(),
        instance_id: attachment.and_then(|attachment| attachment.instance_id()).map(str::to_owned),
        tags: interface.tag_set().iter().filter_map(tag).collect(),
        account_id: interface.owner_id().map(str::to_owned),
        vpc_id: interface.vpc_id().map(str::to_owned),
        subnet_id: interface.subnet_id().map(str::to_owned),
        zone_name: interface.availability_zone().map(str::to_owned),
        zone_id: interface.availability_zone_id().map(str::to_owned),
        security_groups: interface
            .groups()
            .iter()
            .filter_map(|group| group.group_id().map(str::to_owned))
            .collect(),
    }
}

fn tag(tag: &Tag) -> Option<(String, String)> {
    Some((tag.key()?.to_owned(), tag.value()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        GroupIdentifier, NetworkInterfaceAttachment, NetworkInterfaceIpv6Address,
        NetworkInterfacePrivateIpAddress,
    };

    use super::*;
    use crate::loopback;

    /// A page of an answer, which names the next one unless it is the last.
    fn page(operation: &str, items: &str, next: &str) -> String {
        let next = if next.is_empty() { "" } else { &format!("<nextToken>{next}</nextToken>") };
        let body = format!("<{operation}Response>{items}{next}</{operation}Response>");
        loopback::answer("200 OK", &body)
    }

    #[tokio::test]
    async fn every_page_is_read_of_as_many_ids_as_a_filter_takes() {
        let interface = |id: &str, next: &str| {
            let item = format!("<item><networkInterfaceId>{id}</networkInterfaceId></item>");
            let items = format!("<networkInterfaceSet>{item}</networkInterfaceSet>");
            page("DescribeNetworkInterfaces", &items, next)
        };
        let pages = [interface("eni-1", "more"), interface("eni-2", ""), interface("eni-201", "")];
        let (address, requests) = loopback::service(&pages.each_ref().map(String::as_str));
        let interfaces = Ec2NetworkInterfaces::new(&loopback::config(address));
        let ids: Vec<_> = (1..=201).map(|number| format!("eni-{number}")).collect();
        let found = interfaces.with_ids(&ids).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|interface| interface.id).collect();
        assert_eq!(found, ["eni-1", "eni-2", "eni-201"]);
        let asked = requests.join().unwrap().into_iter();
        let asked: Vec<_> = asked.map(|request| String::from_utf8(request.body).unwrap()).collect();
        let has = |text: &str| asked.iter().map(|body| body.contains(text)).collect::<Vec<_>>();
        assert_eq!(has("Filter.1.Value.200=eni-200"), [true, true, false]);
        assert_eq!(has("Filter.1.Value.1=eni-201"), [false, false, true]);
        assert_eq!(has("NextToken=more"), [false, true, false]);
    }

    #[tokio::test]
    async fn every_page_of_tags_is_read() {
        let tag = |key: &str, next: &str| {
            let members = format!("<resourceId>i-1</resourceId><key>{key}</key><value>v</value>");
            page("DescribeTags", &format!("<tagSet><item>{members}</item></tagSet>"), next)
        };
        let pages = [tag("Name", "more"), tag("Team", "")];
        let (address, _) = loopback::service(&pages.each_ref().map(String::as_str));
        let interfaces = Ec2NetworkInterfaces::new(&loopback::config(address));
        let found = interfaces.instance_tags(&["i-1".to_owned()]).await.unwrap();
        let tags = ["Name", "Team"].map(|key| (key.to_owned(), "v".to_owned()));
        assert_eq!(found, BTreeMap::from([("i-1".to_owned(), Tags::from(tags))]));
    }

    #[test]
    fn all_addresses_of_an_interface_are_known() {
        let v4 = |address: &str| {
            NetworkInterfacePrivateIpAddress::builder().private_ip_address(address).build()
        };
        let interface = Described::builder()
            .network_interface_id("eni-1")
            .private_ip_addresses(v4("10.0.1.5"))
            .private_ip_addresses(v4("10.0.1.6"))
            .ipv6_addresses(
                NetworkInterfaceIpv6Address::builder().ipv6_address("2001:db8::5").build(),
            )
            .attachment(NetworkInterfaceAttachment::builder().instance_id("i-1").build())
            .tag_set(Tag::builder().key("Name").value("crawler").build())
            .owner_id("123456789012")
            .vpc_id("vpc-1")
            .subnet_id("subnet-1")
            .availability_zone("eu-west-1a")
            .availability_zone_id("euw1-az1")
            .groups(GroupIdentifier::builder().group_id("sg-1").group_name("web").build())
            .build();

        let expected = NetworkInterface {
            id: "eni-1".to_owned(),
            addresses: ["10.0.1.5", "10.0.1.6", "2001:db8::5"].map(|a| a.parse().unwrap()).into(),
            interface_type: "interface".to_owned(),
            description: String::new(),
            instance_id: Some("i-1".to_owned()),
            tags: [("Name".to_owned(), "crawler".to_owned())].into(),
            account_id: Some("123456789012".to_owned()),
            vpc_id: Some("vpc-1".to_owned()),
            subnet_id: Some("subnet-1".to_owned()),
            zone_name: Some("eu-west-1a".to_owned()),
            zone_id: Some("euw1-az1".to_owned()),
            security_groups: vec!["sg-1".to_owned()],
        };
        assert_eq!(described(&interface), expected);
    }
}
