//! The fields that a flow-log record can hold: the one table that names them.
//!
//! Everything that knows a field's name takes it from here: formats, the parser, the saved
//! queries, `docs/fields.md`. Source: AWS's table of [available fields], in its order.
//!
//! [available fields]: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields

use std::fmt;

/// How many fields AWS has defined, versions 2 to 11.
pub const FIELD_COUNT: usize = 54;

/// What a field's value is, with the width that AWS documents (as a Parquet type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Any text without a space, percent-encoded where AWS says so. Parquet: `STRING`.
    Text,
    /// An IPv4 or IPv6 address. Parquet: `STRING`.
    Address,
    /// A whole number of 32 bits, never negative. Parquet: `INT_32`.
    Int32,
    /// A whole number of 64 bits, never negative. Parquet: `INT_64`.
    Int64,
}

impl ValueType {
    /// The type of the field's column in AWS's Parquet files.
    #[must_use]
    pub const fn parquet_type(self) -> &'static str {
        match self {
            Self::Text | Self::Address => "STRING",
            Self::Int32 => "INT_32",
            Self::Int64 => "INT_64",
        }
    }

    /// The type of the field's column in a table of Athena.
    #[must_use]
    pub const fn athena_type(self) -> &'static str {
        match self {
            Self::Text | Self::Address => "string",
            Self::Int32 => "int",
            Self::Int64 => "bigint",
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nothing: a name, a code or an address.
    None,
    /// Bytes, headers included.
    Bytes,
    /// Packets.
    Packets,
    /// Seconds since 1970-01-01T00:00:00Z.
    UnixSeconds,
}

impl Unit {
    /// The unit as a word, or nothing.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bytes => "bytes",
            Self::Packets => "packets",
            Self::UnixSeconds => "Unix seconds",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldFacts {
    /// AWS's name, as in a log format and in the header line of a file in S3: `pkt-srcaddr`.
    pub token: &'static str,
    /// The name in Logs Insights. AWS documents the spelling of the version 2 fields
    /// (`srcAddr`, and `startTime` for `start`); the others follow it: `pktSrcAddr`.
    pub insights_name: &'static str,
    /// The column's name in AWS's Parquet files and in our JSON: `pkt_srcaddr`.
    pub json_name: &'static str,
    /// The flow-log version that introduced the field, 2 to 11.
    pub version: u8,
    /// What the value is.
    pub value_type: ValueType,
    /// What the value counts.
    pub unit: Unit,
    /// What the value says.
    pub meaning: &'static str,
    /// When AWS writes `-` (in Parquet: null) in place of a value.
    pub dash_when: &'static str,
}

macro_rules! fields {
    ($($variant:ident {
        $token:literal, $insights_name:literal, $json_name:literal,
        $version:literal, $value_type:ident, $unit:ident,
        $meaning:literal, $dash_when:expr $(,)?
    })*) => {
        /// A field of a flow-log record, in the order of AWS's table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $(
                #[doc = concat!("`", $token, "`: ", $meaning, ".")]
                $variant,
            )*
        }

        impl Field {
            /// Every field, in the order of AWS's table.
            pub const ALL: [Self; FIELD_COUNT] = [$(Self::$variant,)*];

            /// The field's row.
            #[must_use]
            pub const fn facts(self) -> &'static FieldFacts {
                match self {
                    $(Self::$variant => &FieldFacts {
                        token: $token,
                        insights_name: $insights_name,
                        json_name: $json_name,
                        version: $version,
                        value_type: ValueType::$value_type,
                        unit: Unit::$unit,
                        meaning: $meaning,
                        dash_when: $dash_when,
                    },)*
                }
            }

