//! What a record says, as far as NetFlow has words for it.

use std::net::IpAddr;

use flowlog::{Action, Field, FlowDirection, Leg, Record};

use super::counts::Unexportable;
use super::shape::Shape;

/// The observation point of the legs on the client's side of a gateway (A and D).
pub const INSIDE: u32 = 1;

/// The observation point of the legs on the peer's side of a gateway (B and C).
pub const OUTSIDE: u32 = 2;

/// The fields that [`Flow::read`] looks at, as far as a record has them.
pub const WANTED_FIELDS: [Field; 15] = [
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::Action,
    Field::TcpFlags,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::FlowDirection,
    Field::TrafficPath,
];

/// An address in either family's length; of IPv4, the first four bytes.
pub(super) type Address = [u8; 16];

/// A record in numbers. What it lacks is 0 here, and its shape says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub(super) shape: Shape,
    pub(super) source: Address,
    pub(super) destination: Address,
    /// The address after the translation: the new source or the new destination.
    pub(super) translated: Address,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    /// Of IANA's assigned protocol numbers.
    pub(super) protocol: u8,
    pub(super) tcp_flags: u8,
    /// 0 into the interface, 1 out of it.
    pub(super) direction: u8,
    /// AWS's number of the way.
    pub(super) traffic_path: u8,
    /// [`INSIDE`] or [`OUTSIDE`].
    pub(super) observation_point: u32,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    /// Unix seconds.
    pub(super) start: u32,
    /// Unix seconds.
    pub(super) end: u32,
    /// Whether the address that a gateway gave the connection is not in the record.
    pub(super) has_unknown_gateway: bool,
}

/// Where a flow comes from and goes to.
struct Ends {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    translation: Shape,
    translated: Option<IpAddr>,
    observation_point: u32,
    has_unknown_gateway: bool,
}

impl Flow {
    /// Reads a record that has traffic. With a leg, the ends are those of the connection through
    /// the gateway; without, they are those of the record (`srcaddr`, `dstaddr`; or
    /// `pkt-srcaddr`, `pkt-dstaddr` where the format has only these).
    ///
    /// - Leg A, the upload: client to peer, and the gateway as the source after the translation.
    /// - Leg D, the download: peer to gateway, and the client as the destination after the
    ///   translation.
    /// - Legs B and C: the ends of the packet.
    ///
    /// Where a record does not have the gateway's address (a regional gateway's may not), the
    /// ends are those of the packet and nothing is said about the translation.
    #[inline]
    pub fn read(record: &Record<'_>, leg: Option<Leg>) -> Result<Self, Unexportable> {
        let ends = Ends::of(record, leg);
        let source = ends.source.ok_or(Unexportable::NoSource)?;
        let destination = ends.destination.ok_or(Unexportable::NoDestination)?;
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(Unexportable::TwoFamilies);
        }
        let action = record.action();
        let shape = ends
            .translation
            .with_if(Shape::IPV6, source.is_ipv6())
            .with_if(Shape::LACKS_ACTION, action.is_none())
            .with_if(Shape::REJECTED, action == Some(Action::Reject));
        let mut flow = Self {
            shape,
            source: bytes_of(source),
            destination: bytes_of(destination),
            translated: ends.translated.map_or([0; 16], bytes_of),
            source_port: 0,
            destination_port: 0,
            protocol: 0,
            tcp_flags: 0,
            direction: 0,
            traffic_path: 0,
            observation_point: ends.observation_point,
            bytes: 0,
            packets: 0,
            start: 0,
            end: 0,
            has_unknown_gateway: ends.has_unknown_gateway,
        };
        flow.read_numbers(record);
        Ok(flow)
    }

    #[inline]
    fn read_numbers(&mut self, record: &Record<'_>) {
        let mut shape = self.shape;
        self.source_port = number(record, Field::SrcPort, Shape::LACKS_SOURCE_PORT, &mut shape);
        self.destination_port =
            number(record, Field::DstPort, Shape::LACKS_DESTINATION_PORT, &mut shape);
        self.protocol = number(record, Field::Protocol, Shape::LACKS_PROTOCOL, &mut shape);
        self.tcp_flags = number(record, Field::TcpFlags, Shape::LACKS_TCP_FLAGS, &mut shape);
        self.bytes = number(record, Field::Bytes, Shape::LACKS_BYTES, &mut shape);
        self.packets = number(record, Field::Packets, Shape::LACKS_PACKETS, &mut shape);
        self.start = number(record, Field::Start, Shape::LACKS_START, &mut shape);
        self.end = number(record, Field::End, Shape::LACKS_END, &mut shape);
        match record.flow_direction() {
            Some(FlowDirection::Ingress) => {}
            Some(FlowDirection::Egress) => self.direction = 1,
            None => shape = shape.with(Shape::LACKS_DIRECTION),
        }
        let path = record.number(Field::TrafficPath).and_then(|path| u8::try_from(path).ok());
        if let Some(path) = path {
            self.traffic_path = path;
            shape = shape.with(Shape::HAS_TRAFFIC_PATH);
        }
        self.shape = shape;
    }
}

