//! Network interfaces: what is behind a client's address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An interface as `DescribeNetworkInterfaces` shows it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkInterface {
    /// `eni-…`
    pub id: String,
    /// Its private IPv4 addresses, secondary ones included, and its IPv6 addresses.
    pub addresses: Vec<IpAddr>,
    /// `interface`, `lambda`, `network_load_balancer`, …, as EC2 spells it.
    pub interface_type: String,
    /// What its creator wrote: `AWS Lambda VPC ENI-…`, `ELB app/…`.
    pub description: String,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// Its own tags by their keys.
    pub tags: Tags,
    /// The account that owns it: twelve digits.
    pub account_id: Option<String>,
    /// `vpc-…`
    pub vpc_id: Option<String>,
    /// `subnet-…`
    pub subnet_id: Option<String>,
    /// The Availability Zone's name in this account: `eu-west-1a`.
    pub zone_name: Option<String>,
    /// The same zone's ID in every account: `euw1-az1`.
    pub zone_id: Option<String>,
    /// `sg-…`, in EC2's order.
    pub security_groups: Vec<String>,
}

/// Tags: values by keys.
pub type Tags = BTreeMap<String, String>;

/// What is behind an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// What it is.
    pub kind: OwnerKind,
    /// The name that people gave it, as short as it can be: a `Name` tag, a function's name.
    pub name: Option<String>,
    /// AWS's own ID of it, or of its interface.
    pub id: String,
}

/// What can be behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnerKind {
    /// An EC2 instance.
    Instance,
    /// A pod on a node of EKS, or the node itself: they share interfaces.
    EksNode,
    /// The control plane of an EKS cluster.
    EksControlPlane,
    /// A Lambda function.
    Lambda,
    /// A task of ECS.
    EcsTask,
    /// A load balancer.
    LoadBalancer,
    /// Something else with a network interface.
    Interface,
}

impl OwnerKind {
    /// In words; nothing for an instance, which its ID shows to be one.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Instance => "",
            Self::EksNode => "EKS node or its pods",
            Self::EksControlPlane => "EKS control plane",
            Self::Lambda => "Lambda function",
            Self::EcsTask => "ECS task",
            Self::LoadBalancer => "load balancer",
            Self::Interface => "network interface",
        }
    }
}

impl Owner {
    /// Who owns the interface; `instance_tags` are those of its instance, where it has one.
    #[must_use]
    pub fn of(interface: &NetworkInterface, instance_tags: Option<&Tags>) -> Self {
        by_description(interface)
            .or_else(|| by_tags(interface))
            .or_else(|| by_instance(interface, instance_tags))
            .unwrap_or_else(|| other(interface))
    }

    /// `web-1 (i-0a1b)`, `Lambda function import`, `eni-0a1b`.
    #[must_use]
    pub fn words(&self) -> String {
        let kind = self.kind.words();
        match (&self.name, kind) {
            (Some(name), "") => format!("{name} ({})", self.id),
            (Some(name), kind) => format!("{kind} {name}"),
            (None, "") => self.id.clone(),
            (None, kind) => format!("{kind} {}", self.id),
        }
    }