            /// The field that AWS calls `token` (`pkt-srcaddr`), if there is one.
            #[must_use]
            pub fn from_token(token: &str) -> Option<Self> {
                match token {
                    $($token => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The field whose column is called `name` (`pkt_srcaddr`), if there is one.
            #[must_use]
            pub fn from_json_name(name: &str) -> Option<Self> {
                match name {
                    $($json_name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

const NEVER: &str = "never";
const NO_TRAFFIC: &str = "NODATA and SKIPDATA records";
const NOT_COMPUTED: &str = "it does not apply or could not be computed";
const NO_SUBLOCATION: &str = "the interface is in no sublocation";
const NO_AWS_SERVICE: &str = "the address is not in AWS's published ranges";
const NO_ECS_TASK: &str =
    "the interface is not a running ECS task's (so always on a NAT gateway's interface)";
const NO_TAG: &str = "there is no such tag";
const NO_NEXT_HOP: &str = "the next hop could not be computed, as for a peer on the internet";

fields! {
    Version {
        "version", "version", "version", 2, Int32, None,
        "the highest version among the record's fields; 2 in the default format", NEVER
    }
    AccountId {
        "account-id", "accountId", "account_id", 2, Text, None,
        "the account that owns the interface; `unknown` for some that AWS services create", NEVER
    }
    InterfaceId {
        "interface-id", "interfaceId", "interface_id", 2, Text, None,
        "the network interface on which the flow was seen", "flows of a regional NAT gateway"
    }
    SrcAddr {
        "srcaddr", "srcAddr", "srcaddr", 2, Address, None,
        "where the packets came from; of what leaves the interface, the interface's private address",
        NO_TRAFFIC
    }
    DstAddr {
        "dstaddr", "dstAddr", "dstaddr", 2, Address, None,
        "where the packets went; of what enters the interface, the interface's primary private \
         address, even if they were sent to a secondary one",
        NO_TRAFFIC
    }
    SrcPort {
        "srcport", "srcPort", "srcport", 2, Int32, None,
        "the source port; 0 for protocols without ports", NO_TRAFFIC
    }
    DstPort {
        "dstport", "dstPort", "dstport", 2, Int32, None,
        "the destination port; 0 for protocols without ports", NO_TRAFFIC
    }
    Protocol {
        "protocol", "protocol", "protocol", 2, Int32, None,
        "the protocol's number in IANA's registry", NO_TRAFFIC
    }
    Packets {
        "packets", "packets", "packets", 2, Int64, Packets,
        "packets of this flow in the interval", NO_TRAFFIC
    }
    Bytes {
        "bytes", "bytes", "bytes", 2, Int64, Bytes,
        "bytes of this flow in the interval",
        "NODATA and SKIPDATA records, and flows that Block Public Access rejected"
    }
    Start {
        "start", "startTime", "start", 2, Int64, UnixSeconds,
        "when the interval's first packet was received, up to 60 s after it passed the interface; \
         without traffic, the start of the interval",
        NEVER
    }
    End {
        "end", "endTime", "end", 2, Int64, UnixSeconds,
        "when the interval's last packet was received, up to 60 s after it passed the interface; \
         without traffic, the end of the interval",
        NEVER
    }
    Action {
        "action", "action", "action", 2, Text, None,
        "ACCEPT, or REJECT by a security group, a network ACL or because the connection was closed",
        NO_TRAFFIC
    }
    LogStatus {
        "log-status", "logStatus", "log_status", 2, Text, None,
        "OK, NODATA (nothing passed in the interval) or SKIPDATA (flows were lost, perhaps many)",
        NEVER
    }
    VpcId {
        "vpc-id", "vpcId", "vpc_id", 3, Text, None,
        "the VPC of the interface", NOT_COMPUTED
    }
    SubnetId {
        "subnet-id", "subnetId", "subnet_id", 3, Text, None,
        "the subnet of the interface", NOT_COMPUTED
    }
    InstanceId {
        "instance-id", "instanceId", "instance_id", 3, Text, None,
        "the instance of the interface",
        "AWS manages the interface for the account (so always on a NAT gateway's interface)"
    }
    TcpFlags {
        "tcp-flags", "tcpFlags", "tcp_flags", 3, Int32, None,
        "the TCP flags seen in the interval, added up: FIN 1, SYN 2, RST 4, SYN-ACK 18; an ACK or \
         PSH alone counts nothing",
        "the protocol is not TCP, and NODATA and SKIPDATA records"
    }
    Type {
        "type", "type", "type", 3, Text, None,
        "IPv4, IPv6 or EFA", NO_TRAFFIC
    }
    PktSrcAddr {
        "pkt-srcaddr", "pktSrcAddr", "pkt_srcaddr", 3, Address, None,
        "the source address in the packet's header; differs from `srcaddr` where the interface \
         only passes traffic on, as a NAT gateway's does",
        NO_TRAFFIC
    }
    PktDstAddr {
        "pkt-dstaddr", "pktDstAddr", "pkt_dstaddr", 3, Address, None,
        "the destination address in the packet's header; differs from `dstaddr` where the \
         interface only passes traffic on, as a NAT gateway's does",
        NO_TRAFFIC
    }
    Region {
        "region", "region", "region", 4, Text, None,
        "the region of the interface", NOT_COMPUTED
    }
    AzId {
        "az-id", "azId", "az_id", 4, Text, None,
        "the ID of the interface's Availability Zone", "the interface is in a sublocation"
    }
    SublocationType {
        "sublocation-type", "sublocationType", "sublocation_type", 4, Text, None,
        "wavelength, outpost or localzone", NO_SUBLOCATION
    }
    SublocationId {
        "sublocation-id", "sublocationId", "sublocation_id", 4, Text, None,
        "the ID of the sublocation", NO_SUBLOCATION
    }
    PktSrcAwsService {
        "pkt-src-aws-service", "pktSrcAwsService", "pkt_src_aws_service", 5, Text, None,
        "the AWS service whose published range holds `pkt-srcaddr`, such as S3 or DYNAMODB; AWS \
         adds services to the set",
        NO_AWS_SERVICE
    }
    PktDstAwsService {
        "pkt-dst-aws-service", "pktDstAwsService", "pkt_dst_aws_service", 5, Text, None,
        "the AWS service whose published range holds `pkt-dstaddr`, such as S3 or DYNAMODB; AWS \
         adds services to the set",
        NO_AWS_SERVICE
    }
    FlowDirection {
        "flow-direction", "flowDirection", "flow_direction", 5, Text, None,
        "ingress into the interface or egress from it", NO_TRAFFIC
    }
    TrafficPath {
        "traffic-path", "trafficPath", "traffic_path", 5, Int32, None,
        "by which way egress traffic left, 1 to 8", "ingress, or when no known way applies"
    }
    EcsClusterArn {
        "ecs-cluster-arn", "ecsClusterArn", "ecs_cluster_arn", 7, Text, None,
        "the ARN of the task's ECS cluster", NO_ECS_TASK
    }
    EcsClusterName {
        "ecs-cluster-name", "ecsClusterName", "ecs_cluster_name", 7, Text, None,
        "the name of the task's ECS cluster", NO_ECS_TASK
    }
    EcsContainerInstanceArn {
        "ecs-container-instance-arn", "ecsContainerInstanceArn", "ecs_container_instance_arn",
        7, Text, None,
        "the ARN of the task's container instance, when it runs on EC2", NO_ECS_TASK
    }
    EcsContainerInstanceId {
        "ecs-container-instance-id", "ecsContainerInstanceId", "ecs_container_instance_id",
        7, Text, None,
        "the ID of the task's container instance, when it runs on EC2", NO_ECS_TASK
    }
    EcsContainerId {
        "ecs-container-id", "ecsContainerId", "ecs_container_id", 7, Text, None,
        "the runtime ID of the task's first container", NO_ECS_TASK
    }
    EcsSecondContainerId {
        "ecs-second-container-id", "ecsSecondContainerId", "ecs_second_container_id", 7, Text, None,
        "the runtime ID of the task's second container", NO_ECS_TASK
    }
    EcsServiceName {
        "ecs-service-name", "ecsServiceName", "ecs_service_name", 7, Text, None,
        "the name of the task's ECS service", NO_ECS_TASK
    }
    EcsTaskDefinitionArn {
        "ecs-task-definition-arn", "ecsTaskDefinitionArn", "ecs_task_definition_arn", 7, Text, None,
        "the ARN of the task's definition", NO_ECS_TASK
    }
    EcsTaskArn {
        "ecs-task-arn", "ecsTaskArn", "ecs_task_arn", 7, Text, None,
        "the ARN of the ECS task", NO_ECS_TASK
    }
    EcsTaskId {
        "ecs-task-id", "ecsTaskId", "ecs_task_id", 7, Text, None,
        "the ID of the ECS task", NO_ECS_TASK
    }
    RejectReason {
        "reject-reason", "rejectReason", "reject_reason", 8, Text, None,
        "BPA (VPC Block Public Access) or EC (encryption controls)",
        "the traffic was not rejected for one of these reasons"
    }
    ResourceId {
        "resource-id", "resourceId", "resource_id", 9, Text, None,
        "the resource that holds the traffic: of a regional NAT gateway's flows, the gateway",
        "the traffic belongs to an interface"
    }
    EncryptionStatus {
        "encryption-status", "encryptionStatus", "encryption_status", 10, Int32, None,
        "0 not encrypted, 1 by Nitro, 2 by the application, 3 by both",
        "it is unknown, or encryption controls are off"
    }
    InstanceTag {
        "instance-tag", "instanceTag", "instance_tag", 11, Text, None,
        "the value of the first instance tag that the flow log asks for, percent-encoded; may be \
         missing or wrong for the first hour",
        NO_TAG
    }
    InstanceTag2 {
        "instance-tag-2", "instanceTag2", "instance_tag_2", 11, Text, None,
        "the value of the second instance tag that the flow log asks for, percent-encoded",
        NO_TAG
    }
    InterfaceTag {
        "interface-tag", "interfaceTag", "interface_tag", 11, Text, None,
        "the value of the first interface tag that the flow log asks for, percent-encoded; may be \
         missing or wrong for the first hour",
        NO_TAG
    }
    InterfaceTag2 {
        "interface-tag-2", "interfaceTag2", "interface_tag_2", 11, Text, None,
        "the value of the second interface tag that the flow log asks for, percent-encoded",
        NO_TAG
    }
    AsgTag {
        "asg-tag", "asgTag", "asg_tag", 11, Text, None,
        "the value of the first Auto Scaling group tag that the flow log asks for, \
         percent-encoded; may be missing or wrong for the first hour",
        NO_TAG
    }
    AsgTag2 {
        "asg-tag-2", "asgTag2", "asg_tag_2", 11, Text, None,
        "the value of the second Auto Scaling group tag that the flow log asks for, percent-encoded",
        NO_TAG
    }
    InterfaceType {
        "interface-type", "interfaceType", "interface_type", 11, Text, None,
        "nat_gateway, regional_nat_gateway, network_load_balancer, transit_gateway or vpc_endpoint",
        "the interface is of another type"
    }
    NextHopInterfaceId {
        "next-hop-interface-id", "nextHopInterfaceId", "next_hop_interface_id", 11, Text, None,
        "the interface that receives egress traffic next, or that sent ingress traffic last",
        NO_NEXT_HOP
    }
    NextHopSubnetId {
        "next-hop-subnet-id", "nextHopSubnetId", "next_hop_subnet_id", 11, Text, None,
        "the subnet of the next hop", NO_NEXT_HOP
    }
    NextHopAzId {
        "next-hop-az-id", "nextHopAzId", "next_hop_az_id", 11, Text, None,
        "the ID of the next hop's Availability Zone", NO_NEXT_HOP
    }
    NextHopVpcId {
        "next-hop-vpc-id", "nextHopVpcId", "next_hop_vpc_id", 11, Text, None,
        "the VPC of the next hop", NO_NEXT_HOP
    }
    NextHopInterfaceType {
        "next-hop-interface-type", "nextHopInterfaceType", "next_hop_interface_type", 11, Text, None,
        "the type of the next hop, in the words of `interface-type`", NO_NEXT_HOP
    }
}

impl Field {
    /// AWS's name: `pkt-srcaddr`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        self.facts().token
    }

    /// The name in Logs Insights: `pktSrcAddr`.
    #[must_use]
    pub const fn insights_name(self) -> &'static str {
        self.facts().insights_name
    }

    /// The name in JSON and Parquet: `pkt_srcaddr`.
    #[must_use]
    pub const fn json_name(self) -> &'static str {
        self.facts().json_name
    }

    /// The flow-log version that introduced the field, 2 to 11.
    #[must_use]
    pub const fn version(self) -> u8 {
        self.facts().version
    }

    /// What the value is.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        self.facts().value_type
    }
}

impl fmt::Display for Field {
    /// Writes AWS's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many fields AWS's table introduces per version, 2 to 11.
    const FIELDS_PER_VERSION: [(u8, usize); 9] =
        [(2, 14), (3, 7), (4, 4), (5, 4), (7, 10), (8, 1), (9, 1), (10, 1), (11, 12)];

    #[test]
    fn the_table_has_every_field_of_every_version() {
        for (version, expected) in FIELDS_PER_VERSION {
            let found = Field::ALL.iter().filter(|field| field.version() == version).count();
            assert_eq!(found, expected, "version {version}");
        }
        assert_eq!(FIELDS_PER_VERSION.iter().map(|(_, count)| count).sum::<usize>(), FIELD_COUNT);
    }

    #[test]
    fn the_table_is_in_the_order_of_aws() {
        assert!(Field::ALL.is_sorted());
        assert!(Field::ALL.iter().map(|field| field.version()).is_sorted());
        let version_2: Vec<_> = Field::ALL.iter().take(14).map(|field| field.token()).collect();
        assert_eq!(
            version_2.join(" "),
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets \
             bytes start end action log-status"
        );
        assert_eq!(Field::ALL.last().map(|field| field.token()), Some("next-hop-interface-type"));
    }

    #[test]
    fn names_lead_back_to_their_field_and_are_nobody_elses() {
        for field in Field::ALL {
            assert_eq!(Field::from_token(field.token()), Some(field));
            assert_eq!(Field::from_json_name(field.json_name()), Some(field));
            let others = Field::ALL.iter().filter(|other| **other != field);
            assert!(others.clone().all(|other| other.insights_name() != field.insights_name()));
        }
        assert_eq!(Field::from_token("pkt_srcaddr"), None);
    }

    #[test]
    fn spellings_follow_from_the_token() {
        // AWS's own exceptions: single words that Logs Insights splits or renames.
        let insights_words = |token: &str| match token {
            "start" => "start-time".to_owned(),
            "end" => "end-time".to_owned(),
            _ => token.replace("srcaddr", "src-addr").replace("dstaddr", "dst-addr"),
        };
        for field in Field::ALL {
            assert_eq!(field.json_name(), field.token().replace('-', "_"));
            let words = insights_words(field.token()).replace("srcport", "src-port");
            let words = words.replace("dstport", "dst-port");
            assert_eq!(field.insights_name(), camel_case(&words));
        }
    }

    fn camel_case(words: &str) -> String {
        let mut words = words.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |text, word| {
            let (head, tail) = word.split_at(1);
            text + &head.to_uppercase() + tail
        })
    }

    #[test]
    fn numbers_have_the_width_that_aws_documents() {
        let of = |value_type| {
            let fields = Field::ALL.iter().filter(move |field| field.value_type() == value_type);
            fields.map(|field| field.token()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            of(ValueType::Int32),
            "version srcport dstport protocol tcp-flags traffic-path encryption-status"
        );
        assert_eq!(of(ValueType::Int64), "packets bytes start end");
        assert_eq!(of(ValueType::Address), "srcaddr dstaddr pkt-srcaddr pkt-dstaddr");
    }
}