/// A field's number; 0 if the record lacks it or if it is too large, which the shape then says.
#[inline]
fn number<N: TryFrom<u64> + Default>(
    record: &Record<'_>,
    field: Field,
    lack: Shape,
    shape: &mut Shape,
) -> N {
    let number = record.number(field).and_then(|number| N::try_from(number).ok());
    number.unwrap_or_else(|| {
        *shape = shape.with(lack);
        N::default()
    })
}

const fn bytes_of(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => address.octets(),
    }
}

impl Ends {
    #[inline]
    fn of(record: &Record<'_>, leg: Option<Leg>) -> Self {
        match leg {
            None => Self::of_interface(record),
            Some(Leg::UploadRelayed | Leg::DownloadArriving) => Self::of_packet(record, OUTSIDE),
            Some(Leg::Upload) => Self::of_upload(record),
            Some(Leg::Download) => Self::of_download(record),
        }
    }

    fn of_interface(record: &Record<'_>) -> Self {
        let either = |interface, packet| record.address(interface).or(record.address(packet));
        Self {
            source: either(Field::SrcAddr, Field::PktSrcAddr),
            destination: either(Field::DstAddr, Field::PktDstAddr),
            translation: Shape::NOTHING_SPECIAL,
            translated: None,
            observation_point: 0,
            has_unknown_gateway: false,
        }
    }

    fn of_packet(record: &Record<'_>, observation_point: u32) -> Self {
        Self {
            source: record.address(Field::PktSrcAddr),
            destination: record.address(Field::PktDstAddr),
            translation: Shape::AT_GATEWAY,
            translated: None,
            observation_point,
            has_unknown_gateway: false,
        }
    }

    fn of_upload(record: &Record<'_>) -> Self {
        let ends = Self::of_packet(record, INSIDE);
        match gateway(record, Field::DstAddr, ends.destination, ends.source) {
            None => Self { has_unknown_gateway: true, ..ends },
            gateway => Self { translation: Shape::NEW_SOURCE, translated: gateway, ..ends },
        }
    }

    fn of_download(record: &Record<'_>) -> Self {
        let ends = Self::of_packet(record, INSIDE);
        let client = ends.destination;
        match gateway(record, Field::SrcAddr, ends.source, client) {
            None => Self { has_unknown_gateway: true, ..ends },
            gateway => Self {
                translation: Shape::NEW_DESTINATION,
                destination: gateway,
                translated: client,
                ..ends
            },
        }
    }
}

/// The gateway's address, which its interface has in the place of the peer's; it must be of the
/// client's family.
fn gateway(
    record: &Record<'_>,
    field: Field,
    peer: Option<IpAddr>,
    client: Option<IpAddr>,
) -> Option<IpAddr> {
    let gateway = record.address(field).filter(|gateway| Some(*gateway) != peer)?;
    client.is_some_and(|client| client.is_ipv4() == gateway.is_ipv4()).then_some(gateway)
}
