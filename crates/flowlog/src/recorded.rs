//! The format that the recorder asks for.

use crate::{Field, Format};

/// How many fields a recorded record has.
const RECORDED_FIELD_COUNT: usize = 20;

/// The format of a recording, which depends on the gateway's availability mode.
///
/// The first 14 fields are those of the earlier recorder, in its order. The last field says
/// which gateway the record belongs to, because gateways of several VPCs share one log group
/// and may share private addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordedFormat {
    /// A zonal gateway: it is told by its network interface.
    Zonal,
    /// A regional gateway, whose records name no interface: it is told by its own ID.
    Regional,
}

/// The fields that both formats begin with.
const COMMON: [Field; RECORDED_FIELD_COUNT - 1] = [
    Field::Action,
    Field::FlowDirection,
    Field::TrafficPath,
    Field::SrcAddr,
    Field::SrcPort,
    Field::DstAddr,
    Field::DstPort,
    Field::Protocol,
    Field::Bytes,
    Field::Type,
    Field::PktSrcAddr,
    Field::PktSrcAwsService,
    Field::PktDstAddr,
    Field::PktDstAwsService,
    Field::Packets,
    Field::Start,
    Field::End,
    Field::TcpFlags,
    Field::LogStatus,
];

impl RecordedFormat {
    /// Both formats.
    pub const ALL: [Self; 2] = [Self::Zonal, Self::Regional];

    /// The field that says which gateway a record belongs to: the last one.
    #[must_use]
    pub const fn gateway_field(self) -> Field {
        match self {
            Self::Zonal => Field::InterfaceId,
            Self::Regional => Field::ResourceId,
        }
    }

    /// The fields, in the order of the record.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        COMMON.into_iter().chain([self.gateway_field()])
    }

    /// The format; its `Display` is the `LogFormat` of `CreateFlowLogs`.
    #[must_use]
    pub fn format(self) -> Format {
        Format::from(self.fields().collect::<Vec<_>>().as_slice())
    }
}

impl Format {
    /// The format of the recorder before this one: the first 14 fields of the recorded format.
    /// It has as many fields as AWS's default, and no log status.
    #[must_use]
    pub fn earlier_recorder() -> Self {
        let fields = COMMON.iter().copied().take_while(|field| *field != Field::Packets);
        Self::from(fields.collect::<Vec<_>>().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONAL: &str = "${action} ${flow-direction} ${traffic-path} ${srcaddr} ${srcport} \
        ${dstaddr} ${dstport} ${protocol} ${bytes} ${type} ${pkt-srcaddr} ${pkt-src-aws-service} \
        ${pkt-dstaddr} ${pkt-dst-aws-service} ${packets} ${start} ${end} ${tcp-flags} \
        ${log-status} ${interface-id}";

    #[test]
    fn the_recorded_format_is_what_existing_recordings_have() {
        assert_eq!(RecordedFormat::Zonal.format().to_string(), ZONAL);
        assert_eq!(
            RecordedFormat::Regional.format().to_string(),
            ZONAL.replace("interface-id", "resource-id")
        );
        assert_eq!(RecordedFormat::Zonal.fields().count(), RECORDED_FIELD_COUNT);
    }

    #[test]
    fn the_earlier_recorder_had_the_first_14_fields() {
        let format = Format::earlier_recorder();
        assert_eq!(format.fields().len(), 14);
        assert!(ZONAL.starts_with(&format.to_string()));
    }

    #[test]
    fn the_recorded_formats_need_their_versions() {
        assert_eq!(RecordedFormat::Zonal.format().version(), 5);
        assert_eq!(RecordedFormat::Regional.format().version(), 9);
    }
}
