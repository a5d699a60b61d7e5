//! The information elements, by IANA's numbers; NetFlow v9 uses the same.
//!
//! Source: <https://www.iana.org/assignments/ipfix/ipfix.xhtml>. A shorter length than the
//! registry's is [reduced-size encoding](https://www.rfc-editor.org/rfc/rfc7011#section-6.2).

use super::encoder::Protocol;
use super::shape::Shape;

/// A place in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The number; of an enterprise's elements, the enterprise's own.
    pub(crate) number: u16,
    /// Bytes.
    pub(crate) length: u16,
    pub(crate) is_enterprise: bool,
}

const fn element(number: u16, length: u16) -> Element {
    Element { number, length, is_enterprise: false }
}

const fn own(number: u16, length: u16) -> Element {
    Element { number, length, is_enterprise: true }
}

/// octetDeltaCount: bytes, headers included.
const BYTES: Element = element(1, 8);
/// packetDeltaCount.
const PACKETS: Element = element(2, 8);
/// protocolIdentifier.
const PROTOCOL: Element = element(4, 1);
/// tcpControlBits, its lower eight bits: flow logs have no others.
const TCP_FLAGS: Element = element(6, 1);
/// sourceTransportPort.
const SOURCE_PORT: Element = element(7, 2);
/// sourceIPv4Address.
const SOURCE_IPV4: Element = element(8, 4);
/// destinationTransportPort.
const DESTINATION_PORT: Element = element(11, 2);
/// destinationIPv4Address.
const DESTINATION_IPV4: Element = element(12, 4);
/// flowEndSysUpTime, `LAST_SWITCHED` in NetFlow v9: milliseconds.
const LAST_SWITCHED: Element = element(21, 4);
/// flowStartSysUpTime, `FIRST_SWITCHED` in NetFlow v9: milliseconds.
const FIRST_SWITCHED: Element = element(22, 4);
/// sourceIPv6Address.
const SOURCE_IPV6: Element = element(27, 16);
/// destinationIPv6Address.
const DESTINATION_IPV6: Element = element(28, 16);
/// exportedFlowRecordTotalCount, `TOTAL_FLOWS_EXP` in NetFlow v9.
pub(crate) const EXPORTED_FLOWS: Element = element(42, 8);
/// flowDirection: 0 ingress, 1 egress.
const DIRECTION: Element = element(61, 1);
/// forwardingStatus: 64 forwarded, 129 dropped by an access list.
const FORWARDING_STATUS: Element = element(89, 1);
/// observationPointId.
const OBSERVATION_POINT: Element = element(138, 4);
/// observationDomainId.
pub(crate) const OBSERVATION_DOMAIN: Element = element(149, 4);
/// flowStartMilliseconds: Unix milliseconds.
const START: Element = element(152, 8);
/// flowEndMilliseconds: Unix milliseconds.
const END: Element = element(153, 8);
/// notSentFlowTotalCount: flow records that were dropped instead of being sent. AWS drops them
/// where it writes SKIPDATA, each of which stands for one or more.
pub(crate) const NOT_SENT_FLOWS: Element = element(166, 8);
/// postNATSourceIPv4Address.
const NEW_SOURCE_IPV4: Element = element(225, 4);
/// postNATDestinationIPv4Address.
const NEW_DESTINATION_IPV4: Element = element(226, 4);
/// firewallEvent: 3 is "flow denied".
const FIREWALL_EVENT: Element = element(233, 1);
/// postNATSourceIPv6Address.
const NEW_SOURCE_IPV6: Element = element(281, 16);
/// postNATDestinationIPv6Address.
const NEW_DESTINATION_IPV6: Element = element(282, 16);
/// ignoredDataRecordTotalCount: records that were received and led to no flow. The nearest that
/// the registry has to a count of NODATA.
pub(crate) const IGNORED_RECORDS: Element = element(407, 8);

/// AWS's `traffic-path`.
const TRAFFIC_PATH: Element = own(1, 1);
/// How many NODATA records there were.
pub(crate) const NODATA_RECORDS: Element = own(2, 8);
/// How many SKIPDATA records there were.
pub(crate) const SKIPDATA_RECORDS: Element = own(3, 8);

/// How many places a data record has at most.
pub(crate) const MOST_ELEMENTS: usize = 16;

/// The places of a record, in the order of its image, each with whether records of the shape
/// have it.
pub(crate) fn elements(protocol: Protocol, shape: Shape) -> [(Element, bool); MOST_ELEMENTS] {
    let is_ipv6 = shape.has(Shape::IPV6);
    let of_family = |ipv4, ipv6| if is_ipv6 { ipv6 } else { ipv4 };
    let (start, end) = match protocol {
        Protocol::Ipfix => (START, END),
        Protocol::V9 | Protocol::V5 => (FIRST_SWITCHED, LAST_SWITCHED),
    };
    let translation = shape.translation();
    let translated = if translation == Shape::NEW_SOURCE {
        of_family(NEW_SOURCE_IPV4, NEW_SOURCE_IPV6)
    } else {
        of_family(NEW_DESTINATION_IPV4, NEW_DESTINATION_IPV6)
    };
    let has_translated = translation == Shape::NEW_SOURCE || translation == Shape::NEW_DESTINATION;
    let unless = |lack| !shape.has(lack);
    [
        (BYTES, unless(Shape::LACKS_BYTES)),
        (PACKETS, unless(Shape::LACKS_PACKETS)),
        (start, unless(Shape::LACKS_START)),
        (end, unless(Shape::LACKS_END)),
        (of_family(SOURCE_IPV4, SOURCE_IPV6), true),
        (of_family(DESTINATION_IPV4, DESTINATION_IPV6), true),
        (SOURCE_PORT, unless(Shape::LACKS_SOURCE_PORT)),
        (DESTINATION_PORT, unless(Shape::LACKS_DESTINATION_PORT)),
        (PROTOCOL, unless(Shape::LACKS_PROTOCOL)),
        (TCP_FLAGS, unless(Shape::LACKS_TCP_FLAGS)),
        (DIRECTION, unless(Shape::LACKS_DIRECTION)),
        (FORWARDING_STATUS, unless(Shape::LACKS_ACTION)),
        (OBSERVATION_POINT, translation != Shape::NOTHING_SPECIAL),
        (translated, has_translated),
        (FIREWALL_EVENT, shape.has(Shape::REJECTED)),
        (TRAFFIC_PATH, shape.has(Shape::HAS_TRAFFIC_PATH)),
    ]
}