    /// The shortest that tells it: its name, or its ID.
    #[must_use]
    pub fn short(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// AWS's services describe the interfaces that they create, each in its own way.
fn by_description(interface: &NetworkInterface) -> Option<Owner> {
    let description = interface.description.as_str();
    let id = || interface.id.clone();
    let owner = |kind, name: &str| Owner { kind, name: Some(name.to_owned()), id: id() };
    if let Some(function) = description.strip_prefix("AWS Lambda VPC ENI-") {
        return Some(owner(OwnerKind::Lambda, without_uuid(function)));
    }
    if let Some(balancer) = description.strip_prefix("ELB ") {
        // An application or network load balancer is `app/<name>/<id>`, a classic one its name.
        let name = balancer.split('/').nth(1).unwrap_or(balancer);
        return Some(owner(OwnerKind::LoadBalancer, name));
    }
    if let Some(cluster) = description.strip_prefix("Amazon EKS ") {
        return Some(owner(OwnerKind::EksControlPlane, cluster));
    }
    let is_task = description.starts_with("arn:") && description.contains(":ecs:");
    is_task.then(|| {
        let task = interface.tags.get("aws:ecs:serviceName").or_else(|| name_tag(&interface.tags));
        Owner { kind: OwnerKind::EcsTask, name: task.cloned(), id: id() }
    })
}

/// `import-3a6d1d4b-0000-4000-8000-000000000000` is of the function `import`.
fn without_uuid(text: &str) -> &str {
    const UUID_LENGTH: usize = 36;
    let cut = text.len().checked_sub(UUID_LENGTH + 1);
    let split = cut.and_then(|cut| text.split_at_checked(cut));
    match split {
        Some((name, rest)) if rest.starts_with('-') && rest.matches('-').count() == 5 => name,
        _ => text,
    }
}

fn by_tags(interface: &NetworkInterface) -> Option<Owner> {
    let service = interface.tags.get("aws:ecs:serviceName")?;
    Some(Owner { kind: OwnerKind::EcsTask, name: Some(service.clone()), id: interface.id.clone() })
}

/// Nodes of EKS bear one of these tags, depending on who made them.
const CLUSTER_TAGS: [&str; 3] =
    ["aws:eks:cluster-name", "eks:cluster-name", "cluster.k8s.amazonaws.com/name"];

fn by_instance(interface: &NetworkInterface, instance_tags: Option<&Tags>) -> Option<Owner> {
    // The VPC CNI plugin describes the interfaces of pods so, and names the node.
    let node = interface.description.strip_prefix("aws-K8S-");
    let id = interface.instance_id.as_deref().or(node)?;
    let tags = [instance_tags, Some(&interface.tags)].into_iter().flatten();
    let has_cluster = tags.flat_map(|tags| tags.keys()).any(|key| {
        CLUSTER_TAGS.contains(&key.as_str()) || key.starts_with("kubernetes.io/cluster/")
    });
    let is_node = node.is_some() || has_cluster;
    let kind = if is_node { OwnerKind::EksNode } else { OwnerKind::Instance };
    let name = instance_tags.and_then(name_tag).cloned();
    Some(Owner { kind, name, id: id.to_owned() })
}

fn other(interface: &NetworkInterface) -> Owner {
    let description =
        Some(&interface.description).filter(|description| !description.trim().is_empty());
    let kind =
        if interface.interface_type == "lambda" { OwnerKind::Lambda } else { OwnerKind::Interface };
    let name = name_tag(&interface.tags).or(description).cloned();
    Owner { kind, name, id: interface.id.clone() }
}

/// The name that people gave: the tag `Name`, unless it is blank.
#[must_use]
pub fn name_tag(tags: &Tags) -> Option<&String> {
    tags.get("Name").filter(|name| !name.trim().is_empty())
}

/// Who is behind each address.
#[must_use]
pub fn owners(
    interfaces: &[NetworkInterface],
    instance_tags: &BTreeMap<String, Tags>,
) -> BTreeMap<IpAddr, Owner> {
    let mut owners = BTreeMap::new();
    for interface in interfaces {
        let instance = interface.instance_id.as_ref().and_then(|id| instance_tags.get(id));
        let owner = Owner::of(interface, instance);
        owners.extend(interface.addresses.iter().map(|address| (*address, owner.clone())));
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(description: &str) -> NetworkInterface {
        NetworkInterface {
            id: "eni-0a1b".to_owned(),
            interface_type: "interface".to_owned(),
            description: description.to_owned(),
            ..NetworkInterface::default()
        }
    }

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn descriptions_tell_who_made_an_interface() {
        for (description, words) in [
            (
                "AWS Lambda VPC ENI-import-3a6d1d4b-0000-4000-8000-000000000000",
                "Lambda function import",
            ),
            ("ELB app/public/50dc6c495c0c9188", "load balancer public"),
            ("ELB classic", "load balancer classic"),
            ("Amazon EKS blue", "EKS control plane blue"),
            ("arn:aws:ecs:eu-west-1:1:attachment/0a", "ECS task eni-0a1b"),
            ("aws-K8S-i-0c0d", "EKS node or its pods i-0c0d"),
            ("RDSNetworkInterface", "network interface RDSNetworkInterface"),
            ("", "network interface eni-0a1b"),
        ] {
            assert_eq!(Owner::of(&interface(description), None).words(), words);
        }
    }

    #[test]
    fn an_instance_is_called_by_its_name() {
        let on = NetworkInterface { instance_id: Some("i-0c0d".into()), ..interface("") };
        assert_eq!(Owner::of(&on, None).words(), "i-0c0d");
        let named = tags(&[("Name", "web-1")]);
        assert_eq!(Owner::of(&on, Some(&named)).words(), "web-1 (i-0c0d)");
        let node = tags(&[("Name", "node-1"), ("eks:cluster-name", "blue")]);
        assert_eq!(Owner::of(&on, Some(&node)).words(), "EKS node or its pods node-1");
    }

    #[test]
    fn a_task_is_called_by_its_service() {
        let task = NetworkInterface {
            tags: tags(&[("aws:ecs:serviceName", "shop")]),
            ..interface("arn:aws:ecs:eu-west-1:1:attachment/0a")
        };
        assert_eq!(Owner::of(&task, None).words(), "ECS task shop");
    }
}
