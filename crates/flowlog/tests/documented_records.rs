//! Records of the kinds that AWS's guide explains, one of each, with what the guide says of them.
//!
//! Source of the kinds: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html>.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use flowlog::{Action, Field, Format, LogStatus, Parser, Record, TcpFlags, Value};

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
        },
    );
    default(
        "172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1700000000 1700000060 REJECT OK",
        |record| {
            assert_eq!(record.action(), Some(Action::Reject));
        },
    );
}

#[test]
fn no_data_and_skipped_records() {
    for (word, status) in [("NODATA", LogStatus::NoData), ("SKIPDATA", LogStatus::SkipData)] {
        default(&format!("- - - - - - - 1700000000 1700000060 - {word}"), |record| {
            assert_eq!(record.status(), status);
            assert_eq!(record.value(Field::SrcAddr), Some(Value::Dash));
            assert_eq!(record.number(Field::End), Some(1_700_000_060));
        });
    }
}

/// Security groups remember connections, network ACLs do not: the answer to a ping is refused.
#[test]
fn a_ping_has_no_ports() {
    default("172.31.16.139 203.0.113.12 0 0 1 4 336 1700000000 1700000060 REJECT OK", |record| {
        assert_eq!(record.number(Field::SrcPort), Some(0));
        let protocol = record.number(Field::Protocol).and_then(|number| number.try_into().ok());
        assert_eq!(protocol.and_then(flowlog::protocol_keyword), Some("ICMP"));
    });
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

#[test]
fn tcp_flag_sequences() {
    let format = Format::parse_known(
        "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} \
         ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} \
         ${bytes} ${packets} ${start} ${end} ${action} ${tcp-flags} ${log-status}",
    )
    .unwrap();
    // A connection that opens, one that opens and closes in the interval, and their answers.
    for (number, words) in
        [(2, "SYN"), (18, "SYN-ACK"), (3, "SYN FIN"), (19, "SYN-ACK FIN"), (1, "FIN")]
    {
        let line = format!(
            "3 vpc-0a subnet-0a i-0a eni-0a 123456789012 IPv4 198.51.100.7 10.0.0.62 43416 5001 \
             198.51.100.7 10.0.0.62 6 568 8 1700000000 1700000060 ACCEPT {number} OK"
        );
        with_record(&format, &line, |record| {
            assert_eq!(record.tcp_flags().map(TcpFlags::words), Some(words));
            assert_eq!(record.number(Field::Version), Some(u64::from(format.version())));
        });
    }
}

#[test]
fn traffic_through_a_nat_gateway_and_a_transit_gateway() {
    let format = Format::parse_known(
        "${instance-id} ${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}",
    )
    .unwrap();
    with_record(&format, "- eni-0a 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5", |record| {
        assert_eq!(record.value(Field::InstanceId), Some(Value::Dash));
        assert_eq!(record.address(Field::DstAddr), "10.0.0.220".parse().ok());
        assert_eq!(record.address(Field::PktDstAddr), "203.0.113.5".parse().ok());
        assert_eq!(record.status(), LogStatus::Ok);
    });
    with_record(&format, "- eni-0b 10.40.1.175 10.40.2.236 10.20.33.164 10.40.2.236", |record| {
        assert_eq!(record.address(Field::PktSrcAddr), "10.20.33.164".parse().ok());
    });
    // A transit gateway's own flow logs have fields that VPC flow logs do not have.
    let format = Format::parse("${version} ${resource-type} ${tgw-id} ${bytes}").unwrap();
    assert_eq!(format.unknown_names().collect::<Vec<_>>(), ["resource-type", "tgw-id"]);
    with_record(&format, "6 TransitGateway tgw-0a1b 1234", |record| {
        assert_eq!(record.text_at(2), Some("tgw-0a1b"));
        assert_eq!(record.number(Field::Bytes), Some(1234));
    });
}

#[test]
fn services_paths_and_directions() {
    let format = Format::parse_known(
        "${version} ${srcaddr} ${dstaddr} ${type} ${pkt-srcaddr} ${pkt-dstaddr} \
         ${pkt-src-aws-service} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path}",
    )
    .unwrap();
    let line = "5 10.0.0.71 198.51.100.2 IPv4 10.0.0.71 198.51.100.2 - S3 egress 8";
    with_record(&format, line, |record| {
        assert_eq!(record.text(Field::PktDstAwsService), Some("S3"));
        assert_eq!(
            record.traffic_path().map(flowlog::TrafficPath::words),
            Some("internet gateway")
        );
    });
}

#[test]
fn tasks_of_ecs() {
    let format = Format::parse_known(
        "${version} ${ecs-cluster-name} ${ecs-service-name} ${ecs-task-id} ${bytes}",
    )
    .unwrap();
    with_record(&format, "7 shop checkout 0f1e2d 57", |record| {
        assert_eq!(record.text(Field::EcsServiceName), Some("checkout"));
    });
}
