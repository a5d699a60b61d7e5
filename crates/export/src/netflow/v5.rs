//! NetFlow v5: IPv4 records of 48 bytes.
//!
//! Source: Cisco's [datagram format], tables B-3 and B-4.
//!
//! [datagram format]: https://www.cisco.com/c/en/us/td/docs/net_mgmt/netflow_collection_engine/3-6/user/guide/format.html

use super::counts::{Counts, Unexportable};
use super::datagrams::Datagrams;
use super::encoder::Settings;
use super::flow::{Address, Flow};
use super::packet::Packet;
use super::shape::Shape;
use super::uptime::{Span, Window};

pub(crate) const HEADER: usize = 24;
pub(crate) const RECORD: usize = 48;
/// The most records of a datagram.
const MOST_RECORDS: usize = 30;

/// The most records that one flow becomes.
const MOST_PARTS: u64 = 1 << 16;

/// What NetFlow v5 has a place for, so that a lack of it must be counted.
const HAS_PLACE: Shape = Shape::LACKS_SOURCE_PORT
    .with(Shape::LACKS_DESTINATION_PORT)
    .with(Shape::LACKS_PROTOCOL)
    .with(Shape::LACKS_TCP_FLAGS);

#[derive(Clone, Debug)]
pub(crate) struct V5 {
    /// The engine's type and its number.
    engine: [u8; 2],
    packet: Packet,
    records: u16,
    most_records: u16,
    window: Window,
}

impl V5 {
    pub(crate) fn new(settings: &Settings) -> Self {
        let [_, _, kind, number] = settings.domain.to_be_bytes();
        let most_records = ((settings.most_bytes - HEADER) / RECORD).min(MOST_RECORDS);
        Self {
            engine: [kind, number],
            packet: Packet::new(settings.most_bytes),
            records: 0,
            most_records: u16::try_from(most_records).unwrap_or_default(),
            window: Window::default(),
        }
    }

    #[inline]
    pub(crate) fn add(
        &mut self,
        flow: &Flow,
        now: u32,
        datagrams: &mut Datagrams,
        counts: &mut Counts,
    ) {
        let (span, parts) = match exportable(flow) {
            Ok(exportable) => exportable,
            Err(reason) => return counts.refuse(reason),
        };
        counts.records += 1;
        counts.flow_records += parts;
        counts.unmarked_rejects += u64::from(flow.shape.has(Shape::REJECTED));
        if HAS_PLACE.without(flow.shape) != HAS_PLACE {
            counts.add_shape(flow.shape.only(HAS_PLACE), 1);
        }
        for part in 0..parts {
            if self.records == self.most_records || !self.window.holds(span) {
                self.close(now, datagrams);
            }
            if self.records == 0 {
                self.open(span);
            }
            self.window.extend(span);
            self.write(flow, [share(flow.packets, part, parts), share(flow.bytes, part, parts)]);
        }
    }

    fn open(&mut self, span: Span) {
        let next = self.window.next();
        self.window = if next.holds(span) { next } else { Window::around(span) };
        self.packet.clear();
        self.packet.append(&[0; HEADER]);
    }

    /// The next hop, the interfaces, the type of service, the autonomous systems and the masks
    /// are not in flow logs, and 0.
    #[inline]
    fn write(&mut self, flow: &Flow, [packets, bytes]: [u32; 2]) {
        let mut record = [0_u8; RECORD];
        let mut put = |place: usize, value: [u8; 4]| {
            if let Some(place) = record.get_mut(place..place + 4) {
                place.copy_from_slice(&value);
            }
        };
        put(0, ipv4(&flow.source));
        put(4, ipv4(&destination(flow)));
        put(16, packets.to_be_bytes());
        put(20, bytes.to_be_bytes());
        put(24, self.window.uptime(flow.start).to_be_bytes());
        put(28, self.window.uptime(flow.end).to_be_bytes());
        let [[a, b], [c, d]] = [flow.source_port, flow.destination_port].map(u16::to_be_bytes);
        put(32, [a, b, c, d]);
        put(36, [0, flow.tcp_flags, flow.protocol, 0]);
        self.packet.append_first(&record, RECORD);
        self.records += 1;
    }

    /// Finishes the open datagram, if there is one.
    pub(crate) fn close(&mut self, now: u32, datagrams: &mut Datagrams) {
        if self.records == 0 {
            return;
        }
        let (uptime, unix_seconds) = self.window.header(now);
        self.packet.overwrite(0, 5_u16.to_be_bytes());
        self.packet.overwrite(2, self.records.to_be_bytes());
        self.packet.overwrite(4, uptime.to_be_bytes());
        self.packet.overwrite(8, unix_seconds.to_be_bytes());
        self.packet.overwrite(20, self.engine);
        let records = u32::from(self.records);
        datagrams.push(self.packet.bytes(), records, records);
        self.records = 0;
    }
}

/// When the flow was, and how many records it takes.
#[inline]
fn exportable(flow: &Flow) -> Result<(Span, u64), Unexportable> {
    let lacks = |lack| flow.shape.has(lack);
    if lacks(Shape::IPV6) {
        return Err(Unexportable::Ipv6);
    }
    let required = [
        (Shape::LACKS_BYTES, Unexportable::NoBytes),
        (Shape::LACKS_PACKETS, Unexportable::NoPackets),
        (Shape::LACKS_START, Unexportable::NoStart),
        (Shape::LACKS_END, Unexportable::NoEnd),
    ];
    if let Some((_, reason)) = required.into_iter().find(|(lack, _)| lacks(*lack)) {
        return Err(reason);
    }
    let span = Span::of(flow, flow.shape).ok_or(Unexportable::NoStart)?;
    if span.is_too_long() {
        return Err(Unexportable::TooLong);
    }
    let most = u64::from(u32::MAX);
    let parts = flow.bytes.div_ceil(most).max(flow.packets.div_ceil(most)).max(1);
    if parts > MOST_PARTS { Err(Unexportable::TooLarge) } else { Ok((span, parts)) }
}

/// A part's share: the parts differ by one at most, and their sum is the whole.
#[inline]
fn share(whole: u64, part: u64, parts: u64) -> u32 {
    let share = whole / parts + u64::from(part < whole % parts);
    u32::try_from(share).unwrap_or(u32::MAX)
}

/// There is no place for an address after the translation: then the flow ends where the packets
/// go.
const fn destination(flow: &Flow) -> Address {
    let is_translated = matches!(flow.shape.translation(), Shape::NEW_DESTINATION);
    if is_translated { flow.translated } else { flow.destination }
}

const fn ipv4(address: &Address) -> [u8; 4] {
    let [a, b, c, d, ..] = *address;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_add_up(whole: u64, parts in 1..MOST_PARTS) {
            let whole = whole.min(parts * u64::from(u32::MAX));
            let shares: u64 = (0..parts).map(|part| u64::from(share(whole, part, parts))).sum();
            prop_assert_eq!(shares, whole);
        }
    }
}
