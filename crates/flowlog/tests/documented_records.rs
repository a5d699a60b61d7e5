//! Records of the kinds that AWS's guide explains, one of each, with what the guide says of them.
//!
//! Source of the kinds: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html>.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use flowlog::{
    Action, Field, FlowDirection, Format, GatewayAddresses, Leg, LogStatus, Parser, Record,
    TcpFlags, TrafficPath, Value,
};

fn with_record<T>(format: &Format, line: &str, ask: impl FnOnce(&Record<'_>) -> T) -> T {
    let mut parser = Parser::new(format.clone());
    ask(&parser.records(line.as_bytes()).next().unwrap().unwrap())
}

fn default<T>(rest: &str, ask: impl FnOnce(&Record<'_>) -> T) -> T {
    let line = format!("2 123456789012 eni-0a1b2c3d4e5f60718 {rest}");
    assert_eq!(Format::detect(line.as_bytes()), Ok(Format::aws_default()));
    with_record(&Format::aws_default(), &line, ask)
}

#[test]
fn accepted_and_rejected_traffic() {
    default(
        "172.31.16.139 172.31.16.21 20641 22 6 20 4249 1700000000 1700000060 ACCEPT OK",
        |record| {
            assert_eq!(record.action(), Some(Action::Accept));
            assert_eq!(record.number(Field::DstPort), Some(22));
            assert_eq!(record.number(Field::Packets), Some(20));
            assert_eq!(record.text(Field::AccountId), Some("123456789012"));
            assert_eq!(record.text(Field::InterfaceId), Some("eni-0a1b2c3d4e5f60718"));
        },
    );
    default(
        "172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1700000000 1700000060 REJECT OK",
        |record| {
            assert_eq!(record.action(), Some(Action::Reject));
            assert_eq!(record.number(Field::DstPort), Some(3389));
        },
    );
}

#[test]
fn no_data_and_skipped_records() {
    for (word, status) in [("NODATA", LogStatus::NoData), ("SKIPDATA", LogStatus::SkipData)] {
        default(&format!("- - - - - - - 1700000000 1700000060 - {word}"), |record| {
            assert_eq!(record.status(), status);
            for field in [Field::SrcAddr, Field::DstPort, Field::Bytes, Field::Action] {
                assert_eq!(record.value(field), Some(Value::Dash));
            }
            assert_eq!(record.number(Field::End), Some(1_700_000_060));
        });
    }
}

/// Security groups remember connections, network ACLs do not: the answer to a ping is refused.
#[test]
fn a_ping_is_accepted_and_its_answer_is_not() {
    for (ends, action) in [
        ("203.0.113.12 172.31.16.139", Action::Accept),
        ("172.31.16.139 203.0.113.12", Action::Reject),
    ] {
        default(&format!("{ends} 0 0 1 4 336 1700000000 1700000060 {action} OK"), |record| {
            assert_eq!(record.action(), Some(action));
            assert_eq!(record.number(Field::SrcPort), Some(0));
            assert_eq!(record.number(Field::DstPort), Some(0));
            let protocol = record.number(Field::Protocol).and_then(|number| number.try_into().ok());
            assert_eq!(protocol.and_then(flowlog::protocol_keyword), Some("ICMP"));
        });
    }
}

#[test]
fn ipv6_traffic() {
    let line = "2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 \
                34892 22 6 54 8855 1700000000 1700000060 ACCEPT OK";
    default(line, |record| {
        let expected = "2001:db8:1234:a100:8d6e:3477:df66:f105".parse().ok();
        assert_eq!(record.address(Field::SrcAddr), expected);
    });
}

/// A custom format as the guide writes it: the names of its fields.
fn custom(names: &str) -> Format {
    let format = Format::from_header(names).unwrap();
    assert_eq!(format.unknown_names().next(), None);
    format
}

/// What each line's record says.
fn each<T>(format: &Format, lines: &[&str], ask: impl Fn(&Record<'_>) -> T) -> Vec<T> {
    lines.iter().map(|line| with_record(format, line, &ask)).collect()
}

/// Two connections open in one interval, one of them closes in the next; a third opens and closes
/// in one interval. One of its records has two blanks in the guide.
#[test]
fn tcp_flag_sequences() {
    let format = custom(
        "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr \
         srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action \
         tcp-flags log-status",
    );
    for (ports, bytes, blank, flags, words) in [
        ([43_416, 5001], 568, " ", 2, "SYN"),
        ([5001, 43_416], 376, " ", 18, "SYN-ACK"),
        ([43_418, 5001], 100_701, " ", 2, "SYN"),
        ([5001, 43_418], 632, " ", 18, "SYN-ACK"),
        ([5001, 43_418], 63_388, " ", 1, "FIN"),
        ([43_418, 5001], 23_294_588, " ", 1, "FIN"),
        ([43_638, 5001], 1260, " ", 3, "SYN FIN"),
        ([5001, 43_638], 967, "  ", 19, "SYN-ACK FIN"),
    ] {
        let (client, server) = ("52.213.180.42", "10.0.0.62");
        let is_request = ports[1] == 5001;
        let (source, destination) = if is_request { (client, server) } else { (server, client) };
        let line = format!(
            "3 vpc-0a subnet-0a i-0a eni-0a 123456789012 IPv4 {source} {destination} {} {}{blank}\
             {source} {destination} 6 {bytes} 8 1700000000 1700000060 ACCEPT {flags} OK",
            ports[0], ports[1]
        );
        with_record(&format, &line, |record| {
            assert_eq!(record.tcp_flags().map(TcpFlags::words), Some(words));
            assert_eq!(record.number(Field::Version), Some(u64::from(format.version())));
            assert_eq!(record.number(Field::DstPort), Some(ports[1]));
            assert_eq!(record.number(Field::Bytes), Some(bytes));
            assert_eq!(record.address(Field::PktSrcAddr), source.parse().ok());
        });
    }
}

/// The interface of the gateway names itself beside the packet's ends, that of the instance does
/// not: there they are the same.
#[test]
fn traffic_through_a_nat_gateway() {
    let format = custom("instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr");
    let lines = [
        "- eni-0a 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
        "- eni-0a 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5",
        "- eni-0a 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220",
        "- eni-0a 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5",
        "i-0b eni-0b 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
        "i-0b eni-0b 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
    ];
    let gateway: GatewayAddresses = ["10.0.0.220".parse().unwrap()].into_iter().collect();
    let legs = each(&format, &lines, |record| gateway.flow(record).map(|flow| flow.leg));
    let relayed = [Leg::UploadRelayed, Leg::DownloadArriving];
    let of_the_gateway = [Leg::Upload, relayed[0], relayed[1], Leg::Download].map(Some);
    assert_eq!(legs, [of_the_gateway.as_slice(), &[None, None]].concat());
    let managed =
        each(&format, &lines, |record| record.value(Field::InstanceId) == Some(Value::Dash));
    assert_eq!(managed, [true, true, true, true, false, false]);
    let changed = each(&format, &lines, |record| {
        record.address(Field::SrcAddr) != record.address(Field::PktSrcAddr)
            || record.address(Field::DstAddr) != record.address(Field::PktDstAddr)
    });
    assert_eq!(changed, [true, false, false, true, false, false]);
}

#[test]
fn traffic_through_a_transit_gateway() {
    let format = custom(
        "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport \
         dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status",
    );
    let (client, server) = ("10.20.33.164", "10.40.2.236");
    for (instance, ends, request) in [
        ("i-0a", [client, server], true),
        ("i-0a", [server, client], false),
        // The interfaces of the transit gateway, each with its own address.
        ("-", ["10.40.1.175", server], true),
        ("-", [server, "10.40.2.31"], false),
    ] {
        let (ports, flags, packet) = if request {
            ("39812 80", 3, [client, server])
        } else {
            ("80 39812", 19, [server, client])
        };
        let line = format!(
            "3 eni-0a 123456789012 vpc-0a subnet-0a {instance} {} {} {ports} 6 {flags} IPv4 {} {} \
             ACCEPT OK",
            ends[0], ends[1], packet[0], packet[1]
        );
        with_record(&format, &line, |record| {
            assert_eq!(record.text(Field::InstanceId), Some(instance));
            assert_eq!(record.address(Field::SrcAddr), ends[0].parse().ok());
            assert_eq!(record.address(Field::PktSrcAddr), packet[0].parse().ok());
            assert_eq!(record.address(Field::PktDstAddr), packet[1].parse().ok());
        });
    }
}

/// A transit gateway's own flow logs have fields that VPC flow logs do not have.
#[test]
fn a_transit_gateways_own_records() {
    let format = Format::parse("${version} ${resource-type} ${tgw-id} ${bytes}").unwrap();
    assert_eq!(format.unknown_names().collect::<Vec<_>>(), ["resource-type", "tgw-id"]);
    with_record(&format, "6 TransitGateway tgw-0a1b 1234", |record| {
        assert_eq!(record.text_at(2), Some("tgw-0a1b"));
        assert_eq!(record.number(Field::Bytes), Some(1234));
    });
}

#[test]
fn services_paths_and_directions() {
    let format = custom(
        "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id \
         vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id \
         action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service \
         traffic-path flow-direction log-status",
    );
    assert_eq!(format.version(), 5);
    let of_the_instance = "123456789012 vpc-0a subnet-0a i-0a eni-0a ap-southeast-2 apse2-az3 - -";
    let answer = format!(
        "5 52.95.128.179 10.0.0.71 80 34210 6 1700000000 1700000057 IPv4 14 15044 \
         {of_the_instance} ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK"
    );
    with_record(&format, &answer, |record| {
        assert_eq!(record.flow_direction(), Some(FlowDirection::Ingress));
        assert_eq!(record.value(Field::TrafficPath), Some(Value::Dash));
        assert_eq!(record.text(Field::PktSrcAwsService), Some("S3"));
        assert_eq!(record.value(Field::PktDstAwsService), Some(Value::Dash));
        assert_eq!(record.number(Field::Bytes), Some(15_044));
        assert_eq!(record.text(Field::AzId), Some("apse2-az3"));
        assert_eq!(record.value(Field::SublocationType), Some(Value::Dash));
    });
    let request = format!(
        "5 10.0.0.71 52.95.128.179 34210 80 6 1700000000 1700000057 IPv4 7 471 {of_the_instance} \
         ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK"
    );
    with_record(&format, &request, |record| {
        assert_eq!(record.flow_direction(), Some(FlowDirection::Egress));
        assert_eq!(record.traffic_path(), Some(TrafficPath::InternetGateway));
        assert_eq!(record.text(Field::PktDstAwsService), Some("S3"));
    });
}

/// Tasks have fields of their own from version 7; a second container is `-` where there is none.
#[test]
fn tasks_of_ecs() {
    let format = custom(
        "version ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn \
         ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name \
         ecs-task-definition-arn ecs-task-arn ecs-task-id srcaddr dstaddr bytes",
    );
    assert_eq!(format.version(), 7);
    let line = "7 arn:aws:ecs:eu-west-1:123456789012:cluster/shop shop - - 0f1e-1 - checkout \
                arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout:3 \
                arn:aws:ecs:eu-west-1:123456789012:task/shop/0f1e2d 0f1e2d 10.0.3.4 10.0.0.220 57";
    with_record(&format, line, |record| {
        assert_eq!(record.text(Field::EcsServiceName), Some("checkout"));
        assert_eq!(record.text(Field::EcsTaskId), Some("0f1e2d"));
        assert_eq!(record.value(Field::EcsSecondContainerId), Some(Value::Dash));
        let definition = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout:3";
        assert_eq!(record.text(Field::EcsTaskDefinitionArn), Some(definition));
        assert_eq!(record.number(Field::Bytes), Some(57));
    });
}
