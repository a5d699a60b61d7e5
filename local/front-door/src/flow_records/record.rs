//! One record in a flow log's own format.

use flowlog::{Action, Field, Format, FormatField, LogStatus};

use super::gateway::{FlowLog, Gateway};
use super::legs::{Interval, Leg};

/// What AWS writes where a field does not apply.
const NOTHING: &str = "-";

/// The values that tell of a leg, in the order of the format; none where a field does not apply.
pub(super) type Values = Vec<Option<String>>;

pub(super) fn values(
    format: &Format,
    gateway: &Gateway,
    flow_log: &FlowLog,
    interval: Interval,
    leg: &Leg,
) -> Values {
    let record = Record { version: format.version(), gateway, flow_log, interval, leg };
    let fields = format.fields().iter().map(FormatField::known);
    fields.map(|field| field.and_then(|field| record.value(field))).collect()
}

/// The values as a line of text.
pub(super) fn line(values: &[Option<String>]) -> String {
    let words: Vec<_> = values.iter().map(|value| value.as_deref().unwrap_or(NOTHING)).collect();
    words.join(" ")
}

struct Record<'a> {
    version: u8,
    gateway: &'a Gateway,
    flow_log: &'a FlowLog,
    interval: Interval,
    leg: &'a Leg,
}

impl Record<'_> {
    /// A field's value; none where AWS writes `-`.
    fn value(&self, field: Field) -> Option<String> {
        self.of_interface(field).or_else(|| self.of_packets(field)).or_else(|| self.of_time(field))
    }

    /// Where the traffic was seen. A regional gateway has no interface to tell of.
    fn of_interface(&self, field: Field) -> Option<String> {
        let gateway = self.gateway;
        let is_regional = self.flow_log.is_of(gateway);
        match field {
            Field::AccountId => Some(gateway.account.clone()),
            Field::VpcId => Some(gateway.vpc.clone()),
            Field::Region => Some(gateway.region.clone()),
            Field::InterfaceId if !is_regional => Some(gateway.interface.clone()),
            Field::SubnetId if !is_regional => gateway.subnet.clone(),
            Field::AzId if !is_regional => gateway.az_id.clone(),
            Field::ResourceId if is_regional => Some(gateway.id.clone()),
            Field::InterfaceType if is_regional => Some("regional_nat_gateway".to_owned()),
            Field::InterfaceType => Some("nat_gateway".to_owned()),
            _ => None,
        }
    }

    /// What passed.
    fn of_packets(&self, field: Field) -> Option<String> {
        let leg = self.leg;
        Some(match field {
            Field::SrcAddr => leg.source.0.to_string(),
            Field::SrcPort => leg.source.1.to_string(),
            Field::DstAddr => leg.destination.0.to_string(),
            Field::DstPort => leg.destination.1.to_string(),
            Field::PktSrcAddr => leg.packet_source.to_string(),
            Field::PktDstAddr => leg.packet_destination.to_string(),
            Field::PktSrcAwsService => return leg.source_service.clone(),
            Field::PktDstAwsService => return leg.destination_service.clone(),
            Field::Protocol => leg.protocol.to_string(),
            Field::Packets => leg.packets.to_string(),
            Field::Bytes => leg.bytes.to_string(),
            Field::TcpFlags => return leg.tcp_flags.map(|flags| flags.to_string()),
            Field::FlowDirection => leg.direction.to_string(),
            Field::TrafficPath => return leg.path.map(|path| path.number().to_string()),
            Field::Type if leg.source.0.is_ipv6() => "IPv6".to_owned(),
            Field::Type => "IPv4".to_owned(),
            Field::Action => Action::Accept.to_string(),
            _ => return None,
        })
    }

    fn of_time(&self, field: Field) -> Option<String> {
        Some(match field {
            Field::Version => self.version.to_string(),
            Field::Start => self.interval.start.as_second().to_string(),
            Field::End => self.interval.end.as_second().to_string(),
            Field::LogStatus => LogStatus::Ok.to_string(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use flowlog::RecordedFormat;

    use super::super::gateway::tests::{gateway, regional_flow_log, zonal_flow_log};
    use super::super::legs::Flow;
    use super::*;

    fn interval() -> Interval {
        let start = "2026-01-02T03:04:05.5Z".parse().unwrap();
        Interval { start, end: "2026-01-02T03:04:06.5Z".parse().unwrap() }
    }

    fn lines(format: &Format, flow_log: &FlowLog) -> Vec<String> {
        let asked = serde_json::json!({
            "client": "10.0.1.5", "peer": "203.0.113.5", "client_port": 40000, "peer_port": 443,
            "peer_service": "S3", "upload_bytes_per_second": 1000,
            "download_bytes_per_second": 5000,
        });
        let flow: Flow = serde_json::from_value(asked).unwrap();
        let legs = flow.legs(&gateway(), flow_log, interval(), true);
        legs.map(|leg| line(&values(format, &gateway(), flow_log, interval(), &leg))).collect()
    }

    #[test]
    fn the_recorded_format_is_filled() {
        let times = "1767323045 1767323046";
        assert_eq!(
            lines(&RecordedFormat::Zonal.format(), &zonal_flow_log()),
            [
                format!(
                    "ACCEPT ingress - 10.0.1.5 40000 10.0.0.220 443 6 1000 IPv4 \
                     10.0.1.5 - 203.0.113.5 S3 1 {times} 2 OK eni-1"
                ),
                format!(
                    "ACCEPT egress 8 10.0.0.220 41024 203.0.113.5 443 6 1000 IPv4 \
                     10.0.0.220 - 203.0.113.5 S3 1 {times} 2 OK eni-1"
                ),
                format!(
                    "ACCEPT ingress - 203.0.113.5 443 10.0.0.220 41024 6 5000 IPv4 \
                     203.0.113.5 S3 10.0.0.220 - 4 {times} 18 OK eni-1"
                ),
                format!(
                    "ACCEPT egress 1 10.0.0.220 443 10.0.1.5 40000 6 5000 IPv4 \
                     203.0.113.5 S3 10.0.1.5 - 4 {times} 18 OK eni-1"
                ),
            ]
        );
    }

    #[test]
    fn a_regional_gateway_is_named_itself() {
        let lines = lines(&RecordedFormat::Regional.format(), &regional_flow_log());
        assert!(lines.iter().all(|line| line.ends_with(" OK nat-1")));
        assert!(lines[0].starts_with("ACCEPT ingress - 10.0.1.5 40000 203.0.113.5 443 "));
        let format = Format::parse("${interface-id} ${interface-type}").unwrap();
        assert_eq!(self::lines(&format, &regional_flow_log())[0], "- regional_nat_gateway");
    }

    /// Every field has a value or a dash, and no field is two.
    #[test]
    fn every_field_of_the_table_is_one_word() {
        let format = Format::from(Field::ALL.as_slice());
        for line in lines(&format, &zonal_flow_log()) {
            assert_eq!(line.split(' ').count(), Field::ALL.len());
            assert!(line.starts_with("11 123456789012 eni-1 "));
        }
    }
}
