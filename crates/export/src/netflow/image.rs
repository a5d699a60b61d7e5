//! Records with every value in its place, of which the shape's are taken.

use super::flow::{Address, Flow};
use super::shape::Shape;

/// `forwardingStatus` of traffic that was let through: forwarded, for an unknown reason.
/// <https://www.rfc-editor.org/rfc/rfc7270#section-4.12>
const FORWARDED: u8 = 64;
/// `forwardingStatus` of traffic that was kept out: dropped, denied by an access list.
const DROPPED_BY_POLICY: u8 = 129;
/// `firewallEvent`: flow denied.
const FLOW_DENIED: u8 = 3;

/// The values of an IPv4 record take less than this, and as much again is spare.
pub(crate) const IPV4_HALF: usize = 64;
/// The values of an IPv6 record take less than this, and as much again is spare.
pub(crate) const IPV6_HALF: usize = 128;

/// Start and end, as a protocol has them.
pub(crate) enum Times {
    /// Unix milliseconds.
    Absolute(u64, u64),
    /// Milliseconds since the device started.
    Uptime(u32, u32),
}

/// Every value that a record may have, in the order of `element::elements`, then zeros.
pub(crate) struct Image<const LENGTH: usize> {
    bytes: [u8; LENGTH],
    end: usize,
}

impl Image<{ 2 * IPV4_HALF }> {
    #[inline]
    pub(crate) fn of_ipv4(flow: &Flow, times: &Times) -> Self {
        Self::of(flow, times, |address| {
            let [a, b, c, d, ..] = *address;
            [a, b, c, d]
        })
    }
}

impl Image<{ 2 * IPV6_HALF }> {
    #[inline]
    pub(crate) fn of_ipv6(flow: &Flow, times: &Times) -> Self {
        Self::of(flow, times, |address| *address)
    }
}

impl<const LENGTH: usize> Image<LENGTH> {
    #[inline]
    fn of<const ADDRESS: usize>(
        flow: &Flow,
        times: &Times,
        address: impl Fn(&Address) -> [u8; ADDRESS],
    ) -> Self {
        let is_rejected = flow.shape.has(Shape::REJECTED);
        let mut image = Self { bytes: [0; LENGTH], end: 0 };
        image.put(flow.bytes.to_be_bytes());
        image.put(flow.packets.to_be_bytes());
        match times {
            Times::Absolute(start, end) => {
                image.put(start.to_be_bytes());
                image.put(end.to_be_bytes());
            }
            Times::Uptime(start, end) => {
                image.put(start.to_be_bytes());
                image.put(end.to_be_bytes());
            }
        }
        image.put(address(&flow.source));
        image.put(address(&flow.destination));
        image.put(flow.source_port.to_be_bytes());
        image.put(flow.destination_port.to_be_bytes());
        let status = if is_rejected { DROPPED_BY_POLICY } else { FORWARDED };
        image.put([flow.protocol, flow.tcp_flags, flow.direction, status]);
        image.put(flow.observation_point.to_be_bytes());
        image.put(address(&flow.translated));
        image.put([FLOW_DENIED, flow.traffic_path]);
        image
    }

    /// Appends a value. The places are known when this is compiled, so that nothing is checked
    /// at run time.
    #[inline]
    fn put<const N: usize>(&mut self, value: [u8; N]) {
        if let Some(place) = self.bytes.get_mut(self.end..self.end + N) {
            place.copy_from_slice(&value);
        }
        self.end += N;
    }

    /// A half of the image's length, from a place in its first half on.
    #[inline]
    pub(crate) fn half_from<const HALF: usize>(&self, start: usize) -> Option<&[u8; HALF]> {
        self.bytes.get(start..)?.first_chunk()
    }
}
